"""A deployment measured, stored and read back; what cannot be measured is said, and bad input leaves nothing behind."""

import json
import shutil
import time

import pytest

from tests.timing.planted_power import machine
from workbench.cli import main
from workbench.deployment import stored
from workbench.deployment.reading import Deployment, read
from workbench.deployment.running import deploy
from workbench.errors import InputError, StoreError
from workbench.stats.intervals import Interval
from workbench.timing.cost import Price
from workbench.timing.counter import Counter, Meter
from workbench.timing.energy import ROUNDS, meter

SMALL = {
    "variants": ("merged",),
    "input_tokens": (8, 4000),
    "output_tokens": (4,),
    "batch": (1, 2),
    "seconds": 0.5,
}


@pytest.fixture(scope="module")
def measured(sweep):
    heard = []
    found = deploy(
        sweep.path / sweep.trials[0].name,
        told=lambda share, words: heard.append((share, words)),
        **SMALL,
    )
    return found, heard


def test_every_variant_is_timed_in_every_cell_that_fits(measured):
    found, _ = measured
    assert found.variants == ("base", "attached", "merged")
    assert [str(cell) for cell in found.cells] == [
        "8 tokens in, 4 out",
        "8 tokens in, 4 out, 2 rows",
    ]
    assert len(found.facts["cells_refused"]) == 2
    assert "context is 256" in found.facts["cells_refused"][0]
    for cell in found.cells:
        for name in found.variants:
            assert found.figures(name, cell)["e2e"].median.low > 0
        over = found.ratio("attached", cell)
        assert over.low <= over.value <= over.high
        assert over.blocks >= 6


def test_what_was_stored_reads_back_alike(measured, sweep):
    found, _ = measured
    again = read(sweep.path / sweep.trials[0].name)
    assert again.calls == found.calls
    assert again.agreement == found.agreement
    json.dumps(again.facts, allow_nan=False)


def test_it_says_how_far_it_is(measured):
    _, heard = measured
    shares = [share for share, _ in heard]
    assert shares[-1] == 1.0
    assert any("preparing merged" in words for _, words in heard)
    assert any(words.startswith("block") for _, words in heard)


def test_the_merged_adapter_is_said_to_agree(measured):
    found, _ = measured
    assert found.agreement["merged"].same.value == 1
    assert found.agreement["base"].divergence.value > 1e-4


def test_libraries_say_nothing_while_calls_are_timed(sweep, tmp_path, capfd, caplog):
    shutil.copytree(sweep.path, tmp_path / "served")
    path = tmp_path / "served" / sweep.trials[0].name
    deploy(path, variants=("int8",), input_tokens=(8,), output_tokens=(2,), batch=(1,), seconds=0.1)
    assert "MatMul8bitLt" not in caplog.text
    assert "Loading weights" not in capfd.readouterr().err


