"""Asks a file of prompts and references, and computes a metric of the library evaluate of what is answered.

`metric:squad_f1=own.jsonl`: a row has `prompt` and `reference`, or a list `references`; docs/evals.md has the columns. A metric that
is the mean of its items gives each answer its own worth; of any other a part of the items is left out at a time, and an
answer's worth is its jackknife value. What the metric is called is in the eval's name. It scores nothing.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from workbench.data.files import read_rows
from workbench.errors import DataError, WorkbenchError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.metric_modules import Loaded, find, load
from workbench.evals.quality.records import Record, records_of, text_of
from workbench.scores.catalog import file_of, metric_of
from workbench.scores.named import METRIC
from workbench.scores.own_metric import BUNCHES
from workbench.scores.task import Answerer, Item, Row
from workbench.stats.intervals import cluster_codes
from workbench.stats.resampling import pseudo_values

REFERENCE = ("reference", "completion", "answer")
LONGEST = 256
"""Tokens of an answer at most, where the context of the run does not give more."""
TRIED = 16
"""Items on which it is seen whether a metric is the mean of its items."""
Text = Any
"""A text, or under a metric of numbers the number that it says."""


def ask_metric(
    answerer: Answerer,
    *,
    named: str,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """The answer to every prompt, and what the metric makes of them."""
    name = f"{METRIC.name}:{named}"
    items = context.chosen(read_items(file_of(name)))
    loaded = load(metric_of(name))
    longest = max(len(one) for item in items for one in item.choices)
    one_line = not any("\n" in one.strip() for item in items for one in item.choices)

    def judge(item: Item, said: str) -> rounds.Verdict:
        answer = _answer(said, one_line=one_line)
        if loaded.numbers is not None and _number(answer, loaded.numbers) is None:
            return rounds.Verdict(error="unparsed")
        # Its worth is known once all have answered.
        return rounds.Verdict(detail={"answer": answer})

    answered = rounds.ask_greedy(
        answerer,
        items,
        judge,
        slots=slots,
        max_new_tokens=max(context.max_new_tokens, min(longest + 2, LONGEST)),
        progress=progress,
    )
    by_id = {item.id: item for item in items}
    return {slot: _valued(rows, loaded, by_id=by_id) for slot, rows in answered.items()}


def check_name(named: str) -> None:
    """Refuses a metric that is not at hand, and a file that cannot be asked; loads neither evaluate nor a model."""
    name = f"{METRIC.name}:{named}"
    find(metric_of(name))
    read_items(file_of(name))


def read_items(path: Path) -> list[Item]:
    """The prompts of a file; `choices` are the references."""
    return [_item(record) for record in records_of(read_rows(path), name=path.name)]


def _item(record: Record) -> Item:
    references = _references(record)
    return Item(
        id=record.id,
        prompt=text_of(record, "prompt", "question"),
        expected=references[0],
        choices=references,
        cluster=record.cluster,
        group=record.group,
    )


def _references(record: Record) -> tuple[str, ...]:
    if "references" not in record.fields:
        for name in REFERENCE:
            given = record.fields.get(name)
            if isinstance(given, int | float) and not isinstance(given, bool):
                return (str(given),)
        return (text_of(record, *REFERENCE),)
    given = record.fields["references"]
    if isinstance(given, str) and given.lstrip().startswith("["):
        # A table's cell holds the list as JSON.
        try:
            given = json.loads(given)
        except ValueError:
            given = None
    if not isinstance(given, list) or not given:
        raise DataError(f"{record.where}: 'references' is {given!r:.80}; a list of texts is needed")
    for one in given:
        if not isinstance(one, str) or not one.strip():
            raise DataError(
                f"{record.where}: a reference is {one!r:.80}; a text that is not empty is needed"
            )
    return tuple(given)


def _answer(said: str, *, one_line: bool) -> str:
    """What counts of an answer: its first line where every reference is a single one."""
    text = said.strip()
    return text.split("\n", 1)[0].strip() if one_line else text


def _number(text: str, kind: type) -> float | None:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
    fits = math.isfinite(number) and (kind is float or number.is_integer())
    return kind(number) if fits else None


def _valued(rows: Sequence[Row], metric: Loaded, *, by_id: dict[str, Item]) -> list[Row]:
    """The rows with what each answer is worth; where the metric cannot be computed, every row says so."""
    places = [place for place, row in enumerate(rows) if not row.error]
    if not places:
        return list(rows)
    try:
        said, references = _inputs([rows[place] for place in places], metric, by_id=by_id)
        whole = metric.compute(said, references)
        # By the place among all rows, so that every slot has the same parts, whichever of its answers failed.
        every = _bunches([row.cluster for row in rows])
        bunches = [every[place] for place in places]
        worth, of_items = _worth(metric, said, references, whole=whole, bunches=bunches)
    except WorkbenchError as error:
        failed = {"error": str(error)[:300], "detail": ""}
        return [row if row.error else row.model_copy(update=failed) for row in rows]
    valued = list(rows)
    for nth, (place, (value, bunch)) in enumerate(zip(places, worth, strict=True)):
        row = rows[place]
        kept = {"metric": metric.name, "key": next(iter(whole)), "of_items": of_items}
        more = {"whole": whole} if nth == 0 else {}
        valued[place] = row.model_copy(
            update={
                "value": value,
                "cluster": bunch or row.cluster,
                "detail": json.dumps({**kept, **more}, sort_keys=True),
            }
        )
    return valued


def _inputs(
    rows: Sequence[Row], metric: Loaded, *, by_id: dict[str, Item]
) -> tuple[list[Text], list[list[Text]]]:
    """Answers and references as the metric takes them."""
    said = [json.loads(row.detail)["answer"] for row in rows]
    known = [by_id[row.sample].choices for row in rows]
    kind = metric.numbers
    if kind is None:
        return said, [list(some) for some in known]
    as_numbers = [[_number(one, kind) for one in some] for some in known]
    for row, some, numbers in zip(rows, known, as_numbers, strict=True):
        if None in numbers:
            raise DataError(
                f"the metric {metric.name!r} is of numbers, and the reference of item {row.sample!r} is "
                f"{some[numbers.index(None)]!r:.60}"
            )
    return [_number(one, kind) for one in said], as_numbers


def _worth(
    metric: Loaded,
    said: Sequence[Text],
    references: Sequence[Sequence[Text]],
    *,
    whole: dict[str, float],
    bunches: Sequence[str],
) -> tuple[list[tuple[float, str]], bool]:
    """What each answer is worth, with the bunch it was left out with, and whether it is its own."""
    key, figure = next(iter(whole.items()))

    def of(places: Iterable[int]) -> float:
        chosen = list(places)
        told = metric.compute([said[i] for i in chosen], [references[i] for i in chosen])
        return told.get(key, math.nan)

    every = range(len(said))
    if _is_mean(of, every[:TRIED]):
        items = [of([place]) for place in every]
        if math.isclose(math.fsum(items) / len(items), figure, rel_tol=1e-6, abs_tol=1e-9):
            return [(value, "") for value in items], True
    if len(set(bunches)) < 2:
        raise DataError(f"the metric {metric.name!r} of one item or cluster has no interval")
    parts = pseudo_values(of, n=len(said), clusters=bunches)
    if parts is None:
        raise DataError(f"the metric {metric.name!r} has no value once some items are left out")
    return [(float(value), bunch) for value, bunch in zip(parts, bunches, strict=True)], False


def _is_mean(of: Callable[[Sequence[int]], float], places: Sequence[int]) -> bool:
    """Whether the metric of some items is the mean of the metric of each."""
    try:
        each = [of([place]) for place in places]
        return math.isclose(math.fsum(each) / len(each), of(places), rel_tol=1e-6, abs_tol=1e-9)
    except DataError:
        # Some metrics, a correlation say, have no value of a single item.
        return False


def _bunches(clusters: Sequence[str]) -> list[str]:
    """Which items are left out together: whole clusters, in at most so many parts."""
    codes, _ = cluster_codes(clusters, n=len(clusters))
    return [f"bunch {code % BUNCHES}" for code in codes]
