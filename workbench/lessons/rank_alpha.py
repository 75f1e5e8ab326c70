"""Lesson 3: rank, alpha and learning rate. What the scale does, what Adam makes of it, and how much rank a task needs.

What its checks are handed is the student's own: factors they measured, scales of PEFT's layers, and the gaps between the ranks
of their sweep. `gaps(wb.compare(path))` makes these, for the notebook and the checks alike.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.lessons.answers import Called, Number, Several
from workbench.lessons.exercise import Exercise, Facts, Lesson, Mistake, equals

if TYPE_CHECKING:
    from workbench.compare import Comparison

__all__ = ["ALPHA", "ENOUGH", "FIRST", "LESSON", "RSLORA", "Gap", "gaps"]


class Gap(NamedTuple):
    """How far the largest rank is ahead of another, as a share of the questions."""

    rank: int
    value: float
    low: float
    high: float
    n: int = 0
    """Questions that both answered."""


def gaps(compared: "Comparison") -> list[Gap]:
    """The largest rank of a sweep minus each other rank, on the same questions, smallest rank first.

    The intervals are over questions and seeds; with one seed over questions alone.
    """
    from workbench.compare.pairing import difference
    from workbench.compare.seeds import apart

    reading, asked = compared.reading, compared.primary
    ranked = {int(one.varied["adapter.r"]): one.name for one in reading.candidates}
    largest = ranked[max(ranked)]
    found = []
    for rank, name in sorted(ranked.items()):
        if name == largest:
            continue
        one: Any = apart(reading, largest, name, eval=asked)
        if one is None or one.low is None or one.low == one.high:
            # Where no two answers differ the spread is unknown, not zero: shares are bounded by counting.
            one = difference(reading, largest, name, eval=asked)
        value = one.value or 0.0
        low, high = (value if end is None else end for end in (one.low, one.high))
        found.append(Gap(rank, float(value), float(low), float(high), one.n))
    return found


# 1. The alpha that keeps the scale.

RANKS = (1, 2, 16, 64)


def _alphas(of: Callable[[int, float, float], float]) -> Any:
    """The test that the student's function gives this alpha at each rank; r0 and alpha0 are where it stood."""
    return equals(lambda f: [of(rank, f.r, f.alpha) for rank in RANKS])


ALPHA = Exercise(
    name="alpha",
    title="The alpha that keeps the scale",
    reads=Called(lambda f: [(rank,) for rank in RANKS], Number()),
    needs=("r", "alpha"),
    right=_alphas(lambda rank, r, alpha: alpha / r * rank),
    because=lambda f: (
        f"alpha / r is {f.alpha / f.r:g} at every rank now: alpha grows with the rank. That is why a sweep of ranks here sets "
        "alpha = 2 r unless told otherwise: one thing is changed, not two."
    ),
    mistakes=(
        Mistake(
            "same-alpha",
            wrote="def alpha_for(rank):\n    return alpha",
            made=_alphas(lambda rank, r, alpha: alpha),
            says=lambda f: (
                f"With the same alpha the scale falls as the rank grows: at rank {16 * f.r} it is a sixteenth. A sweep would "
                "compare ranks and scales at once."
            ),
        ),
        Mistake(
            "upside-down",
            wrote="def alpha_for(rank):\n    return alpha * r / rank",
            made=_alphas(lambda rank, r, alpha: alpha * r / rank),
            says="You let alpha fall as the rank grows. Then alpha / r falls twice as fast.",
        ),
        Mistake(
            "product",
            wrote="def alpha_for(rank):\n    return alpha * rank",
            made=_alphas(lambda rank, r, alpha: alpha * rank),
            says="That gives the scale `alpha`. It was `alpha / r`: divide by the rank it stood at.",
        ),
        Mistake(
            "root",
            wrote="def alpha_for(rank):\n    return alpha * (rank / r) ** 0.5",
            made=_alphas(lambda rank, r, alpha: alpha * (rank / r) ** 0.5),
            says="With the root alpha / r still falls, only slower. That is what rank-stabilised LoRA wants; more of it below.",
        ),
        Mistake(
            "the-scale",
            wrote="def alpha_for(rank):\n    return alpha / rank",
            made=_alphas(lambda rank, r, alpha: alpha / rank),
            says="That is the scale that `alpha` has at this rank. Give the alpha with which the scale is what it was.",
        ),
    ),
    should=lambda f: (
        f"At every rank, what your function gives divided by that rank must be `alpha / r`, here {f.alpha / f.r:g}."
    ),
    hints=(
        "Write down the scale as it is now, and the scale at another rank. They shall be equal.",
        "`alpha_new / rank == alpha / r`. Solve it for `alpha_new`.",
        "`alpha / r`, times something.",
    ),
    solution='''def alpha_for(rank):
    """The alpha that has at this rank the scale of `alpha` at `r`."""
    return alpha / r * rank''',
)


