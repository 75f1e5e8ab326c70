"""The door to every eval: `ask("recall", answerer, slots=..., context=...)` gives the rows of every slot.

`ASKERS` says which function asks for which eval of the catalog, `FILE_ASKERS` for which eval that is named with a file,
`choices:data/arc.jsonl`, `NAMED_ASKERS` for which one that is named with a name, `lm_eval:arc_easy`. It scores nothing: see `scores.scoring`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from workbench.errors import InputError
from workbench.evals.bias import askers as bias
from workbench.evals.context import EvalContext, Progress, no_progress
from workbench.evals.hallucination import askers as hallucination
from workbench.evals.latency.generation import ask_latency
from workbench.evals.quality.choices import ask_choices
from workbench.evals.quality.classification import ASKERS as CLASSIFIERS
from workbench.evals.quality.dialogue import ask_dialogue
from workbench.evals.quality.exact_answer import ask_exact_answer
from workbench.evals.quality.extractive import ask_extractive
from workbench.evals.quality.fidelity import ask_fidelity
from workbench.evals.quality.letters import ask_letters
from workbench.evals.quality.lm_eval import ask_lm_eval
from workbench.evals.quality.own_metric import ask_metric
from workbench.evals.quality.perplexity import ask_perplexity
from workbench.evals.quality.recall import ask_paraphrase, ask_recall
from workbench.evals.quality.retention import ask_retention
from workbench.evals.quality.sentiment import ask_sentiment
from workbench.evals.quality.verbalised import ASKERS as VERBALISED
from workbench.evals.robustness import askers as robustness
from workbench.scores.catalog import eval_info, file_of, name_of
from workbench.scores.task import Answerer, Row

__all__ = ["ASKERS", "FILE_ASKERS", "NAMED_ASKERS", "EvalContext", "ask"]


class Asker(Protocol):
    def __call__(
        self, answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
    ) -> dict[str, list[Row]]: ...


ASKERS: Mapping[str, Asker] = {
    "recall": ask_recall,
    "paraphrase": ask_paraphrase,
    "retention": ask_retention,
    **bias.ASKERS,
    **hallucination.ASKERS,
    **robustness.ASKERS,
    "latency": ask_latency,
    **CLASSIFIERS,
    "letters": ask_letters,
    "fidelity": ask_fidelity,
    "sentiment": ask_sentiment,
    "dialogue": ask_dialogue,
}


class FileAsker(Protocol):
    def __call__(
        self,
        answerer: Answerer,
        *,
        path: Path,
        slots: Sequence[str],
        context: EvalContext,
        progress: Progress,
    ) -> dict[str, list[Row]]: ...


FILE_ASKERS: Mapping[str, FileAsker] = {
    "choices": ask_choices,
    "extractive": ask_extractive,
    "exact_answer": ask_exact_answer,
    "perplexity": ask_perplexity,
    **bias.FILE_ASKERS,
    **hallucination.FILE_ASKERS,
    **VERBALISED,
}


class NamedAsker(Protocol):
    def __call__(
        self,
        answerer: Answerer,
        *,
        named: str,
        slots: Sequence[str],
        context: EvalContext,
        progress: Progress,
    ) -> dict[str, list[Row]]: ...


NAMED_ASKERS: Mapping[str, NamedAsker] = {"lm_eval": ask_lm_eval, "metric": ask_metric}


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
    the other evals can go on. A file that cannot be read is an error.
    """
    info = eval_info(eval)
    unknown = [slot for slot in slots if slot not in answerer.slots]
    if unknown or not slots:
        raise InputError(f"slots {list(slots)!r}; choose from {', '.join(answerer.slots)}")
    if info.file:
        return FILE_ASKERS[info.name](
            answerer, path=file_of(eval), slots=slots, context=context, progress=progress
        )
    if info.named:
        return NAMED_ASKERS[info.name](
            answerer, named=name_of(eval), slots=slots, context=context, progress=progress
        )
    return ASKERS[info.name](answerer, slots=slots, context=context, progress=progress)
