"""What a result was measured on and with: processor, caches, versions, flags. As a program: the folder of this processor's
results in bench/results."""

import ctypes
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess


def cache_bytes():
    """The sizes of the data caches that the first processor reaches, by level."""
    sizes = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() == "Instruction":
            continue
        size = (index / "size").read_text().strip()
        unit = {"K": 1 << 10, "M": 1 << 20}.get(size[-1], 1)
        sizes[int((index / "level").read_text())] = int(size.rstrip("KM")) * unit
    return sizes


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def plain_name(model):
    """A processor's model name without marks and clock: "Intel(R) Xeon(R) Processor" is Intel Xeon Processor."""
    return " ".join(re.sub(r"\((r|tm)\)|@.*", " ", model, flags=re.IGNORECASE).split())


def folder_name(model):
    """The same as the name of a folder: intel-xeon-processor."""
    return "-".join(re.findall(r"[a-z0-9]+", plain_name(model).lower())) or "unknown"


def vector_instructions():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            flags = set(line.split())
            return [name for name in ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16") if name in flags]
    return []


def commit(root):
    """The commit of the sources, with a + where they differ from it."""
    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=False).stdout.strip()
    return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def describe(root, contestants):
    packages = {}
    for name in ("torch", "jax", "jaxlib", "numpy", "onednn"):
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "vector_instructions": vector_instructions(),
        "cache_bytes": {str(level): size for level, size in cache_bytes().items()},
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "system": platform.platform(),
        "libc": " ".join(platform.libc_ver()),
        "commit": commit(root),
        "packages": packages,
        "contestants": contestants,
    }


def use_one_processor():
    """For whatever is loaded from now on there is one processor, so that no library needs to be told."""
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})


def library(path):
    return ctypes.CDLL(str(path), mode=os.RTLD_LOCAL | os.RTLD_NOW)


if __name__ == "__main__":
    print(folder_name(processor()))
