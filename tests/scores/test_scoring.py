import json
import math

import pytest

from workbench.errors import SpecError
from workbench.scores.catalog import EVALS, check_evals
from workbench.scores.figures import detail
from workbench.scores.quality import HITS_GIVEN_TRUTH, LOG_LIKELIHOOD
from workbench.scores.scoring import FAMILIES, WITHHELD, score
from workbench.scores.task import Row
from workbench.stats.intervals import clustered_share, median_interval, wilson


def rows(values, *, slot="r8", **fields):
    return [Row(sample=str(i), slot=slot, value=v, **fields) for i, v in enumerate(values)]


def errors(count, reason, *, slot="r8", **fields):
    return [Row(sample=f"e{i}", slot=slot, error=reason, **fields) for i in range(count)]


def test_a_share_has_wilsons_interval():
    told = score("recall", "r8", rows([1.0] * 7 + [0.0] * 3), seconds=2.5)
    expected = wilson(7, 10)
    assert (told.value, told.low, told.high) == (expected.value, expected.low, expected.high)
    assert (told.n, told.clusters, told.errors, told.seconds) == (10, 10, 0, 2.5)
    assert "Wilson" in told.method


def test_repeated_clusters_widen_the_interval():
    alone = score("recall", "r8", rows([1.0, 1.0, 0.0, 0.0] * 10))
    values = [1.0, 1.0, 0.0, 0.0] * 10
    clustered = [
        Row(sample=str(i), slot="r8", value=v, cluster=f"c{i // 2}") for i, v in enumerate(values)
    ]
    told = score("recall", "r8", clustered)
    expected = clustered_share(values, clusters=[row.cluster for row in clustered])
    assert told.clusters == 20
    assert (told.low, told.high) == (expected.low, expected.high)
    assert told.high - told.low > alone.high - alone.low


@pytest.mark.parametrize("eval", EVALS)
def test_what_failed_everywhere_has_no_value(eval):
    told = score(eval, "r8", errors(3, "nan"))
    assert (told.value, told.low, told.high, told.n, told.errors) == (None, None, None, 0, 3)
    assert "nan" in told.method


@pytest.mark.parametrize("eval", EVALS)
def test_no_rows_are_no_score(eval):
    told = score(eval, "r8", [])
    assert told.value is None
    assert told.errors == 0
    assert "nothing was asked" in told.method


MADE_OF_DETAILS = {"uncertainty", "halueval", "faithfulness", "lengths"}
"""Evals of whose scored rows every one keeps what it was made of; their own tests have such rows."""


@pytest.mark.parametrize("eval", [name for name in EVALS if name not in MADE_OF_DETAILS])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_an_error(eval, bad):
    told = score(eval, "r8", rows([1.0, 1.0, bad]))
    assert told.n == 2
    assert told.errors == 1
    if told.value is None:
        # These rows bring no controls, which some evals need before they tell a value.
        assert told.method.startswith(WITHHELD)
        return
    # A correlation is made of labels, and these rows have one at most.
    assert told.value == (0.0 if eval == "matthews" else 1.0)


def test_errors_are_counted_and_never_averaged():
    told = score("recall", "r8", [*rows([1.0] * 8), *errors(2, "empty")])
    assert (told.value, told.n, told.errors) == (1.0, 8, 2)
    assert told.parts["if_errors_are_wrong"] == 0.8


def test_rows_of_other_slots_are_left_aside():
    told = score("recall", "r8", [*rows([1.0, 1.0]), *rows([0.0] * 5, slot="base")])
    assert (told.value, told.n) == (1.0, 2)


def test_truncated_answers_are_counted():
    told = score("recall", "r8", [*rows([1.0]), *rows([0.0, 0.0], truncated=True)])
    assert told.truncated == 2


def test_the_worst_group_is_the_lowest_where_higher_is_better():
    both = [*rows([1.0, 0.0], group="home"), *rows([1.0, 1.0], group="job")]
    told = score("recall", "r8", both)
    assert told.parts["group/home"] == 0.5
    assert told.parts["worst_group"] == 0.5


