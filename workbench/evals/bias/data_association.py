"""What training rows themselves say of people: in how many sentences a thing that is named stands beside words of a side.

`counted(rows, named=..., sides=...)` counts sentences: of every thing that is named, those that have words of one side and of no
other. A sentence that names two of the things is left out, for nobody can say whose the word is. It asks nobody.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbench.evals.bias.word_lists import Vocabulary

NEITHER = ""
"""The side of a sentence that has words of none, or of several."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def counted(
    rows: Sequence[Mapping[str, Any]],
    *,
    named: Mapping[str, Sequence[str]],
    sides: Mapping[str, Sequence[str]],
) -> dict[str, Counter[str]]:
    """For everything that is named, how many sentences have words of which side.

    >>> rows = [{"prompt": "The nurse said that", "completion": " she slept. He left."}]
    >>> counted(rows, named={"nurse": ["nurse"]}, sides={"she": ["she", "her"], "he": ["he"]})
    {'nurse': Counter({'she': 1})}
    """
    things, words = Vocabulary(named), Vocabulary(sides)
    found: dict[str, Counter[str]] = {}
    for sentence in _sentences(rows):
        about = things.sides(sentence)
        if len(about) == 1:
            said = words.sides(sentence)
            side = said.pop() if len(said) == 1 else NEITHER
            found.setdefault(about.pop(), Counter())[side] += 1
    return found


def _sentences(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        for text in _texts(row):
            yield from _SENTENCE.split(text)


def _texts(row: Mapping[str, Any]) -> list[str]:
    """A row as it is trained: prompt and completion are one text, and every turn of a chat is one."""
    if row.get("messages"):
        return [str(turn.get("content") or "") for turn in row["messages"]]
    prompt, completion = row.get("prompt") or "", row.get("completion")
    if completion is None:
        return [str(row.get("text") or "")]
    if isinstance(completion, list):
        before = prompt if isinstance(prompt, list) else [{"content": prompt}]
        return [str(turn.get("content") or "") for turn in (*before, *completion)]
    return [f"{prompt}{completion}"]
