"""How a certificate of calibration is printed: every planted value beside the recovered one, then the checks.

It measures nothing and knows no eval.
"""

from workbench.calibrate.certificate import ORACLE, Calibrated, Certificate, Level
from workbench.cli.printing import say, table

COLUMNS = ("eval", "planted", "recovered, 95 %", "±", "n", "covered", "once ±")


def tell_certificate(found: Certificate) -> None:
    """The whole certificate, for people."""
    rows = [_row(one, level) for one in found.evals for level in one.levels]
    table(COLUMNS, rows, right=COLUMNS[1:])
    say()
    for one in found.evals:
        say(f"{'passes' if one.passes else 'FAILS '} {one.eval}, asked of the {one.asked}")
        for check in one.checks:
            say(f"  {'ok    ' if check.ok else 'FAILED'} {check.name}: {check.said}")
    for name, why in found.left_out.items():
        say(f"without {name}: {why}")
    say()
    good = sum(one.passes for one in found.evals)
    say(
        f"{good} of {len(found.evals)} recover what was planted; each was asked {found.rounds} times, "
        f"{found.seconds:.0f} s in all"
    )
    say("n: answers of all askings. covered: askings whose own interval covers the planted value.")
    say("once ±: the half-width that the eval states for one asking.")


def _row(one: Calibrated, level: Level) -> tuple[str, ...]:
    recovered = "no value"
    if level.recovered is not None:
        recovered = f"{level.recovered:.3f} [{level.low:.3f}, {level.high:.3f}]"
    return (
        one.eval if one.asked == ORACLE else f"{one.eval}, {one.asked}",
        f"{level.planted:.3g}",
        recovered,
        _three(level.half_width),
        str(level.n),
        f"{level.covered}/{level.rounds}",
        _three(level.once_half_width),
    )


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
