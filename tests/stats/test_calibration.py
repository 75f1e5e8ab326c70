"""Calibration: against scipy, against loops over all pairs, and on forecasters whose truth is planted."""

import itertools
import os

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.errors import DataError
from workbench.stats import auroc, brier, ece, ece_if_calibrated, equal_mass, equal_width
from workbench.stats.intervals import normal_to_t, wilson_limits

TIMES = 2000 if os.environ.get("SOAK") == "1" else 200


def two_sorts(rng, *, groups=60, size=3, ahead=1.0, together=0.4, share=0.4, decimals=6):
    """Scores of positive and negative items in clusters that hold both; rounded, they have ties."""
    n = groups * size
    own = np.sqrt(1 - together) * rng.normal(size=n)
    scores = np.repeat(np.sqrt(together) * rng.normal(size=groups), size) + own
    positive = rng.random(n) < share
    return (
        np.round(scores + ahead * positive, decimals),
        positive,
        [str(i // size) for i in range(n)],
    )


@pytest.mark.parametrize("decimals", [6, 0], ids=["no ties", "many ties"])
def test_the_area_is_mann_whitneys_u(decimals):
    x, y, _ = two_sorts(np.random.default_rng(1), decimals=decimals)
    u = scipy_stats.mannwhitneyu(x[y], x[~y]).statistic
    assert auroc(x, y).value == pytest.approx(u / (y.sum() * (~y).sum()), abs=1e-12)


@pytest.mark.parametrize("size", [1, 3])
def test_its_interval_has_the_error_of_delong_and_obuchowski_by_all_pairs(size):
    x, y, clusters = two_sorts(np.random.default_rng(2), size=size)
    above, below = np.flatnonzero(y), np.flatnonzero(~y)
    wins = np.array([[(x[a] > x[b]) + (x[a] == x[b]) / 2 for b in below] for a in above])
    area, m, n = wins.mean(), len(above), len(below)
    placed = {i: wins[k].mean() - area for k, i in enumerate(above)}
    placed |= {j: wins[:, k].mean() - area for k, j in enumerate(below)}
    names = sorted(set(clusters))
    tens = {c: sum(placed[i] for i in above if clusters[i] == c) for c in names}
    ones = {c: sum(placed[j] for j in below if clusters[j] == c) for c in names}
    i10, i01 = (len({clusters[i] for i in sort}) for sort in (above, below))
    s10 = i10 / ((i10 - 1) * m) * sum(one**2 for one in tens.values())
    s01 = i01 / ((i01 - 1) * n) * sum(one**2 for one in ones.values())
    s11 = len(names) / (len(names) - 1) * sum(tens[c] * ones[c] for c in names)
    error2 = s10 / m + s01 / n + 2 * s11 / (m * n)
    if size == 1:
        assert error2 == pytest.approx(
            wins.mean(axis=1).var(ddof=1) / m + wins.mean(axis=0).var(ddof=1) / n
        )
    effective = area * (1 - area) / error2 * normal_to_t(min(i10, i01) - 1, level=0.95) ** 2
    found = auroc(x, y, clusters=clusters)
    assert (found.low, found.high) == pytest.approx(wilson_limits(area, effective, level=0.95))


@pytest.mark.parametrize(
    ("area", "groups", "size", "together"),
    [(0.75, 60, 1, 0.0), (0.9, 60, 4, 0.5), (0.75, 100, 3, 0.4), (0.97, 100, 2, 0.3)],
)
def test_its_interval_covers(area, groups, size, together):
    rng, covered = np.random.default_rng(3), 0
    ahead = np.sqrt(2) * scipy_stats.norm.ppf(area)
    for _ in range(TIMES):
        x, y, clusters = two_sorts(rng, groups=groups, size=size, together=together, ahead=ahead)
        found = auroc(x, y, clusters=clusters)
        covered += found.low <= area <= found.high
    # Near 1 and with few items it is cautious: it covers more.
    assert covered / TIMES >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / TIMES)


def test_an_area_of_one_sort_alone_is_none_and_of_two_apart_has_a_lower_end():
    assert auroc([1.0, 2.0, 3.0], [0, 0, 0]).value is None
    assert auroc([], []).value is None
    apart = auroc([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0, 0, 0, 1, 1, 1])
    assert (apart.value, apart.high) == (1.0, 1.0)
    assert 0.3 < apart.low < 0.7
    assert auroc([1.0, 2.0, 3.0], [0, 0, 1]).low is None


def test_scores_that_tell_nothing_apart_have_one_half():
    assert auroc([0.3] * 8, [0, 1] * 4).value == 0.5


def test_the_brier_score_is_the_sum_of_its_parts_and_they_are_murphys():
    rng = np.random.default_rng(4)
    c = rng.integers(0, 11, size=300) / 10
    y = (rng.random(300) < c**2).astype(int)
    found = brier(c, y)
    assert found.value == pytest.approx(np.mean((c - y) ** 2), abs=1e-15)
    assert found.value == pytest.approx(found.reliability - found.resolution + found.uncertainty)
    by_hand = [(len(y[c == k]), k, y[c == k].mean()) for k in np.unique(c)]
    assert found.reliability == pytest.approx(sum(n * (k - o) ** 2 for n, k, o in by_hand) / 300)
    assert found.resolution == pytest.approx(
        sum(n * (o - y.mean()) ** 2 for n, _, o in by_hand) / 300
    )
    assert found.skill == pytest.approx(1 - found.value / (y.mean() * (1 - y.mean())))


def test_a_constant_forecast_of_the_base_rate_has_no_skill():
    found = brier([0.25] * 8, [1, 0, 0, 0] * 2)
    assert found.value == found.uncertainty == 0.1875
    assert (found.skill, found.reliability, found.resolution) == (0.0, 0.0, 0.0)
    assert brier([0.5, 0.9], [1, 1]).skill is None
    assert brier([], []) is None


def test_the_calibration_error_of_a_few_answers_by_hand():
    confidence, right = [0.95, 0.95, 0.95, 0.95, 0.62, 0.64, 0.1, 0.0], [1, 1, 1, 0, 1, 0, 0, 0]
    bins = equal_width(confidence, right)
    assert [(one.least, one.most, len(one.places)) for one in bins] == [
        (0.0, 0.1, 2),
        (0.6, 0.7, 2),
        (0.9, 1.0, 4),
    ]
    assert ece(bins) == pytest.approx((2 * 0.05 + 2 * 0.13 + 4 * 0.2) / 8)


def test_a_confidence_belongs_to_the_bin_that_ends_with_it():
    for tenth in range(1, 11):
        (bin,) = equal_width([tenth / 10], [1])
        assert (round(10 * bin.least), round(10 * bin.most)) == (tenth - 1, tenth)
    (bin,) = equal_width([0.1 + 0.2], [1])
    assert bin.most == 0.3


def test_bins_of_equal_mass_do_not_depend_on_the_order_of_the_items():
    rng = np.random.default_rng(5)
    c = rng.integers(5, 11, size=200) / 10
    y = (rng.random(200) < c).astype(int)
    order = rng.permutation(200)
    assert ece(equal_mass(c, y)) == pytest.approx(ece(equal_mass(c[order], y[order])), abs=1e-12)
    free = equal_mass(rng.random(200), y)
    assert [len(one.places) for one in free] == [20] * 10
    assert sorted(itertools.chain(*(one.places for one in free))) == list(range(200))


def test_luck_is_that_of_every_outcome_there_could_be():
    confidence = [0.91, 0.93, 0.97, 1.0, 0.52]
    bins = equal_width(confidence, [1, 1, 0, 1, 0])
    expected = 0.0
    for right in itertools.product((0, 1), repeat=5):
        p = np.prod([c if one else 1 - c for c, one in zip(confidence, right, strict=True)])
        expected += p * ece(equal_width(confidence, right))
    assert ece_if_calibrated(bins) == pytest.approx(expected)


@pytest.mark.parametrize("binned", [equal_width, equal_mass])
def test_a_calibrated_forecaster_has_the_error_of_luck_and_no_more(binned):
    rng, found, luck = np.random.default_rng(6), [], []
    for _ in range(TIMES):
        c = rng.integers(0, 11, size=250) / 10
        bins = binned(c, (rng.random(250) < c).astype(int))
        found.append(ece(bins))
        luck.append(ece_if_calibrated(bins))
    assert np.mean(luck) > 0.03
    assert np.mean(found) == pytest.approx(
        np.mean(luck), abs=4 * np.std(found) / np.sqrt(len(found))
    )


@pytest.mark.parametrize("binned", [equal_width, equal_mass])
def test_overconfidence_of_20_points_is_recovered(binned):
    rng, found = np.random.default_rng(7), []
    for _ in range(TIMES):
        c = rng.uniform(0.5, 1.0, size=500)
        found.append(ece(binned(c, (rng.random(500) < c - 0.2).astype(int))))
    assert np.mean(found) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(
    ("confidence", "right", "says"),
    [
        ([0.2, 1.2], [0, 1], r"1\.2.*from 0 to 1"),
        ([0.2, np.nan], [0, 1], "value 1 of 2 is nan"),
        ([0.2, 0.3], [0, 0.5], r"0\.5.*0 or 1"),
        ([0.2, 0.3], [1], "1 outcomes for 2 items"),
    ],
)
def test_what_is_no_forecast_is_refused(confidence, right, says):
    with pytest.raises(DataError, match=says):
        brier(confidence, right)
