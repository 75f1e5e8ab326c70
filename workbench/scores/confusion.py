"""Measures of told against expected labels: accuracy, Matthews correlation, F1 of one label and the mean of F1 over labels.

`estimate(rows, measure="matthews")` is a measure of the rows with its interval, by a bootstrap of whole clusters where it
is no mean; `baseline(rows, measure=...)` is the best that one label for every row gets, which is what chance means here.
A row's `expected` is its label, `answer` the one that was told. It knows neither models nor tasks.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from workbench.scores.entry import Measure
from workbench.scores.figures import share_of
from workbench.scores.task import Row
from workbench.stats.intervals import Floats, Interval, Ints, cluster_codes
from workbench.stats.resampling import Statistic, bootstrap

MOST_CLUSTERS = 2000
"""More clusters than this are drawn in so many bunches of whole clusters: the interval is the same, the time is not."""


def estimate(rows: Sequence[Row], *, measure: Measure, positive: str = "") -> Interval:
    """A measure of scored rows and its 95 % interval; `f1` is that of the positive label."""
    if measure == "accuracy":
        return share_of(rows)
    figure = statistic(rows, measure=measure, positive=positive)
    return resampled(figure, clusters=[row.cluster for row in rows])


def resampled(figure: Statistic, *, clusters: Sequence[str]) -> Interval:
    """Any figure of rows with its interval, by a bootstrap of their clusters."""
    codes, count = cluster_codes(clusters, n=len(clusters))
    bunches = [str(code % MOST_CLUSTERS) for code in codes]
    return bootstrap(figure, n=len(clusters), clusters=bunches)._replace(clusters=count)


def statistic(rows: Sequence[Row], *, measure: Measure, positive: str = "") -> Statistic:
    """The measure as a function of the places of rows, so that any draw of them can be measured."""
    expected, told = [row.expected for row in rows], [row.answer for row in rows]
    return _figure(expected, told, measure=measure, positive=positive)


def of_labels(expected: Sequence[str], told: Sequence[str], *, measure: Measure) -> float:
    """A measure of labels, side by side; white space around them is no part of them.

    >>> of_labels(["a", "b", "b"], ["a ", "b", "a"], measure="matthews")
    0.5
    """
    known, said = [one.strip() for one in expected], [one.strip() for one in told]
    return _figure(known, said, measure=measure)(np.arange(len(said)))


def _figure(
    expected: Sequence[str], told: Sequence[str], *, measure: Measure, positive: str = ""
) -> Statistic:
    labels = sorted({*expected, *told})
    code = {label: place for place, label in enumerate(labels)}
    pairs = zip(expected, told, strict=True)
    cells = np.array([code[one] * len(labels) + code[other] for one, other in pairs], dtype=int)
    at = code.get(positive, -1)

    def figure(places: Ints) -> float:
        counts = np.bincount(cells[places], minlength=len(labels) ** 2)
        return of_counts(counts.reshape(len(labels), -1).astype(float), measure=measure, at=at)

    return figure


def of_counts(counts: Floats, *, measure: Measure, at: int = -1) -> float:
    """A measure of a table of counts, expected labels down and told ones across; `at` is the positive label's place.

    >>> table = np.array([[6.0, 2.0], [1.0, 1.0]])
    >>> [round(of_counts(table, measure=m, at=0), 4) for m in ("accuracy", "f1", "macro_f1", "matthews")]
    [0.7, 0.8, 0.6, 0.2182]
    """
    expected, told, hits = counts.sum(1), counts.sum(0), np.diag(counts)
    total = counts.sum()
    if not total:
        return float("nan")
    if measure == "accuracy":
        return float(hits.sum() / total)
    if measure == "matthews":
        # Gorodkin 2004; 0 where one side has a single label, as scikit-learn has it.
        spread = (total**2 - (told**2).sum()) * (total**2 - (expected**2).sum())
        product = hits.sum() * total - (told * expected).sum()
        return float(product / np.sqrt(spread)) if spread > 0 else 0.0
    # 2 tp + fp + fn counts each label once where it is expected and once where it is told.
    either = expected + told
    if measure == "f1":
        return float(2 * hits[at] / either[at]) if at >= 0 and either[at] else 0.0
    some = either > 0
    return float(np.mean(2 * hits[some] / either[some]))


def baseline(rows: Sequence[Row], *, measure: Measure, positive: str = "") -> float | None:
    """The best that the same label for every row would get; None where no row has one.

    Rows that failed count: what was asked does not depend on who answers.
    """
    counts = Counter(row.expected for row in rows if row.expected)
    if not counts:
        return None
    if measure == "matthews":
        return 0.0
    share = max(counts.values()) / counts.total()
    if measure == "accuracy":
        return share
    if measure == "f1":
        share = counts[positive] / counts.total()
        return 2 * share / (1 + share)
    return 2 * share / (1 + share) / len(counts)


def macro_f1(rows: Sequence[Row]) -> float | None:
    """The mean over labels of F1 = 2 tp / (2 tp + fp + fn), over every label that is expected or told.

    >>> told = [("a", "a"), ("a", "b"), ("b", "b")]
    >>> rows = [Row(sample=str(i), slot="r2", expected=e, answer=t) for i, (e, t) in enumerate(told)]
    >>> round(macro_f1(rows), 4)
    0.6667
    """
    return statistic(rows, measure="macro_f1")(np.arange(len(rows))) if rows else None


def matthews(rows: Sequence[Row]) -> float | None:
    """The Matthews correlation of told and expected labels; 0 where only one label is told."""
    return statistic(rows, measure="matthews")(np.arange(len(rows))) if rows else None
