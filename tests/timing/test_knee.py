"""A knee is found where one was planted, and claimed nowhere else: not on a straight line, on a flat one, or in noise."""

import numpy as np
import pytest

from tests.timing.generator import Clock, Planted
from tests.timing.sized import Sized
from workbench.stats.intervals import Interval
from workbench.timing.call import Cell
from workbench.timing.knee import FLAT, LEAST, OPEN, RISING, Gain, gains, knee
from workbench.timing.measuring import Settings, measure

WORKS = [Cell(16, 8, batch) for batch in (1, 2, 4, 8, 16)]


def measured(*, lanes, blocks=12, works=WORKS, seed=0, kind=Sized, **more):
    one = kind("way", Clock(), lanes=lanes, seed=seed, **more)
    settings = Settings(seconds=1e9, precision=0.0, most_blocks=blocks)
    return measure([one], cells=works, settings=settings, seed=seed, clock=one.clock).calls


def found_in(calls, *, works=WORKS, metric="decode"):
    return knee(gains(calls, of="way", cells=works, metric=metric))


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_the_knee_of_a_machine_with_so_many_lanes_is_at_as_many_rows(lanes):
    found = found_in(measured(lanes=lanes, noise=0.03))
    assert (found.batch, found.earliest) == (lanes, lanes)


def test_a_straight_line_has_no_knee():
    found = found_in(measured(lanes=1000, noise=0.03))
    assert (found.batch, found.why) == (None, RISING)


def test_rows_that_wait_for_each_other_from_the_first_have_no_knee():
    found = found_in(measured(lanes=1, noise=0.03))
    assert (found.batch, found.why) == (None, FLAT)


def test_gains_without_noise_are_recovered_to_the_digit():
    shares = [one.share.value for one in gains(measured(lanes=4), of="way", cells=WORKS)]
    assert shares == pytest.approx([1, 1, 0, 0])


def test_a_gain_over_a_fourfold_batch_is_told_for_a_doubling():
    works = [Cell(16, 8, 1), Cell(16, 8, 4)]
    (one,) = gains(measured(lanes=2, works=works), of="way", cells=works)
    # Four times the rows in twice the time: twice the tokens, which is the square root of two a doubling.
    assert one.share.value == pytest.approx(2**0.5 - 1)


def test_the_gain_of_reading_is_that_of_the_time_to_the_first_token():
    calls = measured(lanes=1000, ttft=0.0, per_token=1.0)
    reading = gains(calls, of="way", cells=WORKS, metric="prefill")
    assert [one.share.value for one in reading] == pytest.approx([1, 1, 1, 1])


class Restless(Planted):
    """Rows cost what a gain of this share a doubling would let them cost."""

    def __init__(self, *args, lanes, **more):
        super().__init__(*args, **more)
        self.share = lanes

    def call(self, cell):
        gap = self.gap
        self.gap = gap * cell.batch ** (1 - np.log2(1 + self.share))
        try:
            return super().call(cell)
        finally:
            self.gap = gap


def claimed(share, *, noise, seeds):
    calls = (
        measured(lanes=share, kind=Restless, shared_noise=noise, seed=seed, blocks=8)
        for seed in seeds
    )
    return [found_in(one).batch for one in calls]


@pytest.mark.parametrize("share", [0.0, 0.15, 1.0])
def test_noise_on_a_line_that_has_none_makes_no_knee(share):
    knees = [one for one in claimed(share, noise=0.1, seeds=range(40)) if one]
    assert len(knees) <= 2, knees


def test_a_line_that_gains_just_as_much_as_is_asked_for_has_a_knee_in_few_measurements():
    # Surely above in one step and surely below in the last: one of forty each.
    knees = [one for one in claimed(LEAST, noise=0.1, seeds=range(40)) if one]
    assert len(knees) <= 4, knees


def test_noise_larger_than_what_is_looked_for_leaves_it_open():
    found = [found_in(measured(lanes=4, shared_noise=1.0, blocks=6, seed=n)) for n in range(20)]
    assert sum(one.why == OPEN for one in found) >= 15
    assert sum(one.batch not in (None, 4, 8) for one in found) <= 1


def test_intervals_of_gains_hold_the_planted_gain_in_nineteen_of_twenty():
    hits = many = 0
    for seed in range(100):
        for one in gains(
            measured(lanes=0.5, kind=Restless, shared_noise=0.1, seed=seed), of="way", cells=WORKS
        ):
            hits += one.share.low <= 0.5 <= one.share.high
            many += 1
    assert hits >= 0.9 * many, f"95 % expected, four errors less: {hits} of {many}"


def test_fewer_than_six_blocks_decide_nothing():
    calls = [call for call in measured(lanes=4) if call.block < 5]
    assert found_in(calls).why == OPEN


def step(start, low, high):
    return Gain(start=start, end=2 * start, share=Interval(None, low, high, 9, 9, ""))


def test_an_open_last_step_takes_the_knee_away():
    sure = [step(1, 0.8, 0.9), step(2, 0.0, 0.1)]
    assert knee(sure).batch == 2
    assert knee([*sure, step(4, 0.1, 0.4)]).why == OPEN


def test_a_rise_after_a_rest_moves_the_knee_behind_it():
    steps = [step(1, 0.8, 0.9), step(2, 0.0, 0.1), step(4, 0.5, 0.7), step(8, 0.0, 0.1)]
    assert knee(steps).batch == 8


def test_without_any_step_it_is_open():
    assert knee([]).why == OPEN
