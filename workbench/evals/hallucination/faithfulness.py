"""Asks questions about a given text, and looks whether answers keep to it.

A file has the shape of `extractive`: SQuAD's own JSON or `context`, `question` and `answers`, no answers where the text does not
say; beside them may stand `contradicted`, texts that contradict the context. HaluEval's `qa_data.json` is read as it is. The
prompt is that of SQuAD 2.0, which tells how to refuse. The first line of what is generated is the answer. It scores nothing:
see `scores.hallucination.faithfulness`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.data.files import read_rows
from workbench.errors import DataError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.extractive import abstains, item_of, questions_of, references_of
from workbench.evals.quality.records import Record, records_of, text_of
from workbench.scores.extractive import normalise
from workbench.scores.hallucination.faithfulness import (
    ANSWERABLE,
    UNANSWERABLE,
    class_of,
    grounded,
    is_right,
)
from workbench.scores.task import Answerer, Item

NO_REFERENCE = ("",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with its text."""

    item: Item
    context: str
    contradicted: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.item.id


def ask_faithfulness(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """The answer to every question."""
    asked = {question.id: question for question in context.chosen(read_questions(path))}
    items = [question.item for question in asked.values()]

    def judge(item: Item, said: str) -> rounds.Verdict:
        return _judge(asked[item.id], said)

    limit = rounds.answer_limit(items, context)
    return rounds.ask_greedy(
        answerer, items, judge, slots=slots, max_new_tokens=limit, progress=progress
    )


def read_items(path: Path) -> list[Item]:
    """The questions of a file; `choices` are the references."""
    return [question.item for question in read_questions(path)]


def read_questions(path: Path) -> list[Question]:
    """The questions of a file with their texts."""
    rows = [_as_question(row) for row in questions_of(read_rows(path, lines=True), name=path.name)]
    return [question_of(record) for record in records_of(rows, name=path.name)]


def question_of(record: Record) -> Question:
    """One question; a text that contradicts the context cannot be its answer too."""
    references = references_of(record)
    contradicted = _contradicted(record)
    for one in contradicted:
        if normalise(one) in map(normalise, references):
            raise DataError(f"{record.where}: {one!r} is among 'answers' and 'contradicted'")
    kind = UNANSWERABLE if references == NO_REFERENCE else ANSWERABLE
    item = replace(item_of(record, references=references, version="2.0"), kind=kind)
    return Question(item=item, context=text_of(record, "context"), contradicted=contradicted)


def _as_question(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row, or what one of HaluEval's means here."""
    if "right_answer" not in row:
        return row
    return {
        **row,
        "context": row.get("knowledge"),
        "answers": [row["right_answer"]],
        "contradicted": [row.get("hallucinated_answer")],
    }


def _contradicted(record: Record) -> tuple[str, ...]:
    given = record.fields.get("contradicted") or []
    if not isinstance(given, list | tuple):
        raise DataError(
            f"{record.where}: 'contradicted' is {given!r}; a list of texts is needed, or none"
        )
    for one in given:
        if not isinstance(one, str) or not normalise(one):
            raise DataError(
                f"{record.where}: {one!r} among 'contradicted'; a text that is not empty is needed"
            )
    return tuple(given)


def _judge(question: Question, said: str) -> rounds.Verdict:
    answer = said.strip().split("\n", 1)[0]
    kind, references = question.item.kind, question.item.choices
    outcome = class_of(
        answer,
        context=question.context,
        references=references if kind == ANSWERABLE else (),
        contradicted=question.contradicted,
        refuses=abstains(answer),
    )
    return rounds.Verdict(
        value=float(is_right(outcome, kind=kind)),
        outcome=outcome,
        detail={
            "grounded": grounded(answer, question.context),
            "contradicted": len(question.contradicted),
        },
    )
