"""What was found on an eval, in a sentence: the leading trial against the base, and whether the difference was shown.

`finding(report, eval)` holds the figure and the paired difference, corrected with all others of the table they stand in;
`.sentence` says both. `families(reading)` puts evals into the areas of a report. Nothing is computed here that the
comparison has not computed.
"""

from dataclasses import dataclass

from workbench.compare import asked, table, wording
from workbench.compare.figure import Figure, base_figure, figure_of
from workbench.compare.pairing import Difference
from workbench.compare.reading import Reading
from workbench.compare.seeds import apart
from workbench.report.sections import Report
from workbench.scores.catalog import EVALS
from workbench.scores.entry import EvalInfo
from workbench.scores.scoring import WITHHELD
from workbench.scores.task import BASE
from workbench.stats.seeds import TwoWay

FAMILIES = ("quality", "retention", "bias", "hallucination", "robustness")
"""The areas of a report, in its order."""

IN_USE = "in use"
"""The area of what a trial is like where it serves: time, memory, precision."""

BETTER, WORSE, OTHER, OPEN, NONE = "better", "worse", "different", "not shown", "no difference"
"""What became of a difference; `different` is shown where neither way is better."""


@dataclass(frozen=True)
class Finding:
    """One trial against the base on one eval."""

    report: Report
    eval: str
    name: str
    figure: Figure | None
    difference: Difference | None

    @property
    def outcome(self) -> str:
        """Whether the difference was shown, and which way it goes."""
        one = self.difference
        if one is None or one.value is None:
            return NONE
        if not one.is_found:
            return OPEN
        gain = self._nearer if one.gain is None else one.gain
        return OTHER if gain is None else BETTER if gain > 0 else WORSE

    @property
    def outcome_words(self) -> str:
        """The outcome as it is told of this eval."""
        if not _is_even(self.eval):
            return self.outcome
        return {BETTER: "nearer to even", WORSE: "farther from even"}.get(
            self.outcome, self.outcome
        )

    @property
    def sentence(self) -> str:
        """The figure, the difference to the base with interval and n, and whether it was shown."""
        figure, one = self.figure, self.difference
        if figure is None:
            return f"{self.name} was not asked {self.eval}." if self.name else ""
        if figure.value is None:
            return self._untold(figure)
        reading = self.report.comparison.reading
        unit = one.unit if one is not None else ""
        decimals = None if one is None else _decimals(one)
        shown = wording.amount(figure.value, unit, decimals=decimals)
        said = f"{self.name} {asked.said(reading, self.eval, shown)}"
        if one is None or one.value is None:
            why = f" ({one.reason})" if one is not None and one.reason else ""
            return f"{said}; there is no difference to the base to tell{why}."
        if one.is_same:
            return f"{said}, with the same answers as the base."
        return f"{said}{self._against(one, decimals)}.{self._by_chance(figure, unit)}"

    @property
    def numbers(self) -> dict[str, float | int | None]:
        """The raw values of the figures in the sentence."""
        figure, one, wide = self.figure, self.difference, self._wide
        info, sort = info_of(self.eval), self.report.comparison.reading.sort_of(self.eval)
        told: dict[str, float | int | None] = {
            "value": figure.value if figure is not None else None,
            "chance": sort.chance if sort is not None else None,
            "even": info.even if info is not None else None,
        }
        if one is not None:
            kept = ("low", "high", "n", "left_out", "p_corrected", "detectable")
            told |= {"difference": one.value} | {name: getattr(one, name) for name in kept}
        if wide is not None:
            told |= {"wide_low": wide.low, "wide_high": wide.high, "seeds": wide.seeds}
        return told

    @property
    def _wide(self) -> TwoWay | None:
        """The difference over items and seeds, where there are several seeds."""
        one, reading = self.difference, self.report.comparison.reading
        if one is None or one.value is None:
            return None
        return apart(reading, one.of, one.against, eval=one.eval)

    @property
    def is_of_these_seeds(self) -> bool:
        """Whether a difference that was shown over items is not shown over items and seeds."""
        one, wide = self.difference, self._wide
        if one is None or not one.is_found or wide is None:
            return False
        return wide.low is not None and wide.high is not None and wide.low <= 0 <= wide.high

    def _against(self, one: Difference, decimals: int | None) -> str:
        ends = wording.interval(
            *wording.as_size(one.value, one.low, one.high), one.unit, decimals=decimals
        )
        if not one.is_found:
            seen = (
                f"; {wording.gap(one.detectable, one.unit)} could have been seen"
                if one.detectable
                else ""
            )
            both = wording.interval(one.low, one.high, one.unit)
            return f". No difference to the base is shown: {wording.signed(one.value, one.unit)} {both}, n = {one.n}{seen}"
        way = "less" if (one.value or 0) < 0 else "more"
        size = wording.gap(one.value, one.unit, decimals=decimals)
        told = f", {size} {way} than the base {ends}, n = {one.n}"
        return f"{told}{self._over_seeds(one, decimals)}: {self._meaning()}"

    def _over_seeds(self, one: Difference, decimals: int | None) -> str:
        """The interval over seeds as well, where there are several."""
        found = self._wide
        if found is None or found.low is None or found.high is None:
            return ""
        ends = wording.interval(
            *wording.as_size(one.value, found.low, found.high), one.unit, decimals=decimals
        )
        lost = ", so that other seeds could undo it" if self.is_of_these_seeds else ""
        return f" ({ends} over items and {found.seeds} seeds{lost})"

    def _meaning(self) -> str:
        info, one = info_of(self.eval), self.difference
        seeds = " for these seeds" if self.is_of_these_seeds else ""
        if info is not None and info.even is not None and one is not None:
            even = wording.amount(info.even, one.unit, decimals=0)
            return f"shown{seeds}, and {self.outcome_words} ({even})"
        return f"shown{seeds}" if self.outcome == OTHER else f"shown to be {self.outcome}{seeds}"

    def _untold(self, figure: Figure) -> str:
        if figure.is_withheld:
            why = figure.method.removeprefix(WITHHELD)
            return f"The figure of {self.name} on {self.eval} is withheld: {why}."
        return f"{self.name} has no figure on {self.eval}: {figure.method}."

    def _by_chance(self, figure: Figure, unit: str) -> str:
        """Said where a figure is not shown to be better than knowing nothing."""
        sort = self.report.comparison.reading.sort_of(self.eval)
        info = info_of(self.eval)
        if sort is None or sort.chance is None or (info is not None and info.even is not None):
            return ""
        if figure.low is None or figure.high is None:
            return ""
        if not figure.low <= sort.chance <= figure.high:
            return ""
        return f" Whoever knows nothing gets {wording.amount(sort.chance, unit)}, which lies inside its interval."

    @property
    def _nearer(self) -> float | None:
        """How much nearer to even than the base; None where nothing is even."""
        info, reading = info_of(self.eval), self.report.comparison.reading
        base = base_figure(reading, self.name, self.eval)
        if info is None or info.even is None or base is None or base.value is None:
            return None
        if self.figure is None or self.figure.value is None:
            return None
        return abs(base.value - info.even) - abs(self.figure.value - info.even)


