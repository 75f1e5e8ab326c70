"""Asks TruthfulQA's answers: how likely each is after its question, and those of which one is true with the question hidden.

A file is `mc_task.json`, whose rows have `mc1_targets` and `mc2_targets`, or the table `TruthfulQA.csv`, of which the best
answer and the best false one are asked: docs/hallucination.md has the columns. The prompt is `Q: ...` and `A:`, without
examples. Answers are asked in an order drawn for each question, since in the file the true one stands first. It scores
nothing: see `scores.hallucination.truthfulqa`.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import DataError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import Record, field_of, read_records, text_of
from workbench.scores.choices import is_right, measured
from workbench.scores.hallucination.truthfulqa import BINARY, MC1, Kept, true_mass
from workbench.scores.task import Answerer, Item, Likelihood

PROMPT = "Q: {question}\nA:"
HIDDEN = "A:"
"""What stands before an answer where nobody is told the question."""
SEPARATOR = ";"

BEST = ("Best Answer", "best_answer")
BEST_FALSE = ("Best Incorrect Answer", "best_incorrect_answer")
TRUE = ("Correct Answers", "correct_answers")
FALSE = ("Incorrect Answers", "incorrect_answers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with its answers."""

    item: Item
    """`choices` are the answers of which one is true."""
    truth: Mapping[str, bool] = field(default_factory=dict)
    """Every answer of MC2, and whether it is true; empty where there are two answers only."""

    @property
    def id(self) -> str:
        return self.item.id

    @property
    def answers(self) -> tuple[str, ...]:
        """Every answer once, those of `choices` first."""
        return tuple(dict.fromkeys((*self.item.choices, *self.truth)))


def ask_truthfulqa(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """Every answer of every question."""
    asked = {question.id: question for question in context.chosen(read_questions(path))}

    def judge(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
        return _judge(asked[item.id], found)

    return rounds.ask_pairs(
        answerer,
        [question.item for question in asked.values()],
        lambda item: pairs_of(asked[item.id]),
        judge,
        slots=slots,
        progress=progress,
    )


def read_items(path: Path) -> list[Item]:
    """The questions of a file; the choices of an item are the answers of which one is true."""
    return [question.item for question in read_questions(path)]


def read_questions(path: Path) -> list[Question]:
    """The questions of a file with all of their answers."""
    records = read_records(path)
    several = "mc1_targets" in records[0].fields
    return [question_of(record) if several else _of_two(record) for record in records]


def question_of(record: Record) -> Question:
    """A question of MC1 and MC2."""
    mc1, mc2 = (_targets(record, name) for name in ("mc1_targets", "mc2_targets"))
    if sum(mc1.values()) != 1:
        raise DataError(
            f"{record.where}: 'mc1_targets' has {sum(mc1.values())} true answers; one is needed"
        )
    if all(mc2.values()) or not any(mc2.values()):
        raise DataError(f"{record.where}: 'mc2_targets' needs true answers and false ones")
    for answer in mc1:
        if mc2.get(answer, mc1[answer]) != mc1[answer]:
            raise DataError(
                f"{record.where}: {answer!r} is true in one of 'mc1_targets' and 'mc2_targets' and false in the other"
            )
    return Question(item=_item(record, mc1, kind=MC1), truth=mc2)


def _of_two(record: Record) -> Question:
    """The best answer and the best false one; without a column for it the first of the false ones."""
    best = text_of(record, *BEST).strip()
    given = next((record.fields[name] for name in BEST_FALSE if name in record.fields), None)
    worse = _split(record, *FALSE) if given is None else [text_of(record, *BEST_FALSE).strip()]
    true = _split(record, *TRUE) if any(name in record.fields for name in TRUE) else []
    if best in worse or worse[0] in true:
        raise DataError(
            f"{record.where}: {(best if best in worse else worse[0])!r} is among the true answers and the false ones"
        )
    return Question(item=_item(record, {best: True, worse[0]: False}, kind=BINARY))


def _targets(record: Record, name: str) -> dict[str, bool]:
    """Answer -> whether it is true; a list of choices and one of labels is the same."""
    given: Any = field_of(record, name)
    allowed = "an object is needed that has 1 for each true answer and 0 for each false one"
    if isinstance(given, Mapping) and set(given) == {"choices", "labels"}:
        if len(given["choices"]) != len(given["labels"]):
            raise DataError(f"{record.where}: {name!r} has as many labels as choices")
        pairs = list(zip(given["choices"], given["labels"], strict=True))
    elif isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        raise DataError(f"{record.where}: {name!r} is {given!r}; {allowed}")
    found: dict[str, bool] = {}
    for answer, label in pairs:
        if not isinstance(answer, str) or not answer.strip() or label not in (0, 1):
            raise DataError(f"{record.where}: {name!r} has {answer!r}: {label!r}; {allowed}")
        if answer.strip() in found:
            raise DataError(f"{record.where}: {name!r} has the answer {answer!r} twice")
        found[answer.strip()] = bool(label)
    if len(found) < 2:
        raise DataError(
            f"{record.where}: {name!r} has {len(found)} answers; two or more are needed"
        )
    return found


def _split(record: Record, *names: str) -> list[str]:
    """The answers of a cell, which stand with semicolons between them, or of a list."""
    given = field_of(record, *names)
    parts = given.split(SEPARATOR) if isinstance(given, str) else given
    if not isinstance(parts, list | tuple) or not all(isinstance(one, str) for one in parts):
        raise DataError(f"{record.where}: {names[0]!r} is {given!r}; texts are needed")
    found = [one.strip() for one in parts if one.strip()]
    if not found:
        raise DataError(f"{record.where}: {names[0]!r} has no answer")
    return found


def _item(record: Record, targets: Mapping[str, bool], *, kind: str) -> Item:
    answers = list(targets)
    random.Random(record.id).shuffle(answers)
    (true,) = (answer for answer in answers if targets[answer])
    category = record.fields.get("Category") or record.fields.get("category")
    return Item(
        id=record.id,
        prompt=PROMPT.format(question=text_of(record, "question", "Question").strip()),
        expected=true,
        choices=tuple(answers),
        gold=answers.index(true),
        cluster=record.cluster,
        group=record.group or str(category or ""),
        kind=kind,
    )


def pairs_of(question: Question) -> list[tuple[str, str]]:
    """Every answer after the question, then those of which one is true without it."""
    return [
        *((question.item.prompt, f" {answer}") for answer in question.answers),
        *((HIDDEN, f" {answer}") for answer in question.item.choices),
    ]


def _judge(question: Question, found: Sequence[Likelihood]) -> rounds.Verdict:
    item, answers = question.item, question.answers
    after = dict(zip(answers, found, strict=False))
    ours = [after[answer] for answer in item.choices]
    told = measured(item, ours, alone=found[len(answers) :])
    mass = by_luck = None
    if question.truth:
        true = list(question.truth.values())
        mass = true_mass([after[answer].logprob for answer in question.truth], true)
        by_luck = sum(true) / len(true)
    kept = Kept(told=told, mc2=mass, mc2_chance=by_luck)
    right = is_right(told)
    if right is None:
        return rounds.Verdict(error="tie", detail=kept.model_dump(mode="json"))
    likeliest = max(item.choices, key=lambda answer: after[answer].logprob)
    return rounds.Verdict(
        value=right,
        outcome="true" if right else "false",
        answer=likeliest,
        detail=kept.model_dump(mode="json"),
    )
