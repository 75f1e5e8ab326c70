"""A model's name leads to a folder, or to one clear refusal that comes before anything is downloaded."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workbench.errors import ModelError
from workbench.plan.locate import locate

LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
EMPTY_WEIGHTS = b"\x02" + b"\x00" * 7 + b"{}"


def folder(path: Path, config: dict | None = None, **files: bytes) -> Path:
    path.mkdir(exist_ok=True)
    if config is not None:
        (path / "config.json").write_text(json.dumps(config))
    for name, content in files.items():
        (path / name.replace("__", ".")).write_bytes(content)
    return path


def test_the_micro_world_is_found_in_the_package() -> None:
    found = locate("microworld")
    assert (found / "config.json").is_file()
    assert (found / "model.safetensors").is_file()


def test_a_folder_is_found(tmp_path: Path) -> None:
    there = folder(tmp_path / "m", LLAMA, model__safetensors=EMPTY_WEIGHTS)
    assert locate(str(there)) == there


def test_a_folder_has_no_revisions(tmp_path: Path) -> None:
    there = folder(tmp_path / "m", LLAMA, model__safetensors=EMPTY_WEIGHTS)
    for name in ("microworld", str(there)):
        with pytest.raises(ModelError, match=r"'v1' was asked for.*leave it out"):
            locate(name, revision="v1")


def test_a_slip_of_the_pen_is_met_with_the_right_word() -> None:
    with pytest.raises(ModelError, match=r"Did you mean 'microworld'"):
        locate("micro-world")


@pytest.mark.parametrize(
    ("config", "files", "said"),
    [
        (None, {}, "no config.json"),
        (None, {"adapter_config__json": b"{}"}, "an adapter, not a model"),
        (LLAMA, {}, "no weights"),
        (
            LLAMA,
            {"pytorch_model__bin": b"\x80"},
            "refused: .*pytorch_model.bin.*pickle.*save_pretrained",
        ),
        (LLAMA, {"consolidated__00__pth": b"\x80"}, "refused: .*pickle"),
        (LLAMA, {"other__safetensors": EMPTY_WEIGHTS}, "no model.safetensors"),
        (
            {"model_type": "bert", "architectures": ["BertModel"]},
            {"model__safetensors": b""},
            "BertModel",
        ),
        (
            {
                "model_type": "t5",
                "architectures": ["T5ForConditionalGeneration"],
                "is_encoder_decoder": True,
            },
            {"model__safetensors": b""},
            "not a causal language model",
        ),
        ({"architectures": []}, {"model__safetensors": b""}, "no model_type"),
        (
            {"model_type": "x", "auto_map": {"AutoModelForCausalLM": "m.X"}},
            {"model__safetensors": b""},
            "trust_remote_code: true",
        ),
    ],
)
def test_a_folder_that_is_no_model_says_why(
    tmp_path: Path, config: dict | None, files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        locate(str(folder(tmp_path / "m", config, **files)))


@pytest.mark.parametrize(
    "name",
    ["a b/c?", "owner/name/more", "../../nowhere", "./nowhere", "/nowhere", "a--b", "owner/"],
)
def test_what_is_neither_folder_nor_id_is_refused_without_a_network(name: str) -> None:
    with pytest.raises(ModelError, match=r"no folder|neither a folder here nor a hub id"):
        locate(name)


class Hub(BaseHTTPRequestHandler):
    """A hub that says no in every way a hub can."""

    def do_GET(self) -> None:
        name = self.path.split("?")[0].removeprefix("/api/models/")
        if name == "some/slow":
            self.server.patience.wait(20)
            return
        headers, status, body = {}, 200, {}
        if name == "some/gated":
            status, headers = 403, {"X-Error-Code": "GatedRepo"}
        elif name == "some/missing":
            status, headers = 404, {"X-Error-Code": "RepoNotFound"}
        elif name == "some/private":
            status = 401
        elif name.startswith("some/model/revision/"):
            status, headers = 404, {"X-Error-Code": "RevisionNotFound"}
        elif name == "some/broken":
            status = 500
        else:
            files = ["config.json", "pytorch_model.bin"] if name == "some/pickle" else ["README.md"]
            body = {"id": name, "siblings": [{"rfilename": file} for file in files]}
        raw = json.dumps(body).encode()
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.patience = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.patience.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "revision", "said"),
    [
        ("some/gated", None, "is gated.*hf auth login"),
        ("some/missing", None, "no model 'some/missing'.*spelling"),
        ("some/private", None, "no model 'some/private'.*hf auth login"),
        ("some/model", "v9", "no revision 'v9'"),
        ("some/pickle", None, "refused: its weights are 'pytorch_model.bin'"),
        ("some/readme", None, "no config.json"),
        ("some/broken", None, "cannot be reached"),
        (
            "some/slow",
            None,
            "cannot be reached.*no answer in 4 seconds|cannot be reached.*[Tt]imeout",
        ),
    ],
)
def test_every_no_of_the_hub_has_its_own_words(
    hub: str, name: str, revision: str | None, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        locate(name, revision=revision, endpoint=hub)


def test_a_hub_that_is_not_there_is_said() -> None:
    with pytest.raises(ModelError, match=r"'no/body'.*cannot be reached"):
        locate("no/body", endpoint="http://127.0.0.1:9")


def test_looking_for_a_model_loads_no_torch() -> None:
    code = (
        "import sys\n"
        "from workbench.plan.plan import plan\n"
        "from workbench.spec import Spec\n"
        "plan(Spec())\n"
        "assert not {'torch', 'transformers', 'peft'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_a_network_the_hubs_cache_is_used(tiny: Callable[[str], Path]) -> None:
    from huggingface_hub import constants

    commit = "0" * 40
    root = Path(constants.HF_HUB_CACHE) / "models--some--cached"
    snapshot = root / "snapshots" / commit
    shutil.copytree(tiny("llama"), snapshot)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(commit)
    assert locate("some/cached", endpoint="http://127.0.0.1:9") == snapshot
