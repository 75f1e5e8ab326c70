"""One entry of the catalog: an eval in the words that stand beside its figures. It knows no eval and no figure."""

from dataclasses import dataclass
from typing import Literal

Task = Literal["CAUSAL_LM", "SEQ_CLS"]
"""PEFT's word for what a model does: it writes, or it tells rows apart."""

Measure = Literal["accuracy", "matthews", "f1", "macro_f1"]
"""What told labels are scored by."""

Suite = Literal["bias", "hallucination", "robustness"]
"""Several evals under one name: see `suites.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalInfo:
    """One eval, in words."""

    name: str
    family: str
    title: str
    unit: str
    better: Literal["higher", "lower", "none"]
    chance: float | None
    """What a model that knows nothing gets; None where there is no such figure."""
    what: str
    flaws: str
    task: Task = "CAUSAL_LM"
    """Which models can be asked: those that write, or those that tell rows apart."""
    file: str = ""
    """What the file holds that it asks; empty where it asks none."""
    named: str = ""
    """What the word behind the colon names where that need not be a file; empty where it names none."""
    suite: Suite | None = None
    """The suite that it is a part of."""
    even: float | None = None
    """What whoever treats all alike gets, where neither more nor less is better."""
