"""How a figure of an eval is written: `97 %`, `31 points`, `[27, 35]`, `12.4 ms`.

Table, verdict, charts and report all write figures through here, so that one number never appears in two shapes. A
share (a mean of values between 0 and 1) is shown in percent and a difference of shares in points; anything else
keeps its unit. It does not know where a figure came from.
"""

import math
from collections.abc import Sequence

SHARES = frozenset({"share", "fraction", "proportion", "probability", "%", "percent"})
"""Units that mean a share of 1."""

MISSING = "–"

MOST_TOLD = 12
"""Figures that are told one after another in a text beside a chart; its table has them all."""


def is_share(unit: str) -> bool:
    """Whether a unit means a share of 1, shown in percent."""
    return unit in SHARES


def scale(unit: str) -> float:
    """What a stored value is multiplied by when shown."""
    return 100.0 if is_share(unit) else 1.0


def shown_unit(unit: str) -> str:
    """The unit beside a shown value.

    >>> shown_unit("share"), shown_unit("ms")
    ('%', 'ms')
    """
    return "%" if is_share(unit) else unit


def number(value: float | None, unit: str, *, decimals: int | None = None) -> str:
    """A value without its unit.

    >>> number(0.968, "share"), number(0.9996, "share", decimals=0), number(1.0, "share")
    ('96.8', '99.96', '100')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    shown = value * scale(unit)
    if decimals is None:
        decimals = 1 if is_share(unit) else _significant(shown)
    text = f"{shown:.{decimals}f}"
    if is_share(unit) and float(text) in (0.0, 100.0):
        text = _not_rounded_to_the_edge(shown)
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def amount(value: float | None, unit: str, *, decimals: int | None = None) -> str:
    """A value with its unit.

    >>> amount(0.97, "share", decimals=0), amount(None, "share")
    ('97 %', '–')
    """
    text = number(value, unit, decimals=decimals)
    beside = shown_unit(unit)
    return text if text == MISSING or not beside else f"{text} {beside}"


def gap(value: float | None, unit: str, *, decimals: int | None = None) -> str:
    """The size of a difference, without its sign.

    >>> gap(-0.31, "share", decimals=0), gap(0.01, "share", decimals=0), gap(3.25, "ms")
    ('31 points', '1 point', '3.25 ms')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if not is_share(unit):
        return amount(abs(value), unit)
    text = f"{abs(value) * 100:.{1 if decimals is None else decimals}f}"
    return f"{text} point" if text == "1" else f"{text} points"


def signed(value: float | None, unit: str) -> str:
    """A difference with its sign, without its unit.

    >>> signed(0.31, "share"), signed(-0.052, "share"), signed(0.0, "share")
    ('+31.0', '−5.2', '0.0')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    decimals = 1 if is_share(unit) else _significant(value)
    text = f"{abs(value) * scale(unit):.{decimals}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else "−") + text


def interval(
    low: float | None, high: float | None, unit: str, *, decimals: int | None = None
) -> str:
    """Both ends of an interval.

    >>> interval(0.27, 0.35, "share", decimals=0), interval(None, None, "")
    ('[27, 35]', '')
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    if decimals is None:
        decimals = 1 if is_share(unit) else _significant(max(abs(low), abs(high)))
    ends = [f"{end * scale(unit):.{decimals}f}" for end in (low, high)]
    ends = [end.removeprefix("-") if float(end) == 0 else end for end in ends]
    return f"[{ends[0]}, {ends[1]}]".replace("-", "−")


def as_size(
    value: float | None, low: float | None, high: float | None
) -> tuple[float | None, float | None]:
    """The ends of an interval around a difference whose sign is told in words.

    >>> as_size(-0.3, -0.5, -0.1), as_size(0.3, 0.1, 0.5)
    ((0.1, 0.5), (0.1, 0.5))
    """
    if value is None or value >= 0 or low is None or high is None:
        return low, high
    return -high, -low


def decimals_beside(difference: float | None, unit: str) -> int | None:
    """Digits for everything that is told around one difference: one behind the point below ten points, else none.

    >>> decimals_beside(0.065, "share"), decimals_beside(-0.31, "share"), decimals_beside(3.2, "ms")
    (1, 0, None)
    """
    if not is_share(unit) or difference is None:
        return None
    return 1 if abs(difference) * 100 < 10 else 0


def count(value: int | None) -> str:
    """A whole number, grouped by thousands with a thin space.

    >>> count(12345).replace(chr(0x202F), " "), count(None)
    ('12 345', '–')
    """
    return MISSING if value is None else f"{value:,}".replace(",", "\u202f")


def listed(names: list[str]) -> str:
    """Names as one says them.

    >>> listed(["r1"]), listed(["r1", "r2", "r4"])
    ('r1', 'r1, r2 and r4')
    """
    if len(names) <= 1:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]


def first_of(words: Sequence[str]) -> str:
    """The first dozen of many, and how many more there are.

    >>> first_of(["r1", "r2"]), first_of(["r"] * 14)[-12:]
    ('r1, r2', ', and 2 more')
    """
    more = f", and {len(words) - MOST_TOLD} more" if len(words) > MOST_TOLD else ""
    return ", ".join(words[:MOST_TOLD]) + more


def _significant(value: float) -> int:
    """Decimals that leave three significant digits."""
    if value == 0:
        return 0
    return min(6, max(0, 2 - math.floor(math.log10(abs(value)))))


def _not_rounded_to_the_edge(shown: float) -> str:
    """0 and 100 are said only when they are true; the first digits that tell otherwise are kept."""
    if shown in (0.0, 100.0):
        return f"{shown:.0f}"
    texts = (f"{shown:.{decimals}f}" for decimals in range(1, 7))
    return next((text for text in texts if float(text) not in (0.0, 100.0)), f"{shown:.6f}")
