"""Rows to train on and rows held out, from the micro-world, a file or the hub, with a card that says what they are.

`load(spec.data)` gives `Rows(train, held_out, card)`; `check_data(spec.data)` is the quick look a plan takes. A row has
an `id` and either prompt and completion (texts, or lists of messages), messages, or text; with `labelled=True` a prompt
or text and a label. Held out are the rows of `data.validation`; without it a hash of what a row says decides on which
side it falls, so it never moves and duplicates stay together. The micro-world's own sets are held together unless the
spec says otherwise. It tokenises nothing.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.data.audit import audit
from workbench.data.columns import Words, clean, content, used_columns, without_header, words_of
from workbench.data.files import SUFFIXES, peek, read_rows
from workbench.data.labels import Settled, in_order, settle
from workbench.errors import DataError, nearest
from workbench.plan.locate import ask_hub, is_denied, refusal, unreachable
from workbench.spec import DataSpec

MICROWORLD = "microworld/"
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

    @property
    def labels(self) -> tuple[str, ...]:
        """What labelled rows are told apart into; empty for rows that are answered."""
        return tuple(self.card.get("labels", ()))


def load(data: DataSpec, *, labelled: bool = False) -> Rows:
    """All rows of a data set, split and described.

    Args:
        data: Which one.
        labelled: Whether its rows are told apart by a label, rather than answered.
    """
    _check_labels_are_read(data, labelled=labelled)
    source = _read(data)
    words = words_of(source.rows, data=data, labelled=labelled)
    rows, skipped, keys = _cleaned(source, data, words=words)
    every, held_out, note = _split(rows, words=words, fraction=held_out_share(data))
    notes = [note] if note else []
    apart = validation_of(data)
    if apart is not None:
        held_out, note, more = _apart(apart, words=words, labelled=labelled)
        notes, keys = [*notes, note], [*keys, *more]
    train = _take(every, data.rows)
    labels: dict[str, Any] = {}
    if labelled:
        settled = _settled(every, train, held_out, words=words, data=data)
        held_out, labels, notes = settled.held_out, settled.card, [*notes, *settled.notes]
    card = {
        "source": data.id,
        "kind": source.kind,
        "license": data.license or source.license or NOT_STATED,
        "format": list(words),
        "columns": sorted({key for row in source.rows for key in row}),
        "rows": len(source.rows),
        "skipped": skipped,
        "train_rows": len(train),
        "held_out_rows": len(held_out),
        **labels,
        "sha256": _digest("\n".join(sorted(keys))),
        "truncated": None,
        "notes": notes,
        **audit(train, held_out=held_out).as_card(),
    }
    unused = sorted(set(card["columns"]) - used_columns(data, words=words) - {"id"})
    if unused and not data.id.startswith(MICROWORLD):
        notes.append(f"columns that are not trained on: {', '.join(unused)}")
    if data.rows and len(train) < data.rows:
        notes.append(f"{data.rows} rows were asked for; {len(train)} can be trained on")
    return Rows(train=train, held_out=held_out, card=card)


def _settled(
    every: Sequence[dict[str, Any]],
    train: Sequence[dict[str, Any]],
    held_out: Sequence[dict[str, Any]],
    *,
    words: Words,
    data: DataSpec,
) -> Settled:
    """The labels of the set; rows of another file that share none of them cannot be meant."""
    named = data.id2label.values()
    settled = settle(
        every, taken=train, held_out=held_out, asked=words[0], source=data.id, named=named
    )
    apart = validation_of(data)
    if held_out and apart is not None and not settled.held_out:
        raise DataError(
            f"no row of {apart.id!r} has a label that is trained on. {'; '.join(settled.notes)}. Say what "
            "labels stand for with data.id2label, for instance {1: World, 2: Sports}"
        )
    return settled


def _cleaned(
    source: "_Source", data: DataSpec, *, words: Words
) -> tuple[list[dict[str, Any]], dict[str, int], list[str]]:
    """Named rows under our words, how many were skipped and why, and what each row says."""
    rows, skipped = clean(source.rows, words=words, data=data)
    if not rows:
        raise DataError(
            f"{data.id!r} has no row to train on: of {len(source.rows)}, "
            + (", ".join(f"{n} {why}" for why, n in skipped.items()) or "none is there")
        )
    keys = [content(row, words) for row in rows]
    _name(rows, keys)
    return rows, skipped, keys


def _apart(
    data: DataSpec, *, words: Words, labelled: bool
) -> tuple[list[dict[str, Any]], str, list[str]]:
    """The rows of `data.validation`, what to note about them, and what each says."""
    source = _read(data)
    _check_same_words(words_of(source.rows, data=data, labelled=labelled), words, data=data)
    rows, skipped, keys = _cleaned(source, data, words=words)
    left_out = "".join(f", {n} of its rows left out: {why}" for why, n in skipped.items())
    of = "" if _is_local(data.id) else f", split {data.split}"
    return rows, f"held out are the rows of {data.id!r}{of}{left_out}", keys


def _check_same_words(found: Words, trained: Words, *, data: DataSpec) -> None:
    if found != trained:
        raise DataError(
            f"the rows of data.validation, {data.id!r}, are made of {' and '.join(found)}, those that are "
            f"trained on of {' and '.join(trained)}; say with validation: {{columns: ...}} which is which"
        )


def _check_labels_are_read(data: DataSpec, *, labelled: bool) -> None:
    if data.id2label and not labelled:
        raise DataError(
            "data.id2label names the labels of rows that are told apart, and these rows are answered; "
            "leave it out, or say adapter.task_type: SEQ_CLS"
        )


def validation_of(data: DataSpec) -> DataSpec | None:
    """The set whose rows are held out, with what it has of the training rows' words; None where it is the same set."""
    apart = data.validation
    if apart is None:
        return None
    id = apart.id or data.id
    # A file is one table; of a hub set the rows to ask are a split of their own.
    split = apart.split or ("train" if _is_local(id) else "validation")
    columns = data.columns if apart.columns is None else apart.columns
    return DataSpec(id=id, split=split, columns=columns, id2label=data.id2label, eval_fraction=0.0)


