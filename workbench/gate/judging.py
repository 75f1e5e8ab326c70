"""The verdict on each rule, and of all of them: pass, fail or undecided, and how many items would decide.

`gate(path, baseline=..., rules=...)` reads two paths and gives a `Judgement`. A rule passes when the whole interval lies on the
allowed side of its limit and fails when it lies wholly on the other. It writes nothing and knows no terminal.
"""

import math
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from scipy import stats

from workbench.compare import wording
from workbench.errors import SpecError
from workbench.gate.measured import ONE_SIDED, Measured, measured
from workbench.gate.rules import OF_DIFFERENCES, Rule, Rules
from workbench.gate.sides import Side, pairs
from workbench.scores.catalog import eval_info
from workbench.stats.power import items_needed

Verdict = Literal["pass", "fail", "undecided"]

FEWEST = 6
"""With fewer independent groups of items nothing is decided: six are the fewest whose median has a 95 % interval."""

FEWEST_SAME = 30
"""So many independent groups that are answered alike are taken for no difference, where a figure has no bounds."""


MOST_LEFT_OUT = 0.1
"""Where more of the items than this are left out, what is left may be the easy ones."""


class Allowed(NamedTuple):
    """Where the truth has to lie; None where there is no end."""

    low: float | None
    high: float | None


class Held(BaseModel):
    """One rule held against one candidate."""

    model_config = ConfigDict(frozen=True)

    candidate: str
    """Sweep and name."""
    baseline: str
    """What it is compared with; empty where the rule looks at one figure alone."""
    rule: str
    of: str
    """The eval or the cost."""
    kind: str
    limit: float
    found: Measured
    allowed_low: float | None
    allowed_high: float | None
    verdict: Verdict
    reason: str
    items_needed: int | None = None
    """How many items would decide 4 times in 5, were the truth what was measured; None where that is not the question."""


class Judgement(BaseModel):
    """Every rule held against every candidate."""

    model_config = ConfigDict(frozen=True)

    held: tuple[Held, ...]
    notes: tuple[str, ...] = ()
    """What else a reader has to know of who was compared."""

    def count(self, verdict: Verdict) -> int:
        """How many ended so."""
        return sum(one.verdict == verdict for one in self.held)

    @property
    def verdict(self) -> Verdict:
        """`fail` where any rule fails, else `undecided` where any is, else `pass`."""
        found = {one.verdict for one in self.held}
        return "fail" if "fail" in found else "undecided" if "undecided" in found else "pass"


def gate(path: str | Path, *, rules: Rules, baseline: str | Path | None = None) -> Judgement:
    """Judge what lies at a path by rules.

    Args:
        path: A sweep folder, which stands for all its candidates, or SWEEP/TRIAL.
        rules: All of them have to hold.
        baseline: The same, or SWEEP/base; the base of the candidate's own sweep when left out.
    """
    found = pairs(path, baseline=baseline)
    held = [_held(rule, of, against) for of, against in found for rule in rules.rules]
    notes = dict.fromkeys(note for of, against in found for note in _notes(of, against))
    return Judgement(held=tuple(held), notes=tuple(notes))


def judged(found: Measured, allowed: Allowed) -> tuple[Verdict, str, int | None]:
    """The verdict on what was measured, why, and how many items would decide.

    >>> seen = Measured(value=-0.01, low=-0.03, high=0.01, level=0.9, n=400, clusters=400)
    >>> judged(seen, Allowed(-0.05, None))[0], judged(seen, Allowed(0.02, None))[0]
    ('pass', 'fail')
    >>> judged(seen, Allowed(-0.02, None))
    ('undecided', 'the interval reaches across the limit; about 3,700 items would decide 4 times in 5', 3657)
    """
    low, high = found.low, found.high
    if found.reason:
        return "undecided", found.reason, None
    if found.value is None or low is None or high is None:
        return "undecided", f"no interval: {found.method or 'nothing was measured'}", None
    if found.level is not None and found.clusters < FEWEST:
        few = f"only {found.clusters} independent items; below {FEWEST} nothing is decided"
        return "undecided", few, None
    every = found.n + found.left_out
    if found.left_out > MOST_LEFT_OUT * every:
        return (
            "undecided",
            f"{found.left_out} of {every} items lack an answer that counts; too many to leave out",
            None,
        )
    if found.is_same and low == high and found.clusters < FEWEST_SAME:
        why = f"{found.method}, and {found.clusters} are too few to tell how far others lie apart"
        return "undecided", f"{why}; {FEWEST_SAME} would decide", FEWEST_SAME
    floor = -math.inf if allowed.low is None else allowed.low
    ceiling = math.inf if allowed.high is None else allowed.high
    if floor <= low and high <= ceiling:
        return "pass", _said(found), None
    if high < floor or low > ceiling:
        beyond = "it is" if found.level is None else "the whole interval is"
        return "fail", "; ".join(filter(None, [f"{beyond} beyond the limit", _said(found)])), None
    needed = _needed(found, floor=floor, ceiling=ceiling)
    if needed is None:
        why = "what was measured is the limit itself; more items would hardly decide"
        return "undecided", why, None
    why = f"the interval reaches across the limit; about {_rounded(needed)} items would decide 4 times in 5"
    return "undecided", why, needed


