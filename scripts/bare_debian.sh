#!/usr/bin/env bash
# The README's two commands in a Debian that has nothing but a clone of HEAD: shows that the lists of packages are
# complete. Prints the end of each command and how long it took; exits 0 where both succeed. Needs root, debootstrap and
# git; takes half an hour on two cores.
#
#   scripts/bare_debian.sh [FOLDER]    FOLDER (default: one under $TMPDIR that goes away again) must be empty or not there
#
# How packages are fetched is taken over from this machine: sources and keys of apt, proxies, certificates, settings of
# pip. ALNG_DEBIAN_MIRROR names another mirror for the first packages than http://deb.debian.org/debian.
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
  echo "bare_debian.sh: $1" >&2
  exit 2
}

((EUID == 0)) || die "only root may do this"
for tool in debootstrap git; do command -v "$tool" >/dev/null || die "$tool is not installed"; done
(($# <= 1)) || die "takes one folder at most"
if (($# == 1)); then
  folder=$(realpath -m "$1")
  [[ ! -e $folder || -z $(ls -A "$folder") ]] || die "$folder is not empty"
  mkdir -p "$folder"
else
  folder=$(mktemp -d)
fi
chmod 755 "$folder"

given=$#
child=
clean_up() {
  local place
  if [[ -n $child ]]; then kill -- "-$child" 2>/dev/null || true; fi
  for place in dev sys proc; do
    if mountpoint --quiet "$folder/$place"; then umount --recursive "$folder/$place" || umount --recursive --lazy "$folder/$place"; fi
  done
  # Another file system would be one that is still mounted.
  ((given == 1)) || rm -rf --one-file-system "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

echo "Debian bookworm, minbase, in $folder"
mirror=${ALNG_DEBIAN_MIRROR:-http://deb.debian.org/debian}
log=$(mktemp)
if ! debootstrap --variant=minbase bookworm "$folder" "$mirror" >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  die "debootstrap failed, all it said is in $log"
fi
mv "$log" "$folder/debootstrap.log"

# What is there of these; links followed, since what they point to stays behind.
take_over() {
  local path
  for path in "$@"; do
    [[ -e $path ]] || continue
    mkdir -p "$folder$(dirname "$path")"
    cp -rL "$path" "$folder$(dirname "$path")/" || true  # a certificate whose link points nowhere
  done
}
shopt -s nullglob
if sources=(/etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}); [[ -e ${sources[0]} || ${#sources[@]} -gt 1 ]]; then
  rm -f "$folder/etc/apt/sources.list"
  take_over "${sources[@]}"
fi
# Of apt's settings those about fetching: others call programs that are not there.
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
  if [[ -f $file ]] && grep -qE '^[^/]*Acquire' "$file"; then take_over "$file"; fi
done
take_over /etc/apt/trusted.gpg.d /etc/apt/keyrings /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs \
  /usr/local/share/ca-certificates
environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)
while IFS= read -r name; do
  environment+=("$name=${!name}")
done < <(compgen -e | grep -xiE '(http|https|ftp|all|no)_proxy|pip_.*|ssl_cert_(file|dir)|(requests|curl)_ca_bundle')

git clone --quiet --no-local . "$folder/root/alng"
echo "alng $(git -C "$folder/root/alng" log -1 --format='%h %s')"
mount -t proc proc "$folder/proc"
mount -t sysfs sysfs "$folder/sys"
mount --rbind /dev "$folder/dev"
mount --make-rslave "$folder/dev"

failed=0
in_bare_debian() { # COMMAND
  local log=$folder/root/${1//[^a-z]/_}.log start=$SECONDS result=0
  echo
  echo "\$ $1"
  # In the background, where a signal to this script does not wait for it; a group of its own, which goes with us.
  setsid chroot "$folder" env -i "${environment[@]}" bash -c "cd /root/alng && $1" >"$log" 2>&1 </dev/null &
  child=$!
  wait "$child" || result=$?
  child=
  tail -n 15 "$log"
  echo "-- exit code $result after $((SECONDS - start)) s"
  ((result == 0)) || failed=1
}
in_bare_debian ./scripts/demo.sh
in_bare_debian './scripts/test.sh --quick'
((failed == 0))
