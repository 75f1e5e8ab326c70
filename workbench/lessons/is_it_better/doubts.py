"""Exercises 1 to 3 of lesson 5: a paired difference with its interval, what seeds change, and false alarms among many.

Right is computed from the stored answers that a check is handed; an interval may use t or 1.96, which hardly differ at hundreds of items.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from workbench.lessons.answers import Array, Called, Number
from workbench.lessons.exercise import Exercise, Facts, Mistake, equals
from workbench.lessons.sameness import as_array

# 1. A paired difference.

CLOSE = 0.02
"""How near the ends of an interval must come, as a share of its half width: 1.96 in place of t is nearer."""


def _two(facts: Facts) -> tuple[np.ndarray, np.ndarray]:
    return as_array(facts.a), as_array(facts.b)


def _mean_and_error(facts: Facts) -> tuple[float, float]:
    a, b = _two(facts)
    d = a - b
    return float(d.mean()), float(d.std(ddof=1) / np.sqrt(len(d)))


def _apart_error(facts: Facts) -> float:
    """The error of the difference, were the questions of the two not the same."""
    return float(np.sqrt(sum(x.var(ddof=1) / len(x) for x in _two(facts))))


def _t(facts: Facts) -> float:
    return float(stats.t.ppf(0.975, len(_two(facts)[0]) - 1))


def _gave(ends: Callable[[Facts], tuple[float, float]]) -> Any:
    """The test that the function gives this middle and this half width."""

    def made(answer: list[np.ndarray], facts: Facts) -> bool:
        middle, half = ends(facts)
        off = np.abs(answer[0] - np.array([middle - half, middle + half])).max()
        return bool(off <= CLOSE * abs(half))

    return made


def _of_pairs(facts: Facts) -> tuple[float, float]:
    mean, error = _mean_and_error(facts)
    return mean, _t(facts) * error


def _why_paired(facts: Facts) -> str:
    mean, half = _of_pairs(facts)
    if half == 0:
        return f"The two gave the same answers to all {len(_two(facts)[0])} questions: no spread, and nothing to tell apart."
    wide = _apart_error(facts) / _mean_and_error(facts)[1]
    side = "leaves out zero" if abs(mean) > half else "holds zero"
    return (
        f"{100 * mean:+.1f} points [{100 * (mean - half):+.1f}, {100 * (mean + half):+.1f}], n = {len(_two(facts)[0])}: "
        f"it {side}. As if the two had answered different questions the interval would be {wide:.2f} times as wide, from "
        "the same answers."
    )


def _written(
    ends: str, *, of: str = "d = a - b", error: str = "d.std(ddof=1) / len(d) ** 0.5"
) -> str:
    return f"def paired(a, b):\n    {of}\n    error = {error}\n    return {ends}"


_BOTH = "d.mean() - 1.96 * error, d.mean() + 1.96 * error"

PAIRED = Exercise(
    name="paired",
    title="One difference, with its interval",
    reads=Called(
        lambda f: [_two(f)], Array(lambda f: (2,), name="What your function gives (two ends)")
    ),
    needs=("a", "b"),
    right=_gave(_of_pairs),
    because=_why_paired,
    mistakes=(
        Mistake(
            "unpaired",
            wrote=_written(_BOTH, error="(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)) ** 0.5"),
            made=_gave(lambda f: (_mean_and_error(f)[0], _t(f) * _apart_error(f))),
            says="That is the interval for two adapters that were asked *different* questions. Yours were asked the same: "
            "subtract answer by answer first, then take the error of these differences.",
        ),
        Mistake(
            "not-of-the-mean",
            wrote=_written(_BOTH, error="d.std(ddof=1)"),
            made=_gave(
                lambda f: (
                    _mean_and_error(f)[0],
                    _t(f) * _mean_and_error(f)[1] * len(_two(f)[0]) ** 0.5,
                )
            ),
            says="That is how much single questions differ. The *mean* of n of them is known better, by the root of n: "
            "divide by it.",
        ),
        Mistake(
            "divided-by-n",
            wrote=_written(_BOTH, error="d.std(ddof=1) / len(d)"),
            made=_gave(
                lambda f: (
                    _mean_and_error(f)[0],
                    _t(f) * _mean_and_error(f)[1] / len(_two(f)[0]) ** 0.5,
                )
            ),
            says="You divide by n, which makes the interval far too narrow. The error of a mean falls with the *root* of n.",
        ),
        Mistake(
            "one-error",
            wrote=_written("d.mean() - error, d.mean() + error"),
            made=_gave(lambda f: _mean_and_error(f)),
            says="One standard error to each side covers the truth two times in three. For 95 % it takes 1.96 of them.",
        ),
        Mistake(
            "other-way",
            wrote=_written(_BOTH, of="d = b - a"),
            made=_gave(lambda f: (-_of_pairs(f)[0], _of_pairs(f)[1])),
            says="That is b minus a. Asked is how much more `a` has than `b`.",
        ),
        Mistake(
            "of-one",
            wrote=_written(_BOTH, of="d = a"),
            made=_gave(
                lambda f: (
                    float(_two(f)[0].mean()),
                    float(_t(f) * _two(f)[0].std(ddof=1) / len(_two(f)[0]) ** 0.5),
                )
            ),
            says="That is the interval of `a` alone. Asked is the *difference* of the two.",
        ),
        Mistake(
            "ends-swapped",
            wrote=_written("d.mean() + 1.96 * error, d.mean() - 1.96 * error"),
            made=_gave(lambda f: (_of_pairs(f)[0], -_of_pairs(f)[1])),
            says="The right two ends, the upper one first. Give the lower end, then the upper one.",
        ),
        Mistake(
            "middle-and-half",
            wrote=_written("d.mean(), 1.96 * error"),
            made=lambda answer, f: equals(_of_pairs, rel=CLOSE)(list(answer[0]), f),
            says="That is the middle and the half width. Give the two ends: middle minus half width, middle plus half width.",
        ),
        Mistake(
            "no-ends",
            wrote="def paired(a, b):\n    return (a - b).mean()",
            made=None,
            says="It must have shape (2,)",
        ),
    ),
    should="Subtract answer by answer. Then: mean of the differences, minus and plus 1.96 times their standard deviation "
    "over the root of n.",
    hints=(
        "Place i of `a` and place i of `b` are the same question. `d = a - b` has the difference on each.",
        "The error of the mean of `d` is `d.std(ddof=1) / len(d) ** 0.5`.",
        "Give `d.mean() - 1.96 * error` and `d.mean() + 1.96 * error`.",
    ),
    solution='''def paired(a, b):
    """The 95 % interval of how much more a has than b, on the same questions."""
    d = a - b
    error = d.std(ddof=1) / len(d) ** 0.5
    return d.mean() - 1.96 * error, d.mean() + 1.96 * error''',
)


# 2. Seeds.


def _half(*, level: float = 0.975, spare: int = 1, less: int = 1, root: bool = True) -> Any:
    """The half width over seeds, or what comes of a change in it."""

    def gives(facts: Facts) -> float:
        gaps = as_array(facts.gaps)
        error = gaps.std(ddof=spare) / (len(gaps) ** 0.5 if root else 1)
        return float(stats.t.ppf(level, len(gaps) - less) * error)

    return gives


def _half_of_normal(facts: Facts) -> float:
    gaps = as_array(facts.gaps)
    return float(1.96 * gaps.std(ddof=1) / len(gaps) ** 0.5)


def _why_seeds(facts: Facts) -> str:
    gaps, half = as_array(facts.gaps), _half()(facts)
    told = ", ".join(f"{100 * gap:+.1f}" for gap in gaps)
    side = "leaves out zero" if abs(gaps.mean()) > half else "holds zero"
    return (
        f"Seed by seed {told}: {100 * gaps.mean():+.1f} ± {100 * half:.1f} points, which {side}. t is "
        f"{stats.t.ppf(0.975, len(gaps) - 1):.2f} for {len(gaps)} seeds, 2.26 for ten, 12.7 for two. One seed has no interval "
        "at all."
    )


_HALF = "half = stats.t.ppf({p}, len(gaps) - {less}) * gaps.std(ddof={ddof}){over}"
_ROOT = " / len(gaps) ** 0.5"

SEEDS = Exercise(
    name="seeds",
    title="What other seeds would change",
    reads=Number(),
    needs=("gaps",),
    right=equals(_half(), rel=2e-3),
    because=_why_seeds,
    mistakes=(
        Mistake(
            "normal",
            wrote="half = 1.96 * gaps.std(ddof=1) / len(gaps) ** 0.5",
            made=equals(_half_of_normal, rel=1e-3),
            says=lambda f: (
                f"1.96 is for many. Of {len(as_array(f.gaps))} seeds the spread itself is hardly known, and t makes up "
                f"for it: {stats.t.ppf(0.975, len(as_array(f.gaps)) - 1):.2f}."
            ),
        ),
        Mistake(
            "ddof",
            wrote=_HALF.format(p=0.975, less=1, ddof=0, over=_ROOT),
            made=equals(_half(spare=0), rel=1e-3),
            says="`np.std` divides by n unless told otherwise, which is too little for so few. Write `ddof=1`.",
        ),
        Mistake(
            "no-root",
            wrote=_HALF.format(p=0.975, less=1, ddof=1, over=""),
            made=equals(_half(root=False), rel=1e-3),
            says="That is about a single seed. For their *mean*, divide by the root of their number.",
        ),
        Mistake(
            "degrees",
            wrote=_HALF.format(p=0.975, less=0, ddof=1, over=_ROOT),
            made=equals(_half(less=0), rel=1e-3),
            says="t has one degree of freedom less than there are seeds: the mean took one.",
        ),
        Mistake(
            "one-sided",
            wrote=_HALF.format(p=0.95, less=1, ddof=1, over=_ROOT),
            made=equals(_half(level=0.95), rel=1e-3),
            says="`ppf(0.95)` leaves out 5 % on *each* side. For 95 % in the middle it is 2.5 % on each: `ppf(0.975, ...)`.",
        ),
    ),
    should="t for n − 1 degrees of freedom, times the standard deviation of the gaps, over the root of how many there are. "
    "Like the gaps it is a share: one point is 0.01.",
    hints=(
        "It is the same interval as before, over other things: not questions, but seeds.",
        "With so few, 1.96 is too small. `stats.t.ppf(0.975, len(gaps) - 1)` takes its place.",
        "`stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5`",
    ),
    solution=_HALF.format(p=0.975, less=1, ddof=1, over=_ROOT),
)


# 3. Many comparisons.


def _pairs(facts: Facts) -> int:
    count = len(facts.adapters)
    return count * (count - 1) // 2


def _chance(count: float) -> float:
    return float(1 - 0.95**count)


FALSE_ALARMS = Exercise(
    name="false-alarms",
    title="A difference somewhere, by luck",
    reads=Number(),
    needs=("adapters",),
    right=equals(lambda f: _chance(_pairs(f)), abs=3e-3),
    because=lambda f: (
        f"{len(f.adapters)} adapters make {_pairs(f)} pairs, and 1 − 0.95^{_pairs(f)} = {_chance(_pairs(f)):.0%}. That "
        "is for comparisons that know nothing of one another; yours share adapters and questions, and the next cell counts "
        "what it is for them."
    ),
    mistakes=(
        Mistake(
            "added",
            wrote="chance = 0.05 * len(adapters) * (len(adapters) - 1) / 2",
            made=equals(lambda f: 0.05 * _pairs(f)),
            says=lambda f: (
                f"You added them up: {0.05 * _pairs(f):.2f}. That is how many false alarms there are on average, and may be "
                "above 1. The chance of *at least one* is 1 minus the chance of none."
            ),
        ),
        Mistake(
            "none",
            wrote="chance = 0.95 ** (len(adapters) * (len(adapters) - 1) / 2)",
            made=equals(lambda f: 0.95 ** _pairs(f)),
            says="That is the chance of no false alarm at all. Asked is the chance of at least one.",
        ),
        Mistake(
            "adapters",
            wrote="chance = 1 - 0.95 ** len(adapters)",
            made=equals(lambda f: _chance(len(f.adapters))),
            says="You counted adapters. Each *pair* of them is a comparison: how many pairs are there?",
        ),
        Mistake(
            "how-many",
            wrote="chance = len(adapters) * (len(adapters) - 1) / 2",
            made=equals(_pairs),
            says="That is how many pairs there are, which is needed. Now the chance of at least one false alarm among "
            "them: a number between 0 and 1.",
        ),
        Mistake(
            "both-ways",
            wrote="chance = 1 - 0.95 ** (len(adapters) * (len(adapters) - 1))",
            made=equals(lambda f: _chance(2 * _pairs(f))),
            says="You counted every pair twice. A against B and B against A are one comparison.",
        ),
        Mistake(
            "one",
            wrote="chance = 0.05",
            made=equals(lambda f: 0.05),
            says="That is one comparison. All pairs of your adapters are looked at.",
        ),
    ),
    should="Count the pairs, m. No false alarm in any of them has the chance 0.95 to the power of m. Give a number between 0 "
    "and 1.",
    hints=(
        "Among three adapters there are three pairs, among four there are six.",
        "n adapters make `n * (n - 1) / 2` pairs. One comparison is no false alarm in 95 of 100.",
        "`1 - 0.95 ** (n * (n - 1) / 2)` with `n = len(adapters)`",
    ),
    solution="n = len(adapters)\nchance = 1 - 0.95 ** (n * (n - 1) / 2)",
)
