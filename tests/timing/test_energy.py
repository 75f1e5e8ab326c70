"""What is planted in counters of energy is counted once, over their end too; what cannot be read is absent with its reason."""

import os
import shutil
import subprocess

import pytest

from tests.timing.generator import Clock, Planted
from tests.timing.planted_power import machine, move, zone
from workbench.errors import InputError
from workbench.stats.intervals import Interval
from workbench.timing import nvml, rapl
from workbench.timing.call import Cell
from workbench.timing.counter import Counter, Meter
from workbench.timing.energy import (
    ROUNDS,
    Power,
    meter,
    of_call,
    of_requests,
    of_tokens,
    spend,
)

CELL, WIDE = Cell(8, 4), Cell(8, 4, 2)


class Drawing(Planted):
    """A generator that draws so many watts while it answers, from a planted counter."""

    def __init__(self, name, clock, *, watts, into):
        super().__init__(name, clock)
        self.watts, self.into = watts, into

    def call(self, cell):
        stamps = super().call(cell)
        move(self.into, by=round(1e6 * self.watts * (stamps[-1] - stamps[0])))
        return stamps


def test_packages_and_their_memory_are_counted_and_nothing_twice(tmp_path):
    zones = machine(tmp_path, packages=2)
    found, why = rapl.counters(tmp_path)
    assert why == ""
    assert [one.name for one in found] == [
        "package-0",
        "package-0 dram",
        "package-1",
        "package-1 dram",
    ]
    by = Meter(counters=found)
    before = by.look()
    for zone_ in zones.values():
        move(zone_, by=10_000_000)
    assert by.joules(before, by.look()) == 40.0


def test_a_package_on_several_dies_is_several_packages(tmp_path):
    for number in range(2):
        zone(tmp_path, f"intel-rapl:{number}", name=f"package-0-die-{number}")
    zone(tmp_path, "intel-rapl:10", name="package-1-die-0")
    found, _ = rapl.counters(tmp_path)
    assert sorted(one.name for one in found) == [
        "package-0-die-0",
        "package-0-die-1",
        "package-1-die-0",
    ]


def test_a_counter_that_began_again_has_counted_on(tmp_path):
    most = 1_000_000
    zone(tmp_path, "intel-rapl:0", name="package-0", energy=most - 300_000, most=most)
    by = Meter(counters=rapl.counters(tmp_path)[0])
    before = by.look()
    move(tmp_path / "intel-rapl:0", by=500_000)
    assert by.look() < before
    assert by.joules(before, by.look()) == pytest.approx(0.5)


def test_a_counter_without_an_end_that_goes_back_is_an_error():
    with pytest.raises(RuntimeError, match="'GPU' went back from 9 to 3"):
        Counter(name="GPU", read=int).spent(9, 3)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda z: (z / "energy_uj").write_text("lots\n"), "'lots', which is no number"),
        (lambda z: (z / "energy_uj").write_text("-5\n"), "'-5', which is no number"),
        (lambda z: (z / "energy_uj").unlink(), "No such file"),
        (lambda z: (z / "max_energy_range_uj").unlink(), "No such file"),
        (
            lambda z: [(z / "energy_uj").unlink(), (z / "energy_uj").mkdir()],
            "directory",
        ),
    ],
)
def test_one_package_that_cannot_be_read_makes_all_absent_with_the_reason(tmp_path, spoil, said):
    spoil(machine(tmp_path, packages=2)["package-1"])
    found, why = rapl.counters(tmp_path)
    assert found == ()
    assert "RAPL" in why
    assert said in why
    assert str(tmp_path) not in why


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_what_only_root_may_read_is_absent_with_the_reason(tmp_path):
    (machine(tmp_path)["package-0"] / "energy_uj").chmod(0)
    found, why = rapl.counters(tmp_path)
    assert (found, "denied" in why) == ((), True)


def test_a_machine_without_counters_says_so(tmp_path):
    by = meter(gpu="GPU-none", root=tmp_path / "nowhere", library="libnothing-of-the-kind.so")
    assert by.counters == ()
    assert len(by.absent) == 2
    assert "shows no energy counter of its processor" in by.absent[0]
    assert "NVML" in by.absent[1]
    assert len(meter(root=tmp_path / "nowhere").absent) == 1


def test_the_watts_of_each_variant_are_found_again(tmp_path):
    into, clock = machine(tmp_path)["package-0"], Clock()
    ways = [Drawing("a", clock, watts=20, into=into), Drawing("b", clock, watts=60, into=into)]
    found = spend(
        ways, cells=(CELL, WIDE), by=meter(root=tmp_path), seconds=8.0, clock=clock, seed=3
    )
    assert found.broken == ""
    assert len(found.turns) == ROUNDS * 4
    seconds = (12.0 + 3 * 3.0) / 1000
    for name, watts in (("a", 20), ("b", 60)):
        told = of_call(found.turns, of=name, cell=CELL)
        assert told.value == pytest.approx(watts * seconds, rel=1e-4)
        assert told.low <= told.value <= told.high
        assert told.n == ROUNDS
    assert sum(turn.seconds for turn in found.turns) == pytest.approx(8.0, rel=0.06)


