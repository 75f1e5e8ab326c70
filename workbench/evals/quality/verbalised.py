"""Asks a model that writes for the label of a row: which of the words that stand for labels is likeliest after the question.

`sst2:dev.tsv` asks the published file of a GLUE or SuperGLUE task, or the hub's rows of it; `scores.glue.TASKS` has columns,
questions and words. `verbalised:FILE` asks rows of one's own: `text` as it is written, `label` a word. A head that is
trained to tell labels is another way, and another eval: `classification`. It scores nothing: see `scores.verbalised`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from workbench.data.files import read_rows
from workbench.data.labels import in_order, label_of
from workbench.errors import DataError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import Record, field_of, records_of, text_of
from workbench.scores.choices import as_detail, is_right, measured
from workbench.scores.glue import COPA_LINKS, TASKS, Task
from workbench.scores.task import Answerer, Item, Likelihood

OWN = "verbalised"
"""The eval that asks rows of one's own."""
TABLES = (".csv", ".tsv")


def ask_verbalised(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
    task: str = OWN,
) -> rounds.Rows:
    """The likeliest word for every row."""

    def judge(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
        return _judge(item, found, task=task)

    items = context.chosen(read_items(path, task=task))
    return rounds.ask_likelihoods(answerer, items, judge, slots=slots, progress=progress)


def read_items(path: Path, *, task: str = OWN) -> list[Item]:
    """The rows of a file, with the words for their labels as choices."""
    if task == OWN:
        return _own(records_of(read_rows(path), name=path.name))
    known = TASKS[task]
    rows = _rows(path, task=known)
    if task == "multirc":
        rows = list(_one_answer_a_row(rows))
    records = records_of([_flat(row) for row in rows], name=path.name)
    return [_item(record, name=task, task=known) for record in records]


NAMES = (*TASKS, OWN)
ASKERS = {name: partial(ask_verbalised, task=name) for name in NAMES}
READERS: Mapping[str, Callable[[Path], list[Item]]] = {
    name: partial(read_items, task=name) for name in NAMES
}


def _rows(path: Path, *, task: Task) -> list[dict[str, Any]]:
    """The rows of a file; a published table without a header line gets the names of its columns."""
    if not task.places or path.suffix.lower() not in TABLES:
        return read_rows(path)
    rows = read_rows(path, header=False)
    first = set(rows[0].values()) if rows else set()
    if any(name in first for names in task.columns.values() for name in names):
        return read_rows(path)
    names = {place: name for name, place in task.places.items()}
    return [{names.get(place, place): cell for place, cell in row.items()} for row in rows]


def _item(record: Record, *, name: str, task: Task) -> Item:
    said = {word: text_of(record, *names) for word, names in task.columns.items()}
    choices = task.words
    if name == "copa":
        said["link"] = _link(said["question"], where=record.where)
        said["premise"] = said["premise"].strip().rstrip(".")
        choices = tuple(_continuing(said[choice]) for choice in ("choice1", "choice2"))
    else:
        said |= _as_asked(name, said, record=record)
    gold = _gold(record, task=task, choices=choices)
    return Item(
        id=record.id,
        prompt=task.question.format(**said),
        expected=choices[gold].strip(),
        # The space before a word belongs to it, as in running text.
        choices=tuple(f" {choice}" for choice in choices),
        gold=gold,
        cluster=record.cluster,
        group=record.group or (choices[gold] if task.answers else ""),
    )


def _as_asked(name: str, said: Mapping[str, str], *, record: Record) -> dict[str, str]:
    """What of a row is written another way in the question."""
    if name == "boolq":
        return {"question": said["question"].rstrip("?")}
    if name == "mnli":
        return {"hypothesis": said["hypothesis"].strip().removesuffix(".") + "."}
    if name == "wic":
        # As the word stands in the sentence, bent or not.
        first, end = record.fields.get("start1"), record.fields.get("end1")
        if isinstance(first, int) and isinstance(end, int):
            return {"word": said["sentence1"][first:end] or said["word"]}
    if name == "wsc":
        at = record.fields.get("span2_index")
        if isinstance(at, int):
            return {"text": _marked(said["text"], said["pronoun"], at=at)}
    return {}


def _marked(text: str, pronoun: str, *, at: int) -> str:
    """A text with a star on both sides of the pronoun that is its so manieth word."""
    before = " ".join(text.split()[:at])
    after = text[len(before) + len(pronoun) + bool(before) :]
    return f"{before} *{pronoun}*{after}".lstrip()


def _gold(record: Record, *, task: Task, choices: Sequence[str]) -> int:
    given = field_of(record, *task.label)
    label = label_of(given, where=record.where) if given is not None else ""
    spelled = [answer.spelled for answer in task.answers] or [
        (str(i),) for i in range(len(choices))
    ]
    for place, spellings in enumerate(spelled):
        if label.casefold() in spellings:
            return place
    allowed = ", ".join(" or ".join(dict.fromkeys(spellings)) for spellings in spelled)
    raise DataError(
        f"{record.where}: no correct label: {task.label[0]!r} is {given!r}; needed is one of {allowed}. "
        "Published test sets have no labels; ask the development set"
    )


def _own(records: Sequence[Record]) -> list[Item]:
    labels = [label_of(field_of(one, "label"), where=one.where) for one in records]
    for record, label in zip(records, labels, strict=True):
        if not label:
            raise DataError(f"{record.where}: 'label' is empty; a word is needed")
    words = in_order(labels)
    if len(words) < 2:
        raise DataError(
            f"every row of the file has the label {words[0]!r}; telling apart needs two"
        )
    return [
        Item(
            id=record.id,
            prompt=text_of(record, "text", "prompt").rstrip(" "),
            expected=label,
            choices=tuple(f" {word}" for word in words),
            gold=words.index(label),
            cluster=record.cluster,
            group=record.group or label,
        )
        for record, label in zip(records, labels, strict=True)
    ]


def _judge(item: Item, found: Sequence[Likelihood], *, task: str) -> rounds.Verdict:
    told = measured(item, found)
    right, detail = is_right(told), {"task": task, **as_detail(told)}
    if right is None:
        return rounds.Verdict(error="tie", detail=detail)
    return rounds.Verdict(value=right, outcome="correct" if right else "wrong", detail=detail)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without `idx`, which names no row, and with the spans of WSC beside its text."""
    target = row.get("target")
    spans = dict(target) if isinstance(target, Mapping) else {}
    return {
        name: value for name, value in {**row, **spans}.items() if name not in ("idx", "target")
    }


def _one_answer_a_row(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """MultiRC's answers one by one; an id says which question an answer is for, a cluster which text."""
    seen: dict[str, int] = {}
    for row in map(dict, _unnested(rows)):
        text = str(row.get("paragraph"))
        paragraph = blake2b(text.encode(), digest_size=6).hexdigest()
        question = blake2b(f"{text}\n{row.get('question')}".encode(), digest_size=8).hexdigest()
        seen[question] = seen.get(question, -1) + 1
        yield {**row, "id": f"{question}/{seen[question]}", "cluster": paragraph}


def _unnested(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for number, row in enumerate(rows, start=1):
        passage = row.get("passage")
        if not isinstance(passage, Mapping):
            yield row
            continue
        try:
            for question in passage["questions"]:
                for answer in question["answers"]:
                    yield {
                        "paragraph": passage["text"],
                        "question": question["question"],
                        "answer": answer["text"],
                        "label": answer.get("label"),
                    }
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"row {number} has not the shape of MultiRC: a passage with text and questions, each with "
                f"question and answers ({type(error).__name__}: {error})"
            ) from None


def _link(question: str, *, where: str) -> str:
    if question not in COPA_LINKS:
        raise DataError(
            f"{where}: 'question' is {question!r}; COPA asks for {' or '.join(COPA_LINKS)}"
        )
    return COPA_LINKS[question]


def _continuing(choice: str) -> str:
    """A sentence as it goes on after a link."""
    return choice[:1].lower() + choice[1:]
