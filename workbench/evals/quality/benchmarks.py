"""Every kind of file that can be asked, and a look at the files of a spec before anything is started.

`check_files(("recall", "choices:arc.jsonl"))` reads what is named and raises what is wrong with it. It asks nobody and
loads no model, so that a bad file costs nothing but an error.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from workbench.evals.bias import askers as bias
from workbench.evals.hallucination import askers as hallucination
from workbench.evals.quality import (
    choices,
    exact_answer,
    extractive,
    lm_eval_tasks,
    own_metric,
    perplexity,
    verbalised,
)
from workbench.scores.catalog import eval_info, file_of, name_of
from workbench.scores.task import Item

READERS: Mapping[str, Callable[[Path], list[Item]]] = {
    "choices": choices.read_items,
    "extractive": extractive.read_items,
    "exact_answer": exact_answer.read_items,
    "perplexity": perplexity.read_items,
    **verbalised.READERS,
    **bias.READERS,
    **hallucination.READERS,
}


CHECKS: Mapping[str, Callable[[str], None]] = {
    "lm_eval": lm_eval_tasks.check_task,
    "metric": own_metric.check_name,
}
"""What refuses a name that is no file's."""


def check_files(names: Iterable[str]) -> dict[str, int]:
    """How many items each named file has; a DataError when one of them cannot be asked."""
    names = list(names)
    for name in names:
        if eval_info(name).named:
            CHECKS[eval_info(name).name](name_of(name))
    return {
        name: len(READERS[eval_info(name).name](file_of(name)))
        for name in names
        if eval_info(name).file
    }
