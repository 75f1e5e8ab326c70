"""What stands around the fields of the panel: what is also tried, the model map, loading, the rows of the data."""

import os
import time

import pytest

import workbench as wb
from workbench.data.rendering import render
from workbench.data.sources import load
from workbench.plan import plan
from workbench.runs.store import SweepStore, find_sweeps
from workbench.spec import Spec
from workbench.widgets.painting import shown_of
from workbench.widgets.preview import Preview
from workbench.widgets.sample_rows import Reader


@pytest.fixture
def panel(spec, tmp_path):
    panel = wb.panel(spec, runs=tmp_path / "runs")
    panel.settle()
    yield panel
    panel.settle()
    panel.close()


@pytest.fixture
def painter(panel):
    panel.painting.fold.is_open = True
    panel.settle()
    return panel.painting.map


def test_the_map_is_made_only_when_somebody_opens_it(panel):
    assert panel.painting.map is None
    panel.painting.fold.is_open = True
    panel.settle()
    assert set(panel.painting.map.painted.values()) == {1}, "the first of the ranks"
    assert (
        "shows r1, the first of 2 trials. 1 other looks otherwise (Rank)"
        in panel.painting.note.value
    )


def test_trials_that_look_alike_on_the_map_are_not_told_apart_there(spec):
    alike = spec.replace({"sweep": {"seed": [0, 1], "adapter.lora_dropout": [0.0, 0.1]}})
    assert shown_of(alike) == ""
    unlike = spec.replace(
        {"sweep": {"seed": [0, 1], "quantization": [None, {"load_in_8bit": True}]}}
    )
    assert "first of 4 trials. 2 others look otherwise (Quantization)" in shown_of(unlike)


def test_chips_show_on_the_map_and_a_painted_pattern_shows_in_the_form(panel, painter):
    panel.view_of("targets").press("targets", "q_proj")
    panel.model.ranks = (8,)
    panel.settle()
    assert painter.painted == {f"model.layers.{n}.self_attn.q_proj": 8 for n in range(4)}

    painter.painted = {**painter.painted, "model.layers.0.self_attn.q_proj": 32}
    panel.settle()
    adapter = panel.spec.adapter
    assert (adapter.r, set(adapter.rank_pattern.values())) == (8, {32})
    assert set(adapter.alpha_pattern.values()) == {64}
    assert "own rank 32" in panel.painted.value

    panel.unpaint.click()
    panel.settle()
    assert panel.spec.adapter.rank_pattern == {}
    assert set(painter.painted.values()) == {8}
    assert panel.painted.value == ""


def test_what_is_painted_is_counted_alike_by_card_map_and_plan(panel, painter):
    painter.painted = {
        "model.layers.0.self_attn.q_proj": 16,
        "model.layers.3.mlp.down_proj": 4,
        "model.layers.1.self_attn.v_proj": 4,
    }
    panel.settle()
    count = plan(panel.spec).trials[0].trainable_parameters
    assert painter.summary["trainable"] == count
    assert f"<td>{count:,}</td>" in panel.card.value
    assert panel.model.reason == ""


def test_painting_keeps_the_other_ranks_while_the_commonest_is_the_first(panel, painter):
    painter.painted = {f"model.layers.{n}.self_attn.q_proj": 1 for n in range(4)}
    panel.settle()
    assert [t.spec.adapter.r for t in panel.spec.grid()] == [1, 4]
    painter.painted = dict.fromkeys(painter.painted, 64)
    panel.settle()
    assert panel.model.ranks == (64,)


def test_the_storage_of_the_base_is_the_same_in_form_and_map(panel, painter):
    panel.view_of("quantization").press("quantization", "8-bit")
    panel.settle()
    assert painter.quantization == "8-bit"
    painter.quantization = "nf4"
    painter.kept = [*painter.kept, painter.grid.numbers["model.layers.0.self_attn.q_proj"]]
    panel.settle()
    assert panel.model.quantization == "nf4"
    assert panel.spec.quantization.llm_int8_skip_modules == (
        "lm_head",
        "model.layers.0.self_attn.q_proj",
    )


def test_a_blank_map_says_what_is_missing_and_can_be_painted_again(panel, painter):
    painter.painted = {}
    panel.settle()
    assert panel.start.disabled
    assert "at least one module" in panel.reason.value
    painter.painted = {"model.layers.0.self_attn.q_proj": 4}
    panel.settle()
    assert not panel.start.disabled
    assert panel.spec.adapter.target_modules == ("model.layers.0.self_attn.q_proj",)


