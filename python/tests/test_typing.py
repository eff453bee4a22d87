"""The package's types: mypy --strict, stubtest, and the stub of the native module against its own signatures."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import alng
from alng import _core

PACKAGE = Path(alng.__file__).parent

pytest.importorskip("mypy")


def run_module(*arguments: str, cwd: Path) -> None:
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_strict(tmp_path: Path) -> None:
    run_module("mypy", "--strict", "--cache-dir", str(tmp_path), "-m", "alng", "-m", "alng._core", cwd=tmp_path)


def test_a_program_that_uses_it(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import numpy as np, alng\n"
        "x = np.ones((2, 4), np.float32)\n"
        "y, mean, rstd, _ = alng.add_layer_norm(x, normalized_dims=1)\n"
        "reveal_type(alng.Plan.add_layer_norm_grad(x, x, None, rstd, mean).run(dy=x, x1=x, rstd=rstd, mean=mean))\n"
        "alng.add_layer_norm([1.0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "program.py"],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert "Gradients" in done.stdout
    assert 'program.py:5: error: Argument 1 to "add_layer_norm" has incompatible type "list[float]"' in done.stdout
    assert "Found 1 error" in done.stdout


def test_stubtest(tmp_path: Path) -> None:
    allowed = str(Path(__file__).parent / "stubtest.allow")
    run_module("mypy.stubtest", "alng._core", "--allowlist", allowed, "--ignore-unused-allowlist", cwd=tmp_path)


def parameters(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args]


def test_the_stub_has_every_name_and_every_parameter_of_the_native_module() -> None:
    stub = ast.parse((PACKAGE / "_core.pyi").read_text())
    functions = {node.name: parameters(node) for node in stub.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    constants = {
        node.target.id for node in stub.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    public = {name for name in dir(_core) if not name.startswith("_")}
    assert public == functions.keys() | classes.keys() | {name for name in constants if not name.startswith("_")}

    def at_runtime(function: object) -> list[str]:
        text = function.__nb_signature__[0][0]  # type: ignore[attr-defined]
        return parameters(ast.parse(text.replace("\\", "None") + ": ...").body[0])  # type: ignore[arg-type]

    for name, names in functions.items():
        assert at_runtime(getattr(_core, name)) == names
    for name in ("ForwardPlan", "GradPlan"):
        members = {node.name: node for node in classes[name].body if isinstance(node, ast.FunctionDef)}
        assert members.keys() == {n for n in vars(getattr(_core, name)) if not n.startswith("_")} | {"__init__"}
        assert at_runtime(getattr(_core, name).__init__) == parameters(members["__init__"])
