"""JupyterLab on a port of its own, with folders of its own, and a Chromium that opens it.

`lab` is a running server whose root holds copies of the notebooks; `page` is a fresh page that remembers what it
requested and what went wrong. With WORKBENCH_SCREENSHOTS=DIR the tests leave pictures there.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import nbformat
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "notebook-extension/tracker": {"windowingMode": "none"},
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    root: Path
    log: Path

    def shipped(
        self, name: str, *, parameters: dict | None = None, through: str = "", then: str = ""
    ) -> str:
        """A copy of one of the project's notebooks in a folder of its own; its path.

        Args:
            name: The notebook's file name.
            parameters: Values that the copy has in its parameters cell.
            through: Text in the last cell to keep; empty keeps all.
            then: Source of one cell more.
        """
        notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
        kept = []
        for cell in notebook.cells:
            kept.append(cell)
            if "parameters" in cell.metadata.get("tags", []):
                cell.source += "".join(
                    f"\n{key} = {value!r}" for key, value in (parameters or {}).items()
                )
            if through and cell.cell_type == "code" and through in cell.source:
                break
        if then:
            kept.append(nbformat.v4.new_code_cell(then))
        notebook.cells = kept
        # Its parameters write to folders beside its own.
        return self._placed(notebook, f"notebooks/{name}")

    def written(self, *cells: str) -> str:
        """A notebook of these cells in a folder of its own; its path."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        return self._placed(notebook, "notebook.ipynb")

    def _placed(self, notebook: nbformat.NotebookNode, name: str) -> str:
        relative = f"{uuid4().hex[:8]}/{name}"
        path = self.root / relative
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
        return relative

    def folder(self, path: str) -> Path:
        """The folder that a notebook lies in, where its kernel works."""
        return (self.root / path).parent

    def end_workers(self) -> None:
        """End what notebooks have started and left to itself: a worker outlives its kernel."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                ours = Path(process.cwd()).is_relative_to(self.root)
                if ours and any(part.startswith("workbench.") for part in process.cmdline()):
                    process.kill()


@dataclass
class Seen:
    """What a page asked for and what went wrong on it."""

    urls: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    root = folder / "root"
    root.mkdir()
    for name, fields in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(fields))
    port, token = free_port(), secrets.token_hex(16)
    log = folder / "lab.log"
    # The ipc transport puts sockets into the runtime folder, whose path must be short.
    runtime = Path("/tmp") / f"wb-{secrets.token_hex(4)}"
    runtime.mkdir(mode=0o700)
    places = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": runtime,
        "IPYTHONDIR": folder / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
    }
    env = {**os.environ, **{name: str(path) for name, path in places.items()}}
    env |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", "--allow-root"),
        *(f"--ServerApp.root_dir={root}", "--expose-app-in-browser"),
        "--KernelManager.transport=ipc",
    ]
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)
    running = Lab(url=f"http://127.0.0.1:{port}", token=token, root=root, log=log)
    try:
        wait_until_up(f"{running.url}/api/status?token={token}", server=server, log=log)
        yield running
    finally:
        server.terminate()
        server.wait(30)
        running.end_workers()
        shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(scope="session")
def window(chromium):
    """One profile of the browser, so that JupyterLab's scripts are fetched and compiled once."""
    scale = 1.5 if os.environ.get("WORKBENCH_SCREENSHOTS") else 1
    context = chromium.new_context(
        viewport={"width": 1360, "height": 1500}, device_scale_factor=scale
    )
    context.on("page", remember)
    yield context
    context.close()


def remember(page) -> None:
    """Keep in `page.seen` what a page asks for and what goes wrong on it."""
    seen = page.seen = Seen()
    page.on("request", lambda r: seen.urls.append(r.url))
    page.on("websocket", lambda w: seen.urls.append(w.url))
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on(
        "console",
        lambda m: (
            seen.errors.append(f"{m.text} ({m.location['url']})") if m.type == "error" else None
        ),
    )


@pytest.fixture
def page(window, lab, request, tmp_path):
    page = window.new_page()
    yield page
    failed = getattr(request.node, "failed_call", False)
    if failed:
        page.screenshot(path=tmp_path / "failed.png")
        print("screenshot:", tmp_path / "failed.png")
        print("errors:", *page.seen.errors, sep="\n  ")
        print(lab.log.read_text()[-3000:])
    for opened in window.pages:
        opened.close()
    lab.end_workers()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed_call = outcome.get_result().failed


@pytest.fixture
def picture():
    """Leaves a picture of an element, where pictures are wanted."""
    wanted = os.environ.get("WORKBENCH_SCREENSHOTS")

    def take(element, name: str) -> None:
        if wanted:
            Path(wanted).mkdir(parents=True, exist_ok=True)
            element.screenshot(path=Path(wanted) / f"{name}.png")

    return take


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(url: str, *, server: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, f"JupyterLab ended at once:\n{log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not come up:\n{log.read_text()[-3000:]}")
