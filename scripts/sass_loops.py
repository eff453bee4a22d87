"""The loop over rows in a kernel's SASS, and what a thread executes of it in every row. For check_sass.py."""

import collections
import re


def jump(instruction):
    """(whether the next instruction may follow, the address that may follow instead) of one that ends a block, else None."""
    # BRA.DIV goes to code for warps that have come apart, which returns; no kernel of ours lets them where it matters.
    if instruction.name == "BRA" and ".DIV" not in instruction.operation:
        conditional = instruction.when is not None or re.match(r"[^0]*U?P\d", instruction.rest) is not None
        return conditional, int(re.search(r"0x([0-9a-f]+)\s*$", instruction.rest)[1], 16)
    if instruction.name in ("EXIT", "RET", "KILL"):
        return instruction.when is not None, None
    return None


def blocks_of(instructions):
    """By the number of a block's first instruction: (the number behind its last, the blocks that may follow)."""
    number = {instruction.at: n for n, instruction in enumerate(instructions)}
    jumps = {n: j for n, instruction in enumerate(instructions) if (j := jump(instruction)) is not None}
    begins = {0} | {n + 1 for n in jumps} | {number[to] for _, to in jumps.values() if to is not None}
    begins = sorted(n for n in begins if n < len(instructions))
    blocks = {}
    for begin, end in zip(begins, [*begins[1:], len(instructions)]):
        falls, to = jumps.get(end - 1, (True, None))
        after = [number[to]] if to is not None else []
        blocks[begin] = end, after + ([end] if falls and end < len(instructions) else [])
    return blocks


def in_order(blocks):
    """The blocks that can be reached, each before those behind it but for the way back in loops."""
    order, seen, stack = [], {0}, [(0, iter(blocks[0][1]))]
    while stack:
        block, after = stack[-1]
        following = next((b for b in after if b not in seen), None)
        if following is None:
            order.append(block)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(blocks[following][1])))
    return order[::-1]


def loops_of(blocks, order):
    """By its first block: the blocks of each loop."""
    place = {block: n for n, block in enumerate(order)}
    before = collections.defaultdict(list)
    for block in order:
        for following in blocks[block][1]:
            before[following].append(block)
    # The nearest block that every way to a block passes.
    gate, changed = {0: 0}, True
    while changed:
        changed = False
        for block in order[1:]:
            common = None
            for other in before[block]:
                if other not in gate:
                    continue
                a, b = other, other if common is None else common
                while a != b:
                    a, b = (gate[a], b) if place[a] > place[b] else (a, gate[b])
                common = a
            changed |= gate.get(block) != common
            gate[block] = common

    def passes(block, first):
        while block not in (first, 0):
            block = gate[block]
        return block == first

    loops = {}
    for block in order:
        for first in blocks[block][1]:
            if passes(block, first):
                body, stack = loops.setdefault(first, {first}), [block]
                while stack:
                    if (at := stack.pop()) not in body:
                        body.add(at)
                        stack.extend(before[at])
    return loops


def is_rare(instruction):
    """Of a block that not every thread executes in every row: statistics are loaded in one row of 32, sums stored at the end
    of a block of rows, bulk copies begun by one thread. Rows themselves are stored evict-first."""
    return instruction.when is None and (
        instruction.name in ("UBLKCP", "LDG", "LD", "CALL")
        or (instruction.name in ("STG", "ST") and ".EF" not in instruction.operation))


def row_loop(instructions):
    """(The instructions of the largest loop, those of the longest way through it without rare blocks), or None. The way is
    that of a problem with all tensors; a loop within it is counted once."""
    blocks = blocks_of(instructions)
    order = in_order(blocks)
    loops = loops_of(blocks, order)
    if not loops:
        return None

    def of(block):
        return instructions[block : blocks[block][0]]

    first, body = max(loops.items(), key=lambda loop: sum(len(of(block)) for block in loop[1]))
    place = {block: n for n, block in enumerate(order)}
    longest, ways = {first: of(first)}, [[]]
    for block in sorted(body, key=place.get):
        if block not in longest:
            continue
        for following in blocks[block][1]:
            way = longest[block] + of(following)
            if following == first:
                ways.append(longest[block])
            elif (following in body and place[following] > place[block] and not any(map(is_rare, of(following)))
                  and len(way) > len(longest.get(following, []))):
                longest[following] = way
    return [i for block in body for i in of(block)], max(ways, key=len)
