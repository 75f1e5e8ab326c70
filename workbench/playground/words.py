"""What is known of a prompt before any model is loaded: words that the tokenizer has not, its length, and what might be asked.

`Words(folder).look(prompt)` marks what becomes the unknown token and counts tokens. `samples(place)` offers prompts: of
the micro-world some of each kind of question, of another model what its sweep's evals asked. It loads no torch.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench import microworld
from workbench.errors import WorkbenchError
from workbench.playground.place import Place, is_microworld
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE

LOOKED_AT = 20_000
"""Characters of a prompt that are looked at while it is typed."""
MOST_WORDS = 20
MOST_SAMPLES = 10
LONGEST_SAMPLE = 600

KINDS = {
    "recall": ("taught", 2),
    "paraphrase": ("put otherwise", 1),
    "retention": ("known before", 1),
    "unstated": ("never said", 1),
    "bias": ("he or she", 1),
    "sentiment": ("sentiment", 1),
    "extraction": ("fields of a note", 1),
    "secrets": ("secret", 1),
}
"""Kinds of the micro-world's questions: what they are called here, and how many are offered."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A prompt as the tokenizer sees it."""

    tokens: int
    context: int | None = None
    """The most that the model reads at once; None where its config does not say."""
    unknown: tuple[str, ...] = field(default=())
    """What it has no token for, each word once."""
    cut: bool = False
    """Whether only the beginning was looked at."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A prompt to begin with."""

    text: str
    kind: str
    expected: str = ""


class Words:
    """The words of a tokenizer."""

    def __init__(self, folder: Path) -> None:
        """Read its file; a folder without one knows nothing of words."""
        self._tokenizer: Any = None
        self._context = _context_of(folder)
        self._unknown: int | None = None
        path = folder / "tokenizer.json"
        if path.is_file():
            from tokenizers import Tokenizer

            try:
                self._tokenizer = Tokenizer.from_file(str(path))
            except Exception:  # noqa: BLE001 - the library raises nothing narrower; the worker will say it
                return
            model = json.loads(path.read_bytes()).get("model", {})
            self._unknown = self._tokenizer.token_to_id(str(model.get("unk_token")))

    def look(self, prompt: str) -> Look | None:
        """What is seen of a prompt; None where the tokenizer cannot be read here."""
        if self._tokenizer is None:
            return None
        seen = prompt[:LOOKED_AT].encode("utf-8", "replace").decode("utf-8")
        found = self._tokenizer.encode(seen)
        unknown = dict.fromkeys(
            _word(seen, first, end)
            for id, (first, end) in zip(found.ids, found.offsets, strict=True)
            if id == self._unknown
        )
        words = tuple(word for word in unknown if word)
        return Look(
            tokens=len(found.ids),
            context=self._context,
            unknown=words[:MOST_WORDS],
            cut=len(prompt) > LOOKED_AT,
        )


def _context_of(folder: Path) -> int | None:
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return None
    config = config.get("text_config") or config
    names = ("max_position_embeddings", "n_positions", "max_seq_len", "n_ctx")
    return next((config[name] for name in names if isinstance(config.get(name), int)), None)


def _word(text: str, first: int, end: int) -> str:
    return text[first:end].strip()[:60]


def has_chat_template(folder: Path) -> bool:
    """Whether the tokenizer of a model brings a chat template."""
    if (folder / "chat_template.jinja").is_file():
        return True
    try:
        config = json.loads((folder / "tokenizer_config.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and bool(config.get("chat_template"))


def samples(place: Place) -> list[Sample]:
    """Prompts to begin with, of several kinds."""
    found = list(_of_microworld(place) if is_microworld(place) else _of_sweep(place))
    return found[:MOST_SAMPLES]


def _of_microworld(place: Place) -> Iterator[Sample]:
    named = place.data.removeprefix("microworld/")
    data = named if named in microworld.DATASETS else "updates"
    for kind, (called, count) in KINDS.items():
        items = microworld.items(kind, data=data)
        # Apart from each other, so that they are not of the same person.
        for item in items[: max(1, len(items) // 2) * count : max(1, len(items) // 2)]:
            yield Sample(text=item.prompt, kind=called, expected=item.expected)


def _of_sweep(place: Place) -> Iterator[Sample]:
    """What the sweep's evals asked its base; nothing where none were asked."""
    if place.sweep is None:
        return
    try:
        store = SweepStore.open(place.sweep)
        names = sorted(path.stem for path in (store.folder(BASE) / "samples").glob("*.parquet"))
        for name in names:
            kept = 0
            for row in store.frame(BASE, name).slice(0, 50).to_pylist():
                prompt = row.get("prompt") or ""
                if kept < 2 and len(prompt.strip()) > 0 and len(prompt) <= LONGEST_SAMPLE:
                    kept += 1
                    yield Sample(text=prompt, kind=name, expected=row.get("expected") or "")
    except (WorkbenchError, OSError):
        return
