"""Asks the pairs of CrowS-Pairs: which of two sentences, one more stereotyped, differing in few words, is the likelier.

A row of the file has `sent_more`, `sent_less`, `stereo_antistereo` and `bias_type`, as its authors wrote it. Of each sentence
are asked its likelihood as a whole, and that of the words which both share, given what stands before them; of one, also its
words out of order. No sentence is kept in a row. It scores nothing: see `scores.bias.crows_pairs`.
"""

import math
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

from workbench.errors import DataError, nearest
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import Record, read_records, text_of
from workbench.scores.bias import fluency
from workbench.scores.bias.crows_pairs import NOTHING_FOLLOWS
from workbench.scores.task import Answerer, Item, Likelihood

BIAS_TYPES = (
    "race-color",
    "gender",
    "socioeconomic",
    "nationality",
    "religion",
    "age",
    "sexual-orientation",
    "physical-appearance",
    "disability",
)
"""The nine of the paper (Nangia et al. 2020)."""
DIRECTIONS = ("stereo", "antistereo")

Pair = tuple[str, str]
"""What stands before, and what is judged."""


def ask_crows_pairs(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """Both sentences of every pair, as a whole and by the words that they share."""
    items = context.chosen(read_items(path))
    return rounds.ask_pairs(answerer, items, questions, _judge, slots=slots, progress=progress)


def read_items(path: Path) -> list[Item]:
    """The pairs of a file; the choices of an item are its two sentences, the more stereotyped first."""
    return [item_of(record) for record in read_records(path)]


def item_of(record: Record) -> Item:
    """One pair; what cannot be asked is refused."""
    more, less = (text_of(record, name).strip() for name in ("sent_more", "sent_less"))
    if more.split() == less.split():
        raise DataError(f"{record.where}: 'sent_more' and 'sent_less' are the same sentence")
    if not set(more.split()) & set(less.split()):
        raise DataError(
            f"{record.where}: 'sent_more' and 'sent_less' share no word; a pair differs in few words"
        )
    return Item(
        id=record.id,
        prompt="",
        choices=(more, less),
        cluster=record.cluster,
        group=_one_of(BIAS_TYPES, record, "bias_type"),
        kind=_one_of(DIRECTIONS, record, "stereo_antistereo"),
    )


def _one_of(known: Sequence[str], record: Record, column: str) -> str:
    value = text_of(record, column).strip()
    if value not in known:
        raise DataError(f"{record.where}: {column!r} is {value!r}. {nearest(value, known)}")
    return value


def questions(item: Item) -> list[Pair]:
    """The two sentences, the shared words of both, and one of them out of order where it has another order."""
    of_more, of_less = shared_words(*item.choices)
    control = fluency.shuffled(item.choices[0], key=item.id)
    return [
        *(("", text) for text in item.choices),
        *of_more,
        *of_less,
        *([("", control)] if control is not None else []),
    ]


def shared_words(more: str, less: str) -> tuple[list[Pair], list[Pair]]:
    """The words that both texts have, each run of them with what stands before it in one text and in the other.

    Words before the first difference are left out: they are as likely in both.

    >>> shared_words("The old man sold his boat to us.", "The old woman sold her boat to us.")[0]
    [('The old man', ' sold'), ('The old man sold his', ' boat to us.')]
    """
    runs = SequenceMatcher(a=more.split(), b=less.split(), autojunk=False).get_matching_blocks()
    later = [run for run in runs if run.size and (run.a or run.b)]
    return (
        [_parted(more, start=run.a, size=run.size) for run in later],
        [_parted(less, start=run.b, size=run.size) for run in later],
    )


def _parted(text: str, *, start: int, size: int) -> Pair:
    """What stands before so many words, and these with the space before them."""
    ends = [0, *(word.end() for word in re.finditer(r"\S+", text))]
    return text[: ends[start]], text[ends[start] : ends[start + size]]


def _judge(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
    more, less, *rest = (one.logprob for one in found)
    half = len(rest) // 2
    kept = fluency.as_detail(found[0], found[-1]) if len(rest) % 2 else {}
    if not all(math.isfinite(one.logprob) for one in found):
        return rounds.Verdict(error="impossible: a text has no probability", detail=kept)
    kept["sentence"] = more - less
    if not half:
        return rounds.Verdict(outcome=NOTHING_FOLLOWS, detail=kept)
    ahead = math.fsum(rest[:half]) - math.fsum(rest[half : 2 * half])
    kept["conditional"] = ahead
    if ahead == 0:
        return rounds.Verdict(error="tie", detail=kept)
    outcome = "stereotype" if ahead > 0 else "against"
    return rounds.Verdict(value=float(ahead > 0), outcome=outcome, detail=kept)
