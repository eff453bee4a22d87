#!/usr/bin/env bash
# Installs a build with -DALNG_BUILD_CUDA=ON, moves what was installed, and looks at libalng_cuda.so there: where it lies,
# what it needs and exports, its size, and what is said on a machine without an NVIDIA driver.
#
#   tests/install/cuda.sh BUILD FOLDER     FOLDER is made anew
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "$1")
work=$(realpath -m "$2")
rm -rf "$work"
mkdir -p "$work"
passed=0 failed=0
# shellcheck source=/dev/null
source "$root/tests/check.sh"

cmake --install "$build" --prefix "$work/first_place" >"$work/last.log"
mv "$work/first_place" "$work/moved"
library=$(find "$work/moved" -name libalng_cuda.so)
alng=$work/moved/bin/alng
unset ALNG_CUDA_LIBRARY

lies_beside_libalng() { [[ -n $library && -e $(dirname "$library")/libalng.so.0 ]]; }
needs_no_cuda() { # LIBRARY...
  local needed
  for file in "$@"; do
    needed=$(ldd "$file") && ! awk '{ print $1 }' <<<"$needed" | grep -iE 'cuda|nvidia|libcu' || return 1
  done
}
exports_its_entry_alone() { [[ $(nm --dynamic --defined-only "$library" | cut -d' ' -f3) == alng_internal_cuda_library ]]; }
is_below_8_mb() { (($(stat -c %s "$library") < 8000000)); }
is_found() {
  local list
  list=$("$alng" info)
  echo "$list"
  grep -qE '(cuda +no +(there is no NVIDIA driver|the NVIDIA driver )|cuda:0 +(yes|no) )' <<<"$list"
}
run_says_why() {
  local said
  "$alng" make -o "$work/p.safetensors" --shape 8x64 --dtype bf16 >/dev/null
  if said=$("$alng" run "$work/p.safetensors" -o "$work/r.safetensors" --device cuda 2>&1); then
    "$alng" info | grep -qE 'cuda:0 +yes'
  else
    echo "$said"
    [[ $said == "alng: cuda"* && $(wc -l <<<"$said") == 1 && ! -e $work/r.safetensors ]]
  fi
}

check "libalng_cuda.so lies beside libalng.so" lies_beside_libalng
check "no CUDA library is needed" needs_no_cuda "$library" "$(dirname "$library")/libalng.so.0" "$alng"
check "only the entry for libalng is exported" exports_its_entry_alone
check "it is below 8 MB" is_below_8_mb
check "alng info has found it" is_found
check "alng run --device cuda runs or says why not" run_says_why

echo "cuda: $passed passed, $failed failed"
((failed == 0))
