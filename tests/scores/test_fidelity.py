"""Distances that are stored become a score: means, an interval over clusters, and failures that are counted."""

import json

import pytest

from workbench.scores.scoring import score
from workbench.scores.task import Row


def row(number: int, value: float | None, *, cluster: str = "", **beside) -> Row:
    return Row(
        sample=str(number),
        slot="r2",
        cluster=cluster,
        value=value,
        error="" if value is not None else "nan",
        detail=json.dumps({"tokens": 10, "top1": 0.5, **beside}),
    )


def test_the_figure_is_the_mean_over_texts_and_never_below_0():
    told = score("fidelity", "r2", [row(0, 0.0), row(1, 0.3)])
    assert told.value == pytest.approx(0.15)
    assert told.low == 0.0
    assert (told.unit, told.better, told.parts["top1"]) == ("nats/token", "lower", 0.5)
    assert told.parts["tokens"] == 20


def test_no_distance_anywhere_is_no_share_of_failures():
    told = score("fidelity", "r2", [row(number, 0.0) for number in range(10)])
    assert (told.value, told.low, told.high) == (0.0, 0.0, 0.0)


def test_merged_models_have_an_interval_of_their_own():
    rows = [row(0, 0.1, merged=0.2), row(1, 0.1, merged=0.4), row(2, 0.1, merged=float("nan"))]
    told = score("fidelity", "r2", rows)
    assert told.parts["merged"] == pytest.approx(0.3)
    assert told.parts["merged/low"] <= 0.3 <= told.parts["merged/high"]
    assert told.parts["merged/errors"] == 1


def test_texts_of_one_cluster_widen_the_interval():
    values = [0.1, 0.11, 0.3, 0.31, 0.2, 0.21]
    together = score(
        "fidelity", "r2", [row(i, v, cluster=f"c{i // 2}") for i, v in enumerate(values)]
    )
    apart = score("fidelity", "r2", [row(i, v) for i, v in enumerate(values)])
    assert together.clusters == 3
    assert together.high - together.low > apart.high - apart.low


def test_texts_without_a_number_are_errors():
    told = score("fidelity", "r2", [row(0, None), row(1, 0.2), row(2, 0.2)])
    assert (told.n, told.errors) == (2, 1)
    assert score("fidelity", "r2", [row(0, None)]).value is None
