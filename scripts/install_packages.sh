#!/usr/bin/env bash
# Installs the Debian packages that are missing here for the uses named: build (library and command line), test (the test
# programs), check (everything scripts/test.sh runs), bench (what scripts/bench.sh needs beside build). Touches apt only
# where something is missing.
set -euo pipefail

build=(g++ cmake ninja-build libhwy-dev libtbb-dev libcli11-dev libfmt-dev nlohmann-json3-dev)
test=(libgtest-dev libgmock-dev librapidcheck-dev make python3 python3-venv)
check=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev libc++-14-dev libc++abi-14-dev shellcheck
  pkg-config ccache python3-dev)
# The cross build; its arm64 libraries come from scripts/aarch64_root.sh.
[[ $(uname -m) == x86_64 ]] && check+=(g++-aarch64-linux-gnu qemu-user)

bench=(git patch patchelf valgrind python3-venv ccache)

wanted=()
for use in "$@"; do
  case $use in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    check) wanted+=("${check[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    *) echo "install_packages.sh: '$use' is none of build, test, check, bench" >&2 && exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This machine has no apt. Install what these Debian packages hold, then build with cmake: ${wanted[*]}" >&2
  exit 1
fi
missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed* ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo --non-interactive true 2>/dev/null; }; then
    as_root=(sudo)
  else
    echo "Packages are missing and only root may install them. As root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi
echo "installing ${#missing[@]} packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update &&
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"; } \
  >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install ${missing[*]}; the lines above are its last words." >&2
  exit 1
fi
