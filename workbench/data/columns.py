"""What the columns of a source mean: its rows under our words, those with nothing to learn counted, wrong ones refused.

`words_of(rows, data=...)` says what rows are made of, `clean(rows, words=...)` puts them under those words and
`content(row, words)` is what one says. `data.columns` may name a column, a text with columns in braces
(`{sentence1} So: {sentence2}`), or a place in a table that has no header line (`#2`). It reads no file.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from workbench.data.labels import label_of
from workbench.errors import DataError
from workbench.spec import DataSpec

Word = Literal["prompt", "completion", "messages", "text", "label"]
Words = tuple[Word, ...]

FORMATS: tuple[Words, ...] = (("prompt", "completion"), ("messages",), ("text",))
"""What a row to answer may be made of; the first that fits is taken."""
LABELLED: tuple[Words, ...] = (("prompt", "label"), ("text", "label"))
"""What a row to tell apart may be made of."""
PLANTED_LABELS = {"microworld/reviews": "sentiment"}
"""The micro-world's sets with a column that is a label of their rows."""

_IN_BRACES = re.compile(r"\{([^{}]+)\}")


def without_header(data: DataSpec) -> bool:
    """Whether the spec names columns by their place, as in a table without a header line."""
    named = [name for column in data.columns.values() for name in _parts(column)]
    return any(re.fullmatch(r"#[1-9]\d*", name) for name in named)


def named_columns(data: DataSpec) -> dict[str, str]:
    """Our word -> the column (or text with columns in it) that the spec, or the micro-world, says it is."""
    planted = PLANTED_LABELS.get(data.id)
    said: dict[str, str] = dict(data.columns.items())
    return {"label": planted, **said} if planted else said


def used_columns(data: DataSpec, *, words: Words) -> set[str]:
    """The columns that rows of these words are made of."""
    named = named_columns(data)
    return {name for word in words for name in _parts(named.get(word, word))}


def words_of(rows: Sequence[dict[str, Any]], *, data: DataSpec, labelled: bool = False) -> Words:
    """What the rows are made of, by the columns that any of them has."""
    if not rows:
        raise DataError(f"{data.id!r} has no rows")
    there = sorted({str(key) for row in rows for key in row})
    named = named_columns(data)
    for word, column in named.items():
        missing = [name for name in _parts(column) if name not in there]
        if missing:
            raise DataError(
                f"data.columns: {word} is said to be the column {missing[0]!r}, which {data.id!r} "
                f"does not have. Its columns: {', '.join(there)}{_by_place(data)}"
            )
    # What the spec names comes first, whatever else the file has.
    formats = LABELLED if labelled else FORMATS
    for words in sorted(formats, key=lambda some: not set(some) & (set(data.columns) - {"label"})):
        if all(named.get(word, word) in there or word in named for word in words):
            return words
    raise DataError(
        f"{data.id!r} has the columns {', '.join(there)}; " + _needed(data, labelled=labelled)
    )


def _needed(data: DataSpec, *, labelled: bool) -> str:
    if not labelled:
        return (
            "needed are prompt and completion, or messages, or text. Say which is which under "
            "data.columns, for instance columns: {prompt: question, completion: answer}"
            + _by_place(data)
        )
    hint = "; the micro-world's own set with labels is microworld/reviews"
    return (
        "to tell rows apart (adapter.task_type SEQ_CLS) needed are text (or prompt) and label. Say "
        "which is which under data.columns, for instance columns: {text: sentence, label: class}"
        + (hint if data.id.startswith("microworld/") else _by_place(data))
    )


def _by_place(data: DataSpec) -> str:
    """What to do about a table whose first row was taken for its header."""
    if not data.id.lower().endswith((".csv", ".tsv")) or without_header(data):
        return ""
    return (
        "; a file without a header line is named by place, for instance {text: '#2', label: '#1'}"
    )


