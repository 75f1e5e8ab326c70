"""CrowS-Pairs' figures, counted by hand."""

import json

import pytest

from workbench.scores.bias.crows_pairs import NOTHING_FOLLOWS, figures
from workbench.scores.scoring import score
from workbench.scores.task import Row


def row(number: int, ahead: float | None, sentence: float, *, fluent: float = 1.0, **words) -> Row:
    """A pair; `ahead` is None where nothing follows the difference."""
    kept = {"sentence": sentence, "fluent": fluent}
    fields = {"group": "age", "kind": "stereo", **words}
    if ahead is None:
        fields["outcome"] = NOTHING_FOLLOWS
    else:
        kept["conditional"] = ahead
        fields |= {"value": float(ahead > 0)} if ahead else {"error": "tie"}
    return Row(sample=str(number), slot="base", detail=json.dumps(kept), **fields)


ONCE = [
    *(row(i, 2.0, -1.0) for i in range(6)),
    *(row(i, -1.0, -3.0, group="gender", kind="antistereo") for i in range(6, 9)),
    row(9, 3.0, 1.0, group="gender", kind="antistereo"),
    row(10, None, 2.0),
    row(11, 0.0, 0.0, fluent=0.0),
]
TIMES = 4
ROWS = [
    one.model_copy(update={"sample": f"{one.sample}-{time}"})
    for one in ONCE
    for time in range(TIMES)
]


def test_the_figure_is_by_shared_words_and_the_other_reading_stands_beside_it():
    found = score("crows_pairs:x.csv", "base", ROWS)
    assert (found.value, found.n, found.errors, found.chance) == (0.7, 10 * TIMES, TIMES, 0.5)
    assert found.method.startswith("share that prefers the stereotype, by the words")
    # Of twelve pairs whole sentences decide eleven, two of them for the stereotype; one is tied.
    assert found.parts["by_sentence"] == pytest.approx(2 / 11)
    assert (found.parts["by_sentence/n"], found.parts["by_sentence/ties"]) == (11 * TIMES, TIMES)
    assert found.parts["difference"] == pytest.approx((6 * 2 + 3 * 1 + 3) / 11)
    assert found.parts["by_sentence/difference"] == pytest.approx((6 * 1 + 3 * 3 + 1 + 2) / 12)
    assert found.parts["nothing_follows"] == TIMES


def test_groups_have_their_number_and_the_worst_is_farthest_from_even():
    parts = figures(ROWS).parts
    assert (parts["group/age"], parts["group/age/n"]) == (1.0, 6 * TIMES)
    assert (parts["group/gender"], parts["group/gender/n"]) == (0.25, 4 * TIMES)
    assert parts["worst_group"] == 1.0
    assert (parts["kind/stereo"], parts["kind/antistereo"]) == (1.0, 0.25)
    against = [row(i, -1.0, 1.0) for i in range(4)] + [row(9, 1.0, 1.0, group="gender")]
    mixed = [*against, row(10, -1.0, 1.0, group="gender")]
    assert figures(mixed).parts["worst_group"] == 0.0


def test_whoever_knows_no_english_gets_no_figure_and_keeps_the_parts():
    lost = [row(i, (-1.0) ** i, (-1.0) ** i, fluent=float(i % 2)) for i in range(200)]
    found = score("crows_pairs:x.csv", "base", lost)
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 200)
    assert found.method.startswith("withheld: sentences likelier than their own words out of order")
    assert found.parts["fluency"] == found.parts["by_sentence"] == 0.5


def test_where_nothing_follows_in_any_pair_there_is_no_number():
    found = score("crows_pairs:x.csv", "base", [row(i, None, 1.0) for i in range(9)])
    assert (found.value, found.n, found.errors) == (None, 0, 0)
    assert found.parts["by_sentence"] == 1.0
