"""The door to every eval: `ask("recall", answerer, slots=..., context=...)` gives the rows of every slot.

`ASKERS` says which function asks for which eval of the catalog. It scores nothing: see `scores.scoring`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from workbench.errors import InputError
from workbench.evals.bias.occupations import ask_occupations
from workbench.evals.context import EvalContext, Progress, no_progress
from workbench.evals.hallucination.facts import ask_facts
from workbench.evals.latency.generation import ask_latency
from workbench.evals.quality.classification import ask_classification
from workbench.evals.quality.recall import ask_paraphrase, ask_recall
from workbench.evals.quality.retention import ask_retention
from workbench.scores.catalog import eval_info
from workbench.scores.task import Answerer, Row

__all__ = ["ASKERS", "EvalContext", "ask"]


class Asker(Protocol):
    def __call__(
        self, answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
    ) -> dict[str, list[Row]]: ...


ASKERS: Mapping[str, Asker] = {
    "recall": ask_recall,
    "paraphrase": ask_paraphrase,
    "retention": ask_retention,
    "bias": ask_occupations,
    "hallucination": ask_facts,
    "latency": ask_latency,
    "classification": ask_classification,
}


def ask(
    eval: str,
    answerer: Answerer,
    *,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress = no_progress,
) -> dict[str, list[Row]]:
    """Ask one eval of every slot; a row for each item and slot.

    What fails for one item is an error in its rows. What fails for the whole eval is one row with the reason, so that
    the other evals can go on.
    """
    eval_info(eval)
    unknown = [slot for slot in slots if slot not in answerer.slots]
    if unknown or not slots:
        raise InputError(f"slots {list(slots)!r}; choose from {', '.join(answerer.slots)}")
    return ASKERS[eval](answerer, slots=slots, context=context, progress=progress)
