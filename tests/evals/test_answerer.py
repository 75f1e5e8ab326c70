"""The answerer against a straightforward peer: one prompt at a time, no batch, no padding, no cache of ours."""

import copy
import math

import pytest
import torch

from tests.evals.conftest import bank_of
from workbench import microworld
from workbench.adapters.bank import Bank
from workbench.data.rendering import encode_pair
from workbench.errors import InputError
from workbench.evals.answerer import BROKEN, TorchAnswerer
from workbench.evals.audience import context_length
from workbench.evals.likelihood import Pair, score_pairs
from workbench.evals.respondents import Limit, alone

MICROWORLD_PROMPTS = [item.prompt for item in microworld.items("recall")[:40]]
MICROWORLD_PAIRS = [
    (item.prompt, choice) for item in microworld.items("recall")[:20] for choice in item.choices
]
STORY_PROMPTS = [
    "Once upon a time",
    "The dog",
    "Lily had a red ball and she",
    "One day, a boy named Tim went to the park with his mom. He saw a big tree and",
    "It was",
]
STORY_PAIRS = [
    ("Once upon a time", " there was a little girl"),
    ("Once upon a time", " there was"),
    ("The dog", " ran"),
    ("The dog", " cat"),
    ("Lily had a red", " ball. She liked to play with it all day long."),
    ("", "The sun was hot."),
]
CASES = {
    "small_bank": (MICROWORLD_PROMPTS, MICROWORLD_PAIRS),
    "stories_bank": (STORY_PROMPTS, STORY_PAIRS),
    "characters_bank": (STORY_PROMPTS, STORY_PAIRS[:-1]),
}


@pytest.fixture(params=CASES)
def case(request) -> tuple[Bank, list[str], list[tuple[str, str]]]:
    return (request.getfixturevalue(request.param), *CASES[request.param])


@torch.no_grad()
def one_by_one(bank: Bank, slot: str, pair: tuple[str, str]) -> tuple[float, bool]:
    """Log-likelihood of a continuation the plain way, in one unpadded forward."""
    ids, num_prompt = encode_pair(bank.tokenizer, *pair)
    bank.model.eval()
    with bank.use(slot) as model:
        logprobs = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
    picked = [logprobs[i - 1, ids[i]].item() for i in range(num_prompt, len(ids))]
    greedy = all(logprobs[i - 1].argmax().item() == ids[i] for i in range(num_prompt, len(ids)))
    return math.fsum(picked), greedy


@torch.no_grad()
def generated(bank: Bank, slot: str, prompt: str, *, max_new_tokens: int) -> str:
    """The answer of transformers' own greedy `generate`."""
    inputs = bank.tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
    bank.model.eval()
    with bank.use(slot) as model:
        ids = model.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=bank.tokenizer.pad_token_id or 0,
        )
    return bank.tokenizer.decode(
        ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True
    ).strip()


def test_likelihoods_equal_those_of_one_pair_at_a_time(case):
    bank, _, pairs = case
    answerer = TorchAnswerer(bank, batch_size=7)
    found = answerer.loglikelihood(pairs, slots=bank.slots)
    for slot in bank.slots:
        for pair, likelihood in zip(pairs, found[slot], strict=True):
            logprob, greedy = one_by_one(bank, slot, pair)
            assert likelihood.logprob == pytest.approx(logprob, abs=1e-4)
            assert likelihood.is_greedy == greedy
            assert not likelihood.truncated


def test_answers_equal_those_of_transformers_one_at_a_time(case):
    bank, prompts, _ = case
    prompts = prompts[:8]
    found = TorchAnswerer(bank).generate(prompts, slots=bank.slots, max_new_tokens=10)
    for slot in bank.slots:
        expected = [generated(bank, slot, prompt, max_new_tokens=10) for prompt in prompts]
        assert [said.text for said in found[slot]] == expected


def test_each_slot_is_asked_with_its_own_adapter(case):
    bank, _, pairs = case
    found = TorchAnswerer(bank).loglikelihood(pairs, slots=bank.slots)
    assert len({tuple(one.logprob for one in found[slot]) for slot in bank.slots}) == 3


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_the_batch_does_not_matter(case, batch_size):
    bank, prompts, pairs = case
    alone, together = TorchAnswerer(bank, batch_size=batch_size), TorchAnswerer(bank)
    few = alone.loglikelihood(pairs, slots=["r2"])["r2"]
    many = together.loglikelihood(pairs, slots=["r2"])["r2"]
    assert [a.logprob for a in few] == pytest.approx([b.logprob for b in many], abs=1e-4)
    assert [a.is_greedy for a in few] == [b.is_greedy for b in many]
    said = alone.generate(prompts, slots=["r2"], max_new_tokens=8)
    assert said == together.generate(prompts, slots=["r2"], max_new_tokens=8)


