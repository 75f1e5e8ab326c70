"""What a reader sees first, before any table: which trial, by how much, how sure; or that this cannot be said, and why."""

import re

import pytest

from tests.compare.planted import answer, pattern, plant
from tests.report import reading
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score

N = 200

LEVEL = {f"r{rank}": pattern(180, n=N, shift=4 * place) for place, rank in enumerate((1, 2, 4))}
AHEAD = {"r1": pattern(150, n=N), "r16": pattern(190, n=N)}
WINS = {
    f"r{rank}-seed{seed}": pattern(count, n=N)
    for rank, counts in {1: (120, 118, 122), 16: (190, 188, 192)}.items()
    for seed, count in enumerate(counts)
}


def swept(root, answers, *, seeds=(0,)):
    """A sweep whose recall is answered in these patterns; the base has 20 of 200 right."""
    ranks = dict.fromkeys(int(trial.split("-")[0][1:]) for trial in answers)
    path = plant(
        root, right=dict.fromkeys(ranks, 0.5), seeds=seeds, n=N, evals=("recall",), steps=2
    )
    return answer(path, {"base": pattern(20, n=N), **answers})


def moved(path):
    """The last trial has answered other items."""
    store = SweepStore.open(path)
    kept = store.read_rows("r16", "recall")
    rows = [row.model_copy(update={"sample": f"other-{row.sample}"}) for row in kept]
    store.write_rows("recall", rows)
    store.write_score(score("recall", "r16", rows))
    return path


@pytest.fixture
def first_screen(tmp_path):
    """The words of a page above its first table, the verdict's document, and the names of what follows."""

    def of(answers, *, seeds=(0,), change=lambda path: path):
        notebook = reading.executed(change(swept(tmp_path, answers, seeds=seeds)))
        html, document = reading.html_of(notebook), reading.document_of(notebook)
        above = html.partition("<table")[0]
        texts = reading.page_texts(f"{above}</main>")
        assert list(texts)[:2] == ["", "verdict"]
        assert re.findall(r'<h2 id="([^"]+)"', html)[0] == "verdict"
        return " ".join(texts["verdict"]), document["verdict"]

    return of


def test_a_clear_winner_is_named_first_with_how_much_and_how_sure(first_screen):
    words, verdict = first_screen(WINS, seeds=(0, 1, 2))
    assert words.startswith("One trial is ahead r16 answers 95 % of the trained questions right")
    assert "35 points more than r1 [28, 42] over items, n = 200" in words
    assert "35 points over 3 seeds, first in 3 of 3" in words
    assert "could have seen" not in words
    assert (verdict["kind"], verdict["best"], verdict["difference"]) == (
        "winner",
        "r16",
        pytest.approx(0.35),
    )


def test_a_tie_is_called_one_first_with_what_could_have_been_seen(first_screen):
    words, verdict = first_screen(LEVEL)
    assert words.startswith("No difference found No difference found between 3 trials")
    assert "This test could have seen a difference of 6.0 points." in words
    assert "could have seen 6.0 points" in words
    assert "ahead" not in words
    assert (verdict["kind"], verdict["tied"]) == ("tie", ["r2", "r4"])
    assert verdict["could_have_seen"] == pytest.approx(0.06, abs=0.0005)


def test_one_seed_is_said_first_as_one_seed(first_screen):
    words, verdict = first_screen(AHEAD)
    assert "20 points more than r1 [15, 26], n = 200; one seed: another seed could change" in words
    assert "seeds 1" in words
    assert "WB001 One seed: the intervals cover other items, not other seeds" in words
    assert (verdict["kind"], verdict["seeds"]) == ("winner", 1)


def test_answers_to_different_items_are_refused_first_with_the_reason(first_screen):
    words, verdict = first_screen(AHEAD, change=moved)
    assert words.startswith("The trials cannot be compared No verdict on the trained questions")
    assert "not paired: 0 items answered by both, 400 by only one of the two" in words
    assert "Evaluate them on the same items." in words
    assert "points" not in words
    assert (verdict["kind"], verdict["best"], verdict["difference"]) == ("unpaired", "", None)
