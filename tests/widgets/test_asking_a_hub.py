"""A model of a hub in the form: asked once, whatever is typed beside it, and again when a person says so."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import workbench as wb
from workbench import microworld
from workbench.errors import ModelError
from workbench.plan.hub_memory import HUB, HubMemory
from workbench.spec import ModelSpec


class Refusing(BaseHTTPRequestHandler):
    """A hub that has no model, and counts who asks."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if "some/kept" in self.path:
            self.send_response(500)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    server.asked = []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    before, HUB.endpoint = HUB.endpoint, f"http://127.0.0.1:{server.server_port}"
    yield server
    HUB.endpoint = before
    HUB.forget_refusals()
    server.shutdown()
    server.server_close()


def test_a_hub_that_refused_is_not_asked_at_every_key_but_when_a_person_says_so(hub, tmp_path):
    panel = wb.panel(runs=tmp_path)
    panel.model.model_id = "some/missing"
    panel.settle()
    assert "no model 'some/missing'" in panel.model.problems["model_id"]
    asked = len(hub.asked)
    assert asked >= 1
    for rate in ("0.1", "0.01", "0.001"):
        panel.model.learning_rate = rate
        panel.settle()
    assert len(hub.asked) == asked
    assert panel.start.disabled
    assert panel.again.layout.display == ""
    panel.again.click()
    panel.settle()
    assert len(hub.asked) == 2 * asked
    panel.model.model_id = "microworld"
    panel.settle()
    assert panel.again.layout.display == "none"
    assert not panel.start.disabled
    panel.close()


def test_a_map_of_a_model_that_came_later_is_drawn(tmp_path):
    panel = wb.panel(runs=tmp_path / "runs")
    panel.model.model_id = str(tmp_path / "model")
    panel.painting.fold.is_open = True
    panel.settle()
    assert panel.painting.map is None or not panel.painting.map.places
    assert "there is no folder" in panel.model.problems["model_id"]
    shutil.copytree(microworld.path(), tmp_path / "model")
    panel.model.look_again()
    panel.settle()
    assert panel.painting.map.painted
    assert panel.painting.map.problem == ""
    panel.close()


def test_where_a_model_of_a_hub_lies_is_remembered_while_it_lies_there(hub):
    from huggingface_hub import constants

    root = Path(constants.HF_HUB_CACHE) / "models--some--kept"
    snapshot = root / "snapshots" / ("0" * 40)
    shutil.copytree(microworld.path(), snapshot)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(snapshot.name)
    memory, model = HubMemory(endpoint=HUB.endpoint), ModelSpec(id="some/kept")
    assert memory.folder(model) == snapshot
    asked = len(hub.asked)
    assert memory.folder(model) == snapshot
    assert len(hub.asked) == asked >= 1
    shutil.rmtree(root)
    with pytest.raises(ModelError, match="not in the hub's cache"):
        memory.folder(model)
    assert memory.refuses(model)


def test_a_folder_on_this_machine_is_looked_at_each_time(hub, tmp_path):
    memory = HubMemory(endpoint=HUB.endpoint)
    model = ModelSpec(id=str(tmp_path / "model"))
    for _ in range(2):
        with pytest.raises(ModelError, match="there is no folder"):
            memory.folder(model)
    assert not memory.refuses(model)
    (tmp_path / "model").mkdir()
    with pytest.raises(ModelError, match=r"config\.json"):
        memory.folder(model)
    assert hub.asked == []
