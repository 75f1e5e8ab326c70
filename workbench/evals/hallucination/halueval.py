"""Asks whether answers are made up: the right and the made-up answer to each question of HaluEval, given what is known.

A row of the file has `knowledge`, `question`, `right_answer` and `hallucinated_answer`, as `qa_data.json` has them, an object a
line. Both answers are judged, each on its own, by the likelihood of yes and no: the original draws one of them
without a seed. It scores nothing: see `scores.hallucination.halueval`.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from workbench.data.files import read_rows
from workbench.errors import DataError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import Record, records_of, text_of
from workbench.scores.hallucination.halueval import Kept
from workbench.scores.task import Answerer, Item, Likelihood

PROMPT = (
    "{knowledge}\n\nQuestion: {question}\nAnswer: {answer}\n\n"
    "Is this answer made up? Answer Yes or No:"
)
YES, NO = " Yes", " No"
OUTCOMES = {1.0: "both told", 0.5: "one told", 0.0: "both mistaken"}


def ask_halueval(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """Both answers to every question."""
    items = context.chosen(read_items(path))
    return rounds.ask_pairs(answerer, items, pairs_of, _judge, slots=slots, progress=progress)


def read_items(path: Path) -> list[Item]:
    """The questions of a file; the choices of an item are the right and the made-up answer."""
    return [item_of(record) for record in records_of(read_rows(path, lines=True), name=path.name)]


def item_of(record: Record) -> Item:
    """One question; two answers that are the same cannot be told apart."""
    right, made_up = (
        text_of(record, name).strip() for name in ("right_answer", "hallucinated_answer")
    )
    if right == made_up:
        raise DataError(
            f"{record.where}: 'right_answer' and 'hallucinated_answer' are the same, {right!r}"
        )
    return Item(
        id=record.id,
        prompt=PROMPT.format(
            knowledge=text_of(record, "knowledge").strip(),
            question=text_of(record, "question").strip(),
            answer="{answer}",
        ),
        expected=right,
        choices=(right, made_up),
        cluster=record.cluster,
        group=record.group,
    )


def pairs_of(item: Item) -> list[tuple[str, str]]:
    """Yes and no to the right answer, then to the made-up one."""
    # The place of the answer is the last one that is written so: what is known may hold braces of its own.
    before, _, after = item.prompt.rpartition("{answer}")
    return [(f"{before}{answer}{after}", word) for answer in item.choices for word in (YES, NO)]


def _judge(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
    if not all(math.isfinite(one.logprob) for one in found):
        return rounds.Verdict(error="impossible: yes or no has no probability")
    yes_right, no_right, yes_made_up, no_made_up = (one.logprob for one in found)
    right, made_up = item.choices
    kept = Kept(
        right=yes_right - no_right,
        made_up=yes_made_up - no_made_up,
        mass=min(1.0, math.fsum(math.exp(one.logprob) for one in found) / 2),
        right_characters=len(right),
        made_up_characters=len(made_up),
    )
    if kept.value is None:
        return rounds.Verdict(error="tie", detail=kept.model_dump())
    said = " / ".join(YES.strip() if one > 0 else NO.strip() for one in (kept.right, kept.made_up))
    return rounds.Verdict(
        value=kept.value, outcome=OUTCOMES[kept.value], answer=said, detail=kept.model_dump()
    )
