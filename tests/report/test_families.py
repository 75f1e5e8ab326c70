"""The areas of a report say what was found and what was not asked, and every figure in them is that of the stored rows."""

import re

import pandas as pd
import pytest
from markupsafe import Markup

from tests.compare.planted import CLEAR, TIE, answer, pattern, plant
from tests.report.areas import LEANS, REFUSED, plant_areas
from tests.report.reading import document_of, executed, html_of, unfounded, unrecorded
from workbench.compare.drawing import Drawing
from workbench.compare.tradeoffs import tradeoffs
from workbench.report import families, findings, groups, outline, sections, side_by_side
from workbench.report.one_eval import first_sentence, parts_of
from workbench.report.storage import storage_table
from workbench.report.word_marks import marked, runs_of
from workbench.runs.store import SweepStore
from workbench.scores.catalog import EVALS
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Row
from workbench.spec import Spec

MINE = [
    *(getattr(families, name) for name in findings.FAMILIES),
    families.in_use,
    outline.at_a_glance,
    outline.tradeoffs,
    outline.not_asked,
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return plant_areas(tmp_path_factory.mktemp("areas"))


@pytest.fixture(scope="module")
def report(path):
    return sections.opened(str(path))


@pytest.fixture(scope="module")
def notebook(path):
    return executed(path)


def words(section):
    """What a section says, without tags."""
    html = re.sub(r"<script.*?</script>", "", str(section.html), flags=re.S)
    return re.sub(r"\s+", " ", Markup(re.sub(r"(<[^>]+>)", r" \1", html)).striptags())


def test_the_areas_stand_in_their_order_and_each_eval_in_one(notebook):
    titles = re.findall(r"<h2 [^>]*>([^<]+)</h2>", html_of(notebook))
    mine = [title for title in titles if title in families.TITLES.values()]
    assert mine == ["Quality", "Retention", "Bias", "Hallucination", "Robustness", "In use"]
    ids = re.findall(r'id="(fig-[^"]+)"', html_of(notebook))
    assert len(ids) == len(set(ids))


def test_every_eval_of_the_catalog_has_an_area():
    assert {findings.family_of(name) for name in EVALS} == {*findings.FAMILIES, findings.IN_USE}


def test_every_number_of_the_areas_is_in_the_document(notebook):
    document = document_of(notebook)
    mine = {families.TITLES[one] for one in families.TITLES} | {"At a glance", "What quality costs"}
    document["sections"] = [one for one in document["sections"] if one["title"] in mine]
    assert len(document["sections"]) == len(mine)
    assert unfounded(document) == []
    assert unrecorded(html_of(notebook), document_of(notebook)) == []


def test_a_finding_says_the_figure_the_paired_difference_and_that_it_was_shown(report):
    said = findings.finding(report, "retention").sentence
    assert said == (
        "r8 still knows 50 % of what the base knew, 50 points less than the base [45, 55], n = 400: shown to be worse."
    )
    one = next(
        one for one in report.comparison.differences if (one.of, one.eval) == ("r8", "retention")
    )
    assert (one.value, one.is_found) == (-0.5, True)
    assert (
        findings.others(report, "retention").words
        == "The other one is not told apart from the base."
    )


def test_what_was_not_shown_is_said_with_what_could_have_been_seen(report):
    said = findings.finding(report, "retention", "r2").sentence
    assert said.startswith(
        "r2 still knows 99.0 % of what the base knew. No difference to the base is shown: −1.0 ["
    )
    assert re.search(r"n = 400; [\d.]+ points could have been seen\.", said)


def test_forgetting_stands_beside_the_verdict_only_where_it_was_shown(report, tmp_path):
    assert "Forgotten: r8 still knows 50 % of what the base knew" in words(
        outline.at_a_glance(report)
    )
    kept = plant(tmp_path, right={2: 0.9}, base=0.9, evals=("recall", "retention"))
    assert "Forgotten" not in words(outline.at_a_glance(sections.opened(str(kept))))


def test_the_glance_has_a_line_for_every_area(report, tmp_path):
    lines = {line.cells[0].raw: line for line in outline.glance_table(report).lines}
    assert list(lines) == [*findings.FAMILIES, findings.IN_USE]
    found = {area: line.cells[-1].text for area, line in lines.items()}
    assert found["retention"] == found["robustness"] == "worse"
    assert found["bias"] == "farther from even"
    assert found["hallucination"] == "better"
    small = sections.opened(str(plant(tmp_path, right={2: 0.9}, evals=("recall",))))
    silent = {line.cells[0].raw: line.cells[-1].text for line in outline.glance_table(small).lines}
    assert silent["bias"] == "not asked"


def test_the_groups_are_means_of_the_stored_rows_and_the_worst_is_marked(report, path):
    found = {one.name: one for one in groups.groups(report, "occupations")}
    rows = pd.read_parquet(path / "r8" / "samples" / "occupations.parquet")
    base = pd.read_parquet(path / "base" / "samples" / "occupations.parquet")
    for name, mean in rows.groupby("group")["value"].mean().items():
        assert found[name].ours.value == pytest.approx(mean)
        apart = mean - base.groupby("group")["value"].mean()[name]
        assert found[name].difference.value == pytest.approx(apart)
    assert [one.cells[0].beside for one in groups.groups_table(report, "occupations").lines] == [
        "worst",
        "",
    ]
    assert max(found, key=lambda name: found[name].ours.value) == "female"
    assert found["female"].ours.value == pytest.approx(LEANS["r8"][0], abs=0.02)


def test_a_group_that_training_moved_from_even_is_said_to_be_amplified(report):
    lines = {line.cells[0].raw: line for line in groups.groups_table(report, "occupations").lines}
    assert lines["female"].cells[3].under == "amplified"
    assert lines["female"].cells[3].text.endswith("*")


def test_robustness_is_told_by_the_change_and_an_eval_without_groups_has_no_table(report):
    found = groups.groups(report, "perturbed")
    assert [one.name for one in found] == ["typos-10", "upper"]
    assert found[0].is_found
    assert not found[1].is_found
    assert groups.groups_table(report, "retention") is None
    assert groups.groups_table(report, "latency") is None


def test_examples_show_what_got_worse_what_was_made_up_and_what_was_refused(report):
    lost = words(families.robustness(report))
    assert "r8: worse than the base" in lost
    told = words(families.hallucination(report))
    assert f"r8: better than the base, {REFUSED['r8']} of 150 answers." in told
    assert f"r8: made up, {120 - REFUSED['r8']} of 150 answers." in told
    assert "nobody has told me refused" in told


def test_no_answer_is_shown_under_two_headings(report):
    found = families.hallucination(report).html
    asked = re.findall(r"Where does (Nobody\d+) live", str(found))
    assert len(asked) == len(set(asked))
    assert len(asked) == 2 * (side_by_side.SHOWN + side_by_side.MORE)


def test_words_that_only_one_answer_has_are_marked_and_spoken():
    ours = str(marked("lives in Turin now", "lives in Rome", tag="ins"))
    assert re.findall(r"<ins>(.*?)</ins>", ours) == [
        '<span class="unseen">only here: </span><span dir="auto">Turin now</span>'
    ]
    assert runs_of("Turin", "Rome") is None
    assert runs_of("the same", "the same") is None
    assert runs_of("a " * 800, "b") is None
    assert "".join(run for run, _ in runs_of("x  y\nz", "x q z")) == "x  y\nz"


def test_text_of_a_stranger_is_cut_and_does_nothing(tmp_path):
    bad = "<img src=x onerror=alert(1)>" + "very long " * 900
    path = plant(tmp_path, right={2: 0.5}, evals=("recall",), n=60, hostile=bad)
    html = str(families.quality(sections.opened(str(path))).html)
    assert "<img" not in html
    assert "more signs" in html
    assert "signs before …" in html
    assert len(html) < 120_000


def test_areas_that_nobody_asked_are_named_with_the_command_that_asks(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.9}, evals=("recall", "retention"), name="small")
    report = sections.opened(str(path))
    said = words(outline.not_asked(report))
    assert (
        ".venv/bin/workbench eval runs/small --evals bias,hallucination,robustness,latency" in said
    )
    assert "Retention:" not in said
    assert families.bias(report).html == ""