def test_the_order_of_slots_does_not_matter(case):
    bank, prompts, _ = case
    answerer = TorchAnswerer(bank)
    forth = answerer.generate(prompts, slots=["base", "r2", "r4"])
    back = answerer.generate(prompts, slots=["r4", "base", "r2"])
    assert forth == back


def test_what_is_asked_twice_is_answered_twice(case):
    bank, prompts, pairs = case
    answerer = TorchAnswerer(bank)
    twice = answerer.generate([*prompts, *prompts], slots=["base"])["base"]
    assert twice[: len(prompts)] == twice[len(prompts) :]
    found = answerer.loglikelihood([*pairs, *pairs], slots=["base"])["base"]
    assert found[: len(pairs)] == found[len(pairs) :]


def test_an_answer_that_does_not_end_is_truncated(stories_bank):
    found = TorchAnswerer(stories_bank).generate(STORY_PROMPTS, slots=["base"], max_new_tokens=3)
    assert all(said.truncated and said.num_tokens == 3 for said in found["base"])


def test_a_long_prompt_loses_its_beginning_and_says_so(characters_bank):
    answerer = TorchAnswerer(characters_bank)
    ending = "the dog ran to the house and sat down by the door of the house and"
    long = "a cat. " * 40 + ending
    (said,) = answerer.generate([long], slots=["base"], max_new_tokens=8)["base"]
    assert said.truncated
    (found,) = answerer.loglikelihood([(long, " sat")], slots=["base"])["base"]
    assert found.truncated
    assert math.isfinite(found.logprob)
    assert found.num_tokens == 4


def test_a_continuation_longer_than_the_context_is_scored_at_its_end():
    model = bank_of_random_weights(context=16)
    limit = Limit(8, 16, bos_id=1)
    ((found,),) = score_pairs(alone(model), [Pair((1, *range(2, 40)), 3)], limit=limit)
    assert found.truncated
    assert found.num_tokens == 16


def bank_of_random_weights(*, context: int) -> torch.nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=context,
    )
    return LlamaForCausalLM(config).eval()


def test_one_token_choices_share_a_forward():
    model = bank_of_random_weights(context=64)
    inputs = []
    model.register_forward_pre_hook(
        lambda _, args, kwargs: inputs.append(kwargs["input_ids"].shape), with_kwargs=True
    )
    pairs = [Pair((1, 5, 6, 7, choice), 4) for choice in range(10, 30)]
    (found,) = score_pairs(alone(model), pairs, limit=Limit(8, 64))
    assert inputs == [torch.Size([1, 4])]
    total = math.fsum(math.exp(one.logprob) for one in found)
    assert 0 < total < 1


def test_the_model_is_left_in_the_mode_it_was_in(stories_bank):
    model = stories_bank.model
    model.train()
    model.get_submodule("base_model.model.lm_head").eval()
    before = {name: module.training for name, module in model.named_modules()}
    TorchAnswerer(stories_bank).generate(["The dog"], slots=["r2"])
    assert {name: module.training for name, module in model.named_modules()} == before
    model.eval()


def test_dropout_is_off_while_asking(stories_bank):
    stories_bank.model.train()
    answerer = TorchAnswerer(stories_bank)
    first = answerer.loglikelihood(STORY_PAIRS, slots=["r2"])
    assert answerer.loglikelihood(STORY_PAIRS, slots=["r2"]) == first
    stories_bank.model.eval()


def test_a_broken_adapter_has_no_answer_and_its_neighbours_keep_theirs(case):
    bank, prompts, pairs = case
    broken = copy.deepcopy(bank)
    healthy = TorchAnswerer(broken).generate(prompts, slots=["base", "r4"])
    parameter = next(iter(broken.parameters("r2").values()))
    with torch.no_grad():
        parameter.fill_(math.nan)
    answerer = TorchAnswerer(broken)
    found = answerer.generate(prompts, slots=["r2", "base", "r4"])
    assert found["r2"] == [BROKEN] * len(prompts)
    assert {slot: found[slot] for slot in ("base", "r4")} == healthy
    likelihoods = answerer.loglikelihood(pairs, slots=["r2"])["r2"]
    assert all(math.isnan(one.logprob) and not one.is_greedy for one in likelihoods)


def test_hits_are_counted_token_by_token(case):
    bank, prompts, _ = case
    answerer = TorchAnswerer(bank)
    said = answerer.generate(prompts[:1], slots=["base"], max_new_tokens=6)["base"][0]
    (own,) = answerer.token_hits([(prompts[0], f" {said.text}")], slots=["base"])["base"]
    assert 0 < own.num_hits <= own.num_tokens
    assert own.logprob < 0


