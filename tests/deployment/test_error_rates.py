"""On this machine, as noisy as it is: equal ways are rarely told apart, and one that is a twentieth slower is found."""

import time

import pytest

from workbench.deployment.loading import Place, prepare
from workbench.timing.call import Cell
from workbench.timing.measuring import Settings, measure
from workbench.timing.pairs import ratio

CELL = Cell(input_tokens=16, output_tokens=8)
ROUNDS = 100
# It ends as it does for everybody: when the difference is known to 3 %.
USUAL = Settings(seconds=1e9, fewest_blocks=10, most_blocks=400, warm_up_share=1e-10)


class Slower:
    """A subject that takes a planted share longer for every token."""

    def __init__(self, subject, *, name: str, by: float) -> None:
        self.name, self._subject, self._by = name, subject, by

    def call(self, cell):
        stamps = self._subject.call(cell)
        until = time.perf_counter() + self._by * (stamps[-1] - stamps[0])
        while time.perf_counter() < until:
            pass
        end = time.perf_counter()
        stretch = (end - stamps[0]) / (stamps[-1] - stamps[0])
        return [stamps[0] + stretch * (stamp - stamps[0]) for stamp in stamps]


@pytest.fixture(scope="module")
def attached(sweep):
    first = sweep.trials[0]
    place, folder = Place.of(first.spec.model), sweep.folder(first.name) / "adapter"
    prepare(place, trial=first, adapters={first.name: folder}, names=("attached",))
    return place.subjects["attached"]


def found_in(attached, *, by: float) -> int:
    times = 0
    for seed in range(ROUNDS):
        pair = [Slower(attached, name="a", by=0.0), Slower(attached, name="b", by=by)]
        calls = measure(pair, cells=[CELL], settings=USUAL, seed=seed).calls
        told = ratio(calls, of="b", against="a", cell=CELL)
        times += told.is_found and (by == 0 or told.value > 1)
    return times


@pytest.mark.soak
def test_equal_ways_differ_by_less_than_their_interval(attached):
    times = found_in(attached, by=0.0)
    print(f"told apart in {times} of {ROUNDS} rounds")
    assert times <= 5


@pytest.mark.soak
def test_a_twentieth_is_found(attached):
    times = found_in(attached, by=0.05)
    print(f"found in {times} of {ROUNDS} rounds")
    assert times >= 80