def test_an_area_that_is_still_to_be_asked_is_not_called_unasked(path, tmp_path):
    spec = Spec.from_fields({"name": "waiting", "evals": ["recall", "occupations"]})
    report = sections.opened(str(SweepStore.create(spec, root=tmp_path).path))
    said = words(outline.not_asked(report))
    assert "without a figure so far: quality and bias" in said
    assert "Bias:" not in said


def test_nothing_is_said_to_be_missing_where_everything_was_asked(report):
    assert outline.not_asked(report).html == ""


def test_a_classifier_is_not_told_to_ask_what_it_cannot_be_asked(tmp_path):
    fields = {
        "name": "labels",
        "adapter": {"task_type": "SEQ_CLS"},
        "data": {"id": "microworld/reviews"},
    }
    spec = Spec.from_fields({**fields, "evals": ["classification"]})
    said = words(
        outline.not_asked(sections.opened(str(SweepStore.create(spec, root=tmp_path).path)))
    )
    assert "these trials tell rows apart" in said
    assert "workbench eval" not in said


def test_a_withheld_figure_is_named_with_its_reason(path, tmp_path):
    store = SweepStore.open(plant(tmp_path, right={2: 0.9}, evals=("recall",)))
    for slot in (BASE, "r2"):
        rows = [
            Row(
                sample=f"u{n}",
                slot=slot,
                kind="unstated",
                expected="unknown",
                answer="I do not know",
                value=0.0,
                outcome="refused",
            )
            for n in range(40)
        ]
        store.write_rows("facts", rows)
        store.write_score(score("facts", slot, rows))
    report = sections.opened(str(store.path))
    said = words(families.hallucination(report))
    assert "The figure of r2 on facts is withheld: it refused 40 of 40 questions" in said
    assert outline.glance_table(report).lines[3].cells[3].text == "withheld"


