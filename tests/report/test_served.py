"""What was timed of the ways to serve an adapter stands in the report of its sweep, with every number in its document."""

import pytest

from tests.compare.planted import CLEAR, plant
from tests.report.reading import document_of, executed, html_of, unfounded, unrecorded, unshown
from tests.timing.generator import Clock, Planted
from workbench.deployment import stored
from workbench.timing.call import Cell
from workbench.timing.measuring import Settings, measure

WORK = (Cell(16, 8), Cell(64, 8), Cell(16, 16), Cell(16, 8, 4))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A planted sweep in which attached takes 1.25 times as long as the base, and stalls once."""
    path = plant(tmp_path_factory.mktemp("served") / "runs", right=CLEAR, name="served")
    trial = next(p for p in sorted(path.iterdir()) if (p / "scores").is_dir() and p.name != "base")
    clock = Clock()
    ways = [
        Planted("base", clock, noise=0.02),
        Planted("attached", clock, ttft=15.0, gap=3.75, noise=0.02, stall_at=(60,)),
    ]
    long = Settings(seconds=1e9, precision=0.01, most_blocks=30)
    found = measure(ways, cells=WORK, settings=long, clock=clock)
    moved = [
        {
            "variant": "base",
            "text": n,
            "tokens": 9,
            "divergence": 0.5 + n / 100,
            "same": 0.75,
            "largest": 3.0,
        }
        for n in range(8)
    ]
    variant = {"weights_bytes": 5_000_000, "cache_bytes_per_token": 4096.0}
    facts = {
        "trial": trial.name,
        "variants": {"base": variant, "attached": variant},
        "refused": {"nf4": "bitsandbytes cannot run on this platform"},
        "texts": "prompts of the stored evals",
        **found.facts,
    }
    stored.write(trial, calls=found.calls, agreement=moved, facts=facts)
    return path


@pytest.fixture(scope="module")
def notebook(sweep):
    return executed(sweep)


def test_the_planted_ratio_the_refusal_and_the_stall_are_told(notebook):
    document = document_of(notebook)
    (section,) = [one for one in document["sections"] if one["title"] == "Ways to serve"]
    told = str(section)
    assert "bitsandbytes cannot run on this platform" in told
    assert "1 of " in told
    assert len(section["figures"]) == 8
    assert "gaps took 10 times the usual" in told
    ratios = [
        row[-1]["raw"] if isinstance(row, list) else row["cells"][-1]["raw"]
        for table in [*section["tables"], *(one["table"] for one in section["figures"])]
        for row in table["rows"]
        if table["columns"][-1]["key"] == "over"
    ]
    assert [value for value in ratios if value != 1] == pytest.approx([1.25] * len(WORK), rel=0.03)


def test_every_number_is_in_the_document_and_founded(notebook):
    html, document = html_of(notebook), document_of(notebook)
    assert not unrecorded(html, document)
    assert not unshown(html, document)
    assert not unfounded(document)


def test_a_sweep_of_which_nothing_was_timed_has_no_such_section(tmp_path):
    path = plant(tmp_path / "runs", right=CLEAR, name="plain")
    assert "Ways to serve" not in html_of(executed(path))