def clean(
    rows: Sequence[dict[str, Any]], *, words: Words, data: DataSpec
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Rows under our words; those with nothing to learn are counted, those of a wrong kind refused."""
    named = named_columns(data)
    column = {word: named.get(word, word) for word in words}
    kept: list[dict[str, Any]] = []
    skipped: Counter[str] = Counter()
    for number, row in enumerate(rows, start=1):
        where = f"{data.id!r}, row {number}"
        said: dict[Word, Any] = {word: _filled(name, row=row) for word, name in column.items()}
        if any(value is None for value in said.values()):
            skipped["without a value"] += 1
            continue
        said = {word: _value(value, word=word, where=where) for word, value in said.items()}
        if data.id2label and said.get("label"):
            said["label"] = _named(said["label"], id2label=data.id2label, where=where)
        why = _nothing_to_learn(said)
        if why:
            skipped[why] += 1
            continue
        if len({type(said[word]) for word in words}) > 1:
            raise DataError(
                f"{where}: prompt and completion are of different kinds; both are texts, or both "
                "lists of messages"
            )
        # What goes by one of our words and is not meant would be taken for it further on.
        gone = {*column.values(), *get_args(Word)}
        others = {k: v for k, v in row.items() if k not in gone}
        kept.append(dict(said) | others)
    return kept, dict(skipped)


def content(row: Mapping[str, Any], words: Words) -> str:
    """What a row says, the same however it is spaced and whatever else it carries."""
    said = {word: _spaced(row[word]) for word in words}
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


def _parts(column: str) -> list[str]:
    """The columns that a value of `data.columns` names."""
    return _IN_BRACES.findall(column) or [column]


def _filled(column: str, *, row: Mapping[str, Any]) -> Any:
    parts = _IN_BRACES.findall(column)
    if not parts:
        return row.get(column)
    if any(row.get(name) is None for name in parts):
        return None
    return _IN_BRACES.sub(lambda found: str(row[found[1]]), column)


def _nothing_to_learn(said: Mapping[Word, Any]) -> str:
    """Why a row teaches nothing; empty when it does."""
    if "label" in said:
        asked = next(value for word, value in said.items() if word != "label")
        if isinstance(asked, str) and not asked.strip():
            return "empty"
        return "" if said["label"] else "without a label"
    answer = list(said.values())[-1]
    texts = [answer] if isinstance(answer, str) else [turn["content"] for turn in answer]
    if not any(text.strip() for text in texts):
        return "empty"
    if "messages" in said and all(turn["role"] != "assistant" for turn in answer):
        return "without an assistant's message"
    return ""


def _value(value: Any, *, word: Word, where: str) -> Any:
    if word == "label":
        return _whole(label_of(value, where=where), where=where)
    if isinstance(value, str) and word != "messages":
        return _whole(value, where=where)
    if isinstance(value, list) and word != "text":
        return [_message(turn, where=f"{where}, {word} {i}") for i, turn in enumerate(value)]
    allowed = "a list of {role, content}" if word == "messages" else "text"
    raise DataError(
        f"{where}: {word} is {value!r:.60} ({type(value).__name__}); {allowed} is needed"
    )


def _named(label: str, *, id2label: Mapping[str, str], where: str) -> str:
    """What a label stands for; a row may also have the name itself."""
    if label in id2label:
        return id2label[label]
    if label in id2label.values():
        return label
    raise DataError(
        f"{where}: the label {label!r} is not in data.id2label, which names "
        f"{', '.join(f'{key}: {name}' for key, name in id2label.items())}"
    )


def _message(turn: Any, *, where: str) -> dict[str, str]:
    if isinstance(turn, dict) and isinstance(turn.get("role"), str):
        said = turn.get("content")
        if isinstance(said, str):
            return {"role": turn["role"], "content": _whole(said, where=where)}
    raise DataError(f"{where}: a message is {{role: text, content: text}}, got {turn!r:.80}")


def _whole(text: str, *, where: str) -> str:
    """The text, unless it holds half a character: no tokenizer takes one."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start]
        raise DataError(f"{where}: the text holds half a character, {half!r}; remove it") from None
    return text


def _spaced(value: str | list[dict[str, str]]) -> Any:
    if isinstance(value, str):
        return " ".join(value.split())
    return [{key: " ".join(text.split()) for key, text in turn.items()} for turn in value]