def test_another_model_is_drawn_and_one_that_is_none_is_told(panel, painter, tmp_path):
    panel.model.model_id = str(tmp_path)
    panel.settle()
    assert "config.json" in panel.model.problems["model_id"]
    panel.model.model_id = "microworld"
    panel.settle()
    assert panel.model.problems == {}


def test_any_field_is_an_axis_and_its_field_says_so(panel):
    panel.also.add()
    panel.also.change(0, key="adapter.lora_dropout", values="0.0, 0.1")
    panel.also.add("quantization", "none, nf4 double")
    panel.also.add("adapter.target_modules", "q_proj+v_proj, all-linear")
    panel.settle()
    assert panel.spec.sweep["adapter.lora_dropout"] == (0, 0.1)
    assert len(panel.spec.grid()) == 16
    said = panel.view_of("lora_dropout").notes["lora_dropout"]
    assert (said["text"], said["held"]) == ("2 values, under Also try", True)
    assert not panel.start.disabled
    panel.also.remove(0)
    assert "adapter.lora_dropout" not in panel.spec.sweep
    assert panel.view_of("lora_dropout").notes["lora_dropout"]["text"] == ""


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("adapter.lora_dropout", "", "write the values"),
        ("adapter.lora_dropout", "0.1, 5", "less than 1"),
        ("adapter.lora_dropout", "0.1, 0.10", "twice"),
        ("adapter.r", "1, 2", "under Rank"),
        ("quantization", "nf5", "choose from"),
        ("quantization", "8-bit double", "only 4 bits"),
        ("adapter.use_dora", "maybe", "true or false"),
        ("train.lr_scheduler_type", "wavy", "linear, cosine"),
        ("adapter.rank_pattern", "{", "not JSON"),
        ("no.such", "1", "no field"),
        ("seed", "1, 2", "under Seeds"),
    ],
)
def test_what_is_wrong_with_an_axis_is_told_in_its_row(panel, key, values, said):
    panel.also.add(key, values)
    panel.settle()
    assert said in panel.also.rows[0]["wrong"]
    assert panel.start.disabled
    assert "Also try" in panel.reason.value


def test_every_field_can_be_set_from_python(panel):
    panel.model.warmup_steps = 0.1
    panel.model.use_dora = True
    panel.model.seeds = [0, 1, 2]
    panel.model.exclude_modules = ["lm_head"]
    panel.settle()
    assert panel.spec.train.warmup_steps == 0.1
    assert panel.spec.adapter.use_dora
    assert panel.spec.sweep["seed"] == (0, 1, 2)
    assert panel.spec.adapter.exclude_modules == ("lm_head",)
    panel.model.warmup_steps = ""
    assert panel.spec.train.warmup_steps == 0


def test_a_finished_sweep_loads_back_into_the_form(panel, tmp_path):
    other = panel.spec.replace(
        {"name": "older", "sweep": {"adapter.r": [2, 16]}, "evals": ["bias"]}
    )
    store = SweepStore.create(other, root=tmp_path / "runs")
    panel.loader.look()
    path, label = panel.loader.sweeps[0]
    assert "older" in label
    panel.loader.load(path)
    panel.settle()
    assert panel.spec == store.spec
    assert panel.view_of("ranks").values["ranks"] == [2, 16]
    assert panel.loader.loaded == "older"
    assert wb.panel(store.path, runs=tmp_path / "none").spec == store.spec


@pytest.mark.parametrize("given", ["", "no-such.yaml", "\0", "/", "~nobody/x.yaml", "a" * 5000])
def test_what_cannot_be_loaded_is_said_and_changes_nothing(panel, spec, given):
    panel.loader.load(given)
    assert panel.loader.problem
    assert panel.spec == spec


def test_the_parts_of_a_suite_are_shown_as_the_suite(panel):
    panel.model.evals = ("recall", "occupations", "swaps", "associations")
    panel.settle()
    assert "bias" in panel.view_of("evals").values["evals"]
    panel.view_of("evals").press("evals", "bias", on=False)
    assert panel.spec.evals == ("recall",)


