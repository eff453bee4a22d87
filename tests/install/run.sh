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
plain_cc() { # OUTPUT PKG-CONFIG-ARGUMENT...
  local output=$1
  shift
  # shellcheck disable=SC2046 # pkg-config prints a list of words.
  g++ -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Werror "$here/consumer.cc" -o "$output" $(pkg-config "$@" alng) &&
    "$output"
}
plain_c() { # OUTPUT PKG-CONFIG-ARGUMENT...
  local output=$1
  shift
  # shellcheck disable=SC2046
  gcc -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror "$here/consumer.c" -o "$output" $(pkg-config "$@" alng) &&
    "$output"
}

# A program that would read the library's std::string wrongly, or can't read its headers, hears so first, each header alone.
hears() { # SENTENCE COMPILER-OPTION...
  local sentence=$1 header first
  shift
  for header in alng oracle plan problem status tensor; do
    first=$(echo "#include <alng/$header.hpp>" | g++ "$@" -x c++ -fsyntax-only - 2>&1 | grep -m1 'error') || true
    echo "$header.hpp: $first"
    [[ $first == *"$sentence"* ]] || return 1
  done
}
# The C interface is for all of them.
plain_c_as_cpp() { # COMPILER-OPTION...
  echo '#include <alng/alng.h>' | g++ "$@" -Wall -Wextra -Wpedantic -Werror -x c++ -fsyntax-only -
}

refuses_next_minor() { # PREFIX
  ! cmake -S "$here" -B "$work/next_minor" -DCMAKE_PREFIX_PATH="$1" -DALNG_WANTED_VERSION=0.999
}

# Every symbol that leaves the shared library is one of ours.
exports_only_ours() { # LIBRARY
  local symbols
  symbols=$(nm --dynamic --defined-only --demangle "$1" | cut -d' ' -f3-)
  grep -q '^alng_' <<<"$symbols" && grep -q '^alng::Problem::create' <<<"$symbols" || return 1
  ! grep -vE '^(typeinfo (name )?for |vtable for )?(alng::|alng_)' <<<"$symbols"
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
  if [[ $kind == shared ]]; then
    check "$kind: only alng's symbols are exported" exports_only_ours "$libdir/libalng.so"
    check "$kind: g++ and pkg-config" plain_cc "$work/plain_cc_$kind" --cflags --libs
    check "$kind: gcc -std=c99 and pkg-config" plain_c "$work/plain_c_$kind" --cflags --libs
  else
    check "$kind: g++ and pkg-config --static" plain_cc "$work/plain_cc_$kind" --cflags --libs --static
    check "$kind: gcc -std=c99 and pkg-config --static" plain_c "$work/plain_c_$kind" --cflags --libs --static
  fi
  check "$kind: C++17 is told of C++20" hears 'needs C++20' -std=c++17 -I"$prefix/include"
  check "$kind: the old std::string is told of the new" hears '_GLIBCXX_USE_CXX11_ABI to 1' -std=c++20 \
    -D_GLIBCXX_USE_CXX11_ABI=0 -I"$prefix/include"
  check "$kind: another C++ library is told of libstdc++" hears 'built with libstdc++' -std=c++20 -D_LIBCPP_VERSION=14000 \
    -I"$prefix/include"
  check "$kind: C++98 reads the C interface" plain_c_as_cpp -std=c++98 -D_GLIBCXX_USE_CXX11_ABI=0 -I"$prefix/include"
  check "$kind: programs of acl and aclnn" "$root/tests/cann/programs.sh" "$prefix/include/alng-cann" \
    "$libdir/alng-cann" "$work/cann_$kind"
  unset PKG_CONFIG_PATH LD_LIBRARY_PATH
  check "$kind: add_subdirectory" build_and_run "$work/subdirectory_$kind" -DALNG_SOURCE_DIR="$root" \
    -DBUILD_SHARED_LIBS="$shared"
done

echo "install: $passed passed, $failed failed"
((failed == 0))
