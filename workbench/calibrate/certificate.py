"""What calibration found: planted against recovered at every level, and which checks an eval passed or failed.

A `Certificate` is stored as `calibration.json` (`save`, `load`). `Level`, `Step` and `Twin` are what was measured;
`judge` makes the checks of them. It measures nothing.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from scipy import stats

from workbench.errors import InputError
from workbench.runs.atomic import write_bytes
from workbench.stats.intervals import wilson

FAILS = 0.04
"""The planted share of broken answers (NaN): they have to be counted, and must move no value."""

WIDEST = 0.05
"""No level may be known less exactly than this from one asking of the eval's default number of items."""

TOLD_APART = 0.8
"""The share of rounds in which neighbouring levels have to differ significantly."""

ALPHA = 0.05
STRICT = 0.999
"""A check of an honest eval fails by bad luck once in a thousand times."""

HALF_WIDTHS = "half-widths"
ORACLE, MODEL = "oracle", "trained model"
"""Who is asked."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(_Frozen):
    """One planted value and what was measured of it."""

    planted: float
    recovered: float | None
    """The mean over rounds; None where the eval gave fewer than two values."""
    low: float | None
    high: float | None
    half_width: float | None
    """Of the 95 % interval over rounds."""
    off: bool
    """Whether the planted value lies outside of the interval over rounds at 99.9 %, for all levels of the eval together."""
    n: int
    """Answers with a value, in all rounds."""
    failed: int
    """Answers counted as errors, in all rounds."""
    rounds: int
    covered: int
    """Rounds whose own interval covers the planted value."""
    once_n: float
    """Answers of one asking: the eval's default n."""
    once_half_width: float | None
    """The half-width that the eval itself states for one asking."""
    spread: float | None
    """The standard deviation of the value from round to round."""


class Step(_Frozen):
    """Two neighbouring levels, compared on the same items."""

    planted: float
    """The upper level minus the lower."""
    recovered: float | None
    rounds: int
    told_apart: int
    """Rounds with p < 0.05."""
    covered: int
    """Rounds whose interval covers the planted difference."""
    half_width: float | None
    """The one stated for one asking."""
    spread: float | None


class Check(_Frozen):
    """One thing that an honest eval does."""

    name: str
    ok: bool
    said: str


