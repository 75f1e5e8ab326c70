"""`workbench deploy --stored` on planted measurements: memory, what fits, money, energy and the work itself, and bad input."""

import json

import pytest

from tests.compare.planted import CLEAR, plant
from tests.report.planted_serving import (
    ADAPTER,
    CACHE,
    CONTEXT,
    VOCABULARY,
    WEIGHTS,
    serve,
    variant,
)
from workbench.cli import main
from workbench.runs.store import SweepStore


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = plant(tmp_path_factory.mktemp("stored") / "runs", right=CLEAR, name="stored")
    SweepStore.open(path).write_json("measured.json", {"seconds": 1800.0})
    return serve(path)


@pytest.fixture
def show(place, capsys):
    def run(*more, at=place):
        assert main(["deploy", str(at), "--stored", *more]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def numbers(show):
    return lambda *more, **at: json.loads(show("--json", *more, **at))


def test_memory_is_told_with_adapters_cache_by_formula_and_peak(show):
    shown = show()
    assert "adapters" in shown
    assert "cache of a token and row: 4.096 kB counted, 4.096 kB by the shape" in shown
    assert "difference none (base, attached)" in shown
    assert "this process held 731.4 MB at most" in shown
    assert "does not fit" not in shown


def test_a_cache_that_is_not_what_the_shape_says_is_told_by_how_much(tmp_path, show):
    path = plant(tmp_path / "runs", right=CLEAR, name="other")
    other = {"cache_bytes_by_formula": 8192.0}
    folder = serve(
        path,
        variants={
            "base": variant(WEIGHTS, adapter=0, **other),
            "attached": variant(WEIGHTS, adapter=0, cache_bytes_per_token=None),
        },
    )
    shown = show(at=folder)
    assert (
        "4.096 kB counted, 8.192 kB by the shape in the config, difference -4096 bytes (-50.0%)"
        in shown
    )
    assert "not counted" in shown


def test_what_a_call_adds_on_a_gpu_is_told(tmp_path, show):
    path = plant(tmp_path / "runs", right=CLEAR, name="gpu")
    held = {
        "cell": "16 tokens in, 8 out",
        "loaded_bytes": 9e8,
        "allocated_bytes": 3e6,
        "reserved_bytes": 2e7,
    }
    one = variant(WEIGHTS, adapter=0, cuda=held)
    shown = show(at=serve(path, variants={"base": one, "attached": one}))
    assert "adds 3.0 MB allocated, 20.0 MB reserved, to 900.0 MB of all variants loaded" in shown


def test_a_budget_says_the_largest_batch_and_the_longest_context(numbers, show):
    told = numbers("--memory", "500MB")["room"]["attached"][-1]
    left = 500e6 - 400e6 - WEIGHTS - ADAPTER
    assert told["memory_bytes"] == 500_000_000
    assert told["rows"] == left // (CACHE * CONTEXT + 4 * VOCABULARY)
    assert told["tokens"] == CONTEXT
    tight = numbers("--memory", "406MB")["room"]["attached"][-1]
    assert (tight["fits"], tight["rows"]) == (False, 0)
    assert tight["tokens"] == (800_000 - 4 * VOCABULARY) // CACHE
    shown = show("--memory", "406MB")
    assert "within 406MB for serving in all, of which Python and torch take 400.0 MB" in shown
    assert "does not fit" in shown


def test_without_counter_and_watts_no_energy_is_told_but_why(show, numbers):
    shown = show()
    assert "energy not counted: this machine shows no counter" in shown
    assert "--watts" in shown
    assert "Wh" not in shown
    assert "energy" not in numbers()["cells"][0]


def test_energy_of_stated_watts_is_called_modelled_and_carries_the_interval(show, numbers):
    assert "energy modelled: 50 W as stated" in show("--watts", "50")
    for cell in numbers("--watts", "50")["cells"]:
        told, e2e = cell["energy"], cell["e2e"]["p50"]
        assert told["how"] == "modelled"
        for end in ("value", "low", "high"):
            joules = 50 * e2e[end] / 1000
            assert told["call_joules"][end] == pytest.approx(joules)
            assert told["requests_wh"][end] == pytest.approx(1000 * joules / 3600 / cell["batch"])


def test_a_counter_goes_before_stated_watts(tmp_path, show, numbers):
    path = plant(tmp_path / "runs", right=CLEAR, name="counted")
    folder = serve(path, joules=2.0)
    told = numbers("--watts", "50", at=folder)["cells"][0]["energy"]
    assert told["how"] == "counted"
    assert told["call_joules"]["value"] == pytest.approx(2.0)
    assert told["call_joules"]["n"] == 5
    assert "energy counted: package-0" in show(at=folder)


def test_the_work_itself_is_priced_once_and_monthly(show, numbers):
    told = numbers("--price", "2", "--monthly", "4")["sweep"]
    assert told["whole"] == 1800.0
    assert told["whole_cost"] == pytest.approx({"once": 1.0, "a_month": 4.0})
    assert told["measuring_cost"]["once"] == pytest.approx(2 * 42 / 3600)
    shown = show("--price", "2", "--monthly", "4")
    assert "a month, 4 times" in shown
    assert "evaluation" in shown
    assert "a year" not in show()


def test_a_clock_that_was_set_meanwhile_is_told(tmp_path, show):
    path = plant(tmp_path / "runs", right=CLEAR, name="clock")
    back = show(at=serve(path, wall_clock_moved=-3600.0))
    assert "the wall clock was set back by 3600 s" in back
    assert "not touched" in back
    forward = show(at=serve(path, wall_clock_moved=3600.0))
    assert "set forward, or the machine slept, by 3600 s" in forward
    assert "wall clock" not in show(at=serve(path, wall_clock_moved=0.4))


def test_a_sweep_of_several_trials_says_which_were_measured(place, capsys):
    assert main(["deploy", str(place.parent), "--stored"]) == 2
    told = capsys.readouterr().err
    assert "name one" in told
    assert f"measured were {place.name}" in told


def test_a_sweep_of_one_trial_is_that_trial(tmp_path, numbers):
    path = plant(tmp_path / "runs", right={4: 0.9}, name="one")
    serve(path)
    assert numbers(at=path)["trial"] == "r4"


def test_a_trials_folder_by_itself_is_shown_without_its_sweep(tmp_path, place, numbers):
    (tmp_path / "alone").mkdir()
    (place / "deployment").rename(tmp_path / "alone" / "deployment")
    try:
        assert numbers("--price", "2", at=tmp_path / "alone")["sweep"] is None
    finally:
        (tmp_path / "alone" / "deployment").rename(place / "deployment")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--memory", "lots"], "such as 8GB, 512MB or 8e9; got 'lots'"),
        (["--memory=-8GB"], "got '-8GB'"),
        (["--memory", "0"], "a number above 0"),
        (["--watts", "0"], "watts above 0; got 0.0"),
        (["--watts", "nan"], "watts above 0; got nan"),
        (["--watts=-5"], "watts above 0; got -5.0"),
        (["--price=-1"], "a price an hour is a number from 0; got -1.0"),
        (["--price", "nan"], "got nan"),
        (["--price", "1", "--utilization", "1.5"], "utilization is a share above 0"),
        (["--monthly", "4"], "give --price as well"),
        (["--price", "1", "--monthly", "0"], "--monthly is a whole number from 1; got 0"),
    ],
)
@pytest.mark.parametrize("stored", [True, False])
def test_what_cannot_be_is_refused_before_anything_is_loaded(place, capsys, more, said, stored):
    before = sorted((place / "deployment").iterdir())
    assert main(["deploy", str(place), *(["--stored"] if stored else []), *more]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in " ".join(told.err.split())
    assert sorted((place / "deployment").iterdir()) == before
