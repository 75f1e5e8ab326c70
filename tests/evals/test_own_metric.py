"""Metrics of evaluate by name: ours load without network or a home, others from its cache; answers valued one by one."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evals.replay import Replay
from tests.evals.test_benchmark_files import asked, write
from workbench.errors import DataError, SpecError
from workbench.evals.metric_modules import known, load
from workbench.evals.quality.benchmarks import check_files
from workbench.evals.quality.own_metric import read_items
from workbench.scores.confusion import of_labels
from workbench.scores.figures import detail
from workbench.stats.intervals import mean_interval

OURS = ["accuracy", "exact_match", "exact_number", "macro_f1", "matthews", "squad_f1"]

CUT = """
import sys
import socket

def refuse(*args, **kwargs):
    raise AssertionError("the network was asked")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
from workbench.evals.metric_modules import known, load
for name in known():
    print(name, load(name).compute(["a 1", "b 2"], [["a 1"], ["b 3"]]))
try:
    load("rouge")
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("home", ["an empty folder", "a place that cannot be written"])
def test_our_metrics_load_without_network_and_home(home, tmp_path):
    place = str(tmp_path) if home == "an empty folder" else os.devnull + "/nowhere"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_"))},
        "HOME": str(tmp_path),
        "HF_HOME": place,
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", CUT], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert [line.split(" ", 1)[0] for line in lines[:-1]] == OURS
    assert "exact_match {'exact_match': 0.5}" in lines
    assert lines[-1].startswith("SpecError evals: there is no metric 'rouge' here.")
    if home != "an empty folder":
        assert "cannot be written" in done.stderr


def test_a_name_that_is_not_here_is_refused_with_the_nearest_and_loads_nothing(tmp_path):
    path = write(tmp_path / "own.jsonl", {"prompt": "a", "reference": "b"})
    with pytest.raises(SpecError, match=r"no metric 'squad_f' here. Did you mean 'squad_f1'"):
        check_files([f"metric:squad_f={path}"])
    with pytest.raises(SpecError, match="does not say which metric"):
        check_files([f"metric:{path}"])
    with pytest.raises(DataError, match="there is no file"):
        check_files([f"metric:squad_f1={tmp_path / 'none.jsonl'}"])
    check_files([f"metric:squad_f1={path}"])
    assert known()[: len(OURS)] == OURS


KEPT = """
import datasets
import evaluate


class Lengths(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="",
            features=datasets.Features(
                {"predictions": datasets.Value("%s"), "references": datasets.Value("%s")}
            ),
        )

    def _compute(self, predictions, references):
        %s
"""


def keep(cache: Path, name: str, body: str, *, kind: str = "string") -> None:
    """Put a metric where evaluate keeps those of the hub."""
    folder = cache / "evaluate_modules" / "metrics" / f"evaluate-metric--{name}" / ("0" * 64)
    folder.mkdir(parents=True)
    for package in (*folder.parents[:3], folder):
        (package / "__init__.py").touch()
    (folder / f"{name}.py").write_text(KEPT % (kind, kind, body))


