"""From a finished sweep to winner, answers and report without code: what the buttons below the live view do."""

import json

import pytest

from tests.compare.planted import CLEAR, plant
from workbench import job
from workbench.runs.store import SweepStore
from workbench.widgets.live_run import LiveRun
from workbench.widgets.outcome import Outcome
from workbench.widgets.samples import Samples
from workbench.widgets.served import address_of


@pytest.fixture
def sweep(tmp_path):
    return plant(tmp_path / "runs", right=CLEAR, evals=("recall",))


@pytest.fixture
def outcome(sweep, tmp_path):
    made = Outcome(LiveRun(job.attach(sweep)), reports=tmp_path / "reports")
    yield made
    made.close()
    made.live.close()


def test_nothing_is_offered_while_a_sweep_runs_and_all_of_it_when_it_has_ended(sweep, tmp_path):
    store = SweepStore.open(sweep)
    store.claim()
    store.set_status(state="running")
    live = LiveRun(job.attach(sweep))
    outcome = Outcome(live, reports=tmp_path)
    assert outcome.layout.display == "none"
    store.set_status(state="done")
    live.refresh()
    assert outcome.layout.display == ""
    outcome.close()
    live.close()


def test_the_winner_is_a_press_away_and_a_second_press_puts_it_away(outcome):
    outcome.compare.click()
    outcome.answers.click()
    board, answers = outcome.shown.children
    assert "r16" in board.comparison.verdict.sentence
    assert isinstance(answers, Samples)
    outcome.compare.click()
    assert outcome.shown.children == (answers,)
    assert board.comm is None


def test_the_report_is_written_beside_the_sweeps_in_the_background(outcome, tmp_path):
    outcome.report.click()
    assert outcome.report.disabled
    assert outcome.settle()
    assert not outcome.report.disabled
    assert "planted.html" in outcome.said.value
    assert "r16" in (tmp_path / "reports" / "planted.html").read_text("utf-8")


def test_a_report_that_cannot_be_written_is_told_beside_the_buttons(outcome, tmp_path):
    (tmp_path / "reports").write_text("a file where a folder should be")
    outcome.report.click()
    outcome.settle()
    assert "wb-problem" in outcome.said.value
    assert "cannot be made" in outcome.said.value
    assert not outcome.report.disabled


@pytest.fixture
def server(tmp_path, monkeypatch):
    """What a server that serves a folder writes down."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("JPY_PARENT_PID", "17")
    root = tmp_path / "my work"
    root.mkdir()
    (tmp_path / "runtime").mkdir()
    told = {"root_dir": str(root), "base_url": "/user/ada/"}
    (tmp_path / "runtime" / "jpserver-17.json").write_text(json.dumps(told))
    return root


def test_a_file_below_the_folder_of_the_server_has_an_address(server):
    page = server / "reports" / "rank & file.html"
    assert address_of(page) == "/user/ada/files/reports/rank%20%26%20file.html"


def test_a_file_outside_of_it_and_a_kernel_without_a_server_have_none(server, monkeypatch):
    assert address_of(server.parent / "report.html") == ""
    monkeypatch.setenv("JPY_PARENT_PID", "18")
    assert address_of(server / "report.html") == ""