def holds_out(data: DataSpec) -> bool:
    """Whether some rows are kept from training, to be asked."""
    return data.validation is not None or held_out_share(data) > 0


def held_out_share(data: DataSpec) -> float:
    """The share of the rows that is held out; none where the rows to ask lie apart.

    The micro-world's sets carry planted truth (every changed fact, every repeat of a secret), and what is asked of
    them is made apart: they are trained on whole unless the spec itself says otherwise.
    """
    planted = data.id.startswith(MICROWORLD) and "eval_fraction" not in data.model_fields_set
    return 0.0 if planted or data.validation is not None else data.eval_fraction


def check_data(data: DataSpec, *, labelled: bool = False) -> None:
    """A quick look: the source is there, has the columns, and is not empty."""
    _check_labels_are_read(data, labelled=labelled)
    words = _look(data, labelled=labelled)
    apart = validation_of(data)
    if apart is not None:
        found = _look(apart, labelled=labelled)
        if words and found:
            _check_same_words(found, words, data=apart)


def _look(data: DataSpec, *, labelled: bool) -> Words | None:
    """What the first rows are made of; None for a set of the hub, which is only asked after."""
    if data.id.startswith(MICROWORLD):
        return words_of(_read(data).rows, data=data, labelled=labelled)
    if _is_local(data.id):
        _check_split(data)
        rows = peek(Path(data.id).expanduser(), header=not without_header(data))
        if not rows:
            raise DataError(f"{data.id!r} has no rows")
        words = words_of(rows, data=data, labelled=labelled)
        clean(rows, words=words, data=data)
        return words
    _ask_dataset(data.id)
    return None


def num_rows(data: DataSpec, *, labelled: bool = False) -> int | None:
    """Rows that could be trained on, before `data.rows` takes some; None where counting would take long."""
    rows = trainable(data, labelled=labelled)
    return None if rows is None else len(rows)


def num_labels(data: DataSpec) -> int | None:
    """How many labels the rows have that could be trained on; None where counting would take long."""
    rows = trainable(data, labelled=True)
    return None if rows is None else len(in_order(row["label"] for row in rows))


def trainable(data: DataSpec, *, labelled: bool) -> list[dict[str, Any]] | None:
    """The rows themselves; None where reading them would take long."""
    if not data.id.startswith(MICROWORLD):
        path = Path(data.id).expanduser()
        if not _is_local(data.id) or path.stat().st_size > MAX_COUNTED_BYTES:
            return None
    source = _read(data)
    words = words_of(source.rows, data=data, labelled=labelled)
    rows, _ = clean(source.rows, words=words, data=data)
    return _split(rows, words=words, fraction=held_out_share(data))[0]


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
        return _Source(
            read_rows(path, header=not without_header(data)), path.suffix.lower().lstrip(".")
        )
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
            f"data.split: {data.split!r} was asked for, but a file is one table; leave split out, and "
            "name a file of rows to ask as data.validation: {id: dev.tsv}"
        )


def _microworld_set(data_id: str) -> str:
    from workbench import microworld

    name = data_id.removeprefix(MICROWORLD)
    if name not in microworld.DATASETS:
        raise DataError(
            f"data.id: the micro-world has no set {name!r}. {nearest(name, microworld.DATASETS)}"
        )
    return name


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
    rows: Sequence[dict[str, Any]], *, words: Words, fraction: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str]:
    sides: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    # One text under two labels is one thing to tell apart, and falls on one side.
    asked = tuple(word for word in words if word != "label")
    for row in rows:
        share = int(_digest("split " + content(row, asked))[:15], 16) / 16**15
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
    return _Source(named_classes(found), "hub", stated)


def named_classes(found: Any) -> list[dict[str, Any]]:
    """The rows of a `datasets.Dataset`, the numbers of its classes put in words; -1 is no class."""
    features = found.features.items()
    names = {column: f.names for column, f in features if hasattr(f, "int2str")}
    rows: list[dict[str, Any]] = found.to_list()
    for row in rows:
        for column, words in names.items():
            number = row[column]
            row[column] = words[number] if number is not None and number >= 0 else None
    return rows