def test_quality_is_weighed_against_what_was_forgotten_and_against_bias(report):
    comparison = report.comparison
    drawing = Drawing(comparison.reading, comparison.standings, comparison.primary)
    found = {chart.id: chart for chart in tradeoffs(drawing)}
    assert list(found) == ["quality-retention", "quality-occupations"]
    table = found["quality-retention"].frame().set_index("trial")
    assert table["price"].to_dict() == pytest.approx({"base": 1.0, "r8": 0.5, "r2": 0.99})
    lines = [one for one in found["quality-retention"].figure["data"] if one["mode"] == "lines"]
    assert lines[0]["x"] == pytest.approx([100.0, 99.0, 50.0])
    words = [note["text"] for note in found["quality-occupations"].figure["layout"]["annotations"]]
    assert "even" in words


def test_memory_and_storage_are_told_where_bases_are_stored_differently(report, tmp_path):
    assert storage_table(report) is None
    axis, bits = "quantization", {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    spec = Spec.from_fields({"name": "bits", "evals": ["recall"], "sweep": {axis: [None, bits]}})
    store = SweepStore.create(spec, root=tmp_path)
    memory = {"full": {"weights": 4_000_000, "adapter": 1_000_000}}
    memory["nf4"] = {"weights": 1_000_000, "adapter": 1_000_000}
    store.write_json("plan.json", {"trials": [{"name": n, "memory": m} for n, m in memory.items()]})
    for slot, right in ((BASE, 10), ("full", 90), ("nf4", 80)):
        rows = [
            Row(sample=f"q{n}", slot=slot, answer="a", value=float(n < right), outcome="correct")
            for n in range(100)
        ]
        store.write_rows("recall", rows)
        store.write_score(score("recall", slot, rows))
    found = sections.opened(str(store.path))
    lines = [[cell.raw for cell in line.cells] for line in storage_table(found).lines]
    assert [line[1:] for line in lines] == [["float32", 5_000_000], ["nf4", 2_000_000]]
    assert "Recall against memory" in words(outline.tradeoffs(found))


def test_several_evals_of_an_area_open_with_a_table(tmp_path):
    report = sections.opened(
        str(plant(tmp_path, right={1: 0.5, 2: 0.9}, evals=("recall", "paraphrase")))
    )
    said = words(families.quality(report))
    assert "Against the base r2 is shown to be better on paraphrase and recall." in said
    table = families.family_table(report, ["paraphrase", "recall"])
    assert table.frame()["eval"].tolist() == ["paraphrase", "recall"]


def test_of_many_trials_only_the_first_eval_of_an_area_is_drawn(tmp_path):
    many = {rank: 0.3 + rank / 50 for rank in range(1, 19)}
    path = plant(tmp_path, right=many, evals=("recall", "paraphrase"), n=30, steps=2)
    html = str(families.quality(sections.opened(str(path))).html)
    assert html.count('class="plot"') == 1
    assert "Every trial with its interval" in html


@pytest.mark.parametrize("write", MINE)
def test_a_section_can_be_written_about_a_sweep_that_never_ran(tmp_path, write):
    spec = Spec.from_fields({"name": "empty", "sweep": {"adapter.r": [1, 2]}})
    report = sections.opened(str(SweepStore.create(spec, root=tmp_path).path))
    assert isinstance(write(report)._repr_html_(), str)


def test_a_failed_trial_and_trials_asked_other_questions_do_not_keep_the_areas_from_being_told(
    tmp_path,
):
    path = plant(tmp_path, right=CLEAR, failed=(2,), other_items=(4,), evals=("recall", "facts"))
    report = sections.opened(str(path))
    assert "r16 answers 99 %" in words(families.quality(report))
    assert "2 are without a difference to tell" in findings.others(report, "recall").words
    assert words(families.hallucination(report))


def test_rows_that_cannot_be_read_leave_the_figures_and_no_examples(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.9}, evals=("recall",))
    (path / "r2" / "samples" / "recall.parquet").write_bytes(b"cut")
    report = sections.opened(str(path))
    assert "Side by side" not in words(families.quality(report))


