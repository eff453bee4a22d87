# shellcheck shell=bash
# Sourced by the scripts that plant mutants (*.mutant): small faults, each of which a test must notice. A mutant names a
# file, what the fault is, and below `--- before` a text in that file and below `--- after` what stands there instead.

die() {
  echo "$1" >&2
  exit 2
}

# The value of a key in a mutant's head.
head_of() { sed -n "/^--- before\$/q; s/^$2: //p" "$1"; }

# plant MUTANT TREE: in a copy of the sources.
plant() {
  local mutant=$1 tree=$2 name file before after text rest
  name=$(basename "$mutant" .mutant)
  file=$(head_of "$mutant" file)
  before=$(sed '1,/^--- before$/d; /^--- after$/,$d' "$mutant")
  after=$(sed '1,/^--- after$/d' "$mutant")
  text=$(<"$tree/$file")
  rest=${text#*"$before"}
  [ "$rest" != "$text" ] || die "$name: stale, $file does not contain its text"
  [ "${rest#*"$before"}" = "$rest" ] || die "$name: its text is in $file more than once"
  printf '%s\n' "${text/"$before"/"$after"}" >"$tree/$file"
}

# try_all SCRIPT SOURCE_DIR BUILD_DIR MUTANT...: as many at once as there are processors, each by the script itself with
# ALNG_TRY_MUTANT set. 1 where one is missed.
try_all() {
  local script=$1 source_dir=$2 build_dir=$3 status=0
  shift 3
  printf '%s\n' "$@" |
    xargs -P "$(nproc)" -I{} env ALNG_TRY_MUTANT={} "$script" "$source_dir" "$build_dir" || status=1
  [ $status -eq 0 ] && echo "all $# mutants caught"
  return $status
}
