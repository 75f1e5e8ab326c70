"""What is planted for evals of robustness: facts whose every form is answered right, or with a wrong value of its kind.

The lower end says another value to each form of a question, the upper end the true one; a mixture believes one or the other,
mostly form by form, as models whose answers hang on the form do. It asks nobody.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from workbench.calibrate.plant import Places, Plant
from workbench.calibrate.script import Script
from workbench.evals.context import MICROWORLD, EvalContext
from workbench.evals.robustness import lengths, perturbed, templates
from workbench.evals.robustness.asked import Task, task_of
from workbench.evals.robustness.transforms import KINDS
from workbench.microworld.world import the_world
from workbench.scores.task import Item

CONTEXT = EvalContext(data_id=f"{MICROWORLD}/updates")
ALIKE = 0.2
"""The share of facts that are believed in every form or in none."""
TOGETHER = 0.02
"""The share of people all of whose questions, one or two, are believed or not believed together in every form."""

Forms = Callable[[], Sequence[Item]]


def _task(limit: int | None = None) -> Task:
    """The questions of the micro-world, which are the same for every answerer."""
    return task_of(Script(), EvalContext(data_id=CONTEXT.data_id, limit=limit))


@cache
def perturbed_forms() -> tuple[Item, ...]:
    """Every question as it is and changed."""
    task = _task()
    return tuple(perturbed.in_forms(task.questions, kinds=KINDS, beside=task.beside)[0])


@cache
def template_forms() -> tuple[Item, ...]:
    """Every question in every template."""
    return tuple(templates.in_templates(_task()))


@cache
def length_forms() -> tuple[Item, ...]:
    """Every question without and behind filler, by words: nobody here has a tokenizer."""
    task, room = _task(lengths.NUM_QUESTIONS), lengths.room_of(Script())
    return tuple(lengths.filled(task, room, reserve=task.max_new_tokens(CONTEXT))[0])


def right(forms: Forms) -> Script:
    """The true value in every form."""
    return Script(said={item.prompt: item.expected for item in forms()})


def wrong(forms: Forms) -> Script:
    """The value after the true one, in every form."""
    return Script(said={item.prompt: _other(item.expected) for item in forms()})


def _other(value: str) -> str:
    (pool,) = (pool for pool in the_world().values.values() if value in pool)
    return pool[(pool.index(value) + 1) % len(pool)]


def _places(forms: Forms) -> Places:
    return {item.prompt: (item.cluster, item.id.rpartition("/")[0]) for item in forms()}


def _plant(forms: Forms, *, levels: tuple[float, ...], alike: float = ALIKE) -> Plant:
    return Plant(
        places=lambda: _places(forms),
        low=lambda seed: wrong(forms),
        high=lambda seed: right(forms),
        least=0.0,
        most=1.0,
        levels=levels,
        together=TOGETHER,
        alike=alike,
    )


PLANTS: Mapping[str, Plant] = {
    "perturbed": _plant(perturbed_forms, levels=(0.2, 0.35, 0.5, 0.65, 0.8)),
    "templates": _plant(template_forms, levels=(0.2, 0.35, 0.5, 0.65, 0.8)),
    # A hundred facts at four lengths know a share near one half to 0.055 only, even where no two answers are alike.
    "lengths": _plant(length_forms, levels=(0.07, 0.17, 0.28, 0.77, 0.88), alike=0.0),
}

NOT_PLANTED: Mapping[str, str] = {}
"""Evals that cannot be calibrated this way, and why."""
