"""What a result was measured on and with: processor, caches, versions, flags. As a program: the folder of this processor's
results in bench/results."""

import ctypes
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess


def cache_bytes():
    """The sizes of the data caches that the first processor reaches, by level."""
    sizes = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() == "Instruction":
            continue
        size = (index / "size").read_text().strip()
        unit = {"K": 1 << 10, "M": 1 << 20}.get(size[-1], 1)
        sizes[int((index / "level").read_text())] = int(size.rstrip("KM")) * unit
    return sizes


def cpuinfo():
    """What the system says of the first processor."""
    first = pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def processor():
    return cpuinfo().get("model name") or platform.processor() or "unknown"


# A virtual machine calls processors of several generations "AMD EPYC". Family, first and last model.
GENERATIONS = {"AuthenticAMD": ((23, 0x30, 0xff, "Zen 2"), (25, 0x00, 0x0f, "Zen 3"), (25, 0x10, 0x1f, "Zen 4"),
                                (25, 0x20, 0x5f, "Zen 3"), (25, 0x60, 0xaf, "Zen 4"), (26, 0x00, 0xff, "Zen 5")),
               "GenuineIntel": ((6, 85, 85, "Skylake or Cascade Lake"), (6, 106, 108, "Ice Lake"),
                                (6, 143, 143, "Sapphire Rapids"), (6, 173, 174, "Granite Rapids"),
                                (6, 207, 207, "Emerald Rapids"))}


def generation():
    """Zen 3, Emerald Rapids; of a processor that isn't in the table its family and model."""
    of = cpuinfo()
    if "cpu family" not in of:
        return ""
    family, model = int(of["cpu family"]), int(of["model"])
    for its_family, first, last, name in GENERATIONS.get(of["vendor_id"], ()):
        if family == its_family and first <= model <= last:
            return name
    return f"family {family} model {model}"


def plain_name(model, of_generation):
    """Without marks and clock: "Intel(R) Xeon(R) Processor", an Emerald Rapids, is Intel Xeon, Emerald Rapids."""
    words = re.sub(r"\((r|tm)\)|@.*|\b(CPU|Processor)\b", " ", model, flags=re.IGNORECASE).split()
    return ", ".join(filter(None, (" ".join(words), of_generation)))


def folder_name(model, of_generation):
    """The same as the name of a folder: intel-xeon-emerald-rapids."""
    return "-".join(re.findall(r"[a-z0-9]+", plain_name(model, of_generation).lower())) or "unknown"


def vector_instructions():
    flags = cpuinfo().get("flags", "").split()
    return [name for name in ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16") if name in flags]


def commit(root):
    """The commit of the sources, with a + where they differ from it."""
    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=False).stdout.strip()
    return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def describe(root, contestants):
    packages = {}
    for name in ("torch", "jax", "jaxlib", "numpy", "onednn"):
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return {
        "processor": processor(),
        "generation": generation(),
        "processors": os.cpu_count(),
        "vector_instructions": vector_instructions(),
        "cache_bytes": {str(level): size for level, size in cache_bytes().items()},
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "system": platform.platform(),
        "libc": " ".join(platform.libc_ver()),
        "commit": commit(root),
        "packages": packages,
        "contestants": contestants,
    }


def use_one_processor():
    """For whatever is loaded from now on there is one processor, so that no library needs to be told."""
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})


def library(path):
    return ctypes.CDLL(str(path), mode=os.RTLD_LOCAL | os.RTLD_NOW)


if __name__ == "__main__":
    print(folder_name(processor(), generation()))
