"""Rounds of a grid: the medians of every cell's tries, whether they were run in one go or added later."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One point of the grid."""

    model: str
    r: int
    targets: str
    bits: str
    length: int


def only_alike(before: dict[str, Any], machine: dict[str, Any]) -> None:
    """Refuse to add rounds of a machine to a stored result where the medians would be of two things."""
    alike = "leave out --more, or name another --out"
    for what in ("commit", "processor"):
        if before["machine"][what] != machine[what]:
            raise ValueError(
                f"the stored rounds are of {what} {before['machine'][what]}, these of {machine[what]}: "
                f"their medians would be of two things; {alike}"
            )
    anew = before.get("memory_foretold")
    if anew:
        raise ValueError(f"memory of the stored rounds was foretold anew by {anew}; {alike}")


def both(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Rounds that were run at two times, as if they had been run at one."""
    only_alike(before, now["machine"])
    done = len(before["calibrations"])
    cells = []
    for old, new in zip(before["cells"], now["cells"], strict=True):
        named = {name: new[name] for name in Cell.__dataclass_fields__}
        later = [{**one, "calibration": one["calibration"] + done} for one in tries_of(new)]
        cells.append({**named, **in_the_middle([*tries_of(old), *later])})
    return {
        **now,
        "cells": cells,
        "rounds": before["rounds"] + now["rounds"],
        "seconds": before["seconds"] + now["seconds"],
        "cores_of_others": max(before["cores_of_others"], now["cores_of_others"]),
        "calibrations": before["calibrations"] + now["calibrations"],
        "reruns": before["reruns"] + now["reruns"],
        "gains": now["gains"] or before["gains"],
    }


def tries_of(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """Every try of a stored cell, one or several."""
    if "tries" in cell:
        return list(cell["tries"])
    return [{k: v for k, v in cell.items() if k not in Cell.__dataclass_fields__}]


def in_the_middle(tries: list[dict[str, Any]]) -> dict[str, Any]:
    """A cell of several rounds: of each quantity the medians of what was predicted and measured, and every try."""
    whole = [one for one in tries if "failed" not in one]
    if len(tries) == 1 or not whole:
        return tries[0]
    sides = [
        {
            "what": same[0]["what"],
            "unit": same[0]["unit"],
            "predicted": _middle(side["predicted"] for side in same),
            "measured": _middle(side["measured"] for side in same),
        }
        for same in zip(*(one["sides"] for one in whole), strict=True)
    ]
    broken = next(({"failed": one["failed"]} for one in tries if "failed" in one), {})
    return {"sides": sides, "tries": tries, **broken}


def _middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
