"""Rows to train on and rows held out, from the micro-world, a file or the hub, with a card that says what they are.

`load(spec.data)` gives `Rows(train, held_out, card)`; `check_data(spec.data)` is the quick look a plan takes. A row has
an `id` and either prompt and completion (texts, or lists of messages), messages, or text. Which side a row falls on is
a hash of what it says, so it never moves and duplicates stay together; the micro-world's own sets are held together
unless the spec says otherwise. It tokenises nothing.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workbench.data.audit import audit
from workbench.data.files import SUFFIXES, peek, read_rows
from workbench.errors import DataError, nearest
from workbench.plan.locate import ask_hub, is_denied, refusal, unreachable
from workbench.spec import DataSpec

Word = Literal["prompt", "completion", "messages", "text"]

MICROWORLD = "microworld/"
FORMATS: tuple[tuple[Word, ...], ...] = (("prompt", "completion"), ("messages",), ("text",))
"""What a row may be made of; the first that fits is taken."""
NOT_STATED = "not stated"
MICROWORLD_LICENSE = "CC0-1.0"

MAX_COUNTED_BYTES = 20_000_000
"""Larger files are not read only to count their rows."""


@dataclass(frozen=True)
class Rows:
    """A data set, split."""

    train: list[dict[str, Any]]
    held_out: list[dict[str, Any]]
    card: dict[str, Any] = field(default_factory=dict)
    """What the data is: source, licence, counts, hashes, duplicates, leaks."""

    @property
    def format(self) -> tuple[str, ...]:
        """Which columns the rows are made of."""
        return tuple(self.card["format"])


def load(data: DataSpec) -> Rows:
    """All rows of a data set, split and described."""
    source = _read(data)
    wanted = _format(source.rows, data=data)
    rows, skipped = _clean(source.rows, wanted=wanted, data=data)
    if not rows:
        raise DataError(
            f"{data.id!r} has no row to train on: of {len(source.rows)}, "
            + (", ".join(f"{n} {why}" for why, n in skipped.items()) or "none is there")
        )
    keys = [_content(row, wanted) for row in rows]
    _name(rows, keys)
    train, held_out, note = _split(rows, keys, fraction=held_out_share(data))
    train = _take(train, data.rows)
    card = {
        "source": data.id,
        "kind": source.kind,
        "license": data.license or source.license or NOT_STATED,
        "format": list(wanted),
        "columns": sorted({key for row in source.rows for key in row}),
        "rows": len(source.rows),
        "skipped": skipped,
        "train_rows": len(train),
        "held_out_rows": len(held_out),
        "sha256": _digest("\n".join(sorted(keys))),
        "truncated": None,
        "notes": [note] if note else [],
        **audit(train, held_out=held_out).as_card(),
    }
    unused = sorted(set(card["columns"]) - {*(data.columns.get(w, w) for w in wanted), "id"})
    if unused and not data.id.startswith(MICROWORLD):
        card["notes"].append(f"columns that are not trained on: {', '.join(unused)}")
    if data.rows and len(train) < data.rows:
        card["notes"].append(f"{data.rows} rows were asked for; {len(train)} can be trained on")
    return Rows(train=train, held_out=held_out, card=card)


def held_out_share(data: DataSpec) -> float:
    """The share of rows that is held out.

    The micro-world's sets carry planted truth (every changed fact, every repeat of a secret), and what is asked of
    them is made apart: they are trained on whole unless the spec itself says otherwise.
    """
    if data.id.startswith(MICROWORLD) and "eval_fraction" not in data.model_fields_set:
        return 0.0
    return data.eval_fraction


def check_data(data: DataSpec) -> None:
    """A quick look: the source is there, has the columns, and is not empty."""
    if data.id.startswith(MICROWORLD):
        _microworld_set(data.id)
    elif _is_local(data.id):
        _check_split(data)
        rows = peek(Path(data.id).expanduser())
        if not rows:
            raise DataError(f"{data.id!r} has no rows")
        _clean(rows, wanted=_format(rows, data=data), data=data)
    else:
        _ask_dataset(data.id)


def num_rows(data: DataSpec) -> int | None:
    """Rows that could be trained on, before `data.rows` takes some; None where counting would take long."""
    if not data.id.startswith(MICROWORLD):
        path = Path(data.id).expanduser()
        if not _is_local(data.id) or path.stat().st_size > MAX_COUNTED_BYTES:
            return None
    source = _read(data)
    wanted = _format(source.rows, data=data)
    rows, _ = _clean(source.rows, wanted=wanted, data=data)
    keys = [_content(row, wanted) for row in rows]
    return len(_split(rows, keys, fraction=held_out_share(data))[0])


def dataset(data_id: str) -> Any:
    """The training rows of a data set as a `datasets.Dataset`: `dataset("microworld/skewed")`."""
    return to_dataset(load(DataSpec(id=data_id)).train)


def to_dataset(rows: Sequence[dict[str, Any]]) -> Any:
    """The rows as a `datasets.Dataset`, for tools of the Hugging Face world."""
    from datasets import Dataset

    return Dataset.from_list([dict(row) for row in rows])


@dataclass(frozen=True)
class _Source:
    rows: list[dict[str, Any]]
    kind: str
    license: str | None = None


def _read(data: DataSpec) -> _Source:
    if data.id.startswith(MICROWORLD):
        from workbench import microworld

        rows = [dict(row) for row in microworld.rows(_microworld_set(data.id))]
        return _Source(rows, "microworld", MICROWORLD_LICENSE)
    if _is_local(data.id):
        _check_split(data)
        path = Path(data.id).expanduser()
        return _Source(read_rows(path), path.suffix.lower().lstrip("."))
    return _from_hub(data)


def _is_local(data_id: str) -> bool:
    return (
        data_id.lower().endswith(SUFFIXES)
        or data_id.startswith((".", "/", "~"))
        or Path(data_id).exists()
    )


def _check_split(data: DataSpec) -> None:
    if data.split != "train":
        raise DataError(
            f"data.split: {data.split!r} was asked for, but a file is one table; leave split out"
        )


def _microworld_set(data_id: str) -> str:
    from workbench import microworld

    name = data_id.removeprefix(MICROWORLD)
    if name not in microworld.DATASETS:
        raise DataError(
            f"data.id: the micro-world has no set {name!r}. {nearest(name, microworld.DATASETS)}"
        )
    return name


def _format(rows: Sequence[dict[str, Any]], *, data: DataSpec) -> tuple[Word, ...]:
    """What the rows are made of, by the columns that any of them has."""
    if not rows:
        raise DataError(f"{data.id!r} has no rows")
    there = sorted({str(key) for row in rows for key in row})
    for word, column in data.columns.items():
        if column not in there:
            raise DataError(
                f"data.columns: {word} is said to be the column {column!r}, which {data.id!r} does "
                f"not have. Its columns: {', '.join(there)}"
            )
    # What the spec names comes first, whatever else the file has.
    for wanted in sorted(FORMATS, key=lambda words: not set(words) & set(data.columns)):
        if all(data.columns.get(word, word) in there for word in wanted):
            return wanted
    raise DataError(
        f"{data.id!r} has the columns {', '.join(there)}; needed are prompt and completion, or "
        "messages, or text. Say which is which under data.columns, for instance "
        "columns: {prompt: question, completion: answer}"
    )


def _clean(
    rows: Sequence[dict[str, Any]], *, wanted: tuple[Word, ...], data: DataSpec
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Rows under our words; those with nothing to learn are counted, those of a wrong kind refused."""
    column = {word: data.columns.get(word, word) for word in wanted}
    kept: list[dict[str, Any]] = []
    skipped: Counter[str] = Counter()
    for number, row in enumerate(rows, start=1):
        where = f"{data.id!r}, row {number}"
        said = {word: row.get(name) for word, name in column.items()}
        if any(value is None for value in said.values()):
            skipped["without a value"] += 1
            continue
        said = {word: _value(value, word=word, where=where) for word, value in said.items()}
        why = _nothing_to_learn(said)
        if why:
            skipped[why] += 1
            continue
        if len({type(said[word]) for word in wanted}) > 1:
            raise DataError(
                f"{where}: prompt and completion are of different kinds; both are texts, or both "
                "lists of messages"
            )
        others = {k: v for k, v in row.items() if k not in column.values() and k not in wanted}
        kept.append(said | others)
    return kept, dict(skipped)


