"""What is planted in a generator is measured, or said to be doubtful."""

import gc
import math

import pytest

from tests.timing.generator import Clock, Planted
from workbench.timing.call import WARM_UP, Cell
from workbench.timing.figures import figures
from workbench.timing.flags import flags
from workbench.timing.measuring import Settings, measure, stamp_cost
from workbench.timing.pairs import ratio

CELL = Cell(input_tokens=32, output_tokens=16)
LONG = Settings(seconds=1e9, precision=0.0, fewest_blocks=10, most_blocks=60)


def measured(*subjects, cells=(CELL,), settings=LONG, **more):
    return measure(subjects, cells=cells, settings=settings, clock=subjects[0].clock, **more)


def blocks_of(found):
    return [call for call in found.calls if call.block != WARM_UP]


def test_times_without_noise_are_recovered_to_the_digit():
    one = Planted("base", Clock(), ttft=12.0, gap=3.0)
    found = figures(measured(one).calls, of="base", cell=CELL)
    assert found["ttft"].median.value == pytest.approx(12.0)
    assert found["tpot"].median.value == pytest.approx(3.0)
    assert found["itl"].median.value == pytest.approx(3.0)
    assert found["e2e"].median.value == pytest.approx(12 + 15 * 3)
    assert found["prefill"].median.value == pytest.approx(1000 * 32 / 12)
    assert found["decode"].median.value == pytest.approx(1000 / 3)


def test_noisy_times_lie_within_their_intervals_in_nineteen_of_twenty_measurements():
    hits = dict.fromkeys(("ttft", "tpot", "itl", "e2e"), 0)
    for seed in range(40):
        one = Planted("base", Clock(), noise=0.1, seed=seed)
        found = figures(measured(one).calls, of="base", cell=CELL)
        # Means of lognormal gaps lie a little above their median.
        mean = 3.0 * math.exp(0.1**2 / 2)
        truth = {"ttft": 12.0, "tpot": mean, "itl": 3.0, "e2e": 12.0 + 15 * mean}
        for metric, value in truth.items():
            median = found[metric].median
            hits[metric] += median.low <= value * 1.001 and median.high >= value * 0.999
    assert min(hits.values()) >= 34, f"38 of 40 expected, fewer than 34 once in two hundred: {hits}"


def test_how_long_the_blocks_of_any_case_take_is_told():
    one = Planted("base", Clock(), ttft=1000.0, gap=0.0)
    heard: list[str] = []
    measured(one, told=lambda share, words: heard.append(words))
    # Two calls of a second to a block, ten blocks in any case.
    assert "block 1, 9 more in any case, about 18 s" in heard
    assert "block 9, 1 more in any case, about 2 s" in heard
    assert "block 10" in heard


def test_a_percentile_is_given_where_there_are_calls_enough_for_it():
    one = Planted("base", Clock(), noise=0.1)
    few = figures(measured(one).calls, of="base", cell=CELL)["e2e"]
    assert set(few.quantiles) == {0.5, 0.9, 0.95}, "120 calls have no 99th percentile with a limit"
    assert few.largest is not None
    many = Settings(seconds=1e9, precision=0.0, most_blocks=200)
    found = figures(measured(one, settings=many).calls, of="base", cell=CELL)["e2e"]
    assert 0.99 in found.quantiles


def test_a_slow_start_is_warmed_away_and_said():
    one = Planted("base", Clock(), slow_start=8.0, noise=0.02)
    found = measured(one)
    assert figures(found.calls, of="base", cell=CELL)["ttft"].median.value == pytest.approx(
        12, rel=0.02
    )
    (flag,) = flags(found.calls)
    assert flag.kind == "slow start"
    assert flag.amount == pytest.approx(8, rel=0.1)


def test_a_drift_is_said_and_does_not_reach_the_difference():
    clock = Clock()
    # Both become slower with every call, by a quarter in the end; the second takes a tenth more throughout.
    base = Planted("base", clock, drift_per_call=0.002, noise=0.02)
    slower = Planted("slower", clock, ttft=13.2, gap=3.3, drift_per_call=0.002, noise=0.02)
    found = measured(base, slower)
    assert {flag.kind for flag in flags(found.calls)} >= {"drift"}
    apart = ratio(found.calls, of="slower", against="base", cell=CELL)
    assert apart.low <= 1.1 <= apart.high
    assert apart.high - apart.low < 0.02