def test_with_ten_thousand_sweeps_the_newest_twenty_are_listed_and_the_form_comes_at_once(
    spec, tmp_path
):
    runs = tmp_path / "runs"
    store = SweepStore.create(spec, root=runs)
    texts = [(name, (store.path / name).read_bytes()) for name in ("spec.yaml", "status.json")]
    for number in range(10_000):
        folder = runs / f"s{number:05d}"
        folder.mkdir()
        for name, text in texts:
            (folder / name).write_bytes(text)
        os.utime(folder / "spec.yaml", (number, number))
    assert len(find_sweeps(runs)) == 10_001
    began = time.perf_counter()
    panel = wb.panel(spec, runs=runs)
    made = time.perf_counter() - began
    panel.settle()
    began = time.perf_counter()
    panel.loader.look()
    print(f"made in {made:.2f} s, listed in {time.perf_counter() - began:.2f} s")
    assert [label.split(" · ")[0] for _, label in panel.loader.sweeps[:2]] == ["ranks", "s09999"]
    assert len(panel.loader.sweeps) == 20
    panel.close()


def test_a_sweep_like_it_tells_the_time_and_nothing_else_does(monkeypatch, spec, store, tmp_path):
    # Another test of this session may have left a calibration, which would tell the time too.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    panel = wb.panel(spec, runs=tmp_path / "none")
    panel.settle()
    assert "Time unknown" in panel.card.value
    panel.close()
    store.write_json("plan.json", plan(store.spec).model_dump(mode="json"))
    store.write_json("measured.json", {"seconds": 120.0, "peak_rss_bytes": 1})
    store.set_status(state="done")
    again = wb.panel(store.spec, runs=store.path.parent)
    again.settle()
    assert "Time: about 2 min, by what ranks took" in again.card.value
    again.model.per_device_train_batch_size = 16
    again.settle()
    assert "Time unknown" in again.card.value
    again.close()


def said(spec: Spec) -> dict:
    return spec.model_dump(mode="json", exclude_unset=True)


def test_rows_are_shown_as_the_tokens_that_are_trained_on(spec):
    from workbench.models.load import load_tokenizer

    told = Reader().answer({"spec": said(spec), "first": 1, "count": 2})
    tokenizer, rows = load_tokenizer(spec.model), load(spec.data).train
    assert told["total"] == len(rows)
    for row, shown in zip(rows[1:3], told["rows"], strict=True):
        made = render(tokenizer, row, max_length=spec.train.max_length)
        assert "".join(text for text, _ in shown["tokens"]) == tokenizer.decode(made.input_ids)
        assert sum(on for _, on in shown["tokens"]) == made.num_trained == shown["trained"]
        first = next(at for at, (_, on) in enumerate(shown["tokens"]) if on)
        asked = "".join(text for text, _ in shown["tokens"][:first])
        assert asked.strip() in row["prompt"].strip() or row["prompt"].strip() in asked.strip()


def test_labels_are_learned_and_the_text_before_them_is_not():
    spec = Spec.from_fields(
        {"data": {"id": "microworld/reviews"}, "adapter": {"task_type": "SEQ_CLS"}}
    )
    told = Reader().answer({"spec": said(spec), "first": 0, "count": 1})
    row = told["rows"][0]
    assert row["label"] in ("positive", "negative")
    assert not any(on for _, on in row["tokens"])


@pytest.mark.slow
def test_the_preview_reads_in_a_process_of_its_own_turns_pages_and_says_what_is_wrong(spec):
    preview = Preview()
    preview.show(spec)
    assert preview.reading
    preview.settle()
    assert (preview.problem, preview.page["first"], len(preview.page["rows"])) == ("", 0, 5)
    preview.ask(5)
    preview.settle()
    assert preview.page["first"] == 5
    preview.stop()
    preview.ask(0)
    preview.settle()
    assert preview.page["first"] == 0, "a process that has ended is started anew"
    preview.show(spec.replace({"data.columns": {"prompt": "nothing"}}))
    preview.settle()
    assert "'nothing'" in preview.problem
    assert not preview.reading
    preview.close()


def test_a_preview_that_is_closed_while_it_reads_starts_no_other_process(spec):
    preview = Preview()
    preview.show(spec)
    until = time.monotonic() + 20
    while preview._process is None and time.monotonic() < until:
        time.sleep(0.01)
    assert preview._process is not None
    preview.close()
    preview.settle(timeout=20)
    assert preview._process is None
