#!/usr/bin/env bash
# Unpacks the arm64 Debian packages that the cross build needs into a folder (default build/aarch64-root), beside the
# system and without changing it: apt gets lists, a cache and a package database of its own under that folder, so that
# no foreign architecture is added to the machine and root is not needed.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(libtbb-dev libtbb12 libtbbmalloc2 libtbbbind-2-5 libhwy-dev libfmt-dev libfmt9 libgtest-dev libgmock-dev
  librapidcheck-dev libcli11-dev nlohmann-json3-dev)
root=$(realpath -m "${1:-build/aarch64-root}")
# What was unpacked, so that a longer list is unpacked anew.
[[ -e $root/packages ]] && [[ $(<"$root/packages") == "${packages[*]}" ]] && exit 0

rm -rf "$root"
mkdir -p "$root/apt/lists/partial" "$root/apt/cache/archives/partial" "$root/apt/debs"
: >"$root/apt/status"
options=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= -o Dir::State="$root/apt"
  -o Dir::State::Lists="$root/apt/lists" -o Dir::State::status="$root/apt/status" -o Dir::Cache="$root/apt/cache"
  -o Debug::NoLocking=1)
# A source without arm64 makes update complain; what counts is whether the packages are to be had.
apt-get "${options[@]}" update || true
(cd "$root/apt/debs" && apt-get "${options[@]}" download "${packages[@]}")
for package in "$root"/apt/debs/*.deb; do dpkg-deb -x "$package" "$root"; done
rm -rf "$root/apt"
echo "${packages[*]}" >"$root/packages"
