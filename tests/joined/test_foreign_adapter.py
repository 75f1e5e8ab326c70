"""Adapters that plain PEFT made, evaluated: the figures are those of plain PEFT + transformers, and they can be compared."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from workbench import microworld
from workbench.cli import main
from workbench.compare import compare
from workbench.errors import InputError, ModelError, RunError, StoreError
from workbench.foreign import evaluate
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE

QUESTIONS = 24
ON = ["q_proj", "v_proj"]


def made(folder: Path, *, base: str | Path, config, seed: int = 0) -> Path:
    """An adapter by PEFT alone that says something else than its base."""
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)
    return folder


def configs():
    from peft import IA3Config, LoraConfig, PromptTuningConfig, VeraConfig

    task = {"task_type": "CAUSAL_LM"}
    return {
        "lora": LoraConfig(r=4, target_modules=ON, **task),
        "some-layers": LoraConfig(
            r=2, target_modules=ON, layers_to_transform=[1], use_rslora=True, **task
        ),
        "ranks": LoraConfig(
            r=2, target_modules=ON, rank_pattern={"v_proj": 5}, alpha_pattern={"q_proj": 3}
        ),
        "dora": LoraConfig(r=2, lora_alpha=3, use_dora=True, target_modules="all-linear", **task),
        "ia3": IA3Config(
            target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"], **task
        ),
        "prompt": PromptTuningConfig(num_virtual_tokens=3, **task),
        "vera": VeraConfig(r=8, target_modules=ON, **task),
        "head": LoraConfig(r=2, target_modules=ON, modules_to_save=["lm_head"], **task),
    }


NAMES = ("lora", "some-layers", "ranks", "dora", "ia3", "prompt", "vera", "head")


@pytest.fixture(scope="module")
def adapters(tmp_path_factory) -> Path:
    """A folder of adapters for the micro-world's model."""
    root = tmp_path_factory.mktemp("adapters")
    for name, config in configs().items():
        made(root / name, base=microworld.path(), config=config)
    made(root / "lora-again", base=microworld.path(), config=configs()["lora"], seed=1)
    return root


