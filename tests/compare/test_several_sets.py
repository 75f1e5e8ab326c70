"""A sweep over sets of data: the base answers the items of each, and a trial is held against it on its own."""

import numpy as np
import pytest

from tests.compare.planted import pattern
from workbench.compare import compare
from workbench.compare.control import base_beside
from workbench.compare.figure import base_figure
from workbench.compare.pairing import difference
from workbench.compare.seeds import gaps
from workbench.gate import Rules, gate
from workbench.report import sections
from workbench.report.model_card import card
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Row
from workbench.spec import Spec

N = 200
SETS = ("microworld/updates", "microworld/revisions")
RIGHT = {SETS[0]: (60, 120), SETS[1]: (150, 180)}
"""Set -> how many items the base and its trial have right."""


def rows(slot, of, right, *, labels=("harbour", "mill")):
    return [
        Row(
            sample=f"{of}-{place}",
            slot=slot,
            expected=labels[place % 4 == 0],
            answer=labels[(place % 4 == 0) == hit],
            value=float(hit),
            outcome="correct" if hit else "wrong",
        )
        for place, hit in enumerate(pattern(right, n=N))
    ]


def planted(root, *, eval="recall", unscored=0):
    """A trial on each of two sets, the base asked both; its score is that of the first, as a worker stores it."""
    fields = {"name": "sets", "evals": ["recall"], "sweep": {"data.id": list(SETS)}}
    store = SweepStore.create(Spec.from_fields(fields), root=root)
    base = []
    for place, trial in enumerate(store.trials):
        of = trial.spec.data.id
        asked, told = (
            rows(slot, of, n) for slot, n in zip((BASE, trial.name), RIGHT[of], strict=True)
        )
        told[:unscored] = [
            row.model_copy(update={"value": None, "error": "unparsed"}) for row in told[:unscored]
        ]
        base += asked
        store.write_rows(eval, told)
        store.write_score(score(eval, trial.name, told))
        if not place:
            store.write_score(score(eval, BASE, asked))
    store.write_rows(eval, base)
    store.set_status(state="done", trials={trial.name: "done" for trial in store.trials})
    return store


def names(store):
    return [trial.name for trial in store.trials]


@pytest.mark.parametrize("unscored", [0, 10])
def test_a_trial_is_paired_with_the_base_on_its_own_set(tmp_path, unscored):
    store = planted(tmp_path, unscored=unscored)
    reading = compare(store.path).reading
    for name, of in zip(names(store), SETS, strict=True):
        found = difference(reading, name, BASE, eval="recall")
        assert (found.n, found.left_out, found.by) == (N - unscored, unscored, "mean")
        base, own = (pattern(right, n=N)[unscored:] for right in RIGHT[of])
        assert found.value == pytest.approx(np.mean(own) - np.mean(base))
    first, other = names(store)
    assert "0 items answered by both" in difference(reading, other, first, eval="recall").reason


def test_a_score_that_is_no_mean_is_that_of_the_items_of_each_set(tmp_path):
    store = planted(tmp_path, eval="matthews")
    reading = compare(store.path, primary="matthews").reading
    for name, of in zip(names(store), SETS, strict=True):
        found = difference(reading, name, BASE, eval="matthews")
        base, own = (score("matthews", "x", rows("x", of, right)).value for right in RIGHT[of])
        assert found.value == pytest.approx(own - base)
        assert (found.n, found.left_out, found.by) == (N, 0, "score")
        assert base_beside(reading, name, "matthews").value == pytest.approx(base)


def test_beside_a_trial_stands_what_the_base_gets_on_the_items_of_that_trial(tmp_path):
    store = planted(tmp_path)
    found = compare(store.path)
    for name, of in zip(names(store), SETS, strict=True):
        base, own = (right / N for right in RIGHT[of])
        assert base_figure(found.reading, name, "recall").value == base
        assert gaps(found.reading, name, BASE, eval="recall") == pytest.approx([own - base])
        assert f"{100 * own:.1f} %, its base {100 * base:.1f} %" in card(store.path, name)
        assert "WB020" not in card(store.path, name)
    said = {one.code: one.sentence for one in found.verdict.caveats}
    assert "its own line in every table is of the first, microworld/updates" in said["WB020"]


def test_a_report_names_every_set_that_was_trained_on(tmp_path):
    report = sections.opened(str(planted(tmp_path).path))
    assert f"trained on {SETS[0]} and {SETS[1]}" in sections.heading(report)._repr_html_()


def test_a_gate_holds_a_trial_of_the_second_set_against_the_base_on_that_set(tmp_path):
    store = planted(tmp_path)
    rules = Rules.of({"rules": [{"eval": "recall", "margin": 0.05}]})
    (held,) = gate(store.path / names(store)[1], rules=rules).held
    assert held.found.value == pytest.approx(30 / N)
    assert (held.found.n, held.found.left_out) == (N, 0)


def test_a_sweep_over_sizes_of_one_set_has_one_base(tmp_path):
    fields = {"name": "sizes", "evals": ["recall"], "sweep": {"data.rows": [50, 100]}}
    store = SweepStore.create(Spec.from_fields(fields), root=tmp_path)
    for slot in (BASE, *names(store)):
        told = rows(slot, "one", 100 if slot == BASE else 140)
        store.write_rows("recall", told)
        store.write_score(score("recall", slot, told))
    found = compare(store.path)
    stored = store.read_score(BASE, "recall")
    assert all(base_beside(found.reading, name, "recall") == stored for name in names(store))
    assert "WB020" not in [one.code for one in found.verdict.caveats]
