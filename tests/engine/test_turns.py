"""Things that are timed in turns: what disturbs once is left out, and every thing gets its turns."""

import gc
import time
from collections.abc import Callable

import torch

from workbench.engine.turns import FEWEST, ROUNDS, Work, in_turns

CPU = torch.device("cpu")


class Clock:
    """A clock that only those move who take time."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def takes(self, *seconds: float) -> Callable[[], None]:
        """Something that takes these seconds, call after call; the last of them from then on."""
        left = list(seconds)

        def once() -> None:
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return once


def test_what_disturbs_once_is_left_out(monkeypatch) -> None:
    clock = Clock(monkeypatch)
    # Loading at the first call, a hiccup of a second in the fourth.
    hit = Work(clock.takes(5.0, 0.01, 0.01, 1.0, 0.01))
    found = in_turns({"hit": hit, "calm": Work(clock.takes(0.02))}, device=CPU, budget=60.0)
    assert abs(found["hit"] - 0.01) < 1e-9
    assert abs(found["calm"] - 0.02) < 1e-9


def test_a_busy_machine_ends_after_the_fewest_rounds(monkeypatch) -> None:
    clock = Clock(monkeypatch)
    turns: list[str] = []
    works = {
        name: Work(clock.takes(0.1), before=lambda name=name: turns.append(name)) for name in "ab"
    }
    in_turns(works, device=CPU, budget=0.3)
    # One to be warm, one to see how long it takes.
    assert turns.count("a") == turns.count("b") == FEWEST + 2
    assert turns[:4] == ["a", "b", "a", "b"]


def test_something_slow_leaves_the_time_to_the_others(monkeypatch) -> None:
    clock = Clock(monkeypatch)
    turns: list[str] = []
    works = {
        "slow": Work(clock.takes(0.4), before=lambda: turns.append("slow")),
        "quick": Work(clock.takes(0.001), before=lambda: turns.append("quick")),
    }
    in_turns(works, device=CPU, budget=60.0)
    assert turns.count("slow") == FEWEST + 2
    assert turns.count("quick") == ROUNDS + 2


def test_pythons_collector_rests_meanwhile_and_works_again_after() -> None:
    seen: list[bool] = []
    in_turns({"one": Work(lambda: seen.append(gc.isenabled()))}, device=CPU, budget=0.0)
    assert not any(seen)
    assert gc.isenabled()
