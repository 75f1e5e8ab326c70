"""How a prompt is to be answered, and what an answer is: what both sides of the pipe and a person's code agree on.

`Manner.from_fields({...})` checks what a form holds and says what is wrong field by field. An `Answer` has its text and
its tokens, each with its probability under the model and what would have been likelier. It knows no model.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import InputError

LONGEST_PROMPT = 100_000
"""Characters of a prompt."""
MOST_TOKENS = 4096

LIMITS: Mapping[str, tuple[type, float, float, str]] = {
    "max_new_tokens": (int, 1, MOST_TOKENS, "Most tokens"),
    "temperature": (float, 0.01, 10, "Temperature"),
    "top_p": (float, 0.001, 1, "Top p"),
    "seed": (int, 0, 2**31 - 1, "Seed"),
}
"""Field -> kind, smallest, largest, and its label."""

HOW = {
    "end": "ended by itself",
    "length": "cut at the most tokens",
    "context": "cut at the end of the context",
    "stopped": "stopped",
    "failed": "no answer",
    "broken": "no answer: what the model gives are no numbers",
}
"""How an answer came to its end."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How to answer."""

    chat: bool = False
    """Put the prompt into the tokenizer's chat template, as a message of the user."""
    greedy: bool = True
    """Take the likeliest token each time; temperature, top_p and seed are then not used."""
    max_new_tokens: int = 32
    temperature: float = 0.8
    top_p: float = 1.0
    seed: int = 0

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Manner":
        """What a form holds; InputError with every wrong field."""
        wrong = mistakes(fields)
        if wrong:
            raise InputError("; ".join(wrong.values()))
        kinds = {name: kind for name, (kind, *_) in LIMITS.items()}
        numbers = {name: kind(fields[name]) for name, kind in kinds.items() if name in fields}
        switches = {name: fields[name] for name in ("chat", "greedy") if name in fields}
        return cls(**numbers, **switches)


def mistakes(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, by field.

    >>> mistakes({"seed": 3, "top_p": 2})
    {'top_p': 'Top p is 2; a number from 0.001 to 1 is needed'}
    """
    wrong = {}
    for name, value in fields.items():
        if name in ("chat", "greedy"):
            if not isinstance(value, bool):
                wrong[name] = f"{name} is {value!r}; true or false is needed"
        elif name not in LIMITS:
            wrong[str(name)[:40]] = (
                f"{str(name)[:40]!r} is no setting; there are {', '.join(LIMITS)}"
            )
        elif not _fits(value, name=name):
            kind, low, high, label = LIMITS[name]
            what = "a whole number" if kind is int else "a number"
            shown = "empty" if value in (None, "") else repr(value)[:40]
            most = f"{high:,}" if kind is int else f"{high:g}"
            wrong[name] = f"{label} is {shown}; {what} from {low:g} to {most} is needed"
    return wrong


def _fits(value: Any, *, name: str) -> bool:
    kind, low, high, _ = LIMITS[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return low <= value <= high and (kind is float or float(value).is_integer())


def check_prompt(prompt: Any) -> str:
    """The prompt, if it can be asked."""
    if not isinstance(prompt, str):
        raise InputError(f"a prompt is a text; got {type(prompt).__name__}")
    if not prompt.strip():
        raise InputError("the prompt is empty; type what is to be continued or answered")
    if len(prompt) > LONGEST_PROMPT:
        raise InputError(
            f"the prompt has {len(prompt):,} characters; at most {LONGEST_PROMPT:,} are taken"
        )
    # Half of a surrogate pair, as a browser may send it, is in no vocabulary and cannot be written down.
    return prompt.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, kw_only=True)
class Token:
    """One token of an answer."""

    text: str
    """With the space before it; empty where it is a part of a character that a later one completes."""
    id: int
    probability: float
    """Of this token at this place under the model itself: at temperature 1 and without top p."""
    alternatives: tuple[tuple[str, float], ...]
    """The five likeliest tokens here, with their probabilities."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one slot answers."""

    slot: str
    text: str
    tokens: tuple[Token, ...]
    """The one that ends the text among them."""
    how: str
    """A key of `HOW`: how it came to its end."""

    @property
    def probability(self) -> float:
        """Of the whole answer."""
        return math.prod(token.probability for token in self.tokens)

    def __str__(self) -> str:
        return self.text


def answer_of(slot: str, said: Mapping[str, Any]) -> Answer:
    """An answer as it came through the pipe."""
    return Answer(
        slot=slot,
        text=said["text"],
        how=said["how"],
        tokens=tuple(
            Token(
                text=one["t"],
                id=one["i"],
                probability=one["p"],
                alternatives=tuple((text, p) for text, p in one["top"]),
            )
            for one in said["tokens"]
        ),
    )
