"""Asks for the label of rows: the micro-world's unseen reviews, or the user's held-out rows.

Micro-world items are planted ones that are in no training set; on other data the held-out rows are asked, the training
rows, marked as such, where none are held out. The base answers under a head of its own that is fitted here, see `probing`.
It scores nothing.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from workbench import microworld
from workbench.data.rendering import text_to_tell
from workbench.evals import probing, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.scores.quality import HELD_OUT, TRAINED
from workbench.scores.task import BASE, Answerer, Classification, Classifier, Item, Row

PLANTED = {"reviews": "sentiment"}
"""The micro-world's sets with unseen rows that have the same labels."""


def ask_classification(
    answerer: Answerer,
    *,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
    eval: str = "classification",
) -> rounds.Rows:
    """The label of every item."""
    labels = getattr(answerer, "labels", ())
    if not labels:
        return rounds.not_asked(eval, "this model has no labels to tell", slots=slots)
    if eval == "f1" and len(labels) != 2:
        reason = f"there are {len(labels)} labels, and F1 is that of one against one; see macro_f1"
        return rounds.not_asked(eval, reason, slots=slots)
    # Of two labels the second is the positive one, as 1 is of 0 and 1.
    more = {"positive": labels[-1]} if eval == "f1" else {}
    classifier: Classifier = answerer  # type: ignore[assignment]
    items = context.chosen(_planted(context, labels=labels) or _own(context))
    if not items:
        return rounds.not_asked(eval, "the data have no row with a label", slots=slots)

    control = probing.fitted(answerer, context.train, labels=labels) if BASE in slots else None

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[Classification]:
        prompts = [item.prompt for item in chunk]
        others = [slot for slot in slots if control is None or slot != BASE]
        told = classifier.classify(prompts, slots=others) if others else {}
        return (
            told if control is None or BASE not in slots else {BASE: control.tell(prompts), **told}
        )

    def row(item: Item, told: Classification, slot: str) -> Row:
        broken = any(map(math.isnan, told.logprobs))
        head = {"head_rows": control.num_rows} if control is not None and slot == BASE else {}
        found = {**more, **head}
        verdict = rounds.Verdict(error="nan") if broken else _judge(item, told, labels, found)
        answer = "" if broken else told.label
        return rounds.row_of(item, verdict, slot=slot, answer=answer, truncated=told.truncated)

    return rounds.ask_in_chunks(items, ask, row, slots=slots, progress=progress)


ASKERS = {
    name: partial(ask_classification, eval=name)
    for name in ("classification", "matthews", "f1", "macro_f1")
}
"""The evals that ask the same rows, and differ in what is made of them."""


def _judge(
    item: Item, told: Classification, labels: Sequence[str], more: Mapping[str, Any]
) -> rounds.Verdict:
    if item.expected not in labels:
        return rounds.Verdict(error="label never trained on")
    right = told.label == item.expected
    logprob = told.logprobs[labels.index(item.expected)]
    return rounds.Verdict(
        value=float(right),
        outcome="correct" if right else "wrong",
        detail={"logprob": logprob, "told": math.exp(max(told.logprobs)), **more},
    )


def _planted(context: EvalContext, *, labels: Sequence[str]) -> list[Item]:
    name = context.microworld_set
    if name not in PLANTED:
        return []
    items = microworld.items(PLANTED[name], data=name)
    # Under another column of the set the rows have labels that the planted items do not have.
    return items if {item.expected for item in items} <= set(labels) else []


def _own(context: EvalContext) -> list[Item]:
    kind, rows = (HELD_OUT, context.held_out) if context.held_out else (TRAINED, context.train)
    return [_item(row, kind=kind) for row in rows if row.get("label")]


def _item(row: Mapping[str, Any], *, kind: str) -> Item:
    label = str(row["label"])
    return Item(id=str(row["id"]), prompt=text_to_tell(row), expected=label, group=label, kind=kind)
