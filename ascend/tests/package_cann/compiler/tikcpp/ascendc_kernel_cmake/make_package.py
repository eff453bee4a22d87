#!/usr/bin/env python3
"""In the place of what CANN's targets run.

    make_package.py binary BUILD UNIT...           BUILD/kernel/UNIT/*.o, each a text with the options it was compiled with
    make_package.py package BUILD NAME=LIBRARY...  BUILD/packages/vendors/VENDOR and BUILD/custom_opp_<os>_<machine>.run
"""

import configparser
import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

# The family of a chip by its full name, in any case. "ascend910b" alone is the old 910.
FAMILIES = {
    **{f"ascend910b{n}": "ascend910b" for n in ("1", "2", "2c", "3", "4", "4-1")},
    **{f"ascend910_{n}": "ascend910_93" for n in ("9391", "9381", "9372", "9392", "9382", "9362")},
    **{f"ascend950{n}": "ascend950" for n in ("pr_9599", "dt_9599")},
    "ascend910b": "ascend910",
}

build = Path(sys.argv[2])
calls = [json.loads(line) for line in (build / "calls.json").read_text().splitlines()]


def calls_of(name):
    return [call[1:] for call in calls if call[0] == name]


def options_of(op_type, unit):
    """Those of the last call for this operator and family; every call's chips must be known, whichever unit is built."""
    found = []
    for operator, units, *options in calls_of("npu_op_kernel_options"):
        families = []
        for chip in filter(None, units.removeprefix("UNITS=").split(",")):
            if chip.lower() not in FAMILIES:
                sys.exit(f"ValueError: Unsupported SOC version {chip}")
            families.append(FAMILIES[chip.lower()])
        if operator in (op_type, "ALL") and (not families or unit in families):
            found = options
    return found


def columns_of(ini):
    """One dtype for each tensor that is required, for every column that differs from those before."""
    columns = zip(*(section["dtype"].split(",") for section in ini if section["paramType"] == "required"))
    return list(dict.fromkeys(columns))


def ini_of(unit):
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read(build / "autogen" / f"aic-{unit}-ops-info.ini")
    op_type = parser.sections()[0]
    tensors = {}
    for key, value in parser[op_type].items():
        tensor, field = key.split(".")
        tensors.setdefault(tensor, {})[field] = value
    return op_type, tensors.pop("opFile")["value"], list(tensors.values())


def make_binaries(units):
    for unit in units:
        op_type, op_file, tensors = ini_of(unit)
        options = options_of(op_type, unit)
        names = ["_".join((op_type, *column)) for column in columns_of(tensors)]
        for option in options:
            if option.startswith("--kernel-json-file="):
                listed = json.loads(Path(option.split("=", 1)[1]).read_text())
                names = [entry["bin_filename"] for entry in listed["op_list"]]
        sources = calls_of("npu_op_kernel_sources")
        for operator, _, file in sources:
            if operator == op_type and file != f"FILE={op_file}.cpp":
                sys.exit(f"{op_type}: its kernel has to be in {op_file}.cpp")
        folder = build / "kernel" / unit / op_file
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in names:
            (folder / f"{name}.o").write_text(" ".join(options) + "\n")


def copy_sources(to):
    base = Path(calls_of("npu_op_kernel_library")[0][0])
    for _, folder, file in calls_of("npu_op_kernel_sources"):
        folder, file = folder.removeprefix("DIR="), file.removeprefix("FILE=")
        to.mkdir(parents=True)
        shutil.copy(base / folder / file, to)
        if not folder:
            continue
        root = (base / folder).resolve()
        for source in root.rglob("*"):
            if source.is_file() and not source.is_relative_to(build.resolve()):
                (to / source.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, to / source.relative_to(root))


def make_package(libraries):
    vendor, *config = calls_of("npu_op_package")[0]
    packages = build / "packages"
    shutil.rmtree(packages, ignore_errors=True)
    top = packages / "vendors" / vendor
    tbe = top / "op_impl/ai_core/tbe"
    places = {"TILING": tbe / "op_tiling/lib", "ACLNN": top / "op_api/lib", "GRAPH": top / "op_proto/lib"}
    types = dict(calls_of("npu_op_library"))
    for library in libraries:
        name, file = library.split("=", 1)
        places[types[name]].mkdir(parents=True)
        shutil.copy(file, places[types[name]])
    (top / "op_api/include").mkdir()
    (top / "op_proto/inc").mkdir()
    for header in (build / "autogen").glob("*.h"):
        shutil.copy(header, top / ("op_api/include" if header.name.startswith("aclnn_") else "op_proto/inc"))
    on = dict(zip(config[::2], config[1::2]))
    if on.get("ENABLE_SOURCE_PACKAGE") == "True":
        copy_sources(tbe / f"{vendor}_impl/dynamic")
    if on.get("ENABLE_BINARY_PACKAGE") == "True":
        shutil.copytree(build / "kernel", tbe / "kernel")
    (top / "bin").mkdir()
    (top / "bin/set_env.bash").write_text(
        'export ASCEND_CUSTOM_OPP_PATH=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)'
        "${ASCEND_CUSTOM_OPP_PATH:+:$ASCEND_CUSTOM_OPP_PATH}\n"
    )
    run = build / f"custom_opp_{platform.system().lower()}_{platform.machine()}.run"
    archive = subprocess.run(["tar", "-C", packages, "-cz", "vendors"], check=True, capture_output=True).stdout
    script = (
        "#!/bin/sh\n"
        'to=${ASCEND_OPP_PATH:-.}; case $1 in --install-path=*) to=${1#*=} ;; esac; mkdir -p "$to"\n'
        f'sed "1,/^ARCHIVE$/d" "$0" | tar -C "$to" -xz && echo "installed to $to/vendors/{vendor}"; exit $?\n'
        "ARCHIVE\n"
    )
    run.write_bytes(script.encode() + archive)
    run.chmod(0o755)


if sys.argv[1] == "binary":
    make_binaries(sys.argv[3:])
else:
    make_package(sys.argv[3:])