# 2. What doubling does to the first step.

ARMS = ("alpha under SGD", "the rate under SGD", "alpha under Adam", "the rate under Adam")


def _factors(*given: float) -> Any:
    return equals(lambda f: list(given), rel=0.02)


def _why_first(facts: Facts) -> str:
    told = "; ".join(
        f"{name}: {factor:.3g}" for name, factor in zip(ARMS, facts.factors, strict=True)
    )
    return (
        f"What doubling did in your run: {told}. The scale stands twice in the chain: it multiplies B A, and so it multiplies the gradient of B. "
        "SGD steps by the gradient, so both count; Adam divides the gradient by its own size, so only the first is left."
    )


FIRST = Exercise(
    name="first-step",
    title="What doubling does to the first step",
    reads=Several((Number(), Number(), Number(), Number())),
    needs=("factors",),
    right=equals(lambda f: list(f.factors), rel=0.02),
    because=_why_first,
    mistakes=(
        Mistake(
            "always-two",
            wrote="sgd_alpha, sgd_rate, adam_alpha, adam_rate = 2, 2, 2, 2",
            made=_factors(2, 2, 2, 2),
            says="Three of them are right. With SGD the gradient of B is multiplied by the scale as well: doubling alpha "
            "counts twice there.",
        ),
        Mistake(
            "adam-like-sgd",
            wrote="sgd_alpha, sgd_rate, adam_alpha, adam_rate = 4, 2, 4, 2",
            made=_factors(4, 2, 4, 2),
            says="SGD is right. Adam divides each gradient by its own size: a gradient twice as large makes the same step of B.",
        ),
        Mistake(
            "adam-cancels-all",
            wrote="sgd_alpha, sgd_rate, adam_alpha, adam_rate = 4, 2, 1, 2",
            made=_factors(4, 2, 1, 2),
            says="Adam does take the larger gradient away: B makes the same step. But what B A adds is still multiplied by "
            "the doubled scale.",
        ),
        Mistake(
            "rate-counts-twice",
            wrote="sgd_alpha, sgd_rate, adam_alpha, adam_rate = 4, 4, 2, 4",
            made=_factors(4, 4, 2, 4),
            says="You let a doubled rate move A and B. In the first step A stands still: its gradient has B as a factor, "
            "and B is zero.",
        ),
        Mistake(
            "the-optimizers-exchanged",
            wrote="sgd_alpha, sgd_rate, adam_alpha, adam_rate = 2, 2, 4, 2",
            made=_factors(2, 2, 4, 2),
            says="You have the two exchanged: it is Adam whose step does not depend on the size of the gradient.",
        ),
    ),
    should="Ask of each: how far does B move, and what is then multiplied with B A? A does not move in the first step.",
    hints=(
        "B starts at zero, so the gradient of A is zero in the first step: only B moves.",
        "The gradient of B has alpha / r as a factor. SGD's step is rate × gradient; Adam's first step is rate × sign.",
        "What is added is alpha / r × B A. With SGD, doubling alpha doubles B's step and doubles the factor in front.",
    ),
    solution="sgd_alpha, sgd_rate, adam_alpha, adam_rate = 4, 2, 2, 2",
)


# 3. The scale of rank-stabilised LoRA.


def _scales(of: Callable[[float, int], float]) -> Any:
    """The test that the student's function gives this of each alpha and rank."""
    return equals(lambda f: [of(alpha, rank) for alpha, rank in f.scales])


