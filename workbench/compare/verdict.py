"""The verdict: which trial, by how much, how sure, and what speaks against believing it; as data and as a sentence.

`verdict(reading, primary=..., contests=...)` looks at the differences between candidates and at how the sweep was
made. A tie is said as a tie, with what the test could have seen; one seed is said as one seed. Each caveat has a
code, so that a report or a gate can act on it. It draws nothing.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from workbench.compare import asked, wording
from workbench.compare.calibration import failed_evals
from workbench.compare.caveats import Caveat, caveats, differ_elsewhere
from workbench.compare.enough import MARGIN, cheapest_enough
from workbench.compare.family import corrected
from workbench.compare.pairing import Difference, difference
from workbench.compare.reading import Candidate, Reading
from workbench.compare.seeds import apart, gaps, order_of_seeds, range_words
from workbench.compare.table import ranking
from workbench.scores.task import BASE

MOST_NAMED = 6
"""Trials named in a sentence; the leaderboard marks them all."""

Kind = Literal["winner", "shared", "tie", "single", "unpaired", "no_data"]


class Verdict(BaseModel):
    """What a comparison found."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    """`winner`: better than every other; `shared`: better than some, level with others; `tie`: no difference
    found; `single`: one trial, told against the base; `unpaired`: answered different items; `no_data`."""
    primary: str
    best: str = ""
    runner_up: str = ""
    against: str = ""
    """What the difference below is measured against."""
    value: float | None = None
    """The figure of the best."""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    p: float | None = None
    """Corrected for the number of comparisons."""
    correction: str = ""
    """How, and over how many."""
    seeds: int = 0
    by_seed: tuple[float, ...] = ()
    """The same difference in each seed that both have; the interval above is over items and knows no seeds."""
    wide_low: float | None = None
    """The interval of the same difference over items and seeds; None below two seeds."""
    wide_high: float | None = None
    seed_share: float | None = None
    """How much of its variance is of seeds."""
    tied: tuple[str, ...] = ()
    """Candidates that cannot be told apart from the best."""
    cheapest_enough: str = ""
    """The cheapest candidate shown to be not worse than the best by more than the margin."""
    margin: float | None = None
    could_have_seen: float | None = None
    """Where some cannot be told apart: the difference this test finds 4 times in 5 between any of them and the best."""
    caveats: tuple[Caveat, ...] = ()
    sentence: str


def verdict(reading: Reading, *, primary: str, contests: list[Difference]) -> Verdict:
    """The verdict on the primary eval."""
    found = _verdict(reading, primary=primary, contests=contests)
    if primary not in failed_evals(reading):
        return found
    warned = f"{found.sentence} {primary} failed its calibration, so none of this can be trusted."
    return found.model_copy(update={"sentence": warned})


def _verdict(reading: Reading, *, primary: str, contests: list[Difference]) -> Verdict:
    ranked = ranking(reading, primary=primary) if primary else []
    if not ranked:
        found = caveats(reading, primary=primary, ranked=ranked, contests=contests)
        sentence = f"No verdict: {_why_nothing(reading, primary)}."
        return Verdict(kind="no_data", primary=primary, caveats=tuple(found), sentence=sentence)
    best = ranked[0]
    found = caveats(reading, primary=primary, ranked=ranked, contests=contests)
    if len(ranked) == 1:
        return _single(reading, best, primary=primary, found=found)
    with_best = {one.against: one for one in contests if one.of == best.name}
    tested = [one for one in with_best.values() if one.p is not None]
    if not tested:
        return _unpaired(reading, ranked, with_best, primary=primary, found=found)
    tied = tuple(one.against for one in tested if not one.is_found)
    if len(tied) == len(tested):
        return _tie(reading, ranked, tested, primary=primary, found=found)
    return _ahead(reading, ranked, with_best, tied, primary=primary, found=found)


def _ahead(
    reading: Reading,
    ranked: list[Candidate],
    with_best: dict[str, Difference],
    tied: tuple[str, ...],
    *,
    primary: str,
    found: list[Caveat],
) -> Verdict:
    """The best is told apart from some candidates, or from all of them."""
    best = ranked[0]
    behind = [one.name for one in ranked[1:] if with_best[one.name].is_found]
    one = with_best[behind[0]]
    ahead = f"{best.name} {_figure_words(reading, best.name, primary, one)}"
    ends = f", n = {one.n}{_seed_words(reading, ranked, primary=primary, one=one)}."
    seen = _seen([with_best[name] for name in tied])
    if tied:
        level = _level_words(reading, ranked, tied, primary=primary, seen=seen, unit=one.unit)
        sentence = f"{level} Behind is {one.against}: {ahead}, {_by_how_much(reading, one)}{ends}"
    else:
        sentence = f"{ahead}, {_by_how_much(reading, one)}{ends}"
    enough = cheapest_enough(reading, ranked, primary=primary)
    return Verdict(
        kind="shared" if tied else "winner",
        primary=primary,
        best=best.name,
        runner_up=ranked[1].name,
        against=one.against,
        value=_value(reading, best.name, primary),
        **_measured(reading, one),
        seeds=_seeds(best),
        tied=tied,
        cheapest_enough=enough,
        margin=MARGIN if enough else None,
        could_have_seen=seen,
        caveats=tuple(found),
        sentence=f"{sentence} {_enough_words(enough)}" if enough else sentence,
    )


def _tie(
    reading: Reading,
    ranked: list[Candidate],
    tested: list[Difference],
    *,
    primary: str,
    found: list[Caveat],
) -> Verdict:
    """No candidate is told apart from the best."""
    best, last = ranked[0], tested[-1]
    seen = _seen(tested)
    enough = cheapest_enough(reading, ranked, primary=primary)
    power = " What this test could have seen is unknown."
    if seen is not None:
        power = f" This test could have seen a difference of {_size_seen(seen, last.unit)}."
    elif all(one.is_same for one in tested):
        power = " They gave the same answers."
    names = [one.name for one in ranked]
    sentence = (
        f"No difference found between {len(ranked)} trials on {asked.meant(reading, primary)}: {_span(reading, names, last)}, "
        f"n = {last.n}{_seed_words(reading, ranked, primary=primary, one=last)}.{power}"
    )
    if elsewhere := differ_elsewhere(reading, ranked, primary=primary):
        sentence += f" {elsewhere}"
    if enough:
        sentence += f" {_enough_words(enough)}"
    return Verdict(
        kind="tie",
        primary=primary,
        best=best.name,
        runner_up=ranked[1].name,
        against=last.against,
        value=_value(reading, best.name, primary),
        **_measured(reading, last),
        seeds=_seeds(best),
        tied=tuple(one.against for one in tested),
        cheapest_enough=enough,
        margin=MARGIN if enough else None,
        could_have_seen=seen,
        caveats=tuple(found),
        sentence=sentence,
    )


def _single(reading: Reading, best: Candidate, *, primary: str, found: list[Caveat]) -> Verdict:
    """One candidate: the base is what it can be measured against."""
    (one,) = corrected(reading, [difference(reading, best.name, BASE, eval=primary)])
    is_picked = len(reading.trials) < len(reading.store.trials)
    who = best.name if is_picked else f"Only {best.name} was evaluated: it"
    words = f"{who} {_figure_words(reading, best.name, primary, one)}"
    if one.value is None:
        words += f"; there is no difference to the base ({one.reason})"
    elif one.is_same:
        words += f", with the same answers as the base, n = {one.n}"
    elif one.is_found:
        words += f", {_by_how_much(reading, one)}, n = {one.n}"
    else:
        words += f", and no difference to the base was found, n = {one.n}"
        if one.detectable is not None:
            words += f" (one of {_size_seen(one.detectable, one.unit)} could have been seen)"
    return Verdict(
        kind="single",
        primary=primary,
        best=best.name,
        against=BASE,
        value=_value(reading, best.name, primary),
        **_measured(reading, one),
        seeds=_seeds(best),
        could_have_seen=one.detectable,
        caveats=tuple(found),
        sentence=words + _seed_words(reading, [best], primary=primary, one=one) + ".",
    )


def _unpaired(
    reading: Reading,
    ranked: list[Candidate],
    with_best: dict[str, Difference],
    *,
    primary: str,
    found: list[Caveat],
) -> Verdict:
    """The candidates have figures, but nothing that may be subtracted."""
    reasons = list(dict.fromkeys(one.reason for one in with_best.values() if one.reason))
    sentence = (
        f"No verdict on {asked.meant(reading, primary)}: the trials cannot be compared item by item "
        f"({reasons[0] if reasons else 'no items in common'}). Evaluate them on the same items."
    )
    return Verdict(
        kind="unpaired",
        primary=primary,
        seeds=_seeds(ranked[0]),
        caveats=tuple(found),
        sentence=sentence,
    )


def _level_words(
    reading: Reading,
    ranked: list[Candidate],
    tied: tuple[str, ...],
    *,
    primary: str,
    seen: float | None,
    unit: str,
) -> str:
    """Who shares the first place, and what could have been seen between them."""
    first = [one.name for one in ranked if one.name == ranked[0].name or one.name in tied]
    worst = difference(reading, first[0], first[-1], eval=primary)
    is_on_top = first == [one.name for one in ranked[: len(first)]]
    names = wording.listed(_few(first))
    who = f"The first {len(first)}" if is_on_top else names
    words = f"{who} cannot be told apart on {asked.meant(reading, primary)}: "
    words += f"{names}, " if is_on_top else ""
    words += _span(reading, first, worst, is_named=False)
    return (
        f"{words}; a difference of {_size_seen(seen, unit)} could have been seen."
        if seen
        else f"{words}."
    )


def _few(names: list[str]) -> list[str]:
    """Names for a sentence: of many the first, and how many more there are."""
    return names if len(names) <= MOST_NAMED else [*names[:3], f"{len(names) - 3} others"]


def _seen(nulls: list[Difference]) -> float | None:
    """The difference that would have been found 4 times in 5 in every one of these."""
    known = [one.detectable for one in nulls if not one.is_same]
    return None if None in known else max((one for one in known if one is not None), default=None)


def _size_seen(seen: float, unit: str) -> str:
    return wording.gap(seen, unit, decimals=wording.decimals_beside(seen, unit))


def _enough_words(name: str) -> str:
    return f"The cheapest not worse by more than {MARGIN * 100:g} points is {name}."


def _figure_words(reading: Reading, name: str, primary: str, one: Difference) -> str:
    decimals = wording.decimals_beside(one.value, one.unit)
    shown = wording.amount(_value(reading, name, primary), one.unit, decimals=decimals)
    return asked.said(reading, primary, shown)


def _by_how_much(reading: Reading, one: Difference) -> str:
    decimals = wording.decimals_beside(one.value, one.unit)
    size = wording.gap(one.value, one.unit, decimals=decimals)
    more = one.value is not None and one.value >= 0
    size_ends = wording.as_size(one.value, one.low, one.high)
    ends = wording.interval(*size_ends, one.unit, decimals=decimals)
    over = " over items" if ends and _seeds(reading.candidate(one.of)) > 1 else ""
    return f"{size} {'more' if more else 'less'} than {one.against} {ends}".rstrip() + over


def _seed_words(reading: Reading, ranked: list[Candidate], *, primary: str, one: Difference) -> str:
    """How many seeds, who leads in them, and the difference in each: what the interval, over items, leaves out."""
    seeds = _seeds(ranked[0])
    if reading.made_elsewhere:
        return "; their seeds are unknown"
    if seeds <= 1:
        return (
            "; one seed: another seed could change the order" if len(ranked) > 1 else "; one seed"
        )
    found = gaps(reading, one.of, one.against, eval=one.eval)
    words = f"{seeds} seeds"
    if len(found) > 1 and one.value is not None:
        sign = 1 if one.value >= 0 else -1
        decimals = wording.decimals_beside(one.value, one.unit)
        ranged = range_words([sign * gap for gap in found], one.unit, decimals=decimals)
        words = f"{ranged} over {len(found)} seeds"
    kept = order_of_seeds(reading, ranked, primary=primary)
    words += f", first in {kept[0]} of {kept[1]}" if kept is not None else ""
    both = apart(reading, one.of, one.against, eval=one.eval)
    if both is not None and both.low is not None and one.value is not None:
        ends = wording.as_size(one.value, both.low, both.high)
        decimals = wording.decimals_beside(one.value, one.unit)
        words += f"; {wording.interval(*ends, one.unit, decimals=decimals)} over items and seeds"
    return f"; {words}"


def _seeds(one: Candidate) -> int:
    return len(one.seeds)


def _value(reading: Reading, name: str, eval: str) -> float | None:
    if name == BASE:
        score = reading.score(BASE, eval)
        return score.value if score else None
    found = [reading.score(trial, eval) for trial in reading.candidate(name).trials]
    values = [one.value for one in found if one is not None and one.value is not None]
    return sum(values) / len(values) if values else None


def _measured(reading: Reading, one: Difference) -> dict[str, Any]:
    """The fields of a verdict that are those of a difference."""
    both = apart(reading, one.of, one.against, eval=one.eval)
    return {
        "difference": one.value,
        "low": one.low,
        "high": one.high,
        "n": one.n,
        "p": one.p_corrected,
        "correction": one.correction,
        "wide_low": None if both is None else both.low,
        "wide_high": None if both is None else both.high,
        "seed_share": None if both is None else both.seed_share,
        "by_seed": tuple(gaps(reading, one.of, one.against, eval=one.eval)),
    }


def _span(reading: Reading, names: list[str], apart: Difference, *, is_named: bool = True) -> str:
    """From the first to the last of some, as figures."""
    decimals = wording.decimals_beside(apart.value, apart.unit)
    values = [_value(reading, name, apart.eval) for name in (names[0], names[-1])]
    most, least = (wording.amount(value, apart.unit, decimals=decimals) for value in values)
    if most == least:
        return f"{'both' if len(names) == 2 else 'all'} {most}"
    return f"{names[0]} {most} to {names[-1]} {least}" if is_named else f"{most} to {least}"


def _why_nothing(reading: Reading, primary: str) -> str:
    if not reading.trials:
        return "the sweep has no trials"
    states = [end.state for end in reading.outcomes.values()]
    if states and all(state == "failed" for state in states):
        return f"all {len(states)} trials failed"
    return f"no trial has a figure on {primary}" if primary else "no trial has been evaluated"
