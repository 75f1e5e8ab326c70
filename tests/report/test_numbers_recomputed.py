"""The figures of a report, worked out again from the parquet rows with pandas and scipy, are those of its document."""

import itertools

import numpy as np
import pandas as pd
import pytest

from tests.compare.planted import TIE, plant
from tests.report import reading, recomputed
from tests.report.areas import plant_areas

SWEEPS = {
    "winner": {"right": {1: 0.6, 4: 0.88, 16: 0.95}, "seeds": (0, 1, 2)},
    "tie": {"right": TIE},
    "one-seed": {"right": {1: 0.66, 4: 0.88, 16: 0.97}, "unscored": 5},
    "unpaired": {"right": {1: 0.6, 16: 0.95}, "other_items": (16,)},
}
EVALS = ("recall", "paraphrase", "facts", "latency")
MEDIANS = {"latency"}
EXACT = {"rel": 1e-9, "abs": 1e-12}


class Told:
    """A sweep with the document of its report."""

    def __init__(self, sweep):
        self.sweep = sweep
        self.document = reading.document_of(reading.executed(sweep))
        self.sections = {one["anchor"]: one for one in self.document["sections"]}
        self.board, self.against = self.sections["leaderboard"]["tables"][:2]

    def row(self, table, name):
        """Key -> raw value in the line of a trial."""
        keys = [column["key"] for column in table["columns"]]
        for row in table["rows"]:
            if row["cells"][0]["raw"] == name:
                return dict(zip(keys, (c["raw"] for c in row["cells"]), strict=True)) | row["more"]
        raise AssertionError(f"no line of {name}")

    def names(self, table):
        return [row["cells"][0]["raw"] for row in table["rows"]]

    def answers(self, name, eval):
        return recomputed.answers(self.sweep, name, eval, by=_by(eval))


def _by(eval):
    return "median" if eval in MEDIANS else "mean"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    root = tmp_path_factory.mktemp("recomputed")
    return {name: Told(plant(root, n=200, name=name, **how)) for name, how in SWEEPS.items()}


@pytest.mark.parametrize("name", SWEEPS)
def test_every_figure_of_the_leaderboard_is_that_of_its_rows(told, name):
    one = told[name]
    for trial, eval in itertools.product(one.names(one.board), EVALS):
        answers, row = one.answers(trial, eval), one.row(one.board, trial)
        value, low, high = recomputed.interval(answers, by=_by(eval))
        assert row[eval] == pytest.approx(value, **EXACT)
        assert row[f"{eval}_low"] == pytest.approx(low, **EXACT)
        assert row[f"{eval}_high"] == pytest.approx(
            min(1.0, high) if _is_share(eval) else high, **EXACT
        )
        assert row[f"{eval}_n"] == len(answers)


@pytest.mark.parametrize("name", SWEEPS)
def test_every_figure_of_an_eval_is_that_of_its_rows(told, name):
    one, seen = told[name], set()
    for section in one.document["sections"]:
        for figure in section["figures"]:
            if not figure["id"].startswith("eval-"):
                continue
            eval = figure["id"].removeprefix("eval-")
            seen.add(eval)
            for trial in one.names(figure["table"]):
                row = one.row(figure["table"], trial)
                found = recomputed.interval(one.answers(trial, eval), by=_by(eval))
                assert row["value"] == pytest.approx(found[0], **EXACT)
                assert row["low"] == pytest.approx(found[1], **EXACT)
                drawn = [x for s in figure["series"] for x in s["x"] if x is not None]
                scale = 100 if _is_share(eval) else 1
                assert any(x == pytest.approx(found[0] * scale, rel=1e-9) for x in drawn)
    assert seen == {*EVALS}