RSLORA = Exercise(
    name="rslora",
    title="The scale of rank-stabilised LoRA",
    reads=Called(lambda f: list(f.scales), Number()),
    needs=("scales",),
    right=equals(lambda f: list(f.scales.values())),
    because="alpha / √r, and what PEFT's layers have with `use_rslora=True`. At rank 1 it is plain LoRA; at a fixed alpha the "
    "scale falls as the rank grows, but slower than alpha / r does.",
    mistakes=(
        Mistake(
            "plain",
            wrote="def scale(alpha, r):\n    return alpha / r",
            made=_scales(lambda alpha, r: alpha / r),
            says="That is plain LoRA. Rank-stabilised LoRA divides by the root of the rank.",
        ),
        Mistake(
            "root-of-all",
            wrote="def scale(alpha, r):\n    return (alpha / r) ** 0.5",
            made=_scales(lambda alpha, r: (alpha / r) ** 0.5),
            says="The root is taken of the rank alone, not of alpha.",
        ),
        Mistake(
            "times",
            wrote="def scale(alpha, r):\n    return alpha * r**0.5",
            made=_scales(lambda alpha, r: alpha * r**0.5),
            says="You multiply by the root. The scale shall fall as the rank grows.",
        ),
        Mistake(
            "square",
            wrote="def scale(alpha, r):\n    return alpha / r**2",
            made=_scales(lambda alpha, r: alpha / r**2),
            says="You square the rank; it is the root.",
        ),
        Mistake(
            "alpha-alone",
            wrote="def scale(alpha, r):\n    return alpha",
            made=_scales(lambda alpha, r: alpha),
            says="That does not depend on the rank at all.",
        ),
    ),
    should="With alpha 8 it is 8 at rank 1, 4 at rank 4 and 2 at rank 16.",
    hints=(
        "Like plain LoRA it divides alpha by something that grows with the rank, but slower.",
        "At rank 4 it divides by 2, at rank 16 by 4.",
        "`r**0.5` is the root of `r`.",
    ),
    solution='''def scale(alpha, r):
    """What B A is multiplied with where `use_rslora=True`."""
    return alpha / r**0.5''',
)


# 4. How much rank is enough.

PLANTED: tuple[tuple[tuple[Gap, ...], int], ...] = (
    (
        (
            Gap(1, 0.30, 0.25, 0.35),
            Gap(2, 0.12, 0.05, 0.20),
            Gap(4, 0.03, -0.02, 0.08),
            Gap(8, 0.01, -0.03, 0.05),
        ),
        16,
    ),
    ((Gap(1, 0.30, 0.25, 0.35), Gap(2, 0.20, 0.10, 0.30), Gap(4, 0.02, 0.01, 0.03)), 8),
    ((Gap(1, 0.20, 0.10, 0.30), Gap(2, -0.01, -0.04, 0.02), Gap(4, -0.06, -0.10, -0.02)), 8),
)
"""Gaps and the largest rank, asked beside the student's own, so that each way to be wrong shows whatever their run gave."""


def _cases(facts: Facts) -> list[tuple[list[Gap], int]]:
    planted = [(list(found), largest) for found, largest in PLANTED]
    return [*planted, (list(facts.gaps), facts.largest)]


def _ranks(of: Callable[[Sequence[Gap], int], int]) -> Any:
    return equals(lambda f: [of(found, largest) for found, largest in _cases(f)])


def _first(found: Sequence[Gap], largest: int, test: Callable[[Gap], bool]) -> int:
    return next((one.rank for one in found if test(one)), largest)


def _enough(found: Sequence[Gap], largest: int) -> int:
    return _first(found, largest, lambda one: one.low <= 0)


def _nearest(found: Sequence[Gap], largest: int) -> int:
    return min(found, key=lambda one: abs(one.value)).rank


