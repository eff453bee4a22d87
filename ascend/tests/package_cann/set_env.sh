# shellcheck shell=bash
# In the place of CANN's: says where it is.
ASCEND_HOME_PATH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ASCEND_HOME_PATH
