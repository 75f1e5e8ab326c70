"""Our likelihoods and accuracies against `lm-eval`'s own: the same model folder, the same PEFT folders, the same files.

All slots are asked in one pass here and one after the other there. Where the two differ on purpose a test says how.
"""

import json
import math
import random

import pytest
import torch

from tests.evals.conftest import bank_of
from tests.evals.lm_eval_peer import (
    Peer,
    adapter_folder,
    choices_task,
    likelihoods,
    write_jsonl,
    write_task,
)
from workbench import microworld
from workbench.adapters.bank import Bank
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import ask
from workbench.evals.context import EvalContext
from workbench.scores.figures import detail
from workbench.scores.scoring import score

pytest.importorskip("lm_eval", reason="lm_eval is not installed: pip install lm_eval")

CLOSE = 1e-4
NUM_ROWS = 60
ANYWHERE = EvalContext(data_id="own.jsonl", model_id="some/model")
READINGS = {"acc": None, "acc_norm": "by_characters", "acc_bytes": "by_bytes"}
"""What `lm-eval` calls a reading -> the part of our score; None is the score itself."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where a bank's adapters lie as PEFT folders."""
    return tmp_path_factory.mktemp("adapters")


@pytest.fixture(scope="module")
def small(folders):
    """The micro-world's bank, and a peer for each of its slots."""
    return with_peers("microworld", microworld.path(), to=folders / "small")


@pytest.fixture(scope="module")
def stories(shared_models, folders):
    model = shared_models / "stories260K"
    return with_peers(str(model), model, to=folders / "stories")


def with_peers(name, model, *, to):
    bank = bank_of(name)
    with torch.no_grad():
        for parameter in (p for n, p in bank.model.named_parameters() if "lora_B" in n):
            # Of a likelihood of -300 the fp32 rounding alone may be 1e-4, on both sides.
            parameter.mul_(0.3)
    return bank, {slot: Peer(model, peft=adapter_folder(bank, slot, to=to)) for slot in bank.slots}


def facts(number: int) -> list[dict]:
    """Questions about the micro-world, their choices in a drawn order: the right one may stand anywhere."""
    rng, rows = random.Random(0), []
    known, unknown = microworld.items("retention")[: number // 2], microworld.items("recall")
    for item in [*known, *unknown[: number - len(known)]]:
        choices = [choice.strip() for choice in rng.sample(item.choices, len(item.choices))]
        gold = choices.index(item.choices[item.gold].strip())
        rows.append({"query": item.prompt, "choices": choices, "gold": gold})
    return rows


def published(folder, name: str, *, end: str = "Answer:") -> list[dict]:
    path = folder / "eval_mc" / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip("eval_mc is not among the shared data")
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row | {"query": row["query"] + end} if "query" in row else row for row in rows]


def asked(path, bank):
    return ask(f"choices:{path}", TorchAnswerer(bank), slots=bank.slots, context=ANYWHERE)


def assert_agrees(found, sample, row):
    """The likelihoods of one item, and what every reading of them makes of it."""
    theirs, ours = likelihoods(sample), detail(row)["logprobs"]
    assert ours == pytest.approx(theirs, abs=CLOSE), (found, row.prompt)
    assert row.value == sample["acc"]


def assert_choices_agree(rows, bank, peers, *, folder):
    path = write_jsonl(folder / "asked.jsonl", rows)
    task = choices_task(folder / "asked.yaml")
    found = asked(path, bank)
    for slot, peer in peers.items():
        told = peer.run(task)
        samples, ours = told["samples"]["asked"], found[slot]
        assert not any(row.truncated or row.error for row in ours)
        for sample, row in zip(samples, ours, strict=True):
            assert_agrees(slot, sample, row)
        figures = score(f"choices:{path}", slot, ours)
        assert 0 < figures.value < 1
        for theirs, part in READINGS.items():
            own = figures.value if part is None else figures.parts[part]
            assert own == pytest.approx(told["results"]["asked"][f"{theirs},none"], abs=1e-12), (
                slot,
                theirs,
            )