class Calibrated(_Frozen):
    """One eval's part of the certificate."""

    eval: str
    asked: str
    """Who was asked: the oracle, or the model that was trained on the micro-world."""
    passes: bool
    levels: tuple[Level, ...]
    steps: tuple[Step, ...]
    false_alarms: int
    """Rounds in which the middle level differed significantly from itself, drawn anew."""
    checks: tuple[Check, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """The names of the checks that it failed."""
        return tuple(check.name for check in self.checks if not check.ok)


class Certificate(_Frozen):
    """How well every eval recovers what was planted."""

    version: str
    rounds: int
    seconds: float
    passes: bool
    evals: tuple[Calibrated, ...]
    left_out: dict[str, str]
    """Evals of the catalog that were not calibrated, and why."""

    def save(self, path: Path) -> None:
        """Write it as JSON; an older certificate is replaced, and nothing else is."""
        Certificate.check_place(path)
        write_bytes(path, (self.model_dump_json(indent=2) + "\n").encode())

    @staticmethod
    def check_place(path: Path) -> None:
        """Refuse a path at which something else lies."""
        if path.exists():
            Certificate.load(path)

    @classmethod
    def load(cls, path: Path) -> "Certificate":
        """Read one."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is something else"
            raise InputError(
                f"{str(path)!r} cannot be read as a certificate: {why}. Name a file such as "
                "runs/rank-sweep/calibration.json, which `workbench calibrate --out` writes"
            ) from error


def judge(
    levels: Sequence[Level],
    steps: Sequence[Step],
    *,
    false_alarms: int,
    slack: float = 0.0,
) -> tuple[Check, ...]:
    """The checks of one eval.

    With `slack`, the levels are those of a model that was trained and believes what it was told only nearly: values
    may be so far off, and what is said of intervals, which is arithmetic, is left to the oracle.
    """
    checks = (
        _values(levels, slack=slack),
        _failures(levels, slack=slack),
        _widths(levels),
        _apart(steps),
    )
    if slack:
        return checks
    rounds = levels[0].rounds
    return (
        *checks,
        _coverage([*levels, *steps]),
        _errors("errors of values", levels, degrees=rounds - 1),
        # The same draws stand in two neighbouring steps: half of the degrees, to be cautious.
        _errors("errors of differences", steps, degrees=(rounds - 1) * max(1, len(steps) // 2)),
        _alarms(false_alarms, rounds=rounds),
    )


def _values(levels: Sequence[Level], *, slack: float) -> Check:
    if slack:
        wrong = [one for one in levels if _distance(one) > slack]
        allowed = f"{slack:g} of what was planted"
    else:
        wrong, allowed = [one for one in levels if one.off], "their 99.9 % intervals"
    worst = max(map(_distance, levels))
    said = f"{len(levels) - len(wrong)} of {len(levels)} levels within {allowed}, {worst:.3g} off at worst"
    return Check(name="values", ok=not wrong, said=said)


def _failures(levels: Sequence[Level], *, slack: float) -> Check:
    failed = sum(one.failed for one in levels)
    asked = failed + sum(one.n for one in levels)
    found = wilson(failed, asked, level=STRICT)
    low, high = found.low, found.high
    # A trained model may leave some answers empty of its own accord; those are counted with the planted ones.
    ok = low is not None and high is not None and low <= FAILS + slack and high >= FAILS
    said = f"{failed} of {asked} answers counted as broken, planted were {100 * FAILS:g} %"
    return Check(name="failures", ok=ok, said=said)


def _widths(levels: Sequence[Level]) -> Check:
    """What one asking of the default number of items says of itself."""
    halves = [math.inf if one.once_half_width is None else one.once_half_width for one in levels]
    widest = max(halves)
    n = levels[halves.index(widest)].once_n
    said = f"up to {widest:.3f} in one asking of {n:.0f} answers, {WIDEST:g} allowed"
    return Check(name=HALF_WIDTHS, ok=widest <= WIDEST, said=said)


def _apart(steps: Sequence[Step]) -> Check:
    rounds = steps[0].rounds
    fewest = min(step.told_apart for step in steps)
    said = f"told apart, paired, in at least {fewest} of {rounds} rounds"
    return Check(name="neighbours", ok=fewest >= TOLD_APART * rounds, said=said)


def _coverage(measured: Sequence[Level | Step]) -> Check:
    rounds = measured[0].rounds
    luck = (1 - STRICT) / len(measured)
    needed = int(stats.binom.ppf(luck, rounds, 1 - ALPHA))
    fewest = min(one.covered for one in measured)
    said = f"95 % intervals cover what was planted in at least {fewest} of {rounds} rounds, {needed} needed"
    return Check(name="coverage", ok=fewest >= needed, said=said)


def _errors(name: str, measured: Sequence[Level] | Sequence[Step], *, degrees: int) -> Check:
    """Whether the errors that are stated are as large as the ones that are made, neither smaller nor larger."""
    ratio = _ratio(measured)
    tail = (1 - STRICT) / 2
    least = math.sqrt(degrees / stats.chi2.ppf(1 - tail, degrees))
    most = math.sqrt(degrees / stats.chi2.ppf(tail, degrees))
    said = f"stated over found {ratio:.2f}, {least:.2f} to {most:.2f} allowed"
    return Check(name=name, ok=least <= ratio <= most, said=said)


def _ratio(measured: Sequence[Level] | Sequence[Step]) -> float:
    stated = found = 0.0
    for one in measured:
        half = one.once_half_width if isinstance(one, Level) else one.half_width
        if half is None or one.spread is None:
            return math.nan
        stated += half**2
        found += (stats.norm.ppf(1 - ALPHA / 2) * one.spread) ** 2
    return math.sqrt(stated / found) if found else math.inf


def _alarms(false_alarms: int, *, rounds: int) -> Check:
    allowed = int(stats.binom.ppf(STRICT, rounds, ALPHA))
    said = f"a level differs from itself in {false_alarms} of {rounds} rounds, {allowed} allowed"
    return Check(name="false alarms", ok=false_alarms <= allowed, said=said)


def _distance(level: Level) -> float:
    return math.inf if level.recovered is None else abs(level.recovered - level.planted)
