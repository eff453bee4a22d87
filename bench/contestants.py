"""Everybody who takes part. Each has a name and, for a problem, a `run` that does the whole of it once and a way to read
the outputs; or says in a sentence why it can't."""

import ctypes
import functools
import os
import pathlib
import sys
import time

import ml_dtypes
import numpy as np

from machine import library
from problem import EPS

# As contestants/contestant.h numbers them.
DTYPE_NUMBERS = {"fp32": 0, "fp16": 1, "bf16": 2}
OPERATION_NUMBERS = {"gradient": 0, "forward": 1}


class Refused(Exception):
    """A contestant can't do this problem; the text says why."""


class CProblem(ctypes.Structure):
    """contestant_problem of contestants/contestant.h."""

    _fields_ = [("rows", ctypes.c_int64), ("columns", ctypes.c_int64), ("operation", ctypes.c_int32),
                ("dtype", ctypes.c_int32), ("variant", ctypes.c_int32), ("eps", ctypes.c_float)] + [
                    (name, ctypes.c_void_p)
                    for name in ("x1", "x2", "gamma", "mean", "rstd", "dy", "dsum", "dx", "dgamma", "dbeta", "beta", "y",
                                 "x")]


class Compiled:
    """A shared library of contestants/, timed where no interpreter is in the way."""

    python = False

    def __init__(self, folder, name, file):
        self.name = name
        self.library = library(folder / f"libcontestant_{file}.so")
        self.clock = library(folder / "libcontestant_clock.so")
        self.library.contestant_create.restype = ctypes.c_void_p
        self.library.contestant_version.restype = ctypes.c_char_p

    def version(self):
        return self.library.contestant_version().decode()

    def prepare(self, problem):
        return [CompiledRun(self, problem, variant) for variant in range(self.library.contestant_variants())]


class CompiledRun:
    def __init__(self, contestant, problem, variant):
        row = problem.row
        address = {name: tensor.ctypes.data for name, tensor in problem.present().items()}
        self.contestant = contestant
        self.problem = problem
        self.c_problem = CProblem(row.rows, row.columns, OPERATION_NUMBERS[problem.operator], DTYPE_NUMBERS[row.dtype],
                                  variant, EPS, **address)
        why = ctypes.create_string_buffer(512)
        handle = contestant.library.contestant_create(ctypes.byref(self.c_problem), why, len(why))
        if not handle:
            raise Refused(why.value.decode())
        self.handle = ctypes.c_void_p(handle)

    def time(self, warm, timed):
        nanoseconds = (ctypes.c_int64 * timed)()
        self.contestant.clock.time_calls(self.contestant.library.contestant_run, self.handle, warm, timed, nanoseconds)
        return list(nanoseconds)

    def outputs(self):
        if hasattr(self.contestant.library, "contestant_finish"):
            self.contestant.library.contestant_finish(self.handle)
        return tuple(getattr(self.problem, name) for name in self.problem.outputs)

    def close(self):
        self.contestant.library.contestant_destroy(self.handle)


def time_python(run, warm, timed):
    for _ in range(warm):
        run()
    times = []
    for _ in range(timed):
        begin = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - begin)
    return times


class PythonRun:
    """`run` returns once the work is done; `outputs` gives numpy arrays of what it computed last."""

    def __init__(self, run, outputs):
        self.run = run
        self.outputs = outputs

    def time(self, warm, timed):
        return time_python(self.run, warm, timed)

    def close(self):
        pass


class Package:
    """alng's Python package on NumPy arrays, outputs given; it keeps its plans itself."""

    python = True
    name = "alng from Python"

    def __init__(self):
        import alng

        self.operators = {"forward": alng.add_layer_norm, "gradient": alng.add_layer_norm_grad}
        self.version = lambda: alng.__version__

    def prepare(self, problem):
        run = functools.partial(self.operators[problem.operator], **problem.present(), normalized_dims=1)
        return [PythonRun(run, lambda: tuple(getattr(problem, name) for name in problem.outputs))]


