"""The tables of cases: they can be run, and what is published was measured long enough."""

import ast

import pytest

from bench import suite
from bench.arms import ARMS
from bench.engine import SHAPES
from bench.figures import EQUAL
from bench.load import Gate
from bench.profile import ADAPTERS, BASE, part_of
from tests.contracts.tree import ROOT

CASES = [*suite.FULL, *suite.QUICK]
TWO_MINUTES = 120


@pytest.mark.parametrize("table", [suite.FULL, suite.QUICK])
def test_a_case_is_found_by_its_name(table):
    names = [case.name for case in table]
    assert len(set(names)) == len(names)
    assert [case.name for case in suite.chosen(table, names=names[:1])] == names[:1]
    with pytest.raises(SystemExit, match="no case 'nothing'; there are microworld"):
        suite.chosen(table, names=["nothing"])


def test_every_case_names_arms_shapes_and_number_formats_that_exist():
    for case in CASES:
        assert set(case.arms) <= set(ARMS)
        assert case.shape in SHAPES
        assert case.dtype in EQUAL
        assert case.skip < case.least


def test_the_shapes_of_the_command_are_those_that_can_be_made():
    tree = ast.parse((ROOT / "bench" / "shapes.py").read_text())
    (made,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "SHAPES"
    ]
    assert tuple(key.value for key in made.keys) == SHAPES


def test_baselines_that_are_published_train_for_two_minutes():
    for case in suite.FULL:
        if len(case.batches) == 1:
            assert case.seconds > TWO_MINUTES, case.name
            assert {"processes", "reuse", "mixed", "alone", "fused"} <= set(case.arms)
            assert case.repeats > 1


def test_the_quick_table_takes_about_ten_minutes():
    assert 5 < sum(suite.minutes(case) for case in suite.QUICK) < 12


def test_a_case_whose_model_is_not_here_is_skipped_with_a_reason(tmp_path):
    nowhere = tmp_path / "shared"
    (case,) = suite.chosen(suite.FULL, names=["stories260K"])
    assert "WORKBENCH_SHARED" in suite.skipped_because(case, shared=nowhere)
    (case,) = suite.chosen(suite.FULL, names=["microworld"])
    assert suite.skipped_because(case, shared=nowhere) == ""


def test_a_gate_without_patience_looks_once_and_says_what_it_saw():
    opened = Gate(patience=0.0).wait()
    assert opened.cores_of_others >= 0.0
    assert opened.waited_seconds < 10


@pytest.mark.parametrize(
    ("name", "shapes", "part"),
    [
        ("aten::mm", [[500, 128], [128, 384]], BASE),
        ("aten::addmm_", [[60, 128], [60, 8], [8, 128], []], ADAPTERS),
        ("aten::mm", [[16, 60], [60, 128]], ADAPTERS),
        ("aten::bmm", [[24, 60, 60], [24, 60, 48]], "attention"),
        ("aten::_fused_adamw_", [], "optimizer and clipping"),
        ("aten::mul", [[500, 128], [128]], "elementwise"),
    ],
)
def test_an_operation_of_a_step_belongs_to_a_part(name, shapes, part):
    assert part_of(name, shapes=shapes, ranks={8, 16, 24 * 1000}) == part
