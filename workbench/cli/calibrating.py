"""How a certificate of calibration is printed: every planted value beside the recovered one, then who passed.

Checks that were passed are told in the stored certificate only. It measures nothing and knows no eval.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from workbench.calibrate.certificate import ORACLE, Calibrated, Certificate, Level
from workbench.cli.printing import say, table

COLUMNS = ("eval", "planted", "recovered, 95 %", "once ±", "n", "covered")


def tell_certificate(found: Certificate) -> None:
    """The whole certificate, for people."""
    rows = [row for one in found.evals for row in _rows(one)]
    table(COLUMNS, rows, right=COLUMNS[1:])
    say()
    for one in found.evals:
        say(f"{'passes' if one.passes else 'FAILS '} {_called(one)}: {_checks(one)}")
        for check in one.checks:
            if not check.ok:
                say(f"  FAILED {check.name}: {check.said}")
    for why, names in _by_reason(found.left_out).items():
        say(f"not calibrated: {', '.join(names)}: {why}")
    say()
    good = sum(one.passes for one in found.evals)
    say(
        f"{good} of {len(found.evals)} recover what was planted; each was asked {found.rounds} times, "
        f"{found.seconds:.0f} s in all"
    )
    say("once ±: the half-width that the eval states when it is asked once, of n answers.")
    say("covered: askings whose own 95 % interval covers the planted value.")


def _rows(one: Calibrated) -> Iterator[tuple[str, ...]]:
    """The levels of one eval, which is named once."""
    for place, level in enumerate(one.levels):
        yield (
            "" if place else _called(one),
            f"{level.planted:.3g}",
            _recovered(level),
            "" if level.once_half_width is None else f"{level.once_half_width:.3f}",
            f"{level.once_n:.0f}",
            f"{level.covered}/{level.rounds}",
        )


def _recovered(level: Level) -> str:
    if level.recovered is None:
        return "no value"
    off = " OFF" if level.off else ""
    return f"{level.recovered:.3f} [{level.low:.3f}, {level.high:.3f}]{off}"


def _called(one: Calibrated) -> str:
    return one.eval if one.asked == ORACLE else f"{one.eval} (model)"


def _checks(one: Calibrated) -> str:
    return f"{sum(check.ok for check in one.checks)} of {len(one.checks)} checks"


def _by_reason(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, why in left_out.items():
        found[why].append(name)
    return found
