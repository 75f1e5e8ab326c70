"""From what a spec calls a model to a folder on this machine, or a clear refusal within seconds.

`locate("microworld")`, `locate("path/to/folder")` and `locate("owner/name")` give a folder with `config.json` and
safetensors weights. A hub id is asked for its file list first, with a short deadline, so that a mistyped, gated or
pickle-only model is refused before anything is downloaded; without a network what the hub's cache holds is used. It
never opens weights and never runs a repository's code.
"""

import os
import re
import threading
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workbench.errors import ModelError, needs
from workbench.plan.shape import read_config, weight_files

MICROWORLD = "microworld"
DEADLINE_SECONDS = 4.0
"""How long the hub may take to answer; the whole refusal stays below five seconds."""
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
WANTED = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.tiktoken")
"""What is downloaded of a hub model: configuration, weights and tokenizer."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def locate(
    model_id: str,
    *,
    revision: str | None = None,
    trust_remote_code: bool = False,
    endpoint: str | None = None,
) -> Path:
    """The folder of a model.

    Args:
        model_id: `microworld`, a local folder, or a hub id.
        revision: Branch, tag or commit of a hub id.
        trust_remote_code: Whether the repository's own code is fetched too.
        endpoint: Address of another hub; None takes the library's own.
    """
    here = _folder_here(model_id)
    if here is None:
        here = _from_hub(
            model_id, revision=revision, trust_remote_code=trust_remote_code, endpoint=endpoint
        )
    elif revision is not None:
        raise ModelError(
            f"model.revision: {revision!r} was asked for, but {model_id!r} is a folder and has no "
            "revisions; leave it out"
        )
    return _checked(here, trust_remote_code=trust_remote_code)


def _folder_here(model_id: str) -> Path | None:
    """The folder a name means on this machine; None for what may be a hub id."""
    if model_id == MICROWORLD:
        from workbench import microworld

        weights = Path(microworld.path())
        if weights.is_dir():
            return weights
        raise ModelError(
            "the micro-world's weights are missing from this installation. Make them with: "
            "python -m workbench.microworld.build"
        )
    folder = Path(model_id).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise ModelError(
            f"{model_id!r} is a file; give the folder that holds config.json and weights"
        )
    if model_id.startswith((".", "/", "~")) or model_id.endswith("/") or model_id.count("/") > 1:
        raise ModelError(
            f"there is no folder {model_id!r}; give a folder with config.json and "
            "model.safetensors, a hub id such as owner/name, or microworld"
        )
    if not _HUB_ID.fullmatch(model_id) or ".." in model_id or "--" in model_id:
        raise ModelError(
            f"{model_id!r} is neither a folder here nor a hub id: a hub id is owner/name in "
            "letters, digits, '.', '_' and '-'. Or write microworld"
        )
    if "/" not in model_id and get_close_matches(model_id.lower(), [MICROWORLD], cutoff=0.75):
        raise ModelError(f"{model_id!r} is no folder here. Did you mean {MICROWORLD!r}?")
    return None


def is_hub_id(model_id: str) -> bool:
    """Whether a hub would be asked for it."""
    return _folder_here(model_id) is None


def name_for_others(model_id: str) -> str:
    """What another program calls this model: a hub id as it is, a folder on this machine by its whole path."""
    folder = _folder_here(model_id)
    return model_id if folder is None else str(folder.resolve())


def _checked(folder: Path, *, trust_remote_code: bool) -> Path:
    """The folder, once it is a causal language model in safetensors."""
    names = {path.name for path in folder.iterdir()}
    if "config.json" not in names and "adapter_config.json" in names:
        raise ModelError(
            f"{str(folder)!r} holds an adapter, not a model. Give the base model it was trained on"
        )
    config = read_config(folder)
    _refuse_pickle(names, where=str(folder))
    _refuse_other_kinds(config, where=str(folder), trust_remote_code=trust_remote_code)
    weight_files(folder)
    return folder


def _refuse_pickle(names: Iterable[str], *, where: str) -> None:
    names = set(names)
    if any(name.endswith((".safetensors", ".safetensors.index.json")) for name in names):
        return
    pickles = sorted(name for name in names if name.endswith(PICKLES))
    if pickles:
        raise ModelError(
            f"{where!r} is refused: its weights are {pickles[0]!r}, a pickle, and a pickle can run "
            "code when it is read. Convert it to safetensors where you trust it: "
            "AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)"
        )
    raise ModelError(f"{where!r} has no weights: no model.safetensors lies beside config.json")


def _refuse_other_kinds(config: dict[str, Any], *, where: str, trust_remote_code: bool) -> None:
    """Only causal language models pass; what has no telling architecture is left to the loader."""
    code = "AutoModelForCausalLM" in (config.get("auto_map") or {})
    if code and not trust_remote_code and not _known_type(config):
        raise ModelError(
            f"{where!r} brings its own model code, which is not run. "
            "If you have read it and trust it, say trust_remote_code: true under model:"
        )
    architectures = [str(name) for name in config.get("architectures") or ()]
    causal = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures)
    # A model of text and images keeps its language model in text_config.
    causal = causal or "text_config" in config or code or not architectures
    if config.get("is_encoder_decoder") or not causal:
        raise ModelError(
            f"{where!r} is {', '.join(architectures) or config.get('model_type')!r}, not a causal "
            "language model. Give one whose architecture ends in ForCausalLM or LMHeadModel"
        )
    if not config.get("model_type"):
        raise ModelError(f"{where!r} is not a model folder: its config.json has no model_type")


def _known_type(config: dict[str, Any]) -> bool:
    """Whether an architecture with code of its own is one transformers has built in."""
    return str(config.get("model_type")) in {
        "llama", "mistral", "mixtral", "qwen2", "qwen3", "phi", "phi3", "gemma", "falcon", "mpt",
        "gpt2", "gpt_neox", "gpt_bigcode", "opt", "bloom", "stablelm", "starcoder2", "bitnet",
    }  # fmt: skip


def _from_hub(
    model_id: str, *, revision: str | None, trust_remote_code: bool, endpoint: str | None
) -> Path:
    try:
        from huggingface_hub import HfApi, constants, snapshot_download
        from huggingface_hub import errors as said
    except ImportError:
        raise needs("huggingface_hub", "a model from the hub") from None
    patterns = [*WANTED, "*.py"] if trust_remote_code else list(WANTED)
    fetch: dict[str, Any] = {"revision": revision, "allow_patterns": patterns}
    try:
        if constants.HF_HUB_OFFLINE:
            raise ConnectionError("HF_HUB_OFFLINE is set")
        info = ask_hub(
            lambda: HfApi(endpoint=endpoint).model_info(
                model_id, revision=revision, timeout=DEADLINE_SECONDS - 0.5
            )
        )
        names = [file.rfilename for file in info.siblings or ()]
        if "config.json" not in names:
            raise ModelError(f"{model_id!r} on the hub is not a model: it has no config.json")
        _refuse_pickle(names, where=model_id)
        fetch |= {"etag_timeout": DEADLINE_SECONDS, "endpoint": endpoint}
        return Path(snapshot_download(model_id, **fetch))
    except (
        said.RepositoryNotFoundError,
        said.RevisionNotFoundError,
        said.HFValidationError,
    ) as error:
        raise ModelError(refusal(error, what="model", hub_id=model_id, revision=revision)) from None
    except (OSError, RuntimeError) as error:
        if is_denied(error):
            raise ModelError(refusal(error, what="model", hub_id=model_id, revision=None)) from None
        try:
            return Path(snapshot_download(model_id, local_files_only=True, **fetch))
        except (OSError, ValueError):
            raise ModelError(unreachable(error, what="model", hub_id=model_id)) from None


def ask_hub(question: Callable[[], Any]) -> Any:
    """The hub's answer, or TimeoutError at the deadline, whatever the network does."""
    answer: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(question())
        except Exception as error:  # noqa: BLE001 - handed to the caller, nothing is hidden
            failure.append(error)

    # A daemon thread: a connection that hangs neither holds the refusal nor the interpreter's end.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(DEADLINE_SECONDS)
    if failure:
        error = failure[0]
        if isinstance(error, OSError | ValueError):
            raise error
        # The client's own transport errors are no OSErrors.
        raise ConnectionError(f"{type(error).__name__}: {error}") from error
    if not answer:
        raise TimeoutError(f"no answer in {DEADLINE_SECONDS:g} seconds")
    return answer[0]


