"""How a judgement is written: a figure with its interval, and what is allowed, as tables and reports write figures."""

from workbench.compare import wording
from workbench.gate.judging import Held
from workbench.gate.rules import OF_DIFFERENCES


def figure_words(one: Held) -> str:
    """A value with its unit; of a difference with its sign, candidate less baseline."""
    found = one.found
    if found.value is None:
        return wording.MISSING
    if _is_counted(one):
        return f"{found.value:,.10g} {found.unit}"
    if _is_signed(one):
        unit = "points" if wording.is_share(found.unit) else found.unit
        return f"{wording.signed(found.value, found.unit)} {unit}".strip()
    return wording.amount(found.value, found.unit)


def interval_words(one: Held) -> str:
    """The interval alone; empty of what has none."""
    found = one.found
    return "" if found.level is None else wording.interval(found.low, found.high, found.unit)


def allowed_words(one: Held) -> str:
    """Where the whole interval has to lie."""
    low, high = (
        None if end is None else _end(one, end) for end in (one.allowed_low, one.allowed_high)
    )
    if low is None or high is None:
        return f"≤ {high}" if low is None else f"≥ {low}"
    return f"{low} to {high}"


def summary(one: Held) -> str:
    """Figure, interval and what is allowed, in one line."""
    figure = " ".join(filter(None, [figure_words(one), interval_words(one)]))
    return f"{figure}, allowed {allowed_words(one)}"


def _end(one: Held, end: float) -> str:
    if _is_counted(one):
        return f"{end:,.10g}"
    write = wording.signed if _is_signed(one) else wording.number
    return write(end, one.found.unit)


def _is_signed(one: Held) -> bool:
    return one.kind in OF_DIFFERENCES and one.kind != "times_at_most"


def _is_counted(one: Held) -> bool:
    return one.found.level is None and one.found.unit in ("bytes", "parameters", "s")