@pytest.fixture(scope="module")
def questions(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("questions") / "facts.jsonl"
    items = microworld.items("retention", data="updates")[:QUESTIONS]
    rows = [{"query": i.prompt, "choices": list(i.choices), "gold": i.gold} for i in items]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def swept(adapters, questions, tmp_path_factory) -> SweepStore:
    out = tmp_path_factory.mktemp("runs") / "found"
    folders = [adapters / name for name in (*NAMES, "lora-again")]
    evaluate(folders, base="microworld", evals=[f"choices:{questions}"], out=out)
    return SweepStore.open(out)


def plain_choices(model, tokenizer, questions: Path) -> list[list[float]]:
    """The log-likelihood of every choice, one sequence at a time, by transformers alone."""
    found = []
    for line in questions.read_text().splitlines():
        row = json.loads(line)
        start = len(tokenizer(row["query"])["input_ids"])
        told = []
        for choice in row["choices"]:
            ids = tokenizer(row["query"] + " " + choice.strip())["input_ids"]
            with torch.no_grad():
                logits = model(torch.tensor([ids])).logits[0, -len(ids) :].double()
            logprobs = logits.log_softmax(-1)
            told.append(sum(float(logprobs[i - 1, ids[i]]) for i in range(start, len(ids))))
        found.append(told)
    return found


@pytest.mark.parametrize("name", [*NAMES, BASE])
def test_choices_are_scored_as_plain_peft_and_transformers_score_them(
    name, adapters, questions, swept
):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(microworld.path())
    model = AutoModelForCausalLM.from_pretrained(microworld.path())
    if name != BASE:
        model = PeftModel.from_pretrained(model, adapters / name)
    theirs = plain_choices(model.eval(), tokenizer, questions)

    rows = swept.read_rows(name, f"choices:{questions}")
    ours = [json.loads(row.detail)["logprobs"] for row in rows]
    for own, plain in zip(ours, theirs, strict=True):
        assert own == pytest.approx(plain, abs=1e-4)
    gold = [json.loads(line)["gold"] for line in questions.read_text().splitlines()]
    right = [told.index(max(told)) == best for told, best in zip(theirs, gold, strict=True)]
    score = swept.read_score(name, f"choices:{questions}")
    assert score.value == pytest.approx(sum(right) / QUESTIONS)
    assert (score.n, score.errors) == (QUESTIONS, 0)


def test_adapters_answer_otherwise_than_their_base_and_than_each_other(questions, swept):
    said = {
        name: [row.detail for row in swept.read_rows(name, f"choices:{questions}")]
        for name in (BASE, *NAMES, "lora-again")
    }
    assert len({json.dumps(one) for one in said.values()}) == len(said)


def test_they_are_compared_in_pairs_and_reported(swept, tmp_path):
    found = compare(swept.path)
    assert {one.name for one in found.reading.candidates} == {*NAMES, "lora-again"}
    assert all(pair.n == QUESTIONS for pair in found.contests)
    assert main(["report", str(swept.path), "--out", str(tmp_path / "found.html")]) == 0
    assert "lora-again" in (tmp_path / "found.html").read_text()


def test_the_folder_says_which_weights_were_asked(adapters, swept):
    import hashlib

    told = swept.read_json("provenance.json")["adapters"]
    for name in NAMES:
        weights = (adapters / name / "adapter_model.safetensors").read_bytes()
        assert told[name] == hashlib.sha256(weights).hexdigest()
    assert swept.read_json("foreign.json")["lora"]["path"] == str((adapters / "lora").resolve())
    assert swept.status().state == "done"


def test_an_adopted_sweep_is_asked_again_and_one_trial_alone(swept, questions):
    before = swept.read_score("lora", f"choices:{questions}")
    (told,) = [s for s in evaluate(swept.path, evals=[f"choices:{questions}"]) if s.slot == "lora"]
    assert told.value == before.value
    alone = evaluate(swept.path / "dora", evals=["retention"])
    assert {score.slot for score in alone} == {BASE, "dora"}
    with pytest.raises(InputError, match=r"whose spec says that already; leave out base"):
        evaluate(swept.path, base="microworld")


def test_the_base_that_an_adapter_names_is_taken(adapters, tmp_path):
    scores = evaluate(adapters / "lora", evals=["retention"], out=tmp_path / "named")
    assert {score.slot for score in scores} == {BASE, "lora"}
    assert SweepStore.open(tmp_path / "named").spec.model.id == "microworld"


def test_rows_of_ones_own_are_asked_all_of_them(adapters, tmp_path):
    path = tmp_path / "mine.jsonl"
    rows = [{"prompt": f"Is {n} a number?", "completion": " yes"} for n in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (score, *_) = evaluate(
        adapters / "lora", evals=["recall"], base="microworld", data=str(path), out=tmp_path / "own"
    )
    assert score.n + score.errors == 30
    store = SweepStore.open(tmp_path / "own")
    assert {row.kind for row in store.read_rows(BASE, "recall")} == {"held-out"}
    (card,) = store.read_json("data-card.json")["sets"]
    assert (card["train_rows"], card["held_out_rows"]) == (0, 30)


def test_the_command_prints_scores_and_warns_of_another_base(adapters, tmp_path, capsys):
    folder = shutil.copytree(adapters / "lora", tmp_path / "elsewhere")
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "somebody/else"
    (folder / "adapter_config.json").write_text(json.dumps(config))
    typed = ["eval", str(folder), "--base", "microworld", "--evals", "retention,fidelity"]
    assert main([*typed, "--out", str(tmp_path / "runs" / "x"), "--json"]) == 0
    said = capsys.readouterr()
    assert {(s["slot"], s["eval"]) for s in json.loads(said.out)} == {
        (slot, name) for slot in (BASE, "elsewhere") for name in ("retention", "fidelity")
    }
    assert "somebody/else" in said.err
    assert "warning" in said.err


def test_a_whole_model_is_asked_too(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(microworld.path())
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(0.5)
    for part in (model, AutoTokenizer.from_pretrained(microworld.path())):
        part.save_pretrained(tmp_path / "softer")
    evaluate(tmp_path / "softer", base="microworld", evals=["occupations"], out=tmp_path / "one")
    scores = {s.slot: s.value for s in evaluate(tmp_path / "one")}
    assert scores["softer"] != scores[BASE]
    itself = evaluate(tmp_path / "softer", evals=["retention"], out=tmp_path / "alone")
    assert {score.value for score in itself if score.slot == BASE} == {
        score.value for score in itself if score.slot == "softer"
    }


def test_a_model_of_conv1d_layers_and_characters(shared_models, tmp_path):
    from peft import LoraConfig

    base = shared_models / "slm4096-gpt2"
    config = LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM")
    folder = made(tmp_path / "chars", base=base, config=config)
    scores = evaluate(folder, evals=["retention"], out=tmp_path / "runs")
    assert all(score.n == 60 for score in scores)
    assert len({score.value for score in scores}) == 2


def test_an_adapter_of_real_stories(shared_models, questions, tmp_path):
    from peft import LoraConfig

    base = shared_models / "stories260K"
    folder = made(tmp_path / "tale", base=base, config=LoraConfig(r=4, target_modules="all-linear"))
    scores = evaluate(folder, evals=[f"choices:{questions}", "fidelity"], out=tmp_path / "runs")
    assert {score.n for score in scores} == {QUESTIONS, 60}


def test_an_adapter_on_the_embedding_and_the_head(tmp_path, questions):
    from peft import LoraConfig, PeftModel
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config = LoraConfig(r=2, target_modules=["embed_tokens", "lm_head"], task_type="CAUSAL_LM")
    folder = made(tmp_path / "ends", base=microworld.path(), config=config)
    evaluate(folder, evals=[f"choices:{questions}"], out=tmp_path / "runs")
    rows = SweepStore.open(tmp_path / "runs").read_rows("ends", f"choices:{questions}")
    base = AutoModelForCausalLM.from_pretrained(microworld.path())
    model = PeftModel.from_pretrained(base, folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(microworld.path())
    for row, plain in zip(rows, plain_choices(model, tokenizer, questions), strict=True):
        assert json.loads(row.detail)["logprobs"] == pytest.approx(plain, abs=1e-4)

    # PEFT saves the base's own weights beside such an adapter: they have to be the base's.
    weights = load_file(folder / "adapter_model.safetensors")
    weights["base_model.model.lm_head.base_layer.weight"] *= 1.1
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunError, match=r"brings a 'lm_head' of its own"):
        evaluate(folder, evals=["retention"], out=tmp_path / "other")


def test_a_folder_that_holds_adapters_says_where(adapters, tmp_path):
    with pytest.raises(StoreError, match=r"There is one in .*dora"):
        evaluate(adapters, evals=["retention"], out=tmp_path / "runs")
    with pytest.raises(InputError, match="nothing is to be asked; give"):
        evaluate([])


def test_a_base_of_other_sizes_is_refused_before_anything_is_made(adapters, tmp_path):
    from tests.foreign_models import small_llama

    other = small_llama(tmp_path / "other")
    with pytest.raises(ModelError, match=r"does not fit the base .*q_proj.* is 4 by .* would be"):
        evaluate(adapters / "lora", base=str(other), evals=["retention"], out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_the_report_does_not_say_that_they_were_trained_here(swept, adapters, tmp_path):
    from workbench.report import render

    page = render(swept.path, tmp_path / "found.html").read_text()
    assert "workbench eval lora" in page
    assert "workbench run" not in page
    assert "learning_rate" not in page
    assert swept.read_json("provenance.json")["adapters"]["dora"] in page
    assert str(adapters) not in page
    assert "WB002" not in {caveat.code for caveat in compare(swept.path).verdict.caveats}


def test_the_same_weights_under_another_alpha_are_asked_as_another_adapter(adapters, tmp_path):
    louder = shutil.copytree(adapters / "lora", tmp_path / "louder")
    config = json.loads((louder / "adapter_config.json").read_text())
    config["lora_alpha"] *= 8
    (louder / "adapter_config.json").write_text(json.dumps(config))
    evals = ["retention"]
    evaluate([adapters / "lora", louder], base="microworld", evals=evals, out=tmp_path / "both")
    # The second time every answer is one that was kept.
    for _ in range(2):
        store = SweepStore.open(tmp_path / "both")
        first, second = (
            [r.answer for r in store.read_rows(s, "retention")] for s in ("lora", "louder")
        )
        assert first != second
        evaluate(store.path, evals=evals)


def test_a_name_that_is_taken_is_kept_and_the_command_says_so(adapters, tmp_path, capsys):
    typed = ["eval", str(adapters / "lora"), "--base", "microworld", "--evals", "retention"]
    typed += ["--out", str(tmp_path / "runs" / "a-and-b")]
    assert main(typed) == 0
    assert "was there already" not in capsys.readouterr().err
    assert main(typed) == 0
    said = capsys.readouterr().err
    first, second = (tmp_path / "runs" / name for name in ("a-and-b", "a-and-b-002"))
    assert f"{second}: 1 made elsewhere, on microworld" in said
    assert f"{str(first)!r} was there already and is as it was; this is 'a-and-b-002'" in said
    assert SweepStore.open(first).status().state == "done"


def test_the_list_of_sweeps_says_that_they_were_made_elsewhere(swept, capsys):
    assert main(["runs", "--runs", str(swept.path.parent)]) == 0
    said = capsys.readouterr().out
    assert "9 made elsewhere" in said
    assert "9 of 9" not in said
    assert main(["runs", "--runs", str(swept.path.parent), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["trials"], row["trained"], row["made_elsewhere"]) == (9, 0, 9)
