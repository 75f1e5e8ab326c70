"""Asks every question as it is, and again with typos, in other cases, spaces and marks, and beside a sentence of no matter.

The question as it is is a control, without a value; each change is a kind of its own, with a row for every item. What a
change leaves as it was is not asked again: its row is an error, `unchanged`. It scores nothing: see `scores.robustness.perturbed`.
"""

from collections.abc import Sequence

from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.robustness.asked import Question, Task, task_of
from workbench.evals.robustness.transforms import AFTER, KINDS, changed
from workbench.scores.task import Answerer, Item


def ask_perturbed(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """Every question in every form."""
    task = task_of(answerer, context)
    # A sentence between a first half and its second would break what is to be continued.
    kinds = [kind for kind in KINDS if not (task.by_likelihood and kind == AFTER)]
    return ask_changed(task, answerer, kinds=kinds, slots=slots, context=context, progress=progress)


def ask_changed(
    task: Task,
    answerer: Answerer,
    *,
    kinds: Sequence[str],
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """The questions of a task as they are and under some changes."""
    asked, unchanged = in_forms(task.questions, kinds=kinds, beside=task.beside)
    return task.ask(
        answerer, asked, unchanged=unchanged, slots=slots, context=context, progress=progress
    )


def in_forms(
    questions: Sequence[Question], *, kinds: Sequence[str], beside: tuple[str, ...]
) -> tuple[list[Item], list[Item]]:
    """What is asked, and what a change leaves as it was."""
    asked: list[Item] = []
    unchanged: list[Item] = []
    for one in questions:
        asked.append(one.as_it_is())
        for kind in kinds:
            text = changed(one.text, kind=kind, id=one.item.id, beside=beside)
            item = one.put(text, kind=kind)
            # White space at an end may be lost where it is asked.
            same = not text.strip() or text.strip() == one.text.strip()
            (unchanged if same else asked).append(item)
    return asked, unchanged