@pytest.mark.parametrize("name", SWEEPS)
def test_every_difference_to_the_base_is_that_of_its_rows(told, name):
    one, refused = told[name], 0
    for trial, eval in itertools.product(one.names(one.against), EVALS):
        row, ours, base = (
            one.row(one.against, trial),
            one.answers(trial, eval),
            one.answers("base", eval),
        )
        if not ours.index.intersection(base.index).size:
            refused += 1
            assert row[eval] is None
            assert row[f"{eval}_reason"].startswith("not paired: 0 items answered by both")
            continue
        value, low, high, _, n = recomputed.difference(ours, base, by=_by(eval))
        assert (row[eval], row[f"{eval}_low"], row[f"{eval}_high"]) == (
            pytest.approx(value, **EXACT),
            pytest.approx(low, **EXACT),
            pytest.approx(high, **EXACT),
        )
        assert row[f"{eval}_n"] == n
    assert refused == (3 if name == "unpaired" else 0)


@pytest.mark.parametrize("name", ["winner", "tie", "one-seed"])
def test_corrected_p_values_are_those_of_turned_signs(told, name):
    one = told[name]
    pairs = list(itertools.product(one.names(one.against), EVALS))
    own, apart = [], []
    for trial, eval in pairs:
        a, b = one.answers(trial, eval), one.answers("base", eval)
        own.append(recomputed.difference(a, b, by=_by(eval))[3])
        gap = (a - b).dropna().rename(f"{trial} {eval}")
        apart.append(np.sign(gap) if eval in MEDIANS else gap)
    expected = np.maximum(recomputed.max_t(apart), own)
    stored = [one.row(one.against, trial)[f"{eval}_p_corrected"] for trial, eval in pairs]
    for p, found in zip(expected, stored, strict=True):
        assert found == pytest.approx(p, abs=_luck(p))


def test_the_p_value_of_a_tie_is_that_of_turned_signs(told):
    one, verdict = told["tie"], told["tie"].document["verdict"]
    names = [verdict["best"], *verdict["tied"]]
    pairs = list(itertools.combinations(names, 2))
    apart = [
        (one.answers(a, "paraphrase") - one.answers(b, "paraphrase")).rename(f"{a} {b}")
        for a, b in pairs
    ]
    own = [
        recomputed.difference(one.answers(a, "paraphrase"), one.answers(b, "paraphrase"))[3]
        for a, b in pairs
    ]
    expected = np.maximum(recomputed.max_t(apart), own)[
        pairs.index((verdict["best"], verdict["against"]))
    ]
    assert 0.05 < expected < 1
    assert verdict["p"] == pytest.approx(expected, abs=_luck(expected))


@pytest.mark.parametrize("name", ["winner", "tie", "one-seed"])
def test_the_verdict_is_that_of_its_rows(told, name):
    one, verdict = told[name], told[name].document["verdict"]
    best, other, eval = verdict["best"], verdict["against"], verdict["primary"]
    value, low, high, _, n = recomputed.difference(
        one.answers(best, eval), one.answers(other, eval)
    )
    assert eval == "paraphrase"
    assert verdict["value"] == pytest.approx(one.answers(best, eval).mean(), **EXACT)
    assert [verdict[key] for key in ("difference", "low", "high")] == [
        pytest.approx(end, **EXACT) for end in (value, low, high)
    ]
    assert verdict["n"] == n
    means = {t: one.answers(t, eval).mean() for t in one.names(one.board) if t != "base"}
    assert best == max(means, key=means.get)
    assert verdict["numbers"]["figures"] == {t: pytest.approx(m, **EXACT) for t, m in means.items()}