def _needed(found: Measured, *, floor: float, ceiling: float) -> int | None:
    """Items that would decide, by the arm of the interval that reaches across a limit."""
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    if found.is_same:
        far = min(abs(end) for end in (floor, ceiling) if math.isfinite(end))
        groups = math.log(1 - ONE_SIDED) / math.log1p(-far) if 0 < far < 1 else 1.0
        return math.ceil(groups * found.n / found.clusters)
    level = found.level or 0.95
    needed = []
    for end in (floor, ceiling):
        if not found.low <= end <= found.high:
            continue
        arm = found.value - found.low if end < found.value else found.high - found.value
        error = arm / float(stats.norm.ppf((1 + level) / 2))
        if abs(found.value - end) < 1e-6 * error or error <= 0:
            return None
        spread = error * math.sqrt(found.n)
        needed.append(items_needed(found.value - end, sd=spread, level=level))
    return max(needed, default=None)


def _rounded(count: int) -> str:
    """A count to two digits, rounded up: it is known no better."""
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{math.ceil(count / step) * step:,}"


def _said(found: Measured) -> str:
    words = [found.method] if found.level is None or found.is_same else []
    if found.left_out:
        words.append(
            f"{found.left_out} of {found.n + found.left_out} items left out, which lack an answer that counts"
        )
    return "; ".join(words)


def _held(rule: Rule, of: Side, against: Side) -> Held:
    other = of.own_base if rule.against == "base" else against
    compares = rule.kind in OF_DIFFERENCES
    found = measured(rule, of, other)
    _check_size(rule, found.unit)
    allowed = _allowed(rule, of)
    verdict, reason, needed = judged(found, allowed)
    if compares and of.is_same(other):
        verdict, reason, needed = "undecided", f"{of.called} is its own base", None
    return Held(
        candidate=of.called,
        baseline=_called(other, beside=of) if compares else "",
        rule=rule.called(found.unit),
        of=rule.of,
        kind=rule.kind,
        limit=rule.limit,
        found=found,
        allowed_low=allowed.low,
        allowed_high=allowed.high,
        verdict=verdict,
        reason=reason,
        items_needed=needed,
    )


def _called(other: Side, *, beside: Side) -> str:
    """Sweep and name; the whole path where two sweeps go by one name."""
    return (
        other.called
        if other.called != beside.called
        else str(other.reading.store.path / other.name)
    )


def _allowed(rule: Rule, of: Side) -> Allowed:
    """Where the truth has to lie, as the figure is told: of a difference candidate less baseline."""
    limit = rule.limit
    if rule.kind in ("at_most", "times_at_most"):
        return Allowed(None, limit)
    if rule.kind == "at_least":
        return Allowed(limit, None)
    if rule.kind == "from_even_at_most":
        even = rule.even or 0.0
        return Allowed(even - limit, even + limit)
    worse = limit if rule.kind == "margin" else -limit
    return Allowed(-worse, None) if _better(rule, of) == "higher" else Allowed(None, worse)


def _better(rule: Rule, of: Side) -> str:
    """Which way is better; of a figure of bias the distance from even is told, of which less is."""
    if rule.eval is None or rule.even is not None:
        return "lower"
    sort = of.reading.sort_of(rule.eval)
    return sort.better if sort is not None else eval_info(rule.eval).better


def _check_size(rule: Rule, unit: str) -> None:
    """Refuse percents and points where a share of 1 is meant."""
    if wording.is_share(unit) and abs(rule.limit) > 1:
        raise SpecError(
            f"rule {rule.called(unit)!r}: {rule.kind} is {rule.limit:g}, and {rule.of} is a share between 0 and 1; "
            f"{rule.limit:g} % or points are written {rule.limit / 100:g}"
        )


def _notes(of: Side, against: Side) -> list[str]:
    """What a reader of the verdicts has to know of the two sides."""
    notes = []
    for side in (of, against):
        ends = {
            slot: side.reading.outcomes[slot]
            for slot in side.slots
            if slot in side.reading.outcomes
        }
        notes += [
            f"{side.reading.store.path.name}/{slot} is {end.state}: {end.reason or 'it has not trained to its end'}"
            for slot, end in ends.items()
            if end.state not in ("done", "failed")
        ]
    models = [one.reading.spec.model for one in (of, against)]
    names = [f"{one.id} at {one.revision}" if one.revision else one.id for one in models]
    if names[0] != names[1]:
        notes.append(f"the base models differ: {names[0]} and {names[1]}")
    return notes
