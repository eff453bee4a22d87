"""How the package behaves in a process: forks, threads, memory, import, exit."""

from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import alng


def large(rows: int = 4000) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    tensors = {name: rng.standard_normal((rows, 768), np.float32) for name in ("dy", "x1", "x2", "dsum")}
    forward = alng.add_layer_norm(tensors["x1"], tensors["x2"], normalized_dims=1)
    return tensors | {"rstd": forward.rstd, "mean": forward.mean}


def digest(tensors: dict[str, Any], threads: int = 0) -> bytes:
    return b"".join(
        array.tobytes() for array in alng.add_layer_norm_grad(**tensors, threads=threads, normalized_dims=1)
    )


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
        timeout=120,
    )


def in_the_child(tensors: dict[str, Any], pipe: Any) -> None:
    bits = digest(tensors)
    pipe.send((bits, len(os.listdir("/proc/self/task"))))


def test_children_of_a_warm_parent_compute_the_same_with_threads_of_their_own() -> None:
    tensors = large()
    expected = digest(tensors)
    fork = multiprocessing.get_context("fork")
    for _ in range(3):
        here, there = fork.Pipe()
        child = fork.Process(target=in_the_child, args=(tensors, there))
        child.start()
        assert here.poll(60), "the child hangs"
        bits, threads = here.recv()
        child.join()
        assert bits == expected
        assert threads == len(os.sched_getaffinity(0)), "a plan of the parent's was run, which has no threads here"


def test_forks_while_other_threads_compute() -> None:
    tensors = large(500)
    expected = digest(tensors)
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            assert digest(tensors) == expected

    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(compute) for _ in range(2)]
        fork = multiprocessing.get_context("fork")
        try:
            for _ in range(5):
                here, there = fork.Pipe()
                child = fork.Process(target=in_the_child, args=(tensors, there))
                child.start()
                assert here.poll(60), "the child hangs"
                assert here.recv()[0] == expected
                child.join()
        finally:
            stop.set()
        for future in busy:
            future.result()


def test_many_threads_at_once() -> None:
    tensors = [large(rows) for rows in (1, 7, 100, 500)]
    expected = [digest(t) for t in tensors]
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda i: digest(tensors[i % 4], threads=i % 3), range(200)))
    assert got == [expected[i % 4] for i in range(200)]


def test_a_plan_shared_by_threads() -> None:
    tensors = large(300)
    plan = alng.Plan.add_layer_norm_grad(**tensors, normalized_dims=1)
    expected = [array.tobytes() for array in plan.run(**tensors)]
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: plan.run(**tensors), range(40)):
            assert [array.tobytes() for array in result] == expected


def test_the_gil_is_released_while_it_computes() -> None:
    tensors = large(20000)
    outputs = {"dx": np.empty_like(tensors["dy"]), "dgamma": np.empty(768, np.float32), "dbeta": False}
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.0005)

    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        for _ in range(5):  # on a busy machine the ticker may be scheduled late
            begin = time.perf_counter()
            alng.add_layer_norm_grad(**tensors, **outputs, threads=1, normalized_dims=1)
            end = time.perf_counter()
            quarter = (end - begin) / 4  # a thread that waits for the GIL gets it at once before and after the call
            during = sum(begin + quarter < tick < end - quarter for tick in ticks)
            if during >= 3:
                break
    finally:
        stop.set()
        ticker.join()
    assert end - begin > 0.005, "too short to tell"
    assert during >= 3


def test_memory_stays_flat_over_10_000_calls() -> None:
    tensors = large(4)

    def peak_growth(calls: int) -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(calls):
            alng.add_layer_norm_grad(**tensors, normalized_dims=1)
            with pytest.raises(TypeError):
                alng.add_layer_norm([], normalized_dims=1)  # type: ignore[arg-type]
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    peak_growth(1000)
    assert peak_growth(10_000) <= 1024  # KiB; a leak of 100 bytes a call were 977


def test_references_are_given_back() -> None:
    tensors = large(4)
    before = {name: sys.getrefcount(array) for name, array in tensors.items()}
    dx = np.empty_like(tensors["dy"])
    for _ in range(10):
        alng.add_layer_norm_grad(**tensors, dx=dx, normalized_dims=1)
    assert {name: sys.getrefcount(array) for name, array in tensors.items()} == before
    assert sys.getrefcount(dx) == 2


def test_kept_plans_are_bounded() -> None:
    """More shapes than are kept, twice: made anew, with the same results."""
    first = [alng.add_layer_norm(np.ones((1, d), np.float32), normalized_dims=1).rstd.item() for d in range(1, 600)]
    assert first == [
        alng.add_layer_norm(np.ones((1, d), np.float32), normalized_dims=1).rstd.item() for d in range(1, 600)
    ]


def test_import_takes_less_than_50_ms_after_numpy() -> None:
    code = "import numpy, time; a = time.perf_counter(); import alng; print(time.perf_counter() - a)"
    assert min(float(run_python(code).stdout) for _ in range(5)) < 0.05


def test_neither_torch_nor_jax_is_imported() -> None:
    assert (
        run_python("import alng, sys; print([m for m in ('torch', 'jax', 'ml_dtypes') if m in sys.modules])").stdout
        == "[]\n"
    )


def test_nothing_is_printed_at_exit_where_plans_are_alive() -> None:
    code = """
import numpy as np, alng, atexit, threading
x = np.ones((4, 8), np.float32)
plan = alng.Plan.add_layer_norm(x, normalized_dims=1)
keep = {"plan": plan}
atexit.register(lambda: keep["plan"].run(x1=x))
threading.Thread(target=lambda: alng.add_layer_norm(x, normalized_dims=1)).start()
"""
    done = run_python(code)
    assert (done.stdout, done.stderr) == ("", "")


def test_alng_isa_forces_an_instruction_set() -> None:
    code = (
        "import numpy as np, alng; print(alng.Plan.add_layer_norm(np.ones((1, 8), np.float32), normalized_dims=1).isa)"
    )
    assert run_python(code, ALNG_ISA="scalar").stdout == "scalar\n"
