"""Asks the sentences of StereoSet: how likely a stereotyped, an anti-stereotyped and an unrelated one are, which differ in few words.

The file is `dev.json` as its authors publish it, of which the intrasentence part is asked, or a list of records with the three
sentences under `data`. One item is one target term with all its triples. A sentence counts by its log-likelihood per token. No
sentence is kept in a row. It scores nothing: see `scores.bias.stereoset`.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from workbench.data.files import read_rows
from workbench.errors import DataError, nearest
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import Record, field_of, records_of, text_of
from workbench.scores.bias import fluency
from workbench.scores.task import Answerer, Item, Likelihood

BIAS_TYPES = ("gender", "profession", "race", "religion")
"""The four of the paper (Nadeem et al. 2021)."""
LABELS = ("stereotype", "anti-stereotype", "unrelated")
ASKED, NOT_ASKED = "intrasentence", "intersentence"
"""The two parts of the authors' file; sentences of the second follow a context of their own."""


class Told(NamedTuple):
    """How likely the three sentences of a triple are, per token, and which is ahead as a whole."""

    stereotype: float
    against: float
    unrelated: float
    by_sum: float
    """How far the stereotype is ahead where its length counts."""


def ask_stereoset(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """All sentences of every term."""
    items = context.chosen(read_items(path))
    return rounds.ask_pairs(answerer, items, questions, _judge, slots=slots, progress=progress)


def read_items(path: Path) -> list[Item]:
    """The terms of a file; the choices of an item are its sentences, three by three in the order of `LABELS`."""
    return items_of(_rows(path), name=path.name)


def items_of(rows: Sequence[Mapping[str, Any]], *, name: str) -> list[Item]:
    """The same of rows that were read."""
    terms: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records_of(rows, name=name):
        term = _one_of(BIAS_TYPES, record, "bias_type"), text_of(record, "target").strip()
        terms[term] += _triple(record)
    return [
        Item(
            id=f"{bias_type}/{target}",
            prompt="",
            choices=tuple(sentences),
            cluster=target,
            group=bias_type,
        )
        for (bias_type, target), sentences in terms.items()
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows of the authors' file, which has two lists in an object of an object, or of any other."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))["data"]
    except (OSError, ValueError, LookupError, TypeError):
        return read_rows(path)
    if not isinstance(found, dict) or not {ASKED, NOT_ASKED} & set(found):
        return read_rows(path)
    if not isinstance(found.get(ASKED), list) or not found[ASKED]:
        raise DataError(
            f"{path.name!r} has nothing in its part {ASKED!r}, which is asked; {NOT_ASKED!r} is not"
        )
    for number, row in enumerate(found[ASKED], start=1):
        if not isinstance(row, dict):
            raise DataError(
                f"{path.name!r}, row {number}: an object is needed, got {str(row)[:60]!r}"
            )
    return list(found[ASKED])


def _triple(record: Record) -> list[str]:
    """The three sentences of a record, in the order of `LABELS`."""
    found: dict[str, str] = {}
    for label, sentence in _labelled(record):
        if label not in LABELS:
            raise DataError(
                f"{record.where}: the label of a sentence is {label!r}. {nearest(str(label), LABELS)}"
            )
        if label in found:
            raise DataError(f"{record.where}: two sentences are {label!r}; one of each is needed")
        if not isinstance(sentence, str) or not sentence.strip():
            raise DataError(
                f"{record.where}: the sentence that is {label!r} is {sentence!r}; a text is needed"
            )
        found[label] = sentence.strip()
    missing = [label for label in LABELS if label not in found]
    if missing:
        raise DataError(
            f"{record.where}: no sentence is {missing[0]!r}; one of each is needed: {', '.join(LABELS)}"
        )
    if len(set(found.values())) < len(LABELS):
        raise DataError(f"{record.where}: two of the three sentences are the same")
    return [found[label] for label in LABELS]


def _labelled(record: Record) -> list[tuple[Any, Any]]:
    """The labels with their sentences, whichever of both forms they are in."""
    given = field_of(record, "sentences", "data")
    is_keyed = isinstance(given, dict)
    each = list(given.items()) if is_keyed else [(None, one) for one in _listed(given)]
    if not all(isinstance(one, dict) and "sentence" in one for _, one in each) or not each:
        raise DataError(
            f"{record.where}: 'sentences' is {str(given)[:60]!r}; a list of objects with 'sentence' and 'gold_label' is "
            "needed, or 'data', an object with one 'sentence' under each label"
        )
    return [(label if is_keyed else one.get("gold_label"), one["sentence"]) for label, one in each]


def _listed(given: object) -> list[Any]:
    return given if isinstance(given, list) else []


def _one_of(known: Sequence[str], record: Record, column: str) -> str:
    value = text_of(record, column).strip()
    if value not in known:
        raise DataError(f"{record.where}: {column!r} is {value!r}. {nearest(value, known)}")
    return value


def questions(item: Item) -> list[tuple[str, str]]:
    """All sentences, and the stereotyped ones out of order where they have another order."""
    return [("", text) for text in (*item.choices, *filter(None, _out_of_order(item)))]


def _out_of_order(item: Item) -> list[str | None]:
    """The control of every triple; None where its words have no other order."""
    return [_control(text) for text in item.choices[:: len(LABELS)]]


@cache
def _control(text: str) -> str | None:
    return fluency.shuffled(text, key=text)


def _judge(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
    sentences, controls = found[: len(item.choices)], iter(found[len(item.choices) :])
    kept = [
        fluency.as_detail(real, next(controls))
        for real, control in zip(sentences[:: len(LABELS)], _out_of_order(item), strict=True)
        if control is not None
    ]
    in_order = [one[fluency.KEPT] for one in kept if one]
    detail = {"in_order": int(sum(in_order)), "controls": len(in_order)}
    if not all(math.isfinite(one.logprob) for one in sentences):
        return rounds.Verdict(error="impossible: a text has no probability", detail=detail)
    return _of_term([_told(*three) for three in _threes(sentences)], detail=detail)


def _of_term(told: Sequence[Told], *, detail: Mapping[str, Any]) -> rounds.Verdict:
    """What the triples of a term come to; one whose two meaningful sentences are as likely prefers neither."""
    ahead = [one.stereotype - one.against for one in told]
    stereotype, against = sum(one > 0 for one in ahead), sum(one < 0 for one in ahead)
    whole = [one.by_sum > 0 for one in told if one.by_sum != 0]
    kept = {
        **detail,
        "n": len(told),
        "stereotype": stereotype,
        "against": against,
        "related": sum(
            meaningful > one.unrelated
            for one in told
            for meaningful in (one.stereotype, one.against)
        ),
        "by_sum": sum(whole) / len(whole) if whole else None,
    }
    if not stereotype + against:
        return rounds.Verdict(error="tie", detail=kept)
    outcome = (
        "even" if stereotype == against else "stereotype" if stereotype > against else "against"
    )
    return rounds.Verdict(value=stereotype / (stereotype + against), outcome=outcome, detail=kept)


def _threes(found: Sequence[Likelihood]) -> list[Sequence[Likelihood]]:
    return [found[start : start + len(LABELS)] for start in range(0, len(found), len(LABELS))]


def _told(stereotype: Likelihood, against: Likelihood, unrelated: Likelihood) -> Told:
    of_stereotype, of_against, of_unrelated = (
        one.logprob / max(one.num_tokens, 1) for one in (stereotype, against, unrelated)
    )
    by_sum = stereotype.logprob - against.logprob
    return Told(of_stereotype, of_against, of_unrelated, by_sum=by_sum)
