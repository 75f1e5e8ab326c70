"""A comparison as the leaderboard draws it: `board_of(comparison)` gives plain dicts and lists of it, fit for JSON.

Every figure stands there as text, as `compare/` writes it, and as a number for its bar; a difference says whether it holds
after the correction of its family. Nothing is tested here, and nothing is known of widgets.
"""

import math
from typing import Any

from workbench.compare import wording
from workbench.compare.calibration import failed_evals
from workbench.compare.comparison import Comparison
from workbench.compare.differences import ARROW, counted_items
from workbench.compare.family import correction_words
from workbench.compare.figure import Figure
from workbench.compare.marks import span
from workbench.compare.pairing import Difference
from workbench.compare.plotted import value_of
from workbench.compare.table import Standing
from workbench.scores.catalog import eval_info
from workbench.scores.scoring import WITHHELD
from workbench.scores.task import BASE
from workbench.widgets.board_charts import curves_of, weighed

MOST_LEVEL = 40
"""Trials named as not told apart from one."""


def board_of(comparison: Comparison) -> dict[str, Any]:
    """Everything the leaderboard shows of a comparison."""
    reading, verdict = comparison.reading, comparison.verdict
    evals = [comparison.primary, *(e for e in reading.evals if e != comparison.primary)]
    evals = evals if comparison.primary else list(reading.evals)
    lines = comparison.standings
    level, beaten = _told_apart(comparison)
    places = _places(comparison, beaten)
    gaps = {(one.of, one.eval): one for one in comparison.differences}
    correction = correction_words(comparison.differences)
    return {
        "name": reading.store.path.name,
        "state": reading.state,
        "primary": comparison.primary,
        "baseline": comparison.baseline,
        "sentence": verdict.sentence,
        "kind": verdict.kind,
        "cautions": [[one.code, one.sentence] for one in verdict.caveats],
        "correction": correction,
        "evals": [_eval(comparison, lines, e) for e in evals],
        "fields": _fields(comparison),
        "rows": [
            _row(comparison, line, evals=evals, gaps=gaps, level=level, places=places)
            for line in lines
        ],
        "curves": curves_of(comparison),
        "weighed": weighed(comparison),
    }


def _eval(comparison: Comparison, lines: tuple[Standing, ...], eval: str) -> dict[str, Any]:
    reading = comparison.reading
    sort = reading.sort_of(eval)
    unit, better = (sort.unit, sort.better) if sort else ("", "none")
    chance = sort.chance if sort else None
    factor = wording.scale(unit)
    counts = [line.figures[eval].n for line in lines if value_of(line, eval) is not None]
    return {
        "name": eval,
        "title": eval_info(eval).title,
        "unit": wording.shown_unit(unit),
        "arrow": ARROW.get(better, ""),
        "better": better,
        "chance": None if chance is None else chance * factor,
        "chance_text": "" if chance is None else wording.amount(chance, unit),
        "counted": counted_items(counts),
        "range": _range(lines, eval, unit=unit, chance=chance),
        "failed": eval in failed_evals(reading),
    }


def _range(
    lines: tuple[Standing, ...], eval: str, *, unit: str, chance: float | None
) -> list[float]:
    """One scale for all bars of an eval: shares on the whole of it, so that a small gap looks small."""
    if wording.is_share(unit):
        return [0.0, 100.0]
    figures = [line.figures[eval] for line in lines if value_of(line, eval) is not None]
    ends = [end for one in figures for end in (one.low, one.value, one.high)]
    known = [*ends, chance]
    return span(known) if any(_is_number(one) for one in known) else [0.0, 1.0]


def _fields(comparison: Comparison) -> list[dict[str, str]]:
    """The config fields that differ; a single one is what trials are called after."""
    keys = comparison.reading.differing
    if len(keys) < 2:
        return []
    short = [key.rsplit(".", 1)[-1] for key in keys]
    return [
        {"key": key, "title": word if short.count(word) == 1 else key}
        for key, word in zip(keys, short, strict=True)
    ]


