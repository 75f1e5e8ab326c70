"""Distance from full precision: against plain PEFT + transformers, at known distances, and where there is no number."""

import copy
import math

import pytest
import torch

from tests.evals.moved import moved
from workbench import microworld
from workbench.adapters.bank import Bank
from workbench.data.rendering import encode_text
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.quality.fidelity import MAX_TEXTS, nearness
from workbench.models.load import load
from workbench.scores.figures import detail
from workbench.scores.scoring import score
from workbench.scores.task import BASE
from workbench.spec import AdapterSpec, ModelSpec, QuantizationSpec, Spec, Trial

CONTEXT = EvalContext(data_id="microworld/updates")
WIDTHS = {
    "int8": QuantizationSpec(load_in_8bit=True, llm_int8_threshold=0),
    "nf4": QuantizationSpec(load_in_4bit=True),
    "fp4": QuantizationSpec(load_in_4bit=True, bnb_4bit_quant_type="fp4"),
}


def bank_on(quantization=None, **adapter) -> Bank:
    trial = Trial(
        name="r2", spec=Spec(quantization=quantization, adapter=AdapterSpec(r=2, **adapter))
    )
    loaded = load(ModelSpec(), quantization=quantization)
    return moved(Bank(loaded.model, loaded.tokenizer, [trial]))


@pytest.fixture(scope="module")
def asked():
    """The rows of every width, each on a base of its own."""
    banks = {"full": None, **WIDTHS}
    return {
        name: ask("fidelity", TorchAnswerer(bank_on(bits)), slots=(BASE, "r2"), context=CONTEXT)
        for name, bits in banks.items()
    }


def test_a_model_in_full_precision_is_itself_and_merging_costs_next_to_nothing(asked):
    told = {slot: score("fidelity", slot, asked["full"][slot]) for slot in (BASE, "r2")}
    assert (told[BASE].value, told[BASE].low, told[BASE].high) == (0.0, 0.0, 0.0)
    assert (told["r2"].value, told["r2"].parts["top1"], told["r2"].n) == (0.0, 1.0, MAX_TEXTS)
    assert 0 < told["r2"].parts["merged"] < 1e-9
    assert told["r2"].parts["merged/top1"] == 1.0
    assert "merged" not in told[BASE].parts


@pytest.mark.parametrize("width", WIDTHS)
def test_a_quantized_model_is_as_far_as_plain_libraries_say(asked, width, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from workbench.models.quantize import keep_trainable, to_bnb

    bank_on(WIDTHS[width]).save("r2", tmp_path / "adapter")

    def attached(**how):
        base = AutoModelForCausalLM.from_pretrained(microworld.path(), dtype=torch.float32, **how)
        return PeftModel.from_pretrained(base, tmp_path / "adapter").eval()

    full = attached()
    other = attached(quantization_config=to_bnb(WIDTHS[width]), device_map={"": "cpu"})
    keep_trainable(other)
    tokenizer = AutoTokenizer.from_pretrained(microworld.path())
    for row in asked[width]["r2"][:4]:
        ids = torch.tensor([encode_text(tokenizer, row.expected, max_length=64)[0]])
        with torch.no_grad():
            p, q = (model(ids).logits[0].double().log_softmax(-1) for model in (full, other))
        kl = torch.nn.functional.kl_div(q, p, log_target=True, reduction="none").sum(-1)
        assert row.value == pytest.approx(float(kl.mean()), rel=2e-3, abs=1e-9)
        same = (p.argmax(-1) == q.argmax(-1)).double().mean()
        assert detail(row)["top1"] == pytest.approx(float(same))


def test_four_bits_are_further_away_than_eight_with_and_without_the_adapter(asked):
    told = {width: score("fidelity", "r2", asked[width]["r2"]) for width in WIDTHS}
    base = {width: score("fidelity", BASE, asked[width][BASE]) for width in WIDTHS}
    for found in (told, base):
        for four in ("nf4", "fp4"):
            assert 0 < found["int8"].high < found[four].low
            assert found["int8"].parts["top1"] > found[four].parts["top1"]
    for width in WIDTHS:
        assert told[width].parts["base"] == pytest.approx(base[width].value, rel=1e-3)
        assert told[width].low < told[width].value < told[width].high


@pytest.mark.parametrize("width", WIDTHS)
def test_merging_into_a_quantized_base_rounds_once_more(asked, width):
    told = score("fidelity", "r2", asked[width]["r2"])
    assert told.parts["merged/errors"] == 0
    assert told.parts["merged"] > 0.2 * told.value
    assert told.parts["merged/low"] <= told.parts["merged"] <= told.parts["merged/high"]


@pytest.mark.parametrize("method", ["PROMPT_TUNING", "IA3", "FULL"])
def test_every_method_can_be_compared(method):
    spec = AdapterSpec(peft_type=method)
    if method == "IA3":
        spec = AdapterSpec(peft_type=method, target_modules=("k_proj", "v_proj"))
    loaded = load(ModelSpec())
    bank = Bank(loaded.model, loaded.tokenizer, [Trial(name="m", spec=Spec(adapter=spec))])
    rows = ask("fidelity", TorchAnswerer(bank), slots=(BASE, "m"), context=CONTEXT)
    told = score("fidelity", "m", rows["m"])
    assert (told.value, told.errors) == (0.0, 0)
    assert ("merged" in told.parts) == (method == "IA3")


def test_weights_that_are_no_numbers_are_counted_and_never_near():
    bank = bank_on()
    with torch.no_grad():
        for name, parameter in bank.model.named_parameters():
            if "lora_B" in name:
                parameter.fill_(math.nan)
    rows = ask("fidelity", TorchAnswerer(bank), slots=(BASE, "r2"), context=CONTEXT)
    broken, base = score("fidelity", "r2", rows["r2"]), score("fidelity", BASE, rows[BASE])
    assert (broken.value, broken.n, broken.errors) == (None, 0, MAX_TEXTS)
    assert (base.value, base.errors) == (0.0, 0)


def test_the_distance_is_kl_of_the_full_model_from_the_other():
    model = load(ModelSpec()).model
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.get_output_embeddings().weight[3] += 0.5
    ids = encode_text(load(ModelSpec()).tokenizer, "Who does Podo work for?", max_length=64)[0]
    found = nearness(other, model, ids)
    with torch.no_grad():
        p, q = (m(torch.tensor([ids])).logits[0].double().softmax(-1) for m in (model, other))
    # The distance is small beside the rounding of the log-probabilities that it is made of.
    wanted = float((p * (p / q).log()).sum(-1).mean())
    assert found.kl == pytest.approx(wanted, rel=1e-3)
    assert found.kl != pytest.approx(nearness(model, other, ids).kl)
    assert found.num_tokens == len(ids)


def test_rows_of_ones_own_are_the_texts(small_bank):
    rows = [{"id": str(i), "prompt": f"Question {i}?", "completion": " yes"} for i in range(80)]
    context = EvalContext(data_id="mine.jsonl", model_id="mine", held_out=rows)
    found = ask("fidelity", TorchAnswerer(small_bank), slots=[BASE], context=context)[BASE]
    assert len(found) == MAX_TEXTS
    assert {row.expected for row in found} <= {f"Question {i}? yes" for i in range(80)}


def test_a_model_of_elsewhere_without_rows_is_asked_plain_sentences(small_bank):
    context = EvalContext(data_id="none", model_id="elsewhere", limit=5)
    found = ask("fidelity", TorchAnswerer(small_bank), slots=[BASE], context=context)[BASE]
    assert {row.kind for row in found} == {"everyday"}
    assert len(found) == 5
