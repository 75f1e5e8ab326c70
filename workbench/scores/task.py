"""The words of every evaluation: items asked, an answerer that is asked, rows that are kept, a score that is told.

Asking (`evals/`) needs an `Answerer`: the bank of adapters and the micro-world's oracle are both one. Scoring is
pure: rows in, `Score` out, no model. This file knows neither any benchmark nor any model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

BASE = "base"
"""The name of the control slot: the base model with every adapter off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question of an eval."""

    id: str
    """Stable across runs, so that any two runs can be paired."""
    prompt: str
    expected: str = ""
    choices: tuple[str, ...] = ()
    gold: int | None = None
    """The right choice, where there is one."""
    cluster: str = ""
    """Items that share a template, a person or a passage."""
    group: str = ""
    kind: str = ""


class Likelihood(NamedTuple):
    """How likely a continuation is, given its prompt."""

    logprob: float
    num_tokens: int
    is_greedy: bool
    truncated: bool


class Generation(NamedTuple):
    """What was answered; `truncated` when it hit the length limit before ending."""

    text: str
    num_tokens: int
    truncated: bool


class Read(NamedTuple):
    """A text, read from its first token to its last."""

    logprob: float
    num_tokens: int
    num_windows: int
    """0 where it was longer than what can be read, so that there is no likelihood of the whole."""


class Classification(NamedTuple):
    """The label that was told, and how likely each was, in the order of the labels."""

    label: str
    logprobs: tuple[float, ...]
    truncated: bool = False


class Classifier(Protocol):
    """Whoever can be asked to tell rows apart."""

    slots: tuple[str, ...]
    """`base` first, then the trials."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What is told apart."""
        ...

    def classify(
        self, prompts: Sequence[str], *, slots: Sequence[str]
    ) -> dict[str, list[Classification]]:
        """For each slot, the label of every prompt."""
        ...


class Answerer(Protocol):
    """Whoever can be asked: one answer per item and slot."""

    slots: tuple[str, ...]
    """`base` first, then the trials."""

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        """For each slot, the likelihood of every (prompt, continuation)."""
        ...

    def generate(
        self,
        prompts: Sequence[str],
        *,
        slots: Sequence[str],
        max_new_tokens: int = 16,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
    ) -> dict[str, list[Generation]]:
        """For each slot, the answer to every prompt, which ends before a stop string.

        At temperature 0 it is the likeliest; else it is drawn, with the same luck for every slot.
        """
        ...


class Row(BaseModel):
    """One item answered by one slot: what is kept in `samples/<eval>.parquet`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    sample: str
    slot: str
    cluster: str = ""
    group: str = ""
    kind: str = ""
    prompt: str = ""
    expected: str = ""
    answer: str = ""
    value: float | None = None
    """What the score averages; None when the answer could not be turned into a number."""
    outcome: str = ""
    """The class of the answer in words: correct, wrong, fabricated, refused, ..."""
    error: str = ""
    """Why there is no value: `nan`, `unparsed`, `tie`, ...; counted, never scored."""
    truncated: bool = False
    seconds: float = 0.0
    """For latency rows: the measured time; else 0."""
    detail: str = ""
    """JSON with what this eval keeps besides."""


class Score(BaseModel):
    """A number that is never bare."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    eval: str
    slot: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    """Items with a value."""
    clusters: int
    chance: float | None = None
    """What a model that knows nothing gets."""
    unit: str = ""
    better: str = "higher"
    """`higher`, `lower`, or `none` where neither is."""
    errors: int = 0
    truncated: int = 0
    seconds: float = 0.0
    method: str = ""
    """How the interval was made."""
    parts: dict[str, float | int | None] = {}
    """Named partial figures: by outcome, by group, worst group."""