def finding(report: Report, eval: str, name: str = "") -> Finding:
    """What was found of a trial, or of the leading one, on an eval."""
    name = name or leading(report)
    reading = report.comparison.reading
    known = {(one.of, one.eval): one for one in against_base(report)}
    figure = figure_of(reading, name, eval) if name else None
    return Finding(report, eval, name, figure, known.get((name, eval)))


@dataclass(frozen=True)
class Others:
    """What became of the trials that do not lead: how many, and in words."""

    words: str
    counts: dict[str, int]


def others(report: Report, eval: str) -> Others:
    """How many of the other trials were shown to differ from the base."""
    first = leading(report)
    rest = [one.name for one in report.comparison.reading.candidates if one.name != first]
    found = [finding(report, eval, name).outcome for name in rest]
    counts = {word: found.count(word) for word in dict.fromkeys((BETTER, WORSE, OTHER, OPEN, NONE))}
    said = [(word, count) for word, count in counts.items() if count]
    if not first or not said or counts[NONE] == len(rest):
        return Others("", {})
    words = _outcome_words(eval)
    kept = {f"others {word}": count for word, count in said}
    if len(said) == 1:
        ((word, count),) = said
        who = f"The {count} others are" if count > 1 else "The other one is"
        is_same = finding(report, eval).outcome == word
        too = (" either" if word == OPEN else " too") if is_same else ""
        return Others(f"{who} {words[word]}{too}.", kept)
    counted = [f"{count} {'is' if count == 1 else 'are'} {words[word]}" for word, count in said]
    return Others(
        f"Of {len(rest)} others, {wording.listed(counted)}.", kept | {"others": len(rest)}
    )


