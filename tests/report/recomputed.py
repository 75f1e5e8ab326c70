"""The figures of a report worked out a second time, from the parquet files alone: pandas and scipy, nothing of the workbench.

`answers(sweep, name, eval)` is what a candidate answered, item by item, its seeds averaged; the other functions are the
textbook's: Wilson, Student, Newcombe, McNemar, order statistics, two-way random effects, max-T by turned signs.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95
Z = stats.norm.ppf((1 + LEVEL) / 2)


def slots(sweep, name):
    """The folders of a candidate: one a seed; those of the base and of a single seed have its name."""
    folders = [one for one in Path(sweep).iterdir() if (one / "samples").is_dir()]
    own = [one.name for one in folders if one.name == name or one.name.startswith(f"{name}-seed")]
    return sorted(own)


def rows(sweep, slot, eval):
    """Item -> value of what one slot answered and could be scored."""
    frame = pd.read_parquet(Path(sweep) / slot / "samples" / f"{eval}.parquet")
    scored = frame[frame["value"].notna()]
    return scored.set_index(scored["sample"] + "|" + scored["expected"].fillna(""))["value"]


def by_seed(sweep, name, eval):
    """Items that all seeds answered, a column a seed."""
    columns = {slot: rows(sweep, slot, eval) for slot in slots(sweep, name)}
    return pd.DataFrame(columns).dropna() if columns else pd.DataFrame()


def answers(sweep, name, eval, *, by="mean"):
    """Item -> value, averaged over seeds (or their median)."""
    return getattr(by_seed(sweep, name, eval), by)(axis=1)


def interval(values, *, by="mean"):
    """Value, low and high of what fits: Wilson, Student's t, or order statistics."""
    x = np.asarray(values, dtype=float)
    if by == "median":
        return median(x)
    if np.isin(x, (0.0, 1.0)).all():
        found = stats.binomtest(int(x.sum()), len(x)).proportion_ci(LEVEL, method="wilson")
        return x.mean(), found.low, found.high
    return student(x)


def student(x):
    found = stats.ttest_1samp(x, 0.0).confidence_interval(LEVEL)
    return float(np.mean(x)), found.low, found.high


def median(x):
    """The median between the two order statistics that hold it in at least 95 % of samples."""
    x, n = np.sort(np.asarray(x, dtype=float)), len(x)
    left_out = max(
        (k for k in range(n) if stats.binom.cdf(k, n, 0.5) <= (1 - LEVEL) / 2), default=-1
    )
    if left_out < 0:
        return float(np.median(x)), None, None
    return float(np.median(x)), x[left_out], x[n - 1 - left_out]


def difference(a, b, *, by="mean"):
    """Value, low, high, p and n of a minus b on the items of both."""
    both = pd.concat([a, b], axis=1, keys=["a", "b"]).dropna()
    a, b = both["a"].to_numpy(), both["b"].to_numpy()
    above, below = int((a > b).sum()), int((a < b).sum())
    sign = stats.binomtest(above, above + below).pvalue if above + below else 1.0
    if by == "median":
        return *median(a - b), sign, len(both)
    if np.isin(a, (0.0, 1.0)).all() and np.isin(b, (0.0, 1.0)).all():
        return *newcombe(a, b), sign, len(both)
    return *student(a - b), stats.ttest_rel(a, b).pvalue, len(both)


def newcombe(a, b):
    """Newcombe 1998, method 10, with his correction of phi."""
    n = len(a)
    cells = np.array([(a * b).sum(), (a * (1 - b)).sum(), ((1 - a) * b).sum(), 0.0])
    cells[3] = n - cells[:3].sum()
    (low_a, high_a), (low_b, high_b) = (interval(x)[1:] for x in (a, b))
    cross = cells[0] * cells[3] - cells[1] * cells[2]
    cross = max(cross - n / 2, 0.0) if cross > 0 else cross
    sides = a.sum() * (n - a.sum()) * b.sum() * (n - b.sum())
    phi = cross / np.sqrt(sides) if sides else 0.0
    p_a, p_b = a.mean(), b.mean()

    def joined(one, other):
        return np.sqrt(one**2 - 2 * phi * one * other + other**2)

    gap = p_a - p_b
    return gap, gap - joined(p_a - low_a, high_b - p_b), gap + joined(high_a - p_a, p_b - low_b)


def over_both(table):
    """Low and high over items and seeds: two-way random effects, each margin with its own t."""
    y = table.to_numpy()
    n, seeds = y.shape
    rest = y - y.mean(axis=1, keepdims=True) - y.mean(axis=0) + y.mean()
    left = (rest**2).sum() / ((n - 1) * (seeds - 1))
    of_items = y.mean(axis=1).var(ddof=1) / n
    of_seeds = max(0.0, y.mean(axis=0).var(ddof=1) / seeds - left / (n * seeds))
    half = np.sqrt(
        stats.t.ppf(0.975, n - 1) ** 2 * of_items + stats.t.ppf(0.975, seeds - 1) ** 2 * of_seeds
    )
    return y.mean() - half, y.mean() + half


def max_t(comparisons, *, draws=4000, seed=1):
    """p-values by the largest |t| of those not ahead of it, under signs turned item by item, for all comparisons alike."""
    table = pd.concat(comparisons, axis=1).to_numpy(dtype=float)
    there, d = np.isfinite(table), np.nan_to_num(table)
    n, squares = there.sum(axis=0), (d**2).sum(axis=0)

    def t(sums):
        spread = np.maximum(squares - sums**2 / n, 1e-12) / (n - 1)
        return np.abs(sums / n) / np.sqrt(spread / n)

    seen = t(d.sum(axis=0))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, len(d)))
    drawn = t(signs @ d)
    p, highest = np.empty(len(seen)), 0.0
    order = np.argsort(-seen)
    for place, column in enumerate(order):
        largest = drawn[:, order[place:]].max(axis=1)
        highest = max(highest, (1 + (largest >= seen[column] * (1 - 1e-9)).sum()) / (1 + draws))
        p[column] = highest
    return p


def stored_method(sweep, slot, eval):
    """What a stored score says of how it was worked out."""
    return json.loads((Path(sweep) / slot / "scores" / f"{eval}.json").read_text())["method"]


def clustered(values, clusters):
    """Mean, low and high of items that come in clusters: the sandwich error of their sums, with t of clusters less one."""
    x = pd.Series(np.asarray(values, dtype=float))
    sums = (x - x.mean()).groupby(np.asarray(clusters)).sum()
    many = len(sums)
    error = np.sqrt(many / (many - 1) * (sums**2).sum()) / len(x)
    half = stats.t.ppf(0.975, many - 1) * error
    return x.mean(), x.mean() - half, x.mean() + half


def labels(sweep, slot, eval, column):
    """Item -> its cluster or its group."""
    frame = pd.read_parquet(Path(sweep) / slot / "samples" / f"{eval}.parquet")
    scored = frame[frame["value"].notna()]
    return scored.set_index(scored["sample"] + "|" + scored["expected"].fillna(""))[column]
