"""The verdict: which trial, by how much, how sure, and what speaks against believing it; as data and as a sentence.

`verdict(reading, primary=..., contests=...)` looks at the differences between candidates and at how the sweep was
made. A tie is said as a tie, with what the test could have seen; one seed is said as one seed. Each caveat has a
code, so that a report or a gate can act on it. It draws nothing.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from workbench.compare import asked, wording
from workbench.compare.caveats import Caveat, caveats
from workbench.compare.pairing import Difference, detectable, difference
from workbench.compare.reading import Candidate, Reading
from workbench.compare.seeds import gaps, order_of_seeds, range_words
from workbench.compare.table import cheapest, ranking
from workbench.scores.task import BASE

MARGIN = 0.02
"""How much worse than the best a cheaper trial may be and still be named: 2 points."""

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
    seeds: int = 0
    by_seed: tuple[float, ...] = ()
    """The same difference in each seed that both have; the interval above is over items and knows no seeds."""
    tied: tuple[str, ...] = ()
    """Candidates that cannot be told apart from the best."""
    cheapest_enough: str = ""
    """The cheapest candidate shown to be not worse than the best by more than the margin."""
    margin: float | None = None
    could_have_seen: float | None = None
    """With a tie: the difference this test finds 4 times in 5."""
    caveats: tuple[Caveat, ...] = ()
    sentence: str


def verdict(reading: Reading, *, primary: str, contests: list[Difference]) -> Verdict:
    """The verdict on the primary eval."""
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
        return _tie(reading, ranked, tested, primary=primary, found=found, of=len(contests))
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
    best, seeds = ranked[0], _seeds(ranked[0])
    beaten = [one.name for one in ranked[1:] if with_best[one.name].is_found]
    small = cheapest(reading, primary=primary)
    against = beaten[0] if not tied else beaten[-1]
    if tied and small is not None and small.name in beaten:
        against = small.name
    one = with_best[against]
    how_much = _by_how_much(one, many_seeds=seeds > 1)
    words = [f"{best.name} {_figure_words(reading, best.name, primary, one)}, {how_much}"]
    if tied:
        words.append(f" It cannot be told apart from {wording.listed(list(tied))}.")
    enough = _cheapest_enough(reading, ranked, primary=primary)
    if enough:
        words.append(f" {_enough_words(enough)}")
    sentence = (
        words[0]
        + f", n = {one.n}{_seed_words(reading, ranked, primary=primary, one=one)}."
        + "".join(words[1:])
    )
    return Verdict(
        kind="shared" if tied else "winner",
        primary=primary,
        best=best.name,
        runner_up=ranked[1].name,
        against=against,
        value=_value(reading, best.name, primary),
        **_measured(reading, one),
        seeds=seeds,
        tied=tied,
        cheapest_enough=enough,
        margin=MARGIN if enough else None,
        caveats=tuple(found),
        sentence=sentence,
    )


def _tie(
    reading: Reading,
    ranked: list[Candidate],
    tested: list[Difference],
    *,
    primary: str,
    found: list[Caveat],
    of: int,
) -> Verdict:
    """No candidate is told apart from the best."""
    best, last = ranked[0], tested[-1]
    decimals = wording.decimals_beside(last.value, last.unit)
    seen = detectable(reading, best.name, last.against, eval=primary, comparisons=of)
    enough = _cheapest_enough(reading, ranked, primary=primary)
    power = (
        f" This test could have seen a difference of {wording.gap(seen, last.unit, decimals=decimals)}."
        if seen is not None
        else " No two answers differed, so what this test could have seen is unknown."
    )
    sentence = (
        f"No difference found between {len(ranked)} trials on {asked.meant(reading, primary)}: {_span(reading, last)}, "
        f"n = {last.n}{_seed_words(reading, ranked, primary=primary, one=last)}.{power}"
    )
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
    one = difference(reading, best.name, BASE, eval=primary)
    one = one.model_copy(update={"p_corrected": one.p})
    words = f"Only {best.name} was evaluated: it {_figure_words(reading, best.name, primary, one)}"
    if one.value is None:
        words += f"; there is no difference to the base ({one.reason})"
    elif one.is_found:
        words += f", {_by_how_much(one, many_seeds=_seeds(best) > 1)}, n = {one.n}"
    else:
        words += f", and no difference to the base was found, n = {one.n}"
    return Verdict(
        kind="single",
        primary=primary,
        best=best.name,
        against=BASE,
        value=_value(reading, best.name, primary),
        **_measured(reading, one),
        seeds=_seeds(best),
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


def _cheapest_enough(reading: Reading, ranked: list[Candidate], *, primary: str) -> str:
    """The cheapest whose paired interval against the best stays within the margin; empty when it is the best.

    Asked from the dearest down to the cheapest, until the first that fails: a fixed order needs no correction.
    """
    sort = reading.sort_of(primary)
    if sort is None or not wording.is_share(sort.unit) or sort.better == "none":
        return ""
    best = ranked[0]
    if best.trainable_parameters is None:
        return ""
    cheaper = [
        one
        for one in ranked[1:]
        if one.trainable_parameters is not None
        and one.trainable_parameters < best.trainable_parameters
    ]
    enough = ""
    for one in sorted(cheaper, key=lambda one: one.trainable_parameters or 0, reverse=True):
        found = difference(reading, one.name, best.name, eval=primary)
        worst = found.high if sort.better == "lower" else found.low
        if worst is None or (worst if sort.better == "lower" else -worst) > MARGIN:
            break
        enough = one.name
    return enough


def _enough_words(name: str) -> str:
    return f"The cheapest not worse by more than {MARGIN * 100:g} points is {name}."


def _figure_words(reading: Reading, name: str, primary: str, one: Difference) -> str:
    decimals = wording.decimals_beside(one.value, one.unit)
    shown = wording.amount(_value(reading, name, primary), one.unit, decimals=decimals)
    return asked.said(reading, primary, shown)


def _by_how_much(one: Difference, *, many_seeds: bool) -> str:
    decimals = wording.decimals_beside(one.value, one.unit)
    size = wording.gap(one.value, one.unit, decimals=decimals)
    low, high = one.low, one.high
    more = one.value is not None and one.value >= 0
    if not more and low is not None and high is not None:
        low, high = -high, -low
    ends = wording.interval(low, high, one.unit, decimals=decimals)
    over = " over items" if ends and many_seeds else ""
    return f"{size} {'more' if more else 'less'} than {one.against} {ends}".rstrip() + over


def _seed_words(reading: Reading, ranked: list[Candidate], *, primary: str, one: Difference) -> str:
    """How many seeds, who leads in them, and the difference in each: what the interval, over items, leaves out."""
    seeds = _seeds(ranked[0])
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
    return f"; {words}" + (f", first in {kept[0]} of {kept[1]}" if kept is not None else "")


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
    return {
        "difference": one.value,
        "low": one.low,
        "high": one.high,
        "n": one.n,
        "p": one.p_corrected,
        "by_seed": tuple(gaps(reading, one.of, one.against, eval=one.eval)),
    }


def _span(reading: Reading, last: Difference) -> str:
    """From the best to the last, as figures."""
    decimals = wording.decimals_beside(last.value, last.unit)
    values = [_value(reading, name, last.eval) for name in (last.of, last.against)]
    most, least = (wording.amount(value, last.unit, decimals=decimals) for value in values)
    return f"all {most}" if most == least else f"{last.of} {most} to {last.against} {least}"


def _why_nothing(reading: Reading, primary: str) -> str:
    if not reading.trials:
        return "the sweep has no trials"
    states = [end.state for end in reading.outcomes.values()]
    if states and all(state == "failed" for state in states):
        return f"all {len(states)} trials failed"
    return f"no trial has a figure on {primary}" if primary else "no trial has been evaluated"