def _nothing_to_learn(said: dict[Word, Any]) -> str:
    """Why a row teaches nothing; empty when it does."""
    answer = list(said.values())[-1]
    texts = [answer] if isinstance(answer, str) else [turn["content"] for turn in answer]
    if not any(text.strip() for text in texts):
        return "empty"
    if "messages" in said and all(turn["role"] != "assistant" for turn in answer):
        return "without an assistant's message"
    return ""


def _value(value: Any, *, word: str, where: str) -> Any:
    if isinstance(value, str) and word != "messages":
        return _whole(value, where=where)
    if isinstance(value, list) and word != "text":
        return [_message(turn, where=f"{where}, {word} {i}") for i, turn in enumerate(value)]
    allowed = "a list of {role, content}" if word == "messages" else "text"
    raise DataError(
        f"{where}: {word} is {value!r:.60} ({type(value).__name__}); {allowed} is needed"
    )


def _message(turn: Any, *, where: str) -> dict[str, str]:
    if isinstance(turn, dict) and isinstance(turn.get("role"), str):
        content = turn.get("content")
        if isinstance(content, str):
            return {"role": turn["role"], "content": _whole(content, where=where)}
    raise DataError(f"{where}: a message is {{role: text, content: text}}, got {turn!r:.80}")


def _whole(text: str, *, where: str) -> str:
    """The text, unless it holds half a character: no tokenizer takes one."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start]
        raise DataError(f"{where}: the text holds half a character, {half!r}; remove it") from None
    return text


def _content(row: dict[str, Any], wanted: tuple[Word, ...]) -> str:
    """What a row says, the same however it is spaced and whatever else it carries."""
    said = {word: _spaced(row[word]) for word in wanted}
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


def _spaced(value: str | list[dict[str, str]]) -> Any:
    if isinstance(value, str):
        return " ".join(value.split())
    return [{key: " ".join(text.split()) for key, text in turn.items()} for turn in value]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _name(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> None:
    """Gives each row an id that no other has; one that the source gave stays."""
    seen: Counter[str] = Counter()
    for row, key in zip(rows, keys, strict=True):
        given = row.get("id")
        name = given if isinstance(given, str) and given else _digest(key)[:16]
        seen[name] += 1
        row["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"


def _split(
    rows: Sequence[dict[str, Any]], keys: Sequence[str], *, fraction: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str]:
    sides: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for row, key in zip(rows, keys, strict=True):
        share = int(_digest("split " + key)[:15], 16) / 16**15
        sides[share < fraction].append(row)
    train, held_out = sides
    if train:
        return train, held_out, ""
    return held_out, [], f"{len(rows)} rows are too few to hold any out; all are trained on"


def _take(rows: list[dict[str, Any]], limit: int | None) -> list[dict[str, Any]]:
    """Some of the rows, by hash: 50 rows are among the 200, and the order stays the source's."""
    if limit is None or limit >= len(rows):
        return rows
    ranked = sorted(range(len(rows)), key=lambda i: _digest("take " + rows[i]["id"]))
    return [rows[i] for i in sorted(ranked[:limit])]