class Torch:
    """PyTorch. The gradient: x1 + x2, native_layer_norm_backward, + dsum, with out= in eager mode. The forward: x1 + x2,
    native_layer_norm; in eager mode the faster of x allocated each time and x given with out=. native_layer_norm has an
    out=, too, but it copies."""

    python = True

    def __init__(self, compiled=False):
        import torch

        torch.set_grad_enabled(False)
        self.torch = torch
        self.compiled = compiled
        self.name = "PyTorch compiled" if compiled else "PyTorch eager"

    def version(self):
        return self.torch.__version__

    def tensor(self, array):
        if array.dtype.name == "bfloat16":
            return self.torch.from_numpy(array.view(np.uint16)).view(self.torch.bfloat16)
        return self.torch.from_numpy(array)

    def array(self, tensor):
        if tensor.dtype == self.torch.bfloat16:
            return tensor.view(self.torch.uint16).numpy().view(ml_dtypes.bfloat16)
        return tensor.numpy()

    def gradient(self, problem, t):
        """The operator as a function of its inputs, and the ways to do it in eager mode."""
        torch = self.torch
        row = problem.row
        beta = torch.zeros_like(t["gamma"])
        backward = torch.ops.aten.native_layer_norm_backward.default
        # Without gamma PyTorch gives no dgamma and dbeta; those who want them pass ones.
        shape, mask = [row.columns], [True, True, True]

        def step(dy, x1, x2, rstd, mean, gamma, dsum):
            dx, dgamma, dbeta = backward(dy, x1 + x2, shape, mean[:, None], rstd[:, None], gamma, beta, mask)
            return (dx + dsum if row.dsum else dx), dgamma, dbeta

        x = torch.empty_like(t["dx"])
        sums = torch.empty_like(beta), torch.empty_like(beta)
        backward_out = torch.ops.aten.native_layer_norm_backward.out

        def given(dy, x1, x2, rstd, mean, gamma, dsum):
            torch.add(x1, x2, out=x)
            backward_out(dy, x, shape, mean[:, None], rstd[:, None], gamma, beta, mask, out0=t["dx"], out1=sums[0],
                         out2=sums[1])
            if row.dsum:
                t["dx"].add_(dsum)
            return t["dx"], *sums

        return step, [given]

    def forward(self, problem, t):
        torch = self.torch
        shape = [problem.row.columns]

        # gamma is ones and beta zeros where a row is without: only with float32 parameters are the statistics of 16-bit
        # tensors float32.
        def step(x1, x2, gamma, beta):
            x = x1 + x2
            return *torch.native_layer_norm(x, shape, gamma, beta, EPS), x

        def given(x1, x2, gamma, beta):
            torch.add(x1, x2, out=t["x"])
            return *torch.native_layer_norm(t["x"], shape, gamma, beta, EPS), t["x"]

        return step, [step, given]

    def prepare(self, problem):
        t = {name: self.tensor(getattr(problem, name)) for name in problem.inputs + problem.outputs}
        step, ways = getattr(self, problem.operator)(problem, t)
        if self.compiled:
            self.torch._dynamo.reset()
            ways = [self.torch.compile(step, dynamic=False, fullgraph=True)]
        try:
            return [self.prepared(way, [t[name] for name in problem.inputs], problem) for way in ways]
        except Exception as error:  # pylint: disable=broad-except
            raise Refused(str(error).splitlines()[0]) from error

    def prepared(self, way, inputs, problem):
        last = {}

        def run():
            last["outputs"] = way(*inputs)

        run()
        return PythonRun(run, lambda: tuple(self.array(tensor).reshape(getattr(problem, name).shape)
                                            for name, tensor in zip(problem.outputs, last["outputs"])))


class Jax:
    """JAX: the formulas in float32, compiled by XLA, outputs allocated by it."""

    python = True
    name = "JAX"

    def __init__(self):
        import jax

        jax.config.update("jax_platforms", "cpu")
        self.jax = jax

    def version(self):
        return self.jax.__version__

    def gradient(self, row):
        jnp = self.jax.numpy

        def step(dy, x1, x2, rstd, mean, gamma, dsum):
            g = dy.astype(jnp.float32)
            h = (x1.astype(jnp.float32) + x2.astype(jnp.float32) - mean[:, None]) * rstd[:, None]
            w = g * gamma if row.gamma else g
            dx = rstd[:, None] * (w - w.mean(axis=1, keepdims=True) - h * (w * h).mean(axis=1, keepdims=True))
            if row.dsum:
                dx = dx + dsum.astype(jnp.float32)
            return dx.astype(dy.dtype), (g * h).sum(axis=0), g.sum(axis=0)

        return step

    def forward(self, row):
        jnp = self.jax.numpy

        def step(x1, x2, gamma, beta):
            x = x1.astype(jnp.float32) + x2.astype(jnp.float32)
            mean = x.mean(axis=1, keepdims=True)
            c = x - mean
            rstd = self.jax.lax.rsqrt((c * c).mean(axis=1, keepdims=True) + EPS)
            y = c * rstd * gamma + beta if row.gamma else c * rstd
            return y.astype(x1.dtype), mean[:, 0], rstd[:, 0], x.astype(x1.dtype)

        return step

    def prepare(self, problem):
        inputs = [self.jax.device_put(getattr(problem, name)) for name in problem.inputs]
        compiled = self.jax.jit(getattr(self, problem.operator)(problem.row))
        last = {}

        def run():
            last["outputs"] = self.jax.block_until_ready(compiled(*inputs))

        run()
        return [PythonRun(run, lambda: tuple(np.asarray(output) for output in last["outputs"]))]


def everybody(folder):
    """alng, alng as called from Python, then the others; `folder` is where the compiled ones are."""
    # The stream and the newest oneDNN both use oneTBB, and a process has one: the newer of the two, which serves both. With
    # Debian's 2021.8 the newest oneDNN finds no processor.
    tbb = pathlib.Path(sys.prefix) / "lib" / "libtbb.so.12"
    if tbb.exists():
        ctypes.CDLL(str(tbb), mode=os.RTLD_GLOBAL | os.RTLD_NOW)
    makers = [
        lambda: Compiled(folder, "alng", "alng"),
        Package,
        lambda: Compiled(folder, "stream", "stream"),
        lambda: Compiled(folder, "plain loops", "plain_loop"),
        lambda: Compiled(folder, "oneDNN", "onednn"),
        lambda: Compiled(folder, "oneDNN 3.2 OpenMP", "onednn_openmp"),
        Torch,
        lambda: Torch(compiled=True),
        Jax,
    ]
    present = []
    for maker in makers:
        try:
            present.append(maker())
        except (OSError, ImportError) as error:
            print(f"absent: {error}", flush=True)
    return present


def wait_until_idle():
    """Until the threads of the last contestant sleep: OpenMP's spin on, XLA's give memory back. 4 to 300 ms."""
    for _ in range(75):
        before = time.process_time()
        time.sleep(0.004)
        if time.process_time() - before < 0.0004:
            return
