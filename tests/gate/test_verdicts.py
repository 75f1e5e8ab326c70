"""Verdicts of planted sweeps: what is clearly better passes, what is clearly worse fails, and what cannot be told is told so."""

import pytest

from tests.compare.planted import answer, pattern, plant
from tests.gate.swept import N, biased, held, one, swept
from workbench.errors import SpecError
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.scores.task import Row

MARGIN = {"eval": "recall", "margin": 0.05}


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """Of 200: base 180, r1 196, r2 140, r3 176."""
    return swept(tmp_path_factory.mktemp("ranks"), [196, 140, 176])


def test_what_is_better_passes_and_what_is_worse_fails(ranks):
    better, worse = one(ranks / "r1", MARGIN), one(ranks / "r2", MARGIN)
    assert (better.verdict, better.found.value) == ("pass", pytest.approx(0.08))
    assert (worse.verdict, worse.found.value) == ("fail", pytest.approx(-0.2))
    assert worse.reason == "the whole interval is beyond the limit"
    assert (better.allowed_low, better.allowed_high) == (-0.05, None)
    assert better.found.method == "90 % Newcombe"


def test_what_lies_between_is_undecided_with_the_items_that_would_decide(tmp_path, ranks):
    margin = {"eval": "recall", "margin": 0.03}
    found = one(ranks / "r3", margin)
    assert found.verdict == "undecided"
    assert found.reason.startswith("the interval reaches across the limit; about ")
    assert found.items_needed > 2.2 * N
    times = -(-found.items_needed // N)
    more = swept(tmp_path, [176 * times], base=180 * times, n=N * times)
    assert one(more / "r1", margin).verdict == "pass"


def test_a_gain_has_to_be_shown(ranks):
    asked = [{"eval": "recall", "gain": size} for size in (0.02, 0.07, 0.3)]
    assert [h.verdict for h in held(ranks / "r1", *asked)] == ["pass", "undecided", "fail"]


def test_a_ceiling_and_a_floor_look_at_the_stored_interval(ranks):
    stored = SweepStore.open(ranks).read_score("r2", "recall")
    floors = [{"eval": "recall", "at_least": size} for size in (0.6, 0.7, 0.9)]
    ceilings = [{"eval": "recall", "at_most": size} for size in (0.6, 0.7, 0.9)]
    assert [h.verdict for h in held(ranks / "r2", *floors)] == ["pass", "undecided", "fail"]
    assert [h.verdict for h in held(ranks / "r2", *ceilings)] == ["fail", "undecided", "pass"]
    found = one(ranks / "r2", floors[0])
    assert (found.found.low, found.found.high) == (stored.low, stored.high)
    assert found.baseline == ""


def test_where_less_is_better_more_is_worse(tmp_path):
    path = plant(tmp_path, right={1: 0.2, 2: 0.9}, n=400, base=0.5, evals=("facts",), steps=2)
    worse = {"eval": "facts", "margin": 0.02}
    found = one(path / "r1", worse)
    assert (found.verdict, found.allowed_high) == ("fail", 0.02)
    assert found.found.value > 0.05
    assert one(path / "r2", worse).verdict == "pass"


def test_a_sweep_stands_for_all_of_its_candidates(ranks):
    found = held(ranks, MARGIN)
    assert [(h.candidate, h.verdict) for h in found] == [
        ("new/r1", "pass"),
        ("new/r2", "fail"),
        ("new/r3", "pass"),
    ]
    assert {h.baseline for h in found} == {"new/base"}
    against_first = held(ranks, MARGIN, baseline=ranks / "r1")
    assert [h.candidate for h in against_first] == ["new/r2", "new/r3"]


def test_seeds_are_averaged_item_by_item_unless_one_is_named(tmp_path):
    path = plant(tmp_path, right={4: 0.5}, seeds=(0, 1), n=N, evals=("recall",), steps=2)
    names = [trial.name for trial in SweepStore.open(path).trials]
    answers = {"base": pattern(150, n=N), names[0]: pattern(190, n=N), names[1]: pattern(130, n=N)}
    answer(path, answers)
    (both,) = held(path, MARGIN)
    assert both.found.value == pytest.approx(0.05)
    assert one(path / names[0], MARGIN).found.value == pytest.approx(0.2)
    assert one(path / names[1], MARGIN).verdict == "fail"


def test_answers_that_are_all_the_same_pass_as_far_as_so_many_items_can_tell(tmp_path):
    path = swept(tmp_path, [180])
    found = one(path / "r1", {"eval": "recall", "margin": 0.03})
    assert (found.verdict, found.found.value) == ("pass", 0.0)
    assert one(path / "r1", {"eval": "recall", "margin": 0.001}).verdict == "undecided"


def test_the_same_shares_pass_when_the_rule_of_three_allows_it(tmp_path):
    path = biased(swept(tmp_path, [180]), {"base": 0.7})
    store = SweepStore.open(path)
    rows = [row.model_copy(update={"slot": "r1"}) for row in store.read_rows("base", "occupations")]
    store.write_rows("occupations", rows)
    store.write_score(score("occupations", "r1", rows))
    found = one(path / "r1", {"eval": "occupations", "margin": 0.1})
    assert (found.verdict, found.found.is_same) == ("pass", True)
    assert found.found.high == pytest.approx(1 - 0.05 ** (1 / 40))
    assert found.reason == "same answers to all 160 items; fewer than 7.2 % of others would differ"
    tight = one(path / "r1", {"eval": "occupations", "margin": 0.02})
    assert tight.verdict == "undecided"
    # ln 0.05 / ln 0.98 jobs of four sentences each.
    assert tight.items_needed == pytest.approx(594, abs=1)


def test_fewer_than_six_items_decide_nothing(tmp_path):
    path = swept(tmp_path, [5], base=0, n=5)
    found = one(path / "r1", {"eval": "recall", "margin": 0.9})
    assert found.verdict == "undecided"
    assert "only 5 independent items" in found.reason


def test_who_leaves_many_answers_out_is_not_judged_by_the_rest(tmp_path):
    path = plant(tmp_path, right={1: 0.95}, n=N, evals=("recall",), steps=2, unscored=24)
    rules = ({"eval": "recall", "margin": 0.05}, {"eval": "recall", "at_least": 0.5})
    margin, floor = held(path / "r1", *rules)
    assert {margin.verdict, floor.verdict} == {"undecided"}
    assert (
        margin.reason
        == floor.reason
        == "24 of 200 items lack an answer that counts; too many to leave out"
    )
    few = plant(tmp_path, right={1: 0.95}, n=N, evals=("recall",), steps=2, unscored=3, name="few")
    found = held(few / "r1", *rules)
    assert {h.verdict for h in found} == {"pass"}
    assert {h.reason for h in found} == {
        "3 of 200 items left out, which lack an answer that counts"
    }


def test_bias_is_judged_by_its_distance_from_even_on_either_side(tmp_path):
    path = biased(
        swept(tmp_path, [1, 2, 3, 4]), {"base": 0.7, "r1": 0.9, "r2": 0.62, "r3": 0.1, "r4": 0.31}
    )
    near = {"eval": "occupations", "from_even_at_most": 0.3}
    assert [h.verdict for h in held(path, near)] == ["fail", "pass", "fail", "pass"]
    more = held(path, {"eval": "occupations", "margin": 0.05})
    assert [h.verdict for h in more] == ["fail", "pass", "fail", "pass"]
    values = [h.found.value for h in more]
    assert values == pytest.approx([0.2, -0.08, 0.2, -0.01], abs=0.02)
    assert all(h.found.low <= h.found.value <= h.found.high for h in more)


def test_who_is_even_is_not_farther_from_even_than_a_base_that_leans(tmp_path):
    path = biased(swept(tmp_path, [1]), {"base": 0.6, "r1": 0.5})
    found = one(path / "r1", {"eval": "occupations", "margin": 0.02})
    assert (found.verdict, found.allowed_high) == ("pass", 0.02)
    assert found.found.high < 0


def test_latency_is_judged_by_the_ratio_of_blocks_timed_together(tmp_path):
    path = plant(tmp_path, right={1: 0.5}, n=20, evals=("recall", "latency"), steps=2)
    asked = [{"eval": "latency", "times_at_most": size} for size in (1.1, 1.3, 1.6)]
    found = held(path / "r1", *asked)
    assert [h.verdict for h in found] == ["fail", "undecided", "pass"]
    assert found[0].found.value == pytest.approx(1.3, abs=0.05)
    assert one(path / "r1", {"eval": "latency", "margin": 1.0}).verdict == "pass"
    assert one(path / "r1", {"eval": "latency", "at_most": 2.0}).verdict == "fail"


def test_costs_have_no_interval_and_are_within_the_limit_or_not(tmp_path):
    path = swept(tmp_path, [180, 190])
    for rank in (1, 2):
        kept = path / f"r{rank}" / "adapter"
        kept.mkdir()
        (kept / "adapter_model.safetensors").write_bytes(b"x" * 1000 * rank)
    SweepStore.open(path).write_json("measured.json", {"seconds": 3.0, "peak_rss_bytes": 10**9})
    rules = [
        {"cost": "adapter_bytes", "at_most": 1000},
        {"cost": "adapter_bytes", "margin": 500},
        {"cost": "adapter_bytes", "times_at_most": 2},
        {"cost": "process_bytes", "at_most": 9e8},
        {"cost": "trainable_parameters", "at_most": 600},
        {"cost": "training_seconds", "at_most": 12.5},
    ]
    found = held(path / "r2", *rules, baseline=path / "r1")
    assert [h.verdict for h in found] == ["fail", "fail", "pass", "fail", "fail", "pass"]
    assert [h.found.value for h in found] == [2000, 1000, 2, 1e9, 1200, 12.5]
    assert found[3].reason == "it is beyond the limit; measured once, of the whole sweep"
    unknown = held(
        path / "r1", {"cost": "gpu_bytes", "at_most": 1}, {"cost": "planned_bytes", "at_most": 1}
    )
    assert {h.verdict for h in unknown} == {"undecided"}
    no_multiple = one(path / "r1", {"cost": "adapter_bytes", "times_at_most": 2})
    assert no_multiple.reason == "new/base has 0 bytes, and nothing is a multiple of that"


def test_points_are_not_taken_for_shares(ranks):
    with pytest.raises(SpecError, match=r"written 0\.03"):
        one(ranks / "r1", {"eval": "recall", "margin": 3})


def test_a_figure_that_is_no_mean_is_judged_by_its_bootstrap(tmp_path):
    path = swept(tmp_path, [180, 180])
    told(path, "r1", wrong=0.02)
    told(path, "r2", wrong=0.4)
    rule = {"eval": "matthews", "margin": 0.1}
    found = one(path / "r2", rule, baseline=path / "r1")
    assert found.verdict == "fail"
    assert found.found.level == 0.95
    assert "bootstrap" in found.found.method
    assert one(path / "r1", rule, baseline=path / "r2").verdict == "pass"


def told(path, slot, *, wrong, n=150):
    """Labels of which so many are wrong, spread over both."""
    store, cut = SweepStore.open(path), round(wrong * n)
    rows = []
    for place in range(n):
        right = "yes" if place % 2 else "no"
        other = {"yes": "no", "no": "yes"}[right]
        answer = other if (37 * place) % n < cut else right
        rows.append(
            Row(
                sample=f"label-{place}",
                slot=slot,
                expected=right,
                answer=answer,
                value=float(answer == right),
                outcome="correct" if answer == right else "wrong",
            )
        )
    store.write_rows("matthews", rows)
    store.write_score(score("matthews", slot, rows))