def is_denied(error: BaseException) -> bool:
    """Whether the hub was reached and let nobody in."""
    return getattr(getattr(error, "response", None), "status_code", 0) in (401, 403)


def refusal(error: Exception, *, what: str, hub_id: str, revision: str | None) -> str:
    """What to tell a person when the hub says no."""
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return (
            f"{hub_id!r} is gated: its owner lets nobody in who has not asked. Accept its terms on "
            "its page, then log in with `hf auth login` (or set HF_TOKEN) and try again"
        )
    if kind == "RevisionNotFoundError":
        return f"{hub_id!r} has no revision {revision!r}; leave it out, or name a branch, tag or commit"
    return (
        f"the hub has no {what} {hub_id!r} that you may see. Check the spelling (owner/name); if it "
        "is private, log in with `hf auth login`. Local folders and microworld need no hub"
    )


def unreachable(error: Exception, *, what: str, hub_id: str) -> str:
    """What to tell a person when the hub does not answer."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        why = "HF_HUB_OFFLINE is set"
    else:
        why = " ".join(str(error).split())[:120] or type(error).__name__
    here, else_give = ("folder", "a local folder or microworld")
    if what != "model":
        here, else_give = ("file", "a local file or microworld/updates")
    return (
        f"{hub_id!r} is no {here} here and not in the hub's cache, and the hub cannot be reached "
        f"({why}). Check the spelling and the network, or give {else_give}"
    )
