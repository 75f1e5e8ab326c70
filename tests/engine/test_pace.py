"""A calibration is measured once and left for plans; costs of a training see what was planted in them."""

import json
import os
import platform
import subprocess
import sys
from typing import Any

import pytest
import torch

from workbench.engine import pace
from workbench.job import WORKER_ENVIRONMENT
from workbench.plan import calibration as calibrations


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def said(cache) -> list[str]:
    told: list[str] = []
    assert pace.leave(say=told.append, floor_bytes=123) is not None
    return told


def test_what_was_measured_lies_in_the_cache_and_is_read_without_measuring(said) -> None:
    found = calibrations.read()
    assert found is not None
    assert found.host == calibrations.here()
    assert found.floor_bytes == 123
    assert len(said) == 1
    assert pace.leave(say=said.append) is None
    assert len(said) == 1
    assert calibrations.read() == found


def test_every_part_of_a_step_has_its_time_at_every_size(said) -> None:
    """Which takes longer is not asked: other programs may come between two of them."""
    found = calibrations.read()
    assert found is not None
    for points in (found.blocks, *found.products.values(), *found.updates.values()):
        assert {point.width for point in points} == set(pace.WIDTHS)
        assert {point.tokens for point in points} <= set(pace.TOKENS)
        assert all(point.seconds > 0 for point in points)
    assert set(found.updates) == set(pace.RANKS)
    if torch.device(found.host.device).type == "cpu":
        assert set(found.few_bits) == {4, 8}
    assert found.per_tensor > 0
    assert found.per_logit > 0


def test_a_call_of_a_quantized_layer_is_told_apart_from_its_numbers() -> None:
    """Planted: one way 3e-4 s a layer and 2e-9 s a number, over full layers of any time."""
    seconds = {}
    for width, full in zip(pace.FEW_BITS_WIDTHS, (1e-4, 9e-3), strict=True):
        seconds[pace.LAYER, pace.FULL_BITS, width] = full
        seconds[pace.LAYER, 8, width] = full + 2 * (3e-4 + 2e-9 * width**2)
    found = pace._few_bits(seconds, 8)
    assert found.per_layer == pytest.approx(3e-4)
    assert found.per_number == pytest.approx(2e-9)


def planted(*sizes: int | str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.engine.planted_costs", *map(str, sizes)]
    # As a worker has it: with an allocator that keeps what was freed.
    environment = {**WORKER_ENVIRONMENT, **os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def test_what_a_block_takes_over_what_was_held_is_its_increment() -> None:
    found = planted(150_000_000)
    told = found["told"]
    # The kernel counts pages in batches.
    assert 149e6 <= told["increment_bytes"] < 250e6
    assert told["training_peak_bytes"] - told["loaded_bytes"] == told["increment_bytes"]
    assert told["peak_rss_bytes"] >= told["training_peak_bytes"]
    assert told["beside"][0]["measured"] == told["training_seconds"] == 2.0
    assert found["libraries"] == told["loaded_bytes"] - 12
    assert found["of_no_plan"] is None


def test_the_largest_of_several_trainings_is_told() -> None:
    found = planted(120_000_000, 1_000)
    assert found["told"]["increment_bytes"] >= 119e6
    # Which of two bases the plan's weights would be of is not known.
    assert found["libraries"] is None


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="how memory is given back is glibc's")
def test_what_loading_freed_is_not_the_models() -> None:
    found = planted("freed:300000000", 120_000_000)
    assert 119e6 <= found["told"]["increment_bytes"] < 220e6
