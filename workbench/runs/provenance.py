"""What a run was made with: versions, machine and commit, so that a number can be made again.

`provenance(device=..., threads=...)` is stored in the sweep folder, which people share: it never holds the value of an
environment variable, a name of a user or a machine, or a path. It imports none of the packages whose versions it
tells.
"""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "bitsandbytes",
    "accelerate",
    "datasets",
    "evaluate",
    "tokenizers",
    "safetensors",
    "numpy",
    "scipy",
    "pyarrow",
    "pandas",
    "pydantic",
    "plotly",
    "papermill",
)

_CPU_FEATURES = ("avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve", "bf16")
_GIT_SECONDS = 5.0


def provenance(*, device: str | None = None, threads: int | None = None) -> dict[str, Any]:
    """What this process runs on; the worker, which has torch, says its device and threads itself."""
    gpus = _gpus()
    return {
        "workbench": _version("peft-workbench"),
        "commit": _commit(Path(__file__).resolve().parents[1]),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": {name: _version(name) for name in PACKAGES},
        "platform": {
            "system": platform.system(),
            "machine": platform.machine(),
            "libc": " ".join(platform.libc_ver()).strip(),
        },
        "cpu": {
            "model": _cpu_model(),
            "cores": psutil.cpu_count(logical=False),
            "logical": psutil.cpu_count(),
            "usable": _usable_cores(),
            "features": _cpu_features(),
        },
        "threads": threads or _usable_cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "device": device or ("cuda" if gpus else "cpu"),
        "gpus": gpus,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    for key in ("model name", "Model", "Hardware"):
        found = _cpuinfo().get(key)
        if found:
            return found
    return platform.processor() or platform.machine()


def _cpu_features() -> list[str]:
    info = _cpuinfo()
    has = set((info.get("flags") or info.get("Features") or "").split())
    return [feature for feature in _CPU_FEATURES if feature in has]


def _cpuinfo() -> dict[str, str]:
    """The first processor's lines, where the system is a Linux."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return {}
    first = path.read_text("utf-8", errors="replace").split("\n\n", 1)[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _gpus() -> list[str]:
    """Models of the graphics processors the driver knows; asking torch would load it."""
    found = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        lines = path.read_text("utf-8", errors="replace").splitlines()
        found += [line.split(":", 1)[1].strip() for line in lines if line.startswith("Model:")]
    return found


def _commit(package: Path) -> dict[str, Any] | None:
    """The commit of the checkout that the package is a part of; None for an installed one."""
    # A project's .venv often lies inside a checkout of its own: only tracked files are ours.
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    head = _git(package, "rev-parse", "--verify", "HEAD")
    if head is None:
        return None
    changes = _git(package, "status", "--porcelain", "--", ".")
    return {"id": head, "dirty": None if changes is None else bool(changes)}


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
