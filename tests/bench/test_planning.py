"""The grid of predicted against measured cost: every cell can be planned, and its tables say what was stored."""

import json
from pathlib import Path

import pytest

from bench.page import RESULTS
from bench.planning import MODELS, foretold_anew, grid
from bench.planning_rounds import both, in_the_middle, only_alike
from bench.planning_tables import (
    cells_sheet,
    gains_sheet,
    missed,
    off,
    quantities,
    section,
    spread_sheet,
    summary_sheet,
)


def cell(*, peak: float, increment: float, time: float) -> dict:
    """One that was predicted to take 100 MB, 10 MB and 1 s."""
    sides = [
        ("training", "s", 1.0, time),
        ("peak memory of the process", "bytes", 100e6, peak * 1e6),
        ("of it over the loaded model", "bytes", 10e6, increment * 1e6),
    ]
    named = [
        dict(zip(("what", "unit", "predicted", "measured"), side, strict=True)) for side in sides
    ]
    return {"bits": "none", "r": 4, "targets": "some", "length": 64, "sides": named}


def result(*cells: dict, reruns: tuple[dict, ...] = ()) -> dict:
    return {
        "planning": "microworld",
        "trials": 2,
        "steps": 12,
        "batch": 8,
        "reruns": list(reruns),
        "cells": list(cells),
        "gains": [{"batch": 1, "trials": 6, "length": 48, "predicted": 1.5, "measured": 1.25}],
        "cores_of_others": 0.0,
        "machine": {
            "date": "2026-01-01",
            "commit": "abc",
            "processor": "P",
            "cores": 2,
            "python": "3.11",
            "versions": {"torch": "2"},
            "threads": {"OMP_NUM_THREADS": "2"},
        },
    }


EXACT = cell(peak=100, increment=10, time=1.0)


def test_every_cell_of_the_grid_is_there_once() -> None:
    for model in MODELS:
        cells = list(grid(model))
        assert len(set(cells)) == len(cells) == 2 * 2 * 3 * 2
        assert list(grid(model)) == cells


def test_of_several_rounds_the_medians_are_held_against_each_other() -> None:
    tries = [cell(peak=100 + n, increment=10, time=time) for n, time in enumerate((1.0, 9.0, 2.0))]
    found = in_the_middle(tries)
    known = {name: values for name, values, _ in quantities(found)}
    assert known["time"] == {"predicted": 1.0, "measured": 2.0}
    assert known["peak memory"] == {"predicted": 100.0, "measured": 101.0}
    assert found["tries"] == tries
    assert in_the_middle(tries[:1]) == tries[0]


def test_a_round_that_broke_is_said_and_the_others_count() -> None:
    broken = {"sides": [], "failed": "out of memory"}
    found = in_the_middle([EXACT, broken])
    assert found["failed"] == "out of memory"
    assert dict(found["sides"][0])["measured"] == 1.0
    assert in_the_middle([broken, broken])["failed"] == "out of memory"


def of_one_round(time: float, *, commit: str = "abc") -> dict:
    one = {"model": "microworld", **cell(peak=100, increment=10, time=time), "calibration": 0}
    stored = {**result(one, reruns=(EXACT,)), "rounds": 1, "seconds": 5.0, "calibrations": [{}]}
    return {**stored, "machine": {**stored["machine"], "commit": commit}}


def test_rounds_of_another_time_are_added_to_those_that_are_stored() -> None:
    found = both(both(of_one_round(1.0), of_one_round(9.0)), of_one_round(2.0))
    (one,) = found["cells"]
    known = {name: values for name, values, _ in quantities(one)}
    assert known["time"]["measured"] == 2.0
    assert [tried["calibration"] for tried in one["tries"]] == [0, 1, 2]
    assert (found["rounds"], found["seconds"], len(found["calibrations"])) == (3, 15.0, 3)
    assert len(found["reruns"]) == 3
    with pytest.raises(ValueError, match="of commit abc, these of def"):
        both(of_one_round(1.0), of_one_round(1.0, commit="def"))