def test_a_counter_that_breaks_off_keeps_what_was_counted(tmp_path):
    into, clock = machine(tmp_path, packages=1)["package-0"], Clock()

    class Breaking(Drawing):
        def call(self, cell):
            stamps = super().call(cell)
            if self.calls == 10:
                (self.into / "energy_uj").write_text("gone")
            return stamps

    one = Breaking("a", clock, watts=10, into=into)
    found = spend([one], cells=[CELL], by=meter(root=tmp_path), seconds=0.5, clock=clock)
    assert len(found.turns) == 1
    assert "cannot be read any more" in found.broken


def test_calls_that_fail_have_no_energy_and_the_others_do(tmp_path):
    into, clock = machine(tmp_path)["package-0"], Clock()
    sound = Drawing("sound", clock, watts=10, into=into)
    broken = Planted("broken", clock, fails_at=tuple(range(100)))
    found = spend([sound, broken], cells=[CELL], by=meter(root=tmp_path), seconds=1, clock=clock)
    assert {turn.variant for turn in found.turns} == {"sound"}


def test_it_ends_when_it_is_told_to_and_does_nothing_without_a_counter(tmp_path):
    into, clock = machine(tmp_path)["package-0"], Clock()
    one = Drawing("a", clock, watts=10, into=into)
    asked = iter([False, True])
    found = spend(
        [one],
        cells=[CELL],
        by=meter(root=tmp_path),
        seconds=1,
        clock=clock,
        stopped=lambda: next(asked),
    )
    assert len(found.turns) == 1
    before = one.calls
    assert spend([one], cells=[CELL], by=Meter(), seconds=1, clock=clock).turns == ()
    assert one.calls == before


def test_energy_of_requests_and_tokens_is_that_of_the_call_shared_out():
    # 7.2 J for 2 rows of 4 tokens: 3.6 J a request and 0.9 J a token.
    joules = Interval(7.2, 3.6, 14.4, 5, 5, "")
    assert of_requests(joules, cell=WIDE)[:3] == pytest.approx((1.0, 0.5, 2.0))
    assert of_tokens(joules, cell=WIDE)[:3] == pytest.approx((250.0, 125.0, 500.0))


def test_modelled_energy_is_the_stated_power_times_the_seconds():
    power = Power(watts=65)
    assert power.of_call(Interval(1000.0, 500.0, 2000.0, 9, 9, ""))[:3] == (65.0, 32.5, 130.0)
    assert power.of_call(Interval(1000.0, None, None, 3, 3, ""))[:3] == (65.0, None, None)
    assert power.of_seconds(7200) == 130.0


@pytest.mark.parametrize("watts", [0, -1, float("nan"), float("inf")])
def test_a_power_that_is_none_is_refused(watts):
    with pytest.raises(InputError, match="watts above 0"):
        Power(watts=watts)


PLANTED_NVML = r"""
static unsigned long long now = 5000;
static char one;
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    if (uuid[4] != 'a') return 6;
    *device = &one;
    return 0;
}
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules) {
    if (device != &one) return 2;
    *millijoules = now;
    now += 1500;
    return 0;
}
const char *nvmlErrorString(int code) { return code == 6 ? "Not Found" : "Invalid Argument"; }
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """A library with the calls of NVML that we make, built as the driver's is: its counter gains 1.5 J a look."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("nvml")
    (folder / "nvml.c").write_text(PLANTED_NVML)
    library = folder / "libplanted.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", str(library), str(folder / "nvml.c")], check=True
    )
    return str(library)


def test_the_counter_of_a_gpu_is_read_through_the_drivers_library(driver):
    (counter,), why = nvml.counters("GPU-a1", library=driver)
    assert why == ""
    by = Meter(counters=(counter,))
    before = by.look()
    assert by.joules(before, by.look()) == pytest.approx(1.5)


def test_a_gpu_that_the_driver_does_not_know_is_absent_in_its_words(driver):
    found, why = nvml.counters("GPU-b1", library=driver)
    assert found == ()
    assert "Not Found" in why


def test_a_library_of_another_kind_is_absent(driver, tmp_path):
    (tmp_path / "other.c").write_text("int nothing(void) { return 0; }")
    other = tmp_path / "libother.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", str(other), str(tmp_path / "other.c")], check=True
    )
    found, why = nvml.counters("GPU-a1", library=str(other))
    assert found == ()
    assert "nvmlInit_v2" in why