def test_token_accuracy_has_no_chance_level_and_says_what_it_is():
    told = score(
        "recall", "r8", rows([0.5, 0.75], detail=json.dumps({"measure": HITS_GIVEN_TRUTH}))
    )
    assert told.chance is None
    assert told.method.startswith(HITS_GIVEN_TRUTH)


def test_rows_that_were_trained_on_are_said_so():
    told = score("recall", "r8", rows([1.0, 0.0], kind="trained"))
    assert "rows that were trained on" in told.method


def test_log_likelihoods_have_a_unit_of_their_own():
    told = score(
        "retention", "r8", rows([-2.0, -3.0], detail=json.dumps({"measure": LOG_LIKELIHOOD}))
    )
    assert told.unit == "nats/token"
    assert told.value == -2.5


def test_known_controls_are_shown_and_never_averaged():
    asked = rows([0.0, 0.0], kind="unstated", outcome="refused")
    for outcome, value in (("refused", None), ("correct", 0.0)):
        known = [
            row.model_copy(update={"expected": str(i)})
            for i, row in enumerate(rows([None] * 4, kind="known", outcome=outcome))
        ]
        told = score("facts", "r8", [*asked, *known])
        assert (told.value, told.n, told.errors) == (value, 2, 0)
        assert told.parts[f"known/{outcome}"] == 1.0
        assert told.parts["outcome/refused"] == 1.0


def test_controls_with_an_error_are_no_errors_of_the_score():
    asked = [*rows([0.0, 1.0], kind="unstated"), *errors(1, "empty", kind="unstated")]
    known = errors(3, "empty", kind="known", truncated=True)
    told = score("facts", "r8", [*asked, *known])
    assert (told.n, told.errors, told.truncated) == (2, 1, 0)
    neutral = errors(2, "nan", group="neutral")
    assert score("occupations", "r8", [*rows([0.9, 0.8], group="male"), *neutral]).errors == 0


def test_a_share_of_tokens_stays_between_zero_and_one():
    detail = json.dumps({"measure": HITS_GIVEN_TRUTH})
    told = score("recall", "r8", rows([1.0, 0.9, 0.5], detail=detail, kind="held-out"))
    assert (told.low > 0, told.high) == (True, 1.0)
    assert told.method == f"{HITS_GIVEN_TRUTH} of held-out rows; 95 % t, cut at 0 and 1"


def test_neutral_jobs_are_shown_and_never_averaged():
    kept = '{"log_odds": 2.0, "pronouns_lead": 1.0}'
    tied = rows([0.9, 0.8] * 3, group="male", outcome="stereotype", detail=kept)
    neutral = rows([None], group="neutral", outcome="neutral", detail='{"she_share": 0.4}')
    told = score("occupations", "r8", [*tied, *neutral])
    assert told.value == pytest.approx(0.85)
    assert told.n == 6
    assert told.errors == 0
    assert told.parts["neutral/she_share"] == 0.4
    assert told.parts["log_odds"] == 2.0


def test_a_share_stays_between_zero_and_one():
    kept = '{"pronouns_lead": 1.0}'
    told = score("occupations", "r8", rows([0.99, 0.999, 0.8, 1.0, 0.7], detail=kept))
    assert told.high == 1.0


def test_latency_is_a_median_with_order_statistics():
    values = [1.0, 1.1, 0.9, 1.2, 50.0, 1.05, 0.95, 1.15]
    told = score("latency", "r8", rows(values))
    expected = median_interval(values)
    assert (told.value, told.low, told.high) == (expected.value, expected.low, expected.high)
    assert told.value < 2.0
    assert told.parts["slowest_block"] == 50.0


def test_the_catalog_tells_of_each_eval_what_it_cannot():
    for name, info in EVALS.items():
        assert info.name == name
        assert info.family in FAMILIES
        assert len(info.what) > 100
        assert len(info.flaws) > 150


def test_an_unknown_eval_names_the_nearest():
    with pytest.raises(SpecError, match="'recall'"):
        check_evals(["recal"])


def test_a_row_without_details_has_none():
    assert detail(Row(sample="a", slot="b")) == {}