def test_the_seeds_of_a_winner_are_those_of_its_rows(told):
    one, verdict = told["winner"], told["winner"].document["verdict"]
    pair = [
        recomputed.by_seed(one.sweep, verdict[who], "paraphrase") for who in ("best", "against")
    ]
    gaps = pd.DataFrame(pair[0].to_numpy() - pair[1].loc[pair[0].index].to_numpy())
    assert verdict["by_seed"] == pytest.approx(list(gaps.mean()), **EXACT)
    low, high = recomputed.over_both(gaps)
    assert verdict["wide_low"] == pytest.approx(low, **EXACT)
    assert verdict["wide_high"] == pytest.approx(high, **EXACT)
    assert verdict["numbers"]["seeds_led"] == [int((gaps.mean() >= 0).sum()), 3]
    for trial in ("r1", "r16"):
        table = recomputed.by_seed(one.sweep, trial, "paraphrase")
        row = one.row(one.board, trial)
        low, high = recomputed.over_both(table)
        assert row["paraphrase_wide_low"] == pytest.approx(max(0, low), **EXACT)
        assert row["paraphrase_wide_high"] == pytest.approx(min(1, high), **EXACT)
        assert row["paraphrase_seed_low"] == pytest.approx(table.mean().min(), **EXACT)


def test_answers_without_a_value_are_counted_as_the_rows_have_them(told):
    one = told["one-seed"]
    frame = pd.read_parquet(one.sweep / "r16" / "samples" / "recall.parquet")
    assert one.row(one.board, "r16")["recall_errors"] == (frame["error"] != "").sum() == 5
    said = [s["text"] for s in one.sections["what-went-wrong"]["sentences"]]
    assert "r16 on recall: 5 of 200 answers without a value" in said


@pytest.fixture(scope="module")
def areas(tmp_path_factory):
    """A sweep asked in every area; its figures of bias are of sentences in clusters and groups."""
    return Told(plant_areas(tmp_path_factory.mktemp("areas")))


def test_figures_of_items_in_clusters_are_those_of_their_rows(areas):
    for trial in areas.names(areas.board):
        clusters = recomputed.labels(areas.sweep, trial, "occupations", "cluster")
        x = areas.answers(trial, "occupations")
        value, low, high = recomputed.clustered(x, clusters.loc[x.index])
        row = areas.row(areas.board, trial)
        assert row["occupations"] == pytest.approx(value, **EXACT)
        assert row["occupations_low"] == pytest.approx(low, **EXACT)
        assert row["occupations_high"] == pytest.approx(min(1.0, high), **EXACT)
    ours, base = (areas.answers(name, "occupations") for name in ("r8", "base"))
    gap = (ours - base).dropna()
    clusters = recomputed.labels(areas.sweep, "base", "occupations", "cluster").loc[gap.index]
    row = areas.row(areas.against, "r8")
    told = [row["occupations"], row["occupations_low"], row["occupations_high"]]
    assert told == pytest.approx(list(recomputed.clustered(gap, clusters)), **EXACT)


def test_figures_of_groups_are_those_of_their_rows(areas):
    tables = areas.sections["bias"]["tables"]
    table = next(one for one in tables if one["columns"][0]["title"] == "group")
    group = recomputed.labels(areas.sweep, "r8", "occupations", "group")
    cluster = recomputed.labels(areas.sweep, "r8", "occupations", "cluster")
    assert {*areas.names(table)} == {*group} == {"female", "male"}
    for name in {*group}:
        kept, row = group.index[group == name], areas.row(table, name)
        ours, base = (areas.answers(slot, "occupations").loc[kept] for slot in ("r8", "base"))
        assert row["trial"] == pytest.approx(ours.mean(), **EXACT)
        assert row["base"] == pytest.approx(base.mean(), **EXACT)
        value, low, high = recomputed.clustered(ours - base, cluster.loc[kept])
        cells = next(r["cells"] for r in table["rows"] if r["cells"][0]["raw"] == name)
        told = next(
            c for c, k in zip(cells, table["columns"], strict=True) if k["key"] == "difference"
        )
        assert [told["raw"], told["numbers"]["low"], told["numbers"]["high"]] == pytest.approx(
            [value, low, high], **EXACT
        )


def _is_share(eval):
    return eval not in MEDIANS


def _luck(p):
    """How far two simulations of 4000 and 10,000 draws may lie apart: four standard errors."""
    return 4 * np.sqrt(p * (1 - p) * (1 / 4000 + 1 / 10_000)) + 1e-3
