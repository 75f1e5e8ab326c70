"""The conditions of a figure: machine, threads, environment of the arms, versions, state of the checkout.

`describe()` gives what may be published: no name of the machine, no path, no value of an environment variable but the
few that set threads. `ENVIRONMENT` is what every arm's process gets, ours and the peers' alike.
"""

import os
import platform
import subprocess
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from bench.load import cores
from workbench.job import WORKER_ENVIRONMENT

ROOT = Path(__file__).parents[1]
VERSIONS = ("torch", "transformers", "peft", "trl", "bitsandbytes", "accelerate", "datasets")
ENVIRONMENT = {
    # torch would take as many by itself, except where a shell or a notebook has set fewer.
    "OMP_NUM_THREADS": str(cores()),
    # As the workbench's worker has it. On a quiet machine it changes little; the peers get it too.
    "GOMP_SPINCOUNT": WORKER_ENVIRONMENT["GOMP_SPINCOUNT"],
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
ALLOCATOR = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "THP_MEM_ALLOC_ENABLE")
"""What an arm does not inherit: how memory is kept is one of the things measured."""


def environment() -> dict[str, str]:
    """That of an arm's process; `OMP_NUM_THREADS` and `GOMP_SPINCOUNT` of the caller are respected."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ALLOCATOR)}
    return ENVIRONMENT | inherited


def describe() -> dict[str, Any]:
    """What a figure depends on."""
    used = environment()
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "allocator": " ".join(platform.libc_ver()) or "unknown",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in VERSIONS},
        "threads": {name: used[name] for name in ("OMP_NUM_THREADS", "GOMP_SPINCOUNT")},
        "commit": _commit(),
    }


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    if known.exists():
        found = [ln for ln in known.read_text().splitlines() if ln.startswith("model name")]
        if found:
            return found[0].partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def _commit() -> str:
    """Of the checkout, with a plus sign where the code that is measured has changes."""
    said = []
    for command in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "workbench"]):
        done = subprocess.run(
            ["git", *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return "unknown"
        said.append(done.stdout.strip())
    return said[0] + ("+" if said[1] else "")
