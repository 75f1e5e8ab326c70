"""Asks worked problems whose answer is a number, in the shape of GSM8K: the answer may be reasoned before it is said.

A row of the file has `question` and `answer`; docs/evals.md has the columns. What a model writes after its answer, another
question for itself, is left out. It scores nothing: see `scores.exact_answer`.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from workbench.errors import DataError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import Record, field_of, read_records, text_of
from workbench.scores.exact_answer import any_number, read
from workbench.scores.task import Answerer, Item

ASKED = "Question: {question}\nAnswer:"
NEXT_QUESTION = "\nQuestion:"
WORKING_TOKENS = 256
"""Room for the working, where the context of the run does not give more."""


def ask_exact_answer(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """The answer to every problem."""
    items = context.chosen(read_items(path))
    return rounds.ask_greedy(
        answerer,
        items,
        _judge,
        slots=slots,
        max_new_tokens=max(context.max_new_tokens, WORKING_TOKENS),
        progress=progress,
        stop=(NEXT_QUESTION,),
    )


def read_items(path: Path) -> list[Item]:
    """The problems of a file; `expected` is the number."""
    return [_item(record) for record in read_records(path)]


def _item(record: Record) -> Item:
    answer = field_of(record, "answer", "ground_truth")
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        answer = str(answer)
    if not isinstance(answer, str) or not answer.strip():
        raise DataError(
            f"{record.where}: 'answer' is {answer!r}; a number, or a text with one, is needed"
        )
    number = any_number(answer)
    if number is None:
        raise DataError(
            f"{record.where}: no correct answer: there is no number in {answer.strip()[-60:]!r}"
        )
    return Item(
        id=record.id,
        prompt=_prompt(record),
        expected=str(number),
        cluster=record.cluster,
        group=record.group,
    )


def _prompt(record: Record) -> str:
    """A prompt is asked as it is written; a question gets words around it."""
    if "prompt" in record.fields:
        return text_of(record, "prompt")
    return ASKED.format(question=text_of(record, "question", "query").strip())


def _judge(item: Item, said: str) -> rounds.Verdict:
    found = read(said, truth=Decimal(item.expected))
    if found.right is None:
        return rounds.Verdict(error="unparsed", detail={"strict": found.strict})
    return rounds.Verdict(
        value=float(found.right),
        outcome="correct" if found.right else "wrong",
        detail={"strict": found.strict},
    )