def _told_apart(comparison: Comparison) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Name -> the trials it cannot be told from, and name -> how many were found better."""
    level: dict[str, list[str]] = {}
    beaten: dict[str, int] = {}
    for one in comparison.contests:
        if one.p is None:
            continue
        if one.is_found:
            beaten[one.against] = beaten.get(one.against, 0) + 1
        else:
            level.setdefault(one.of, []).append(one.against)
            level.setdefault(one.against, []).append(one.of)
    return level, beaten


def _row(
    comparison: Comparison,
    line: Standing,
    *,
    evals: list[str],
    gaps: dict[tuple[str, str], Difference],
    level: dict[str, list[str]],
    places: dict[str, str],
) -> dict[str, Any]:
    reading = comparison.reading
    names = level.get(line.name, [])
    unit = _unit(comparison, comparison.primary)
    return {
        "name": line.name,
        "is_base": line.name == BASE,
        "place": places.get(line.name, ""),
        "level": names[:MOST_LEVEL],
        "level_more": max(0, len(names) - MOST_LEVEL),
        "seen_from": "" if line.detectable is None else wording.gap(line.detectable, unit),
        "state": "" if line.name == BASE else line.state,
        "reason": line.reason,
        "fields": {key: _said(line.varied.get(key)) for key in reading.differing},
        "sizes": {key: _size(line.varied.get(key)) for key in reading.differing},
        "parameters": None if line.name == BASE else line.trainable_parameters,
        "seeds": len(line.seeds),
        "cells": {e: _cell(comparison, line.figures.get(e), e) for e in evals},
        "gaps": {e: _gap(gaps[line.name, e]) for e in evals if (line.name, e) in gaps},
    }


def _places(comparison: Comparison, beaten: dict[str, int]) -> dict[str, str]:
    """The place of each row; those that equally many were found better than share one, marked by `=`.

    With too many pairs to test them all, the order is all there is.
    """
    ranked = [line for line in comparison.standings if line.place]
    told = {line.name: line.place for line in ranked}
    if not comparison.contests or len(comparison.contests) < math.comb(len(ranked), 2):
        return told
    # Whoever is level with the best is first, as in the table of `compare`.
    worse = {line.name: 0 if line.is_tied else beaten.get(line.name, 0) for line in ranked}
    for line in ranked:
        if not line.is_tied:
            place = 1 + sum(other < worse[line.name] for other in worse.values())
            shares = list(worse.values()).count(worse[line.name]) > 1
            told[line.name] = f"{place}=" if shares else str(place)
    return told


def _cell(comparison: Comparison, figure: Figure | None, eval: str) -> dict[str, Any] | None:
    if figure is None:
        return None
    unit = _unit(comparison, eval)
    factor = wording.scale(unit)
    numbers = {
        key: value * factor if value is not None and math.isfinite(value) else None
        for key, value in (("value", figure.value), ("low", figure.low), ("high", figure.high))
    }
    wide = wording.interval(figure.wide_low, figure.wide_high, unit)
    withheld = figure.method.removeprefix(WITHHELD).strip(" :;,") if figure.is_withheld else ""
    counted = [f"n = {figure.n}"]
    counted += [f"{figure.errors} not scored"] if figure.errors else []
    counted += [f"{figure.truncated} cut short"] if figure.truncated else []
    counted += [f"{wide} with seeds"] if wide else []
    counted += [figure.method] if figure.method and not withheld else []
    return {
        **numbers,
        "text": wording.number(figure.value, unit),
        "ends": wording.interval(figure.low, figure.high, unit),
        "is_withheld": figure.is_withheld,
        "why": withheld or ("" if figure.value is not None else figure.method),
        "note": "; ".join(counted),
    }


def _gap(one: Difference) -> dict[str, Any]:
    """A difference to the baseline, in words and as what can be sorted."""
    if one.value is None:
        return {"text": wording.MISSING, "ends": "", "note": one.reason, "value": None, "way": 0}
    notes = [f"p {p_text(one.p_corrected)}" if one.p_corrected is not None else ""]
    notes += [one.correction, f"n = {one.n}", one.method]
    if one.detectable is not None:
        notes.insert(
            0, f"a difference of {wording.gap(one.detectable, one.unit)} could have been seen"
        )
    return {
        "text": wording.signed(one.value, one.unit) + ("*" if one.is_found else ""),
        "ends": wording.interval(one.low, one.high, one.unit),
        "note": "; ".join(note for note in notes if note),
        "value": one.value * wording.scale(one.unit),
        "way": way_of(one),
    }


def way_of(one: Difference) -> int:
    """1 where a difference that was found is for the better, -1 where for the worse, else 0."""
    if one.gain is None or not one.is_found:
        return 0
    return 1 if one.gain > 0 else -1


def p_text(p: float) -> str:
    """A p-value as a person reads it.

    >>> p_text(0.0004), p_text(0.0312)
    ('< 0.001', '= 0.031')
    """
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _unit(comparison: Comparison, eval: str) -> str:
    sort = comparison.reading.sort_of(eval) if eval else None
    return sort.unit if sort else ""


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _size(value: Any) -> float | None:
    """What a field is sorted by, where it is a number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