def test_facts_of_the_micro_world_get_the_same_likelihoods_and_accuracies(small, tmp_path):
    assert_choices_agree(facts(NUM_ROWS), *small, folder=tmp_path)


def test_questions_behind_the_same_examples_get_the_same_likelihoods(small, tmp_path):
    rows = facts(40)
    shown = "".join(f"{row['query']} {row['choices'][row['gold']]}. " for row in rows[30:33])
    few_shot = [row | {"query": shown + row["query"]} for row in rows[:30]]
    assert_choices_agree(few_shot, *small, folder=tmp_path)


def test_arc_easy_gets_the_same_likelihoods_and_accuracies(stories, shared_data, tmp_path):
    rows = published(shared_data, "arc_easy")[:NUM_ROWS]
    assert_choices_agree(rows, *stories, folder=tmp_path)


def test_boolq_gets_the_same_likelihoods_and_accuracies(stories, shared_data, tmp_path):
    bank, _ = stories
    rows = [row for row in published(shared_data, "boolq")[: 2 * NUM_ROWS] if fits(row, bank=bank)]
    assert_choices_agree(rows[:NUM_ROWS], *stories, folder=tmp_path)


def fits(row, *, bank) -> bool:
    """Whether every choice fits the model's context after the question."""
    ids = bank.tokenizer(row["query"], verbose=False)["input_ids"]
    longest = max(len(bank.tokenizer(" " + choice)["input_ids"]) for choice in row["choices"])
    return len(ids) + longest <= bank.model.config.max_position_embeddings


def test_only_questions_marked_as_cut_get_other_likelihoods(stories, shared_data, tmp_path):
    bank, peers = stories
    long = [row for row in published(shared_data, "boolq")[:80] if not fits(row, bank=bank)][:4]
    assert len(long) == 4
    short = [row for row in published(shared_data, "boolq")[:20] if fits(row, bank=bank)][:4]
    path = write_jsonl(tmp_path / "asked.jsonl", [*long, *short])
    rows = asked(path, bank)["r2"]
    samples = peers["r2"].ask(choices_task(tmp_path / "asked.yaml"))
    assert [row.truncated for row in rows] == [True] * 4 + [False] * 4
    for sample, row in zip(samples[4:], rows[4:], strict=True):
        assert_agrees("r2", sample, row)
    # It cuts the beginning-of-text token away with the text; we keep it, since models lean on it.
    assert bank.tokenizer.bos_token_id is not None
    assert detail(rows[0])["logprobs"] != pytest.approx(likelihoods(samples[0]), abs=CLOSE)


def test_choices_less_their_own_likelihood_are_read_the_same(small, tmp_path):
    bank, peers = small
    path = write_jsonl(tmp_path / "asked.jsonl", facts(NUM_ROWS))
    task = choices_task(tmp_path / "asked.yaml", metrics=("acc", "acc_mutual_info"))
    rows = asked(path, bank)
    for slot, peer in peers.items():
        told = peer.run(task)
        for sample, row in zip(told["samples"]["asked"], rows[slot], strict=True):
            alone = likelihoods(sample)[len(detail(row)["logprobs"]) :]
            assert detail(row)["alone"] == pytest.approx(alone, abs=CLOSE)
        figures = score(f"choices:{path}", slot, rows[slot])
        assert figures.parts["by_pmi"] == told["results"]["asked"]["acc_mutual_info,none"]


def assert_continuations_agree(rows, bank, peers, *, folder):
    """One continuation a row: its likelihood, and whether it is what greedy decoding says."""
    write_jsonl(folder / "asked.jsonl", rows)
    task = write_task(
        folder / "asked.yaml",
        metrics=("perplexity", "acc"),
        output_type="loglikelihood",
        doc_to_text="context",
        doc_to_target="continuation",
    )
    # `lm-eval` puts no space there: of this kind of task the target is what continues, word for word.
    pairs = [(row["context"], row["continuation"]) for row in rows]
    found = TorchAnswerer(bank).loglikelihood(pairs, slots=bank.slots)
    for slot, peer in peers.items():
        told = peer.run(task)
        samples, ours = told["samples"]["asked"], found[slot]
        assert not any(one.truncated for one in ours)
        assert [one.logprob for one in ours] == pytest.approx(
            [likelihoods(sample)[0] for sample in samples], abs=CLOSE
        )
        assert [one.is_greedy for one in ours] == [bool(sample["acc"]) for sample in samples]
        mean = math.fsum(one.logprob for one in ours) / len(ours)
        assert math.exp(-mean) == pytest.approx(
            told["results"]["asked"]["perplexity,none"], rel=1e-5
        )