ASK = """
import json, sys
from tests.evals.replay import Replay
from tests.evals.test_benchmark_files import asked
for eval, answers in json.loads(sys.argv[1]):
    print(asked(eval, Replay({"base": answers}))[1].model_dump_json())
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> tuple[dict, dict]:
    """The scores under two metrics that evaluate has kept, in a process of their own."""
    folder = tmp_path_factory.mktemp("kept")
    mean = "gaps = [abs(a - b) for a, b in zip(predictions, references)]\n"
    mean += '        return {"mae": sum(gaps) / len(gaps), "most": max(gaps)}'
    keep(folder / "modules", "mae", mean, kind="float32")
    keep(folder / "modules", "broken", 'raise ValueError("no such thing")')
    numbers = write(
        folder / "numbers.jsonl", *({"prompt": f"{i} =", "reference": i} for i in range(4))
    )
    words = write(folder / "words.jsonl", {"prompt": "a", "reference": "b"})
    said = {"0 =": "1", "1 =": "1.5", "2 =": "two", "3 =": "3"}
    evals = [(f"metric:mae={numbers}", said), (f"metric:broken={words}", {"a": "b"})]
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(evals)],
        env={**os.environ, "HF_MODULES_CACHE": str(folder / "modules"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = map(json.loads, done.stdout.splitlines()[-2:])
    return first, second


def test_a_metric_that_is_cached_is_taken_by_its_name(told):
    mae, _ = told
    assert mae["eval"] == "metric:mae=numbers"
    assert mae["value"] == pytest.approx(0.5)
    assert (mae["n"], mae["errors"], mae["better"]) == (3, 1, "lower")
    assert mae["parts"]["unparsed"] == 1
    assert mae["parts"]["most"] == 1.0


def test_a_metric_that_breaks_is_an_error_of_every_row(told):
    _, broken = told
    assert (broken["value"], broken["errors"]) == (None, 1)
    assert "no such thing" in broken["method"]


def answered(metric: str, pairs, tmp_path, **columns):
    rows = [
        {"prompt": f"{i}?", "reference": known, **columns} for i, (known, _) in enumerate(pairs)
    ]
    path = write(tmp_path / "own.jsonl", *({"id": f"i{i}", **row} for i, row in enumerate(rows)))
    said = {f"{i}?": told for i, (_, told) in enumerate(pairs)}
    return asked(f"metric:{metric}={path}", Replay({"base": said}))


def test_a_mean_of_items_gives_each_answer_its_own_worth(tmp_path):
    pairs = [("the red cat", "a red cat\nand more"), ("dog", "cow"), ("blue", "blue"), ("x y", "x")]
    rows, told = answered("squad_f1", pairs, tmp_path)
    assert [row.value for row in rows] == pytest.approx([1.0, 0.0, 1.0, 2 / 3])
    expected = mean_interval([row.value for row in rows])
    assert told.value == pytest.approx(8 / 3 / 4)
    assert told.method.startswith("squad_f1; 95 % t")
    assert told.parts["exact_match"] == 0.5
    assert told.high == min(1.0, expected.high)


def test_any_other_metric_is_paired_by_its_jackknife(tmp_path):
    pairs = [("ab"[i % 2], "ab"[i % 2 if i % 5 else 1 - i % 2]) for i in range(60)]
    rows, told = answered("matthews", pairs, tmp_path)
    labels = [one for one, _ in pairs], [two for _, two in pairs]
    whole = of_labels(*labels, measure="matthews")
    assert told.value == pytest.approx(whole)
    assert math.fsum(row.value for row in rows) / 60 == pytest.approx(whole)
    assert "jackknife" in told.method
    assert not detail(rows[0])["of_items"]
    # With even labels the correlation is about twice the accuracy less one.
    hits = mean_interval([float(a == b) for a, b in pairs])
    assert told.high - told.low == pytest.approx(2 * (hits.high - hits.low), rel=0.15)


def test_items_of_one_cluster_are_left_out_together(tmp_path):
    pairs = [("ab"[i % 2], "a") for i in range(6)]
    rows, told = answered("macro_f1", pairs, tmp_path, cluster="one")
    assert told.value is None
    assert all("no interval" in row.error for row in rows)


def test_an_empty_answer_is_counted_and_no_part_of_the_metric(tmp_path):
    rows, told = answered("exact_match", [("a", "a"), ("b", ""), ("c", "d")], tmp_path)
    assert [row.error for row in rows] == ["", "empty", ""]
    assert (told.value, told.n, told.errors) == (0.5, 2, 1)
    assert told.parts["if_errors_are_wrong"] == pytest.approx(1 / 3)


def test_references_may_be_several_also_in_a_table(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text('prompt,references\nWho?,"[""Ada"", ""Ada L.""]"\n')
    (item,) = read_items(path)
    assert item.choices == ("Ada", "Ada L.")
    assert load("exact_match").compute(["ada l"], [["Ada", "Ada L"]]) == {"exact_match": 1.0}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"reference": "a"}, "no column 'prompt'"),
        ({"prompt": "a"}, "no column 'reference'"),
        ({"prompt": "a", "reference": ""}, "'reference' is empty"),
        ({"prompt": "a", "references": []}, "a list of texts is needed"),
        ({"prompt": "a", "references": ["a", " "]}, "a text that is not empty"),
    ],
)
def test_a_bad_row_is_refused(row, said, tmp_path):
    path = write(tmp_path / "bad.jsonl", row)
    with pytest.raises(DataError, match=said):
        check_files([f"metric:exact_match={path}"])