def test_a_stall_is_said_and_hardly_moves_the_median():
    clock = Clock()
    base = Planted("base", clock, noise=0.02, stall_at=(20, 40), stall=500.0)
    found = measured(base, Planted("other", clock, noise=0.02))
    (flag,) = flags(found.calls)
    assert (flag.kind, flag.variant, flag.amount) == ("stall", "base", 2.0)
    assert figures(found.calls, of="base", cell=CELL)["e2e"].median.value == pytest.approx(
        57, rel=0.02
    )
    apart = ratio(found.calls, of="other", against="base", cell=CELL)
    assert apart.low <= 1 <= apart.high


def test_calls_that_fail_or_whose_clock_steps_back_are_counted_and_the_rest_is_measured():
    one = Planted("base", Clock(), fails_at=(15, 16), clock_steps_at=(30,))
    found = measured(one)
    (flag,) = flags(found.calls)
    assert (flag.kind, flag.amount) == ("failed", 3.0)
    assert "out of memory" in flag.sentence
    told = figures(found.calls, of="base", cell=CELL)["e2e"]
    assert told.failed == 3
    assert told.median.value == pytest.approx(57)


def test_a_variant_that_gives_fewer_tokens_than_asked_for_has_no_times():
    class Short(Planted):
        def call(self, cell):
            return super().call(cell)[:-2]

    found = measured(Short("base", Clock()))
    told = figures(found.calls, of="base", cell=CELL)
    assert told["e2e"].calls == 0
    assert told["e2e"].median.value is None
    assert "14 tokens came, 16 were asked for" in flags(found.calls)[0].sentence


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_equal_variants_are_told_apart_in_one_of_twenty_measurements(noise):
    found = []
    for seed in range(200):
        clock = Clock()
        a = Planted("a", clock, shared_noise=noise, seed=seed)
        b = Planted("b", clock, shared_noise=noise, seed=seed)
        short = Settings(seconds=1e9, precision=0.0, most_blocks=20)
        calls = measured(a, b, settings=short, seed=seed).calls
        found.append(ratio(calls, of="b", against="a", cell=CELL).is_found)
    assert sum(found) <= 20, "expected 10, and 20 would come once in four hundred"


def test_a_twentieth_is_found_under_noise_of_a_tenth():
    found = 0
    for seed in range(100):
        clock = Clock()
        a = Planted("a", clock, shared_noise=0.1, seed=seed)
        b = Planted("b", clock, ttft=12.6, gap=3.15, shared_noise=0.1, seed=seed)
        calls = measured(a, b, seed=seed).calls
        found += ratio(calls, of="b", against="a", cell=CELL).is_found
    assert found >= 80


def test_it_ends_when_it_knows_enough_when_time_is_up_and_when_it_is_told_to():
    def pair():
        clock = Clock()
        return Planted("a", clock, noise=0.02), Planted("b", clock, noise=0.02)

    close = Settings(seconds=1e9, precision=0.03, most_blocks=200)
    found = measured(*pair(), settings=close)
    assert found.ended == "precision"
    assert max(call.block for call in found.calls) < 60
    found = measured(*pair(), settings=Settings(seconds=5.0, precision=0.0))
    assert found.ended == "time"
    assert found.calls[-1].began < 6.0
    asked = iter([False] * 40 + [True] * 10)
    found = measured(*pair(), stopped=lambda: next(asked))
    assert found.ended == "stopped"
    assert blocks_of(found)


def test_a_block_is_a_drawn_order_and_the_same_backwards():
    clock = Clock()
    three = [Planted(name, clock, noise=0.1) for name in "abc"]
    calls = blocks_of(measured(*three))
    orders = set()
    for block in range(60):
        order = [call.variant for call in calls if call.block == block]
        assert order[3:] == order[2::-1]
        orders.add(tuple(order[:3]))
    assert len(orders) == 6


def test_the_collector_rests_during_a_call_and_is_as_it_was_afterwards():
    seen = []

    class Looking(Planted):
        def call(self, cell):
            seen.append(gc.isenabled())
            return super().call(cell)

    assert gc.isenabled()
    measured(Looking("base", Clock()))
    assert gc.isenabled()
    assert not any(seen)


def test_a_stamp_costs_something():
    assert 0 < stamp_cost() < 100
