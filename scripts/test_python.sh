#!/usr/bin/env bash
# Builds the wheel of the Python package and tests it in fresh virtual environments, of two Pythons where two are there.
# Each suite, NumPy, JAX and PyTorch, has an environment of its own. What PyPI doesn't give is said to be skipped.
#
#   scripts/test_python.sh            all of it (PyTorch's wheels alone are 3 GB to load)
#   scripts/test_python.sh --quick    the NumPy suite with one Python
set -euo pipefail
cd "$(dirname "$0")/.."

work=build/python
tests=python/tests

# Up to two interpreters, oldest and newest, that the stable ABI's wheel is for; else the system's own.
pythons() {
  local minor found=()
  for minor in 12 13 14 15; do
    # A shim may stand for a version that isn't there.
    python3."$minor" -c 'import venv' 2>/dev/null && found+=("python3.$minor")
  done
  ((${#found[@]} > 0)) || found=(python3)
  printf '%s\n' "${found[0]}"
  ((${#found[@]} == 1)) || printf '%s\n' "${found[-1]}"
}

pip_install() { # VENV ARGUMENT...
  "$1/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 "${@:2}"
}

# What builds the wheel stays between runs, as does what it has compiled, until the Python or the requirements change.
make_builder() { # PYTHON
  local wanted
  wanted=$("$1" --version && cat $tests/requirements.txt)
  [[ $(cat $work/builder/complete 2>/dev/null) != "$wanted" ]] || return 0
  rm -rf $work/builder $work/compiled
  "$1" -m venv $work/builder
  pip_install $work/builder -r $tests/requirements.txt || return 1
  echo "$wanted" >$work/builder/complete
}

build_wheel() {
  rm -rf $work/built $work/wheel
  $work/builder/bin/pip wheel . --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --config-settings build-dir="$PWD/$work/compiled" --wheel-dir $work/built
  PATH="$PWD/$work/builder/bin:$PATH" auditwheel repair --wheel-dir $work/wheel $work/built/*.whl
  ls -l $work/wheel
  $work/builder/bin/python -m zipfile --list $work/wheel/*.whl
}

# In an environment with the wheel, its requirements and no more.
run_suite() { # NAME PYTHON REQUIREMENTS TEST...
  local venv=$work/venv requirements=()
  [[ -z $3 ]] || requirements=(-r "$3")
  rm -rf "$venv"
  "$2" -m venv "$venv"
  if ! pip_install "$venv" -r $tests/requirements.txt "${requirements[@]}"; then
    echo "$1 with $("$2" --version): skipped: what it requires can't be installed"
    return 0
  fi
  pip_install "$venv" $work/wheel/*.whl
  echo "$1 with $("$2" --version):"
  "$venv/bin/python" -m pytest --quiet -p no:cacheprovider "${@:4}" | tee $work/pytest.log
  sed -n 's/^\([0-9]*\) passed.*/pytest: \1 passed, 0 failed/p' $work/pytest.log
}

mapfile -t pythons < <(pythons)
if ! make_builder "${pythons[0]}"; then
  echo "python: skipped: what $tests/requirements.txt names can't be installed"
  exit 0
fi
build_wheel
of_numpy=("$tests" "--ignore=$tests/test_jax.py" "--ignore-glob=$tests/test_torch*.py")
if [[ ${1:-} == --quick ]]; then
  run_suite NumPy "${pythons[-1]}" '' "${of_numpy[@]}"
  exit 0
fi
for python in "${pythons[@]}"; do run_suite NumPy "$python" '' "${of_numpy[@]}"; done
run_suite JAX "${pythons[-1]}" $tests/requirements-jax.txt $tests/test_jax.py $tests/test_docs.py
run_suite PyTorch "${pythons[-1]}" $tests/requirements-torch.txt $tests/test_torch*.py $tests/test_docs.py
if [[ -x $work/venv/bin/python ]] && "$work/venv/bin/python" -c 'import torch' 2>/dev/null; then
  echo "PyTorch on a GPU:"
  # 5: no test, since there is no GPU
  ALNG_TEST_DEVICE=cuda "$work/venv/bin/python" -m pytest --quiet -rs -p no:cacheprovider \
    $tests/test_torch.py $tests/test_torch_models.py || (($? == 5))
  echo "The Triton kernels that the benchmark compares with:"
  "$work/venv/bin/python" bench/check_triton.py
fi
