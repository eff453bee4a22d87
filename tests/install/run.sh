#!/usr/bin/env bash
# Installs alng, shared and static, moves what was installed, and uses it as strangers would: find_package, add_subdirectory,
# and pkg-config with a plain compiler; from C++ and from C99. Prints one line for each and a closing count.
#
#   tests/install/run.sh [FOLDER]     FOLDER (default build/install) is made anew; ALNG_INSTALL_KINDS=shared does without
#                                     the static library
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(realpath -m "${1:-$root/build/install}")
rm -rf "$work"
mkdir -p "$work"
passed=0 failed=0
# shellcheck source=/dev/null
source "$root/tests/check.sh"

build_and_run() { # FOLDER CMAKE-ARGUMENT...
  local folder=$1
  shift
  cmake -S "$here" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release "$@" &&
    cmake --build "$folder" -j "$(nproc)" && "$folder/consumer_cc" && "$folder/consumer_c"
}

# Strict warnings, since what a header does to a caller's warnings is part of it.
strict=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

plain_cc() { # "PKG-CONFIG-ARGUMENTS" COMPILER [OPTION...]
  local libraries
  # shellcheck disable=SC2086
  libraries=$(pkg-config $1 alng) || return 1
  shift
  # shellcheck disable=SC2086 # pkg-config prints a list of words.
  "$@" "${strict[@]}" "$here/consumer.cc" -o "$work/plain_cc" $libraries && "$work/plain_cc"
}
plain_c() { # "PKG-CONFIG-ARGUMENTS"
  local libraries
  # shellcheck disable=SC2086
  libraries=$(pkg-config $1 alng) || return 1
  # shellcheck disable=SC2086
  gcc -std=c99 "${strict[@]}" "$here/consumer.c" -o "$work/plain_c" $libraries && "$work/plain_c"
}

# Each C++ header, read by itself.
cpp_headers() { # PREFIX COMPILER-OPTION...
  local include=$1/include header
  shift
  for header in "$include"/alng/*.hpp; do
    echo "#include <alng/${header##*/}>" | g++ "$@" -I"$include" "${strict[@]}" -x c++ -fsyntax-only - || return 1
  done
}
# A compiler that is too old for them hears so first.
hears_of_17() { # PREFIX
  local include=$1/include header first
  for header in "$include"/alng/*.hpp; do
    first=$(echo "#include <alng/${header##*/}>" | g++ -std=c++14 -I"$include" -x c++ -fsyntax-only - 2>&1 |
      grep -m1 'error') || true
    echo "$header: $first"
    [[ $first == *'needs C++17'* ]] || return 1
  done
}
# The C interface is for all of them.
plain_c_as_cpp() { # COMPILER-OPTION...
  echo '#include <alng/alng.h>' | g++ "$@" -Wall -Wextra -Wpedantic -Werror -x c++ -fsyntax-only -
}

refuses_next_minor() { # PREFIX
  ! cmake -S "$here" -B "$work/next_minor" -DCMAKE_PREFIX_PATH="$1" -DALNG_WANTED_VERSION=0.999
}

refuses_left_out() { # PROGRAM
  local isa=avx2 said
  [[ $(uname -m) != aarch64 ]] || isa=neon
  ! said=$(ALNG_ISA=$isa "$1" 2>&1) && echo "$said" && [[ $said == *"\"$isa\", which cannot run here: this build leaves it out"* ]]
}
refuses_unknown_sets() {
  local said
  ! said=$(cmake -S "$root" -B "$work/unknown_sets" "-DALNG_INSTRUCTION_SETS=avx2;mmx" 2>&1) && echo "$said" &&
    [[ $said == *"ALNG_INSTRUCTION_SETS names mmx, but must name some of avx512;avx2;sve;neon"* ]]
}

# Only the C interface leaves the shared library, and the entry for back ends.
exports_only_c() { # LIBRARY
  local symbols
  symbols=$(nm --dynamic --defined-only "$1" | cut -d' ' -f3)
  grep -q '^alng_grad_run$' <<<"$symbols" && ! grep -v '^alng_' <<<"$symbols" &&
    [[ $(grep -c '^alng_internal_' <<<"$symbols") == 1 ]]
}

for kind in ${ALNG_INSTALL_KINDS:-shared static}; do
  shared=$([[ $kind == shared ]] && echo ON || echo OFF)
  echo "-- $kind"
  if ! { cmake -S "$root" -B "$work/build_$kind" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS="$shared" \
    -DALNG_BUILD_TOOLS=OFF -DALNG_BUILD_TESTS=OFF -DALNG_BUILD_EXAMPLES=OFF &&
    cmake --build "$work/build_$kind" -j "$(nproc)" &&
    cmake --install "$work/build_$kind" --prefix "$work/first_place"; } >"$work/last.log" 2>&1; then
    cat "$work/last.log"
    exit 1
  fi
  prefix=$work/moved_$kind
  mv "$work/first_place" "$prefix"
  libdir=$(dirname "$(find "$prefix" -name alng.pc)")/..
  libdir=$(realpath "$libdir")
  export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir

  check "$kind: find_package" build_and_run "$work/find_package_$kind" -DCMAKE_PREFIX_PATH="$prefix"
  check "$kind: find_package refuses another minor version" refuses_next_minor "$prefix"
  libraries='--cflags --libs'
  if [[ $kind == shared ]]; then
    check "$kind: only the C interface is exported" exports_only_c "$libdir/libalng.so"
    # The library's own C++ library does not matter to its callers.
    if echo '#include <string>' | clang++-14 -stdlib=libc++ -x c++ -fsyntax-only - 2>/dev/null; then
      check "$kind: clang++ with libc++" plain_cc "$libraries" clang++-14 -std=c++17 -stdlib=libc++
    else
      echo "skipped: clang++ with libc++: libc++-14-dev is not installed"
    fi
  else
    libraries+=' --static'
  fi
  check "$kind: g++ -std=c++17 and pkg-config" plain_cc "$libraries" g++ -std=c++17
  check "$kind: g++ -std=c++20 and pkg-config" plain_cc "$libraries" g++ -std=c++20
  check "$kind: g++ with the old std::string" plain_cc "$libraries" g++ -std=c++17 -D_GLIBCXX_USE_CXX11_ABI=0
  check "$kind: gcc -std=c99 and pkg-config" plain_c "$libraries"
  check "$kind: each C++ header by itself" cpp_headers "$prefix" -std=c++17
  check "$kind: C++14 is told of C++17" hears_of_17 "$prefix"
  check "$kind: C++98 reads the C interface" plain_c_as_cpp -std=c++98 -D_GLIBCXX_USE_CXX11_ABI=0 -I"$prefix/include"
  check "$kind: programs of acl and aclnn" "$root/cann/tests/programs.sh" "$prefix/include/alng-cann" \
    "$libdir/alng-cann" "$work/cann_$kind"
  unset PKG_CONFIG_PATH LD_LIBRARY_PATH
  check "$kind: add_subdirectory, scalar code alone" build_and_run "$work/subdirectory_$kind" -DALNG_SOURCE_DIR="$root" \
    -DBUILD_SHARED_LIBS="$shared" -DALNG_INSTRUCTION_SETS=
  check "$kind: an instruction set left out is refused" refuses_left_out "$work/subdirectory_$kind/consumer_cc"
done
check "instruction sets that are unknown are refused" refuses_unknown_sets

echo "install: $passed passed, $failed failed"
((failed == 0))
