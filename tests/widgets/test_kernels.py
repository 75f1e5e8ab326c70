"""Real kernels, with and without subshells: what the panel loads, and when it hears a person."""

import json
import os
import sys
import time
from pathlib import Path
from queue import Empty

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
OLD = ROOT / ".venv" / "ipykernel-6"
"""The last ipykernel without subshells; `make test` puts it there."""

PANEL = """
import json, sys, time
began = time.perf_counter()
import workbench as wb
panel = wb.panel(runs=%r)
shown = time.perf_counter() - began
panel.settle()
heavy = [n for n in ("torch", "transformers", "peft", "trl", "papermill", "plotly") if n in sys.modules]
form = panel.view_of("ranks")
from workbench.widgets.surroundings import look_around, limits
shown = [note.value for note in panel.children if "wb-aside" in note._dom_classes]
assert len(shown) == len(limits(look_around())), shown
print(json.dumps({"heavy": heavy, "form": form.comm.comm_id, "limits": limits(look_around()),
    "subshells": look_around().subshells, "version": look_around().ipykernel}))
"""
BUSY = "time.sleep(3)"
ASK = "print(json.dumps({'ranks': panel.model.ranks, 'wrong': 'wb-problem' in panel.reason.value}))"


class Kernel:
    """A kernel that is spoken to as a page does."""

    def __init__(self, *, old: bool, folder: Path) -> None:
        from jupyter_client import KernelManager

        paths = [str(OLD)] if old else []
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, str(ROOT)])}
        environment["IPYTHONDIR"] = str(folder / "ipython")
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_spec.argv[0] = sys.executable
        self.manager.start_kernel(env=environment, cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str) -> str:
        """What a cell prints; an error in it is one here."""
        printed = []

        def hear(message):
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                printed.append(message["content"]["text"])

        reply = self.client.execute_interactive(code, timeout=60, output_hook=hear)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed)

    def subshell(self) -> str:
        """A shell of its own, as JupyterLab asks for one."""
        message = self.client.session.msg("create_subshell_request")
        self.client.control_channel.send(message)
        return self.client.control_channel.get_msg(timeout=10)["content"]["subshell_id"]

    def press(self, comm: str, *, subshell: str | None) -> None:
        """The chip of rank 64 is pressed on the page."""
        pressed = {"command": "press", "field": "ranks", "value": 64, "on": True}
        data = {"method": "custom", "content": pressed}
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)

    def heard(self, comm: str, *, within: float) -> float | None:
        """Seconds until the kernel says that the chip is on."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            try:
                message = self.client.get_iopub_msg(timeout=0.2)
            except Empty:
                continue
            content = message["content"]
            if message["msg_type"] == "comm_msg" and content["comm_id"] == comm:
                return time.monotonic() - began
        return None

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(params=["newest", "without subshells"])
def kernel(request, tmp_path):
    old = request.param == "without subshells"
    if old and not OLD.is_dir():
        pytest.skip(f"no {OLD.name}; `make test` puts it into .venv")
    kernel = Kernel(old=old, folder=tmp_path)
    yield kernel
    kernel.close()


def test_the_panel_hears_a_press_with_and_without_subshells(kernel, tmp_path):
    told = json.loads(kernel.run(PANEL % str(tmp_path / "runs")))
    assert told["heavy"] == []
    assert bool(told["limits"]) != told["subshells"]
    subshell = kernel.subshell() if told["subshells"] else None

    kernel.client.execute(BUSY)
    time.sleep(0.5)
    kernel.press(told["form"], subshell=subshell)
    while_busy = kernel.heard(told["form"], within=1.5)

    after = json.loads(kernel.run(ASK))
    assert 64 in after["ranks"], "what was pressed arrived, at the latest after the cell"
    assert not after["wrong"]
    if told["subshells"]:
        assert while_busy is not None, "a busy kernel with subshells did not hear the press"
    else:
        assert told["version"].startswith("6.")
