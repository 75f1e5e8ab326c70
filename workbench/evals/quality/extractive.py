"""Asks questions about texts, in the shape of SQuAD: the answer stands in the text, or under version 2.0 nowhere.

A file is SQuAD's own JSON, or a table with one question a row (`context`, `question`, `answers`); docs/evals.md has the
columns. The first line of what is generated is the answer. It scores nothing: see `scores.extractive`.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from workbench.data.files import read_rows
from workbench.errors import DataError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import Record, field_of, records_of, text_of
from workbench.scores.extractive import Version, answerable, normalise, overlap
from workbench.scores.matching import is_refusal
from workbench.scores.task import Answerer, Generation, Item, Row

NO_ANSWER = "unanswerable"
"""What a model is told to say, and may also be trained to say, where the text has no answer."""
PROMPTS: Mapping[Version, str] = {
    "1.1": "{context}\n\nQuestion: {question}\nAnswer:",
    "2.0": "{context}\n\nQuestion: {question} (If the text does not say, answer: "
    + NO_ANSWER
    + ")\n"
    "Answer:",
}


def ask_extractive(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """The answer to every question."""
    every = read_items(path)
    items, version = context.chosen(every), version_of(every)
    limit = rounds.answer_limit(items, context)

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[Generation]:
        prompts = [item.prompt for item in chunk]
        return answerer.generate(prompts, slots=slots, max_new_tokens=limit)

    def row(item: Item, said: Generation, slot: str) -> Row:
        verdict = _judge(item, said, version=version)
        return rounds.row_of(item, verdict, slot=slot, answer=said.text, truncated=said.truncated)

    return rounds.ask_in_chunks(items, ask, row, slots=slots, progress=progress)


def read_items(path: Path) -> list[Item]:
    """The questions of a file; `choices` are the references."""
    rows = list(questions_of(read_rows(path), name=path.name))
    asked = [(record, references_of(record)) for record in records_of(rows, name=path.name)]
    version: Version = "2.0" if any(said == ("",) for _, said in asked) else "1.1"
    return [item_of(record, references=said, version=version) for record, said in asked]


def version_of(items: Sequence[Item]) -> Version:
    """2.0 where a question has no answer."""
    return "2.0" if any(item.choices == ("",) for item in items) else "1.1"


def _judge(item: Item, said: Generation, *, version: Version) -> rounds.Verdict:
    if said.num_tokens < 0:
        return rounds.Verdict(error="nan")
    answer = said.text.strip().split("\n", 1)[0]
    if version == "1.1" and not answer:
        return rounds.Verdict(error="empty")
    silent = version == "2.0" and abstains(answer)
    exact, f1 = overlap("" if silent else answer, item.choices, version=version)
    detail: dict[str, Any] = {"exact": exact}
    if len(item.choices) > 1:
        detail["references"] = list(item.choices)
    has_answer = item.choices != ("",)
    if version == "2.0":
        detail["answerable"] = has_answer
    if exact:
        outcome = "correct"
    elif has_answer:
        outcome = "abstained" if silent else "partial" if f1 else "wrong"
    else:
        outcome = "made-up"
    return rounds.Verdict(value=f1, outcome=outcome, detail=detail)


def abstains(answer: str) -> bool:
    """Whether an answer says that the text has none, or nothing at all."""
    return is_refusal(answer) or normalise(answer) in ("", normalise(NO_ANSWER))


def questions_of(rows: Sequence[Mapping[str, Any]], *, name: str) -> Iterator[Mapping[str, Any]]:
    """Every question with its text, out of SQuAD's articles or as the rows have it."""
    for number, row in enumerate(rows, start=1):
        if "paragraphs" not in row:
            yield row
            continue
        try:
            for paragraph in row["paragraphs"]:
                for question in paragraph["qas"]:
                    title = row.get("title") or f"article {number}"
                    yield {"context": paragraph["context"], "cluster": title, **question}
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{name!r}, article {number} has not the shape of SQuAD: paragraphs, each with context "
                f"and qas ({type(error).__name__}: {error})"
            ) from None


def references_of(record: Record) -> tuple[str, ...]:
    """The answers of a question; the empty text alone where it is said that it has none."""
    given = field_of(record, "answers")
    texts = given.get("text") if isinstance(given, Mapping) else given
    if not isinstance(texts, list):
        raise DataError(
            f"{record.where}: 'answers' is {given!r}; a list of texts is needed, or of objects with a text"
        )
    said: list[str] = []
    for given_answer in texts:
        one = given_answer.get("text") if isinstance(given_answer, Mapping) else given_answer
        if not isinstance(one, str) or not one.strip():
            raise DataError(
                f"{record.where}: an answer is {one!r}; a text is needed, and an empty list where "
                "there is no answer"
            )
        said.append(one)
    if not said and record.fields.get("is_impossible") is False:
        raise DataError(f"{record.where}: no correct answer, and 'is_impossible' is False")
    return answerable(said)


def item_of(record: Record, *, references: tuple[str, ...], version: Version) -> Item:
    """One question, as that version asks it."""
    context, question = text_of(record, "context"), text_of(record, "question", "query")
    # Questions about one text are alike also where nothing says which article it is from.
    text = str(record.fields.get("title") or blake2b(context.encode(), digest_size=8).hexdigest())
    return Item(
        id=record.id,
        prompt=PROMPTS[version].format(context=context.strip(), question=question.strip()),
        expected=references[0],
        choices=references,
        cluster=record.cluster or text,
        group=record.group,
    )
