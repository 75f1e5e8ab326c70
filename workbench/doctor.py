"""What works on this machine: versions, device, quantization, browser, and the command that mends what is missing.

`examine()` looks and changes nothing. What may crash a process (a native library on an odd platform) is tried in one
of its own. It knows no sweep.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from pydantic import BaseModel, ConfigDict

PACKAGES = (
    "torch", "transformers", "peft", "trl", "bitsandbytes", "datasets", "papermill", "plotly", "jupyterlab",
    "ipykernel", "ipywidgets", "anywidget",
)  # fmt: skip

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

INSTALL = ".venv/bin/python -m pip install -r requirements.lock"

TRY_BITSANDBYTES = """
import torch, bitsandbytes as bnb
x = torch.randn(4, 64)
layer = bnb.nn.Linear4bit(64, 32, bias=False, compute_dtype=torch.float32, quant_type="nf4")
print(tuple(layer.to("cuda" if torch.cuda.is_available() else "cpu")(x.to(layer.weight.device)).shape))
"""

LOOK_AT_TORCH = """
import json, torch
cuda = torch.cuda.is_available()
name = torch.cuda.get_device_name(0) if cuda else "cpu"
print(json.dumps([name, torch.get_num_threads(), torch.version.cuda or ""]))
"""


class Check(BaseModel):
    """One thing looked at."""

    model_config = ConfigDict(frozen=True)

    name: str
    ok: bool
    found: str
    needed: bool = True
    """Whether the workbench can do its main work without it."""
    mend: str = ""
    """The command that makes it work."""


class Examination(BaseModel):
    """Everything looked at."""

    model_config = ConfigDict(frozen=True)

    checks: tuple[Check, ...]
    versions: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether everything that is needed works."""
        return all(check.ok for check in self.checks if check.needed)


def examine() -> Examination:
    """Look at everything once."""
    versions = {name: _version(name) for name in PACKAGES}
    checks = (
        _python(),
        _packages(versions),
        _torch(),
        _bitsandbytes(),
        _microworld(),
        _writable(),
        _browser(),
    )
    return Examination(checks=checks, versions=versions)


def _python() -> Check:
    return Check(
        name="python",
        ok=sys.version_info >= (3, 11),
        found=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        mend="make demo PYTHON=python3.12",
    )


def _packages(versions: dict[str, str]) -> Check:
    missing = [name for name, version in versions.items() if not version]
    return Check(
        name="packages",
        ok=not missing,
        found=f"{len(versions) - len(missing)} of {len(versions)}"
        + (f"; missing: {', '.join(missing)}" if missing else ""),
        mend=INSTALL,
    )


def _torch() -> Check:
    done = _attempt(LOOK_AT_TORCH)
    if done.returncode:
        return Check(name="torch", ok=False, found=_last_line(done.stderr), mend=INSTALL)
    import json

    device, threads, cuda = json.loads(done.stdout.strip().splitlines()[-1])
    build = f"CUDA {cuda} build" if cuda else "CPU build"
    return Check(
        name="torch",
        ok=True,
        found=f"runs on {device}, {threads} of {os.cpu_count()} cores, {build}",
    )


def _bitsandbytes() -> Check:
    done = _attempt(TRY_BITSANDBYTES)
    works = done.returncode == 0 and "(4, 32)" in done.stdout
    return Check(
        name="bitsandbytes",
        ok=works,
        needed=False,
        found="quantizes to 4 bit here" if works else f"does not work: {_last_line(done.stderr)}",
        mend="leave `quantization` out of the spec, or: .venv/bin/python -m pip install --force-reinstall bitsandbytes",
    )


def _microworld() -> Check:
    spec = importlib.util.find_spec("workbench")
    folder = Path(spec.origin or "").parent / "microworld" / "weights" if spec else Path()
    weights = sorted(folder.glob("*.safetensors"))
    size = sum(path.stat().st_size for path in weights) / 1e6
    return Check(
        name="micro-world",
        ok=bool(weights),
        found=f"embedded model, {size:.1f} MB" if weights else "the embedded model is not there",
        mend=".venv/bin/python -m workbench.microworld.build",
    )


def _writable() -> Check:
    here = Path.cwd()
    free = shutil.disk_usage(here).free / 1e9
    writable = os.access(here, os.W_OK)
    return Check(
        name="this folder",
        ok=writable and free > 1,
        found=f"{'writable' if writable else 'not writable'}, {free:.0f} GB free",
        mend="go to a folder you may write to, or give --runs one",
    )


def _browser() -> Check:
    found = os.environ.get("BROWSER_BIN") or next(filter(None, map(shutil.which, BROWSERS)), None)
    return Check(
        name="chromium",
        ok=bool(found),
        needed=False,
        found=found or "not found; only the browser tests need it",
        mend="apt-get install chromium, or name one in BROWSER_BIN",
    )


def _attempt(code: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([], 1, stdout="", stderr="no answer within 120 s")


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it ended without a word"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
