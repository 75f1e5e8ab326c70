"""Memory, room, money and energy of ways to serve are the planted ones, and every number stands in the document."""

import json

import nbformat
import pytest

from tests.compare.planted import CLEAR, plant
from tests.report.planted_serving import (
    ADAPTER,
    CACHE,
    CONTEXT,
    GAP,
    TTFT,
    VOCABULARY,
    WEIGHTS,
    WORK,
    serve,
    variant,
)
from tests.report.reading import document_of, html_of, unfounded, unrecorded, unshown
from workbench.compare import markup
from workbench.deployment.reading import read
from workbench.errors import InputError
from workbench.plan.serving import MACHINES
from workbench.report import blocks, costs, sections, served_costs
from workbench.report.sections import opened
from workbench.runs.store import SweepStore
from workbench.timing.cost import Price

SMALL, WIDE = WORK


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    path = plant(tmp_path_factory.mktemp("costs") / "runs", right=CLEAR, name="costs")
    store = SweepStore.open(path)
    store.write_json("measured.json", {"seconds": 7200.0, "peak_rss_bytes": 731443200})
    return path, serve(path, joules=2.0)


@pytest.fixture(scope="module")
def found(planted):
    return read(planted[1])


def shown(section):
    """A notebook that shows one section."""
    data = json.loads(json.dumps(section._repr_mimebundle_(), allow_nan=False))
    cell = nbformat.v4.new_code_cell("1")
    cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
    return nbformat.v4.new_notebook(cells=[cell])


def row(table, way, key):
    place = [column.key for column in table.columns].index(key)
    (line,) = [line for line in table.lines if line.cells[0].raw == way]
    return line.cells[place]


def test_bytes_are_shown_counted_and_by_formula(found):
    table = served_costs.memory(found)
    assert row(table, "attached", "weights").raw == pytest.approx((WEIGHTS + ADAPTER) / 1e6)
    assert row(table, "attached", "adapters").raw == pytest.approx(ADAPTER / 1e6)
    assert row(table, "base", "adapters").raw == 0
    assert row(table, "base", "cache").raw == CACHE
    assert row(table, "base", "apart").text == "0"
    assert "allocated" not in [column.key for column in table.columns]


def test_rows_that_fit_are_those_of_the_arithmetic(found):
    table = served_costs.room(found)
    for number, machine in enumerate(MACHINES):
        left = 0.75 * machine.memory_bytes - machine.program_bytes - WEIGHTS
        rows = int(left // (CACHE * CONTEXT + 4 * VOCABULARY))
        assert row(table, "base", f"at_{number}").raw == rows


def test_cost_is_that_of_the_planted_times_with_its_interval(found):
    table = served_costs.cost(found, WIDE, Price(per_hour=3.6, utilization=0.5))
    seconds = (TTFT + 7 * GAP) / 1000
    requests = row(table, "base", "requests")
    assert requests.raw == pytest.approx(0.002 * 1000 * seconds / 4, rel=0.02)
    assert dict(requests.numbers)["low"] <= requests.raw <= dict(requests.numbers)["high"]
    out = row(table, "base", "tokens_out")
    assert out.raw == pytest.approx(0.002 * 1e6 * GAP / 1000 / 4, rel=0.02)


def test_energy_is_the_planted_one_shared_out(found):
    table = served_costs.energy(found)
    cells = {(line.cells[0].raw, line.cells[1].raw): line.cells for line in table.lines}
    _, _, call, requests, tokens = cells["attached", str(WIDE)]
    assert call.raw == pytest.approx(2.5)
    assert requests.raw == pytest.approx(2.5 * 1000 / 4 / 3600)
    assert tokens.raw == pytest.approx(2.5 * 1e6 / (4 * 8) / 3600)
    # Turns of -2, -1, 0, 1 and 2 %: Student's interval of five.
    assert dict(call.numbers)["high"] - call.raw == pytest.approx(
        2.776445 * 2.5 * 0.0158113883 / 5**0.5
    )


@pytest.mark.parametrize("joules", [None, 2.0])
def test_every_number_is_in_the_document_and_founded(planted, tmp_path, joules):
    path = plant(tmp_path / "runs", right=CLEAR, name="all")
    on_gpu = {"cell": "x", "loaded_bytes": 9e6, "allocated_bytes": 3e6, "reserved_bytes": 4e6}
    folder = serve(
        path,
        joules=joules,
        wall_clock_moved=-3600.5,
        variants={
            "base": variant(WEIGHTS, adapter=0, cuda=on_gpu),
            "attached": variant(
                WEIGHTS + ADAPTER, adapter=ADAPTER, cuda=None, cache_bytes_by_formula=None
            ),
        },
    )
    told = served_costs.parts(read(folder), price=Price(per_hour=1.25, utilization=0.3))
    notebook = shown(blocks.section("Ways to serve", *told))
    html, document = html_of(notebook), document_of(notebook)
    assert not unrecorded(html, document)
    assert not unshown(html, document)
    assert not unfounded(document)
    assert ("Energy was not counted" in html) == (joules is None)
    assert "set back by 3600 s" in html
    assert "1.25 USD an hour" in html


def test_measurements_of_before_are_shown_as_far_as_they_go(tmp_path):
    """What was stored when adapters, energy, context and clocks were not."""
    path = plant(tmp_path / "runs", right=CLEAR, name="before")
    old = {"weights_bytes": WEIGHTS, "cache_bytes_per_token": None}
    folder = serve(path)
    facts = json.loads((folder / "deployment" / "deployment.json").read_text())
    for name in ("context", "vocabulary", "energy", "wall_clock_moved", "peak_rss_bytes"):
        del facts[name]
    facts["variants"] = {"base": old, "attached": old}
    (folder / "deployment" / "deployment.json").write_text(json.dumps(facts))
    html = str(blocks.section("Ways to serve", *served_costs.parts(read(folder))).html)
    assert "5.0" in html
    assert "not looked at" in html
    assert "hour" not in html


def test_the_work_itself_is_priced_once_and_for_a_year(planted):
    path, _ = planted
    table = costs.spent_table(
        opened(str(path)).comparison.reading, price=Price(per_hour=2.0, utilization=0.1)
    )
    last = table.lines[-1].cells
    assert [cell.raw for cell in last[1:]] == [7200.0, 4.0, 48.0]
    assert isinstance(table, markup.Table)
    plain = costs.spent_table(opened(str(path)).comparison.reading)
    assert [column.key for column in plain.columns] == ["what", "seconds"]


def test_a_report_knows_a_price_that_was_stated_and_none_otherwise(planted):
    path, _ = planted
    assert opened(str(path)).price is None
    assert "USD" not in str(sections.time(opened(str(path))).html)
    notebook = shown(sections.time(opened(str(path), price=1.5, utilization=0.5)))
    html, document = html_of(notebook), document_of(notebook)
    assert "1.5 USD an hour" in html
    assert not unrecorded(html, document)
    assert not unfounded(document)
    with pytest.raises(InputError, match="a price an hour"):
        opened(str(path), price=-1.0)
    with pytest.raises(InputError, match="utilization"):
        opened(str(path), price=1.0, utilization=0.0)