def test_answers_of_the_micro_world_get_the_same_likelihood_and_greediness(small, tmp_path):
    items = [*microworld.items("retention")[:30], *microworld.items("recall")[:30]]
    rows = [{"context": i.prompt, "continuation": i.choices[i.gold]} for i in items]
    assert_continuations_agree(rows, *small, folder=tmp_path)


def test_lambada_gets_the_same_likelihood_and_greediness(stories, shared_data, tmp_path):
    rows = [
        row | {"continuation": " " + row["continuation"]}
        for row in published(shared_data, "lambada_openai")[:NUM_ROWS]
    ]
    assert_continuations_agree(rows, *stories, folder=tmp_path)


def test_whole_texts_get_the_same_likelihood(small, tmp_path):
    bank, peers = small
    texts = [item.prompt + item.choices[item.gold] for item in microworld.items("recall")[:30]]
    write_jsonl(tmp_path / "asked.jsonl", [{"text": text} for text in texts])
    task = write_task(
        tmp_path / "asked.yaml",
        metrics=("word_perplexity", "byte_perplexity", "bits_per_byte"),
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="text",
    )
    found = TorchAnswerer(bank).loglikelihood([("", text) for text in texts], slots=bank.slots)
    for slot, peer in peers.items():
        # By default it puts a beginning before the one that the tokenizer brings, and predicts that one too.
        peer.lm.add_bos_token = False
        theirs = [likelihoods(sample)[0] for sample in peer.ask(task)]
        peer.lm.add_bos_token = None
        assert [one.logprob for one in found[slot]] == pytest.approx(theirs, abs=CLOSE)


def test_a_line_break_before_the_choices_counts_with_them_there_and_with_the_question_here(
    stories, shared_data, tmp_path
):
    bank, peers = stories
    rows = published(shared_data, "arc_easy", end="")[:20]
    assert all(row["query"].endswith("\n") for row in rows)
    path = write_jsonl(tmp_path / "asked.jsonl", rows)
    samples = peers["r2"].ask(choices_task(tmp_path / "asked.yaml", target_delimiter=""))
    pairs = [(row["query"][:-1], "\n") for row in rows]
    breaks = TorchAnswerer(bank).loglikelihood(pairs, slots=["r2"])["r2"]
    for sample, row, line in zip(samples, asked(path, bank)["r2"], breaks, strict=True):
        theirs = [one - line.logprob for one in likelihoods(sample)]
        assert detail(row)["logprobs"] == pytest.approx(theirs, abs=CLOSE)
        assert row.value == sample["acc"]


def test_a_model_that_emits_no_numbers_is_right_there_wherever_the_first_choice_is(tmp_path):
    rows = facts(20)
    path, task = write_jsonl(tmp_path / "asked.jsonl", rows), choices_task(tmp_path / "asked.yaml")
    bank = spoilt()
    peer = Peer(microworld.path(), peft=adapter_folder(bank, "r2", to=tmp_path))
    theirs = peer.run(task)["results"]["asked"]["acc,none"]
    assert theirs == sum(row["gold"] == 0 for row in rows) / 20 > 0
    ours = ask(f"choices:{path}", TorchAnswerer(bank), slots=["r2"], context=ANYWHERE)["r2"]
    told = score(f"choices:{path}", "r2", ours)
    assert (told.value, told.n, told.errors) == (None, 0, 20)


def spoilt() -> Bank:
    """A bank whose adapter is no number."""
    bank = bank_of("microworld", ranks=(2,))
    with torch.no_grad():
        for name, parameter in bank.model.named_parameters():
            if "down_proj.lora_B" in name:
                parameter.fill_(math.nan)
    return bank
