"""A small sweep of classifiers, from spec to stored labels: heads of their own, saved with their adapters."""

import json
import os
import subprocess
import sys

import pytest
import torch

from workbench import job, microworld
from workbench.errors import DataError, SpecError
from workbench.plan import plan
from workbench.scores.task import BASE
from workbench.spec import Spec


def _spec(**changes) -> Spec:
    fields = {
        "name": "labels",
        "adapter": {"task_type": "SEQ_CLS", "target_modules": ["q_proj", "down_proj"]},
        "data": {"id": "microworld/reviews", "rows": 96},
        "train": {
            "learning_rate": 5e-3,
            "per_device_train_batch_size": 8,
            "gradient_accumulation_steps": 2,
            "max_steps": 12,
        },
        "sweep": {"adapter.r": [1, 4]},
        **changes,
    }
    return Spec.from_fields(fields)


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> job.Job:
    running = job.start(_spec(), runs=tmp_path_factory.mktemp("runs"))
    running.wait()
    return running


def test_classifiers_share_a_pass_and_are_asked_unseen_reviews(told) -> None:
    assert [len(group) for group in plan(told.store.spec).groups] == [2]
    assert told.store.spec.evals == ("classification",)
    trained = {row["prompt"] for row in microworld.rows("reviews")}
    for slot in (BASE, "r1", "r4"):
        score = told.store.read_score(slot, "classification")
        assert score.low <= score.value <= score.high
        unseen = microworld.items("sentiment", data="reviews")
        assert (score.n, score.chance, score.errors) == (len(unseen), 0.5, 0)
        assert ("of the base a head alone was trained, on 96 rows" in score.method) == (
            slot == BASE
        )
        rows = told.store.read_rows(slot, "classification")
        assert not {row.prompt for row in rows} & trained


def test_the_data_card_counts_the_labels(told) -> None:
    (card,) = told.store.read_json("data-card.json")["sets"]
    assert list(card["labels"]) == ["negative", "positive"]
    assert sum(card["labels"].values()) == 96


def test_the_plan_counts_the_head_as_peft_does(told) -> None:
    planned = {t.name: t.trainable_parameters for t in job.plan(told.store.spec).trials}
    for trial in told.store.trials:
        started = next(e for e in told.store.events(trial.name) if e.event == "started")
        assert planned[trial.name] == started.trainable_parameters


def test_a_saved_classifier_tells_the_same_labels_through_plain_peft(told) -> None:
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(microworld.path())
    for trial in ("r1", "r4"):
        folder = told.path / trial / "adapter"
        labels = json.loads((folder / "labels.json").read_text())
        plain = AutoModelForSequenceClassification.from_pretrained(microworld.path(), num_labels=2)
        model = PeftModel.from_pretrained(plain, folder).eval()
        for row in told.store.read_rows(trial, "classification")[:20]:
            with torch.no_grad():
                logits = model(**tokenizer(row.prompt, return_tensors="pt")).logits[0]
            assert labels[int(logits.argmax())] == row.answer
            stored = json.loads(row.detail)["logprob"]
            expected = logits.log_softmax(-1)[labels.index(row.expected)]
            assert stored == pytest.approx(float(expected), abs=1e-4)


def test_the_plain_script_gives_the_losses_of_a_classifier(told) -> None:
    folder = told.path / "r4"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = (folder / "losses.jsonl").read_text().splitlines()
    theirs = [json.loads(line)["loss"] for line in lines]
    ours = [step.loss for step in told.store.steps("r4")]
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert len(ours) == 12


def test_a_sweep_is_read_and_compared_with_the_base_as_its_control(told) -> None:
    from workbench.compare import compare

    text = str(compare(told.path)._repr_html_())
    assert "classification" in text


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"evals": ["recall"]}, SpecError, "'recall' does not fit.*that fit: classification"),
        (
            {"adapter": {}, "evals": ["classification"]},
            SpecError,
            "'classification' does not fit.*that fit: recall, paraphrase",
        ),
        ({"data": {"id": "microworld/updates"}}, DataError, "columns completion.*label"),
    ],
)
def test_what_does_not_fit_a_task_is_said_before_anything_is_written(
    fields: dict, error: type, said: str, tmp_path
) -> None:
    with pytest.raises(error, match=said):
        job.prepare(_spec(**fields), runs=tmp_path)
    assert not list(tmp_path.iterdir())