def test_stopping_keeps_what_there_is(sweep, tmp_path):
    folder = tmp_path / "served"
    shutil.copytree(sweep.path, folder)
    trial = folder / sweep.trials[1].name
    shutil.rmtree(trial / "deployment", ignore_errors=True)
    asked = iter([False] * 60 + [True] * 1000)
    found = deploy(trial, stopped=lambda: next(asked), **{**SMALL, "seconds": 1e6})
    assert found.facts["ended"] == "stopped"
    assert found.calls


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"variants": ("mergd",)}, "merged"),
        ({"batch": (0,)}, "whole numbers from 1"),
        ({"seconds": -1}, "seconds"),
        ({"second": 5}, "seconds"),
        ({"input_tokens": (9999,)}, "context is 256"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(sweep, fields, said):
    path = sweep.path / sweep.trials[1].name
    with pytest.raises(InputError, match=said):
        deploy(path, **{**SMALL, "variants": (), **fields})
    assert not (path / "deployment").exists()


def test_a_path_must_name_one_adapter(sweep):
    with pytest.raises(InputError, match="2 trials; name one"):
        deploy(sweep.path)
    with pytest.raises(InputError, match="is the base"):
        deploy(sweep.path / "base")
    with pytest.raises(StoreError, match="no deployment yet"):
        read(sweep.path / sweep.trials[1].name)


def test_the_command_shows_what_was_stored_with_its_cost(measured, sweep, capsys):
    path = str(sweep.path / sweep.trials[0].name)
    assert main(["deploy", path, "--stored", "--price", "2", "--utilization", "0.5"]) == 0
    shown = capsys.readouterr().out
    for word in ("attached", "merged", "1M tokens out", "8 tokens in, 4 out", "intervals are 95 %"):
        assert word in shown
    assert main(["deploy", path, "--stored", "--json", "--price", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {cell["variant"] for cell in told["cells"]} == {"base", "attached", "merged"}
    assert told["cells"][0]["cost"]["requests"]["value"] > 0


def test_without_a_counter_energy_is_absent_with_its_reason_and_without_a_gpu_its_memory(measured):
    found, _ = measured
    if not found.counted:
        assert found.turns == ()
        assert found.uncounted
    facts = found.facts["variants"]
    assert facts["attached"]["adapter_bytes"] > facts["merged"]["adapter_bytes"] == 0
    assert found.facts["peak_rss_bytes"] > facts["base"]["weights_bytes"]


def small(path, **more):
    more = {"variants": ("merged",), "input_tokens": (8,), "output_tokens": (4,), **more}
    return deploy(path, batch=(1,), seconds=0.2, **more)


def test_energy_is_counted_by_the_counters_that_there_are(sweep, tmp_path):
    shutil.copytree(sweep.path, tmp_path / "served")
    machine(tmp_path / "power", packages=1)
    # The machine's files stand still; one counter more goes with the clock, as of a machine that draws 20 W throughout.
    drawn = Counter(name="20 W", read=lambda: int(20e6 * time.perf_counter()))
    planted = meter(root=tmp_path / "power").counters
    found = small(tmp_path / "served" / sweep.trials[0].name, by=Meter(counters=(*planted, drawn)))
    assert found.counted == ("package-0", "package-0 dram", "20 W")
    assert found.uncounted == ()
    assert len(found.turns) == ROUNDS * len(found.variants)
    for turn in found.turns:
        assert turn.joules == pytest.approx(20 * turn.seconds, rel=0.05)
    told = found.energy("merged", found.cells[0])
    assert (told.how, told.of_call.n) == ("counted", ROUNDS)


def test_a_wall_clock_that_is_set_back_changes_no_time_and_is_said(sweep, tmp_path, monkeypatch):
    shutil.copytree(sweep.path, tmp_path / "served")
    path, true, began = tmp_path / "served" / sweep.trials[0].name, time.time, time.perf_counter()
    looks = iter([0.0])
    monkeypatch.setattr(time, "time", lambda: true() + next(looks, -3600.0))
    found = small(path, by=Meter())
    monkeypatch.undo()
    assert found.wall_clock_moved == pytest.approx(-3600, abs=1)
    assert "set back by 3600 s" in found.clock_note
    assert not any(call.error for call in found.calls)
    spent = sum(call.e2e_ms for call in found.calls) / 1000
    assert 0 < spent < found.facts["seconds"] < time.perf_counter() - began
    assert [call.began for call in found.calls] == sorted(call.began for call in found.calls)


@pytest.mark.parametrize(
    "more", [["--price", "-1"], ["--price", "1", "--utilization", "0"], ["--batch", "x"]]
)
def test_a_price_or_a_size_that_is_none_ends_with_code_two(sweep, capsys, more):
    path = str(sweep.path / sweep.trials[0].name)
    assert main(["deploy", path, *more]) == 2
    assert "error:" in capsys.readouterr().err


def test_cost_carries_the_interval_through():
    price = Price(per_hour=3.6, utilization=0.5)
    rate = Interval(100.0, 80.0, 125.0, 10, 10, "")
    cost = price.of_tokens(rate)
    assert (cost.value, cost.low, cost.high) == pytest.approx((20.0, 16.0, 25.0))
    requests = price.of_requests(Interval(500.0, 400.0, 600.0, 10, 10, ""), batch=2)
    assert (requests.value, requests.low, requests.high) == pytest.approx((0.5, 0.4, 0.6))
    assert price.of_seconds(7200) == pytest.approx(7.2)


def test_a_share_of_tokens_is_never_said_to_be_above_one(tmp_path):
    """Fifteen texts at 1 and one at .8: a t interval alone ends at 1.01."""
    rows = [
        {"variant": "int8", "text": n, "tokens": 9, "divergence": 0.0, "same": 1.0, "largest": 0.1}
        for n in range(16)
    ]
    rows[0] |= {"divergence": 0.4, "same": 0.8}
    stored.write(tmp_path, calls=(), agreement=rows, facts={"trial": "r8"})
    moved = Deployment(folder=tmp_path, facts={}).agreement["int8"]
    assert (moved.same.high, moved.divergence.low) == (1, 0)
    assert moved.same.method == "95 % t, cut at 0 and 1"
    assert moved.divergence.method == "95 % t, cut at 0"