def _why_enough(facts: Facts) -> str:
    rank = _enough(facts.gaps, facts.largest)
    if rank == facts.largest:
        return (
            f"Right for every sweep. In yours every smaller rank is behind rank {rank} for sure, so it is {rank}; whether a "
            "larger one would still gain, nobody asked."
        )
    gap = next(one for one in facts.gaps if one.rank == rank)
    rest = (
        f"That does not say that they are equal: rank {facts.largest} could still be up to {100 * gap.high:.1f} points ahead."
        if gap.high > 0
        else f"Rank {facts.largest} is behind it for sure."
    )
    return (
        f"Right for every sweep. In yours it is rank {rank}: rank {facts.largest} minus rank {rank} is {100 * gap.value:+.1f} "
        f"points [{100 * gap.low:.1f}, {100 * gap.high:.1f}], n = {gap.n}. {rest}"
    )


ENOUGH = Exercise(
    name="enough",
    title="How much rank is enough",
    reads=Called(_cases, Number(whole=True)),
    needs=("gaps", "largest"),
    right=_ranks(_enough),
    because=_why_enough,
    mistakes=(
        Mistake(
            "nearest",
            wrote="def enough(gaps, largest):\n    return min(gaps, key=lambda gap: abs(gap.value)).rank",
            made=_ranks(_nearest),
            says="You take the rank whose figure is nearest to that of the largest. A smaller one may not be told apart from the "
            "largest either; and the nearest may still be behind for sure.",
        ),
        Mistake(
            "figures-only",
            wrote="def enough(gaps, largest):\n"
            "    return next((gap.rank for gap in gaps if gap.value <= 0), largest)",
            made=_ranks(lambda found, largest: _first(found, largest, lambda g: g.value <= 0)),
            says="You look at the figures and not at their intervals. A gap above zero that reaches below it could be chance.",
        ),
        Mistake(
            "proven-better",
            wrote="def enough(gaps, largest):\n"
            "    return next((gap.rank for gap in gaps if gap.high <= 0), largest)",
            made=_ranks(lambda found, largest: _first(found, largest, lambda g: g.high <= 0)),
            says="You ask that the smaller rank is ahead for sure. It is enough that it is not behind for sure: look at the "
            "other end.",
        ),
        Mistake(
            "first-behind",
            wrote="def enough(gaps, largest):\n"
            "    return next((gap.rank for gap in gaps if gap.low > 0), largest)",
            made=_ranks(lambda found, largest: _first(found, largest, lambda g: g.low > 0)),
            says="You have it turned round: an interval above zero says that this rank is behind.",
        ),
        Mistake(
            "always-the-largest",
            wrote="def enough(gaps, largest):\n    return largest",
            made=_ranks(lambda found, largest: largest),
            says="The largest is the safe choice, not the smallest that does. Give a smaller one where nothing shows that it is "
            "behind.",
        ),
    ),
    should="The smallest rank whose interval is not wholly above zero; the largest rank where there is none.",
    hints=(
        "The largest rank is ahead for sure where the whole interval lies above zero: which end says so?",
        "Go through `gaps` from the smallest rank up and stop at the first with `gap.low <= 0`.",
        "A `for` loop with `if gap.low <= 0: return gap.rank`, and `return largest` after it.",
    ),
    solution='''def enough(gaps, largest):
    """The smallest rank that the largest does not beat for sure."""
    for gap in gaps:
        if gap.low <= 0:
            return gap.rank
    return largest''',
)

LESSON = Lesson(
    name="rank-alpha",
    number=3,
    title="Rank, alpha and learning rate",
    notebook="03_rank_alpha.ipynb",
    minutes=(15, 20),
    outcomes=(
        "choose alpha so that a sweep of ranks changes one thing",
        "say what doubling alpha does under SGD and under Adam, and to which learning rate it comes",
        "read from a sweep how much rank is enough, and which ranks only learn slower",
    ),
    before=(
        "lesson 2, or that a LoRA layer adds (alpha / r) B A",
        "what an optimizer and a learning rate are",
    ),
    exercises=(ALPHA, FIRST, RSLORA, ENOUGH),
    open_question="A rank that is behind may have too little room, or may only be slow: with more steps, or a higher learning rate, it "
    "might catch up. Which of the two is it for the smallest rank of your sweep? Say which run would decide it, what you "
    "would hold equal, and which result would tell you that you were wrong.",
)