@pytest.mark.parametrize("what", ["commit", "processor"])
def test_rounds_of_another_commit_or_processor_are_refused(what: str) -> None:
    stored = of_one_round(1.0)
    machine = stored["machine"]
    only_alike(stored, {**machine, "date": "another day"})
    with pytest.raises(ValueError, match=f"of {what} .*; leave out --more, or name another --out"):
        only_alike(stored, {**machine, what: "another"})


def test_rounds_are_not_added_to_those_whose_memory_another_code_foretold() -> None:
    stored = of_one_round(1.0)
    with pytest.raises(ValueError, match="foretold anew by abc"):
        both({**stored, "memory_foretold": "abc"}, stored)


def test_off_is_a_share_of_what_was_measured() -> None:
    known = {
        name: off(values) for name, values, _ in quantities(cell(peak=80, increment=20, time=4))
    }
    assert known == {"peak memory": 0.25, "increment": 0.5, "time": 0.75}


def test_a_summary_has_the_median_and_the_worst() -> None:
    three = [EXACT, cell(peak=80, increment=10, time=1), cell(peak=50, increment=10, time=1)]
    (row,) = summary_sheet([result(*three)]).rows
    assert row == ("microworld", "3", "25.0%", "100.0%", "0.0%", "0.0%", "0.0%", "0.0%")
    assert summary_sheet([result(EXACT), result(EXACT)]).rows[-1][:2] == ("all", "2")


def test_bars_that_are_missed_are_named_and_those_that_are_met_are_not() -> None:
    assert missed([result(EXACT)]) == []
    (said,) = missed([result(EXACT, EXACT, cell(peak=100, increment=10, time=3))])
    assert said == "1 of 3 cells are off by more than 50% in time"
    assert len(missed([result(cell(peak=200, increment=30, time=9))])) == 6


def test_a_cell_that_broke_is_said() -> None:
    broken = {**EXACT, "sides": [], "failed": "no memory"}
    assert missed([result(EXACT, broken)]) == ["1 of 2 cells broke"]
    assert cells_sheet(result(broken)).rows[0][1:] == ("–", "–", "–")


def test_the_spread_of_reruns_is_their_range_over_their_median() -> None:
    again = tuple(cell(peak=p, increment=10, time=1.0) for p in (99.0, 100.0, 103.0))
    (row,) = spread_sheet([result(EXACT, reruns=again)]).rows
    assert row == ("microworld", "3", "4.0%", "0.0%", "0.0%")


def test_a_time_that_was_not_predicted_is_left_out() -> None:
    unknown = cell(peak=100, increment=10, time=1.0)
    unknown["sides"][0]["predicted"] = None
    assert [name for name, _, _ in quantities(unknown)] == ["peak memory", "increment"]
    (row,) = cells_sheet(result(unknown)).rows
    assert row[0] == "none, r = 4, some, 64"
    assert row[1] == "100 / 100 (1.00×)"


def test_the_section_publishes_the_spread_before_the_predictions() -> None:
    told = "\n".join(section([result(EXACT, reruns=(EXACT, EXACT))], as_text=str))
    assert told.index("The same cell again") < told.index("How far predictions are off")
    assert "Every bar is met" in told
    assert "rounds" not in told.split("microworld, 2 trials")[1]
    again = "\n".join(section([{**result(EXACT), "rounds": 3}], as_text=str))
    assert "medians of 3 rounds" in again
    assert gains_sheet([result(EXACT)]).rows == (("microworld", "6", "1", "48", "1.50×", "1.25×"),)


def test_what_is_stored_of_memory_is_what_the_plan_says_now(tmp_path: Path) -> None:
    stored = json.loads((RESULTS / "planning-microworld.json").read_text())
    (model,) = (model for model in MODELS if model.name == "microworld")
    found = foretold_anew(stored, model, place=tmp_path)
    told = [side["predicted"] for cell in found["cells"] for side in cell["sides"]]
    assert told == [side["predicted"] for cell in stored["cells"] for side in cell["sides"]], (
        "put it right with python -m bench.planning --foretold-anew"
    )
    assert len(found["cells"][0]["tries"]) == stored["rounds"]
