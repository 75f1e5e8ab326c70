"""Texts longer than the context: every token judged once, as a plain computation and as `lm-eval` do it."""

import json
import math

import pytest
import torch

from workbench.data.rendering import encode_pair
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.likelihood import Pair
from workbench.evals.windows import windows
from workbench.scores.perplexity import counts_of
from workbench.scores.scoring import score
from workbench.scores.task import BASE

STORY = "Once upon a time there was a little girl who liked to play with her red ball in the park. "


def plain_logprob(model, ids, *, context):
    """The definition: each token after at most `context` before it, by disjoint blocks that look back where they can."""
    told, total = 1, 0.0
    while told < len(ids):
        end = min(told + context, len(ids))
        first = max(0, end - 1 - context)
        inputs = torch.tensor([ids[first : end - 1]])
        with torch.no_grad():
            logprobs = model(inputs).logits[0].double().log_softmax(-1)
        total += sum(float(logprobs[place - first - 1, ids[place]]) for place in range(told, end))
        told = end
    return total


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 16, 17, 25])
@pytest.mark.parametrize("context", [1, 2, 8, 30])
def test_every_token_is_judged_once_and_no_input_is_longer_than_the_context(length, context):
    ids = tuple(range(length + 1))
    found = windows(Pair(ids, 1), context=context)
    judged = [token for window in found for token in window.ids[window.num_prompt :]]
    assert judged == list(ids[1:])
    assert all(len(window.ids) - 1 <= context for window in found)
    assert all(window.num_prompt >= 1 for window in found)
    assert len(found) == math.ceil(length / context)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 16, 17, 25])
def test_the_windows_are_those_of_lm_eval(length):
    utils = pytest.importorskip("lm_eval.utils", reason="lm-eval is not installed")
    ids = tuple(range(length + 1))
    theirs = [
        utils.make_disjoint_window(window)
        for window in utils.get_rolling_token_windows(
            token_list=list(ids[1:]), prefix_token=0, max_seq_len=8, context_len=1
        )
    ]
    ours = [
        (list(w.ids[: w.num_prompt]), list(w.ids[w.num_prompt :]))
        for w in windows(Pair(ids, 1), context=8)
    ]
    assert ours == [(list(before), list(judged)) for before, judged in theirs]


def texts_file(folder, *texts):
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def test_perplexities_of_long_and_short_texts_are_plain_sums_over_sums(stories_bank, tmp_path):
    texts = [STORY, STORY * 12, STORY * 40]
    answerer = TorchAnswerer(stories_bank)
    rows = ask(
        f"perplexity:{texts_file(tmp_path, *texts)}",
        answerer,
        slots=stories_bank.slots,
        context=EvalContext(data_id="none", model_id="stories"),
    )
    for slot in stories_bank.slots:
        told = score("perplexity:texts", slot, rows[slot])
        with answerer.opened(slot) as model:
            encoded = [encode_pair(stories_bank.tokenizer, "", text)[0] for text in texts]
            total = sum(plain_logprob(model, ids, context=answerer.context) for ids in encoded)
        tokens = sum(len(ids) - 1 for ids in encoded)
        counts = [counts_of(text) for text in texts]
        expected = {
            "token_perplexity": math.exp(-total / tokens),
            "word_perplexity": math.exp(-total / sum(c["words"] for c in counts)),
            "byte_perplexity": math.exp(-total / sum(c["bytes"] for c in counts)),
        }
        for name, value in expected.items():
            assert told.parts[name] == pytest.approx(value, rel=1e-5)
        assert (told.errors, told.truncated, told.parts["in_windows"]) == (0, 0, 1)
    assert len(encoded[1]) - 1 <= answerer.context < len(encoded[2]) - 1


def test_long_texts_get_the_likelihood_that_lm_eval_gives_them(stories_bank, shared_models):
    huggingface = pytest.importorskip(
        "lm_eval.models.huggingface", reason="lm-eval is not installed"
    )
    from lm_eval.api.instance import Instance

    peer = huggingface.HFLM(
        pretrained=str(shared_models / "stories260K"), device="cpu", dtype="float32", batch_size=2
    )
    # By default it puts a beginning before the one that the tokenizer brings, and predicts that one too.
    peer.add_bos_token = False
    texts = [STORY, STORY * 40, STORY * 70]
    asked = [
        Instance(request_type="loglikelihood_rolling", doc={}, arguments=(text,), idx=i)
        for i, text in enumerate(texts)
    ]
    theirs = peer.loglikelihood_rolling(asked, disable_tqdm=True)
    ours = TorchAnswerer(stories_bank).read(texts, slots=[BASE])[BASE]
    assert [one.logprob for one in ours] == pytest.approx(theirs, abs=2e-3, rel=1e-5)
    assert ours[0].num_windows == 1 < ours[1].num_windows < ours[2].num_windows
