"""How words told for labels become the figure of their task: accuracy, Matthews correlation, F1, or its mean over labels.

A row's `answer` is the likeliest word, `expected` the right one; its details say which task it belongs to. Chance is the
best that one word for every row gets, or, where every row has choices of its own, one in so many. Of MultiRC the share of questions
stands beside it whose every answer is judged right. It knows no model and no file.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from workbench.scores.classification import CALLED, parts_of
from workbench.scores.confusion import baseline, estimate, resampled
from workbench.scores.figures import (
    Figures,
    Parts,
    at_worst,
    detail,
    errors_of,
    failed,
    group_means,
    scored,
)
from workbench.scores.glue import TASKS, Task
from workbench.scores.task import Row
from workbench.stats.intervals import Ints

OWN = Task(title="", columns={}, question="")


def figures(rows: Sequence[Row]) -> Figures:
    """The task's measure, and what it is made of."""
    ours, broken = scored(rows), failed(rows)
    name = next((str(detail(r)["task"]) for r in (*ours, *broken) if "task" in detail(r)), "")
    task = TASKS.get(name, OWN)
    asked = [*ours, *broken]
    positive = task.positive
    parts: Parts = {}
    if name == "copa":
        chance = _one_in_so_many(ours)
        parts |= {**group_means(ours, better="higher"), **at_worst(rows)}
    else:
        chance = baseline(asked, measure=task.measure, positive=positive)
        labels = len({row.expected for row in asked if row.expected})
        parts |= parts_of(rows, measure=task.measure, num_labels=labels)
        parts |= _shares_told(ours)
    if name == "multirc":
        parts |= _whole_questions(ours)
    parts |= errors_of(broken, "tie", name="ties")
    of = f" of {positive!r}" if task.measure == "f1" else ""
    return Figures(
        interval=estimate(ours, measure=task.measure, positive=positive),
        parts=parts,
        measure=f"{CALLED[task.measure]}{of} by the likeliest word",
        chance=chance,
    )


def _one_in_so_many(rows: Sequence[Row]) -> float | None:
    sizes = [len(detail(row)["logprobs"]) for row in rows]
    return sum(1 / size for size in sizes) / len(sizes) if sizes else None


def _shares_told(rows: Sequence[Row]) -> Parts:
    """How often each word is told, which shows a model that always says the same."""
    told = Counter(row.answer for row in rows)
    return {f"told/{word}": count / len(rows) for word, count in sorted(told.items())}


def _whole_questions(rows: Sequence[Row]) -> Parts:
    """The share of MultiRC's questions whose every answer is judged right (Khashabi et al. 2018)."""
    answers: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        answers[row.sample.rpartition("/")[0]].append(row)
    if not answers:
        return {}
    whole = np.array([all(row.value for row in some) for some in answers.values()], dtype=float)

    def share(places: Ints) -> float:
        return float(whole[places].mean())

    found = resampled(share, clusters=[some[0].cluster for some in answers.values()])
    return {
        "exact_match": found.value,
        "exact_match/low": found.low,
        "exact_match/high": found.high,
        "exact_match/questions": len(answers),
    }