def test_the_first_of_what_is_known_to_be_wrong_stands_open_and_the_rest_in_a_fold(report):
    html = "".join(str(part) for part in parts_of(report, "retention") if part)
    flaws = EVALS["retention"].flaws
    opened, _, folded = html.partition("<summary>What it asks")
    assert first_sentence(flaws) in opened
    assert flaws not in opened
    assert flaws in folded


def test_where_no_trial_is_ahead_it_is_said_of_whom_the_report_speaks(report, tmp_path):
    level = sections.opened(str(plant(tmp_path, right=TIE, evals=("recall",))))
    said = words(outline.at_a_glance(level))
    assert re.search(r"speaks of r\d, .* 3 trials cannot be told apart on recall\.", said)
    assert "speaks of" not in words(outline.at_a_glance(report))


def test_the_areas_hold_trials_against_the_base_whatever_the_baseline(path):
    pinned = sections.opened(str(path), baseline="r2")
    found = findings.finding(pinned, "retention")
    assert (found.difference.against, found.difference.value) == (BASE, -0.5)
    assert found.outcome == findings.WORSE


def test_nearly_everything_is_not_said_to_be_everything(tmp_path):
    path = plant(tmp_path, right={2: 0.5}, evals=("recall",), n=400)
    answer(path, {BASE: pattern(0, n=400), "r2": pattern(398, n=400)})
    assert (
        "99.5 points more than the base"
        in findings.finding(sections.opened(str(path)), "recall").sentence
    )


def test_what_other_seeds_could_undo_is_shown_for_these_seeds_only(tmp_path):
    moved = {(2, 0): 0.3, (2, 1): -0.1, (2, 2): 0.25}
    path = plant(
        tmp_path, right={2: 0.5}, base=0.4, seeds=(0, 1, 2), moved=moved, evals=("recall",)
    )
    found = findings.finding(sections.opened(str(path)), "recall")
    assert found.is_of_these_seeds
    assert "over items and 3 seeds, so that other seeds could undo it" in found.sentence
    assert found.sentence.endswith("shown to be better for these seeds.")