def _ask_dataset(data_id: str) -> Any:
    """What the hub knows of a data set; None when only the cache answers; else a refusal in seconds."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub import errors as said

    name = data_id.partition(":")[0]
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", name) or "--" in name:
        raise DataError(
            f"data.id: {data_id!r} is no file here and no hub id (owner/name, or owner/name:config). "
            f"Files end in {', '.join(SUFFIXES)}"
        )
    try:
        if constants.HF_HUB_OFFLINE:
            raise ConnectionError("HF_HUB_OFFLINE is set")
        return ask_hub(lambda: HfApi().dataset_info(name, timeout=3.5))
    except (said.RepositoryNotFoundError, said.HFValidationError) as error:
        raise DataError(refusal(error, what="data set", hub_id=name, revision=None)) from None
    except OSError as error:
        if is_denied(error):
            raise DataError(refusal(error, what="data set", hub_id=name, revision=None)) from None
        if _is_cached(name):
            return None
        raise DataError(unreachable(error, what="data set", hub_id=name)) from None


def _is_cached(name: str) -> bool:
    """Whether the hub's cache holds a data set, so that it loads without a network."""
    from huggingface_hub import constants

    return (Path(constants.HF_HUB_CACHE) / f"datasets--{name.replace('/', '--')}").is_dir()


def _from_hub(data: DataSpec) -> _Source:
    """A split of a hub data set; `owner/name:config` where it has several configurations."""
    info = _ask_dataset(data.id)
    from datasets import load_dataset

    name, _, config = data.id.partition(":")
    try:
        found = load_dataset(name, config or None, split=data.split)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"the data set {data.id!r} cannot be loaded: {reason}") from None
    card = getattr(info, "card_data", None)
    stated = (card or {}).get("license") if card is not None else None
    stated = ", ".join(stated) if isinstance(stated, list) else stated
    return _Source(found.to_list(), "hub", stated)
