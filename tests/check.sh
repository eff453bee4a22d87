# For test scripts that print a line for each check and a closing count. Sourced by a script that sets `work`, the folder
# for the log, and passed=0 failed=0.
# shellcheck shell=bash

# check NAME COMMAND...: the command must succeed.
check() {
  local name=$1 log="${work:?}/last.log"
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name"
  else
    failed=$((failed + 1))
    echo "FAILED  $name: $*"
    sed 's/^/        /' "$log"
  fi
}
