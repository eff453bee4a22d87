#!/usr/bin/env bash
# Builds the custom operator package where CANN is installed.
#
#   build.sh [--cann PATH] [--soc "ascend910b ascend910_93 ascend950"] [--optype NAME] [--vendor NAME] [--build FOLDER]
#
# --cann: CANN's folder, the one with set_env.sh; by default what ASCEND_HOME_PATH says. The result is
# FOLDER/custom_opp_<os>_<machine>.run; docs/ascend.md says how to install and use it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cann=${ASCEND_HOME_PATH:-}
soc="ascend910b ascend910_93 ascend950"
optype=AddLayerNormGrad
vendor=alng
build=$here/build_out
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || { echo "build.sh: $1 needs a value" >&2; exit 2; }
  case $1 in
    --cann) cann=$2 ;;
    --soc) soc=$2 ;;
    --optype) optype=$2 ;;
    --vendor) vendor=$2 ;;
    --build) build=$2 ;;
    *) echo "build.sh: $1 is not an option; see its first lines" >&2; exit 2 ;;
  esac
  shift 2
done
if [ ! -f "$cann/set_env.sh" ]; then
  echo "build.sh: this package needs CANN 9.0 or later, and none was found: source its set_env.sh or give --cann PATH." >&2
  exit 1
fi
set +u  # set_env.sh appends to variables that may not be there
# shellcheck source=/dev/null
source "$cann/set_env.sh"
set -u
cmake -G "Unix Makefiles" -S "$here" -B "$build" -DASCEND_COMPUTE_UNIT="${soc// /;}" -DALNG_OPTYPE="$optype" \
  -DALNG_VENDOR="$vendor"
cmake --build "$build" --target binary package -j "$(nproc)"
ls "$build"/custom_opp_*.run