def _outcome_words(eval: str) -> dict[str, str]:
    is_even = _is_even(eval)
    return {
        BETTER: "shown to be nearer to even" if is_even else "shown to be better than the base",
        WORSE: "shown to be farther from even" if is_even else "shown to be worse than the base",
        OTHER: "shown to differ from the base",
        OPEN: "not told apart from the base",
        NONE: "without a difference to tell",
    }


def leading(report: Report) -> str:
    """The trial that a report speaks of: the verdict's, else the first with a figure; empty where there is none."""
    if report.verdict.best:
        return report.verdict.best
    ranked = table.ranking(report.comparison.reading, primary=report.comparison.primary)
    return ranked[0].name if ranked else ""


def against_base(report: Report) -> tuple[Difference, ...]:
    """Every trial minus the base on every eval, corrected together."""
    comparison = report.comparison
    if comparison.baseline == BASE:
        return comparison.differences
    reading = comparison.reading
    found: tuple[Difference, ...] = reading.once(
        ("against base",), lambda: tuple(table.against_baseline(reading, baseline=BASE))
    )
    return found


def families(report: Report) -> dict[str, list[str]]:
    """The evals of each area that has any; the deciding one first."""
    comparison = report.comparison
    evals = [comparison.primary, *(e for e in comparison.reading.evals if e != comparison.primary)]
    found: dict[str, list[str]] = {name: [] for name in (*FAMILIES, IN_USE)}
    for eval in evals:
        if eval:
            found[family_of(eval)].append(eval)
    return {name: evals for name, evals in found.items() if evals}


def family_of(eval: str) -> str:
    """The area of an eval.

    >>> family_of("crows_pairs:own"), family_of("recall"), family_of("latency")
    ('bias', 'quality', 'in use')
    """
    info = info_of(eval)
    if info is not None and info.suite is not None:
        return info.suite
    areas = {"retention": "retention", "latency": IN_USE, "fidelity": IN_USE}
    return areas.get(eval.partition(":")[0], "quality")


def info_of(eval: str) -> EvalInfo | None:
    """The catalog's words of an eval; None for one it does not know."""
    return EVALS.get(eval.partition(":")[0])


def _decimals(one: Difference) -> int | None:
    """Digits around a difference; one more where none would make it everything."""
    told = wording.decimals_beside(one.value, one.unit)
    if told != 0 or one.value is None:
        return told
    return 1 if abs(one.value) != 1 and round(100 * abs(one.value)) == 100 else 0


def _is_even(eval: str) -> bool:
    info = info_of(eval)
    return info is not None and info.even is not None


def is_waiting(reading: Reading, family: str) -> bool:
    """Whether the sweep is to ask evals of an area of which there is no figure yet."""
    return any(family_of(eval) == family for eval in reading.spec.evals)