def test_an_unknown_slot_is_refused(stories_bank):
    with pytest.raises(InputError, match=r"'r9'.*base, r2, r4"):
        TorchAnswerer(stories_bank).generate(["x"], slots=["r9"])


def test_a_continuation_without_a_token_is_refused(stories_bank):
    with pytest.raises(InputError, match="no token of its own"):
        TorchAnswerer(stories_bank).loglikelihood([("The dog", "")], slots=["base"])


def test_a_batch_of_none_is_refused(stories_bank):
    with pytest.raises(InputError, match="batch_size"):
        TorchAnswerer(stories_bank, batch_size=0)


def test_the_context_is_what_the_model_states(stories_bank, characters_bank):
    assert context_length(stories_bank.model, stories_bank.tokenizer) == 512
    assert context_length(characters_bank.model, characters_bank.tokenizer) == 128


def test_a_ternary_model_is_asked_too(shared_models):
    bank = bank_of(str(shared_models / "bitstories-3M"))
    found = TorchAnswerer(bank).generate(STORY_PROMPTS[:2], slots=bank.slots, max_new_tokens=5)
    assert all(said.text for said in found["base"])


def test_an_answer_ends_before_a_stop_string(case):
    bank, prompts, _ = case
    answerer = TorchAnswerer(bank)
    whole = answerer.generate(prompts, slots=bank.slots, max_new_tokens=12)
    stop = next(said.text for said in whole["base"] if len(said.text) > 4)[2:4]
    for slot, answers in answerer.generate(
        prompts, slots=bank.slots, max_new_tokens=12, stop=(stop,)
    ).items():
        for cut, said in zip(answers, whole[slot], strict=True):
            assert cut.text == said.text.partition(stop)[0].strip()
            assert cut.truncated == (stop not in said.text and said.truncated)


def test_a_drawn_answer_depends_on_the_seed_and_the_prompt_alone(case):
    bank, prompts, _ = case
    answerer = TorchAnswerer(bank)

    def drawn(some, seed, slots=bank.slots):
        return answerer.generate(some, slots=slots, max_new_tokens=6, temperature=1.0, seed=seed)

    every = drawn(prompts, 1)
    assert drawn(prompts[:2], 1, ["r4"])["r4"] == every["r4"][:2]
    others = [drawn(prompts, seed) for seed in range(2, 5)]
    assert any(other != every for other in others)
    cold = answerer.generate(prompts, slots=["base"], max_new_tokens=6, temperature=1e-6, seed=3)
    assert cold == answerer.generate(prompts, slots=["base"], max_new_tokens=6)


def test_draws_have_the_shares_of_the_model(small_bank):
    prompt = "The baker said that"
    ids, _ = encode_pair(small_bank.tokenizer, prompt, "")
    with small_bank.use("base") as model, torch.no_grad():
        model.eval()
        shares = model(input_ids=torch.tensor([ids])).logits[0, -1].softmax(-1)
    answerer = TorchAnswerer(small_bank)
    said = [
        answerer.generate([prompt], slots=["base"], max_new_tokens=1, temperature=1.0, seed=seed)
        for seed in range(200)
    ]
    likeliest = small_bank.tokenizer.decode([int(shares.argmax())]).strip()
    share = sum(one["base"][0].text == likeliest for one in said) / 200
    spread = math.sqrt(float(shares.max()) * (1 - float(shares.max())) / 200)
    assert abs(share - float(shares.max())) < 4 * spread + 0.01


@pytest.fixture(scope="module")
def spoilt_bank() -> Bank:
    """A base whose first queries are no numbers: without a mask torch's attention makes zeros of them."""
    bank = bank_of("microworld")
    with torch.no_grad():
        bank.base.get_submodule("model.layers.0.self_attn.q_proj").weight.fill_(math.nan)
    return bank


def test_a_base_of_no_numbers_has_no_answer_and_no_adapter_on_it_has_one(spoilt_bank):
    answerer = TorchAnswerer(spoilt_bank)
    said = answerer.generate(["The baker said"], slots=spoilt_bank.slots)
    read = answerer.read(["The baker said that he"], slots=spoilt_bank.slots)
    for slot in spoilt_bank.slots:
        assert not answerer.is_sound(slot)
        assert said[slot] == [BROKEN]
        assert math.isnan(read[slot][0].logprob)


def test_padded_rows_of_one_length_have_no_answer_from_a_model_of_no_numbers(spoilt_bank):
    spoilt_bank.base.config.layer_types = ["unheard_of"]
    answerer = TorchAnswerer(spoilt_bank)
    found = answerer.loglikelihood([("The baker", " said")], slots=["base", "r2"])
    assert all(math.isnan(one.logprob) for told in found.values() for one in told)
