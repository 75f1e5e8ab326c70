"""The bank of adapters as an `Answerer`: text in, likelihoods and greedy answers out, slot by slot.

`TorchAnswerer(bank)` asks the loaded model with one adapter on, or none, and leaves it as it found it. Texts asked
twice are computed once. Everything is asked in eval mode, without gradients, under greedy decoding, so an answer
does not depend on the batch it is in beyond the rounding of floats. It knows no eval and makes no rows.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, Protocol

import torch

from workbench.data.rendering import encode_pair, encode_text
from workbench.errors import InputError
from workbench.evals import classifying, generation, likelihood
from workbench.models.heads import labels_of
from workbench.scores.task import Classification, Generation, Likelihood

BROKEN = Generation("", -1, False)
"""What is generated from logits that are not finite: no answer, and not an empty one either."""

UNBOUNDED = 10**6
"""Tokenizers without a limit state an astronomic one."""


class Adapters(Protocol):
    """What an answerer needs of the bank of adapters."""

    @property
    def slots(self) -> tuple[str, ...]: ...
    @property
    def model(self) -> Any: ...
    @property
    def tokenizer(self) -> Any: ...
    def use(self, slot: str) -> AbstractContextManager[Any]: ...


class Hits(NamedTuple):
    """How many tokens of a continuation are the likeliest next one, given the true ones before."""

    num_hits: int
    num_tokens: int
    logprob: float
    truncated: bool


class TorchAnswerer:
    """Asks a bank; see `scores.task.Answerer`."""

    def __init__(self, bank: Adapters, *, batch_size: int = 128, reserved: int = 0) -> None:
        """Of the context so many tokens are kept free, for a prompt that a slot puts in front."""
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size!r}; it has to be at least 1")
        self.slots = bank.slots
        self.tokenizer = bank.tokenizer
        self._bank = bank
        self._limit = likelihood.Limit(
            batch_size,
            context_length(bank.model, bank.tokenizer) - reserved,
            bank.tokenizer.bos_token_id,
        )

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        """For each slot, the likelihood of every (prompt, continuation)."""
        return {
            slot: [
                Likelihood(s.logprob, s.num_tokens, s.num_hits == s.num_tokens, s.truncated)
                for s in scores
            ]
            for slot, scores in self._score(pairs, slots=slots).items()
        }

    def token_hits(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Hits]]:
        """For each slot, the teacher-forced tokens of every continuation it would have said itself."""
        return {
            slot: [Hits(s.num_hits, s.num_tokens, s.logprob, s.truncated) for s in scores]
            for slot, scores in self._score(pairs, slots=slots).items()
        }

    def generate(
        self, prompts: Sequence[str], *, slots: Sequence[str], max_new_tokens: int = 16
    ) -> dict[str, list[Generation]]:
        """For each slot, the greedy answer to every prompt."""
        distinct = list(dict.fromkeys(prompts))
        encoded = [self._encode_prompt(prompt) for prompt in distinct]
        answers = {}
        for slot in slots:
            with self._asking(slot) as model:
                decoded = generation.decode(
                    model,
                    encoded,
                    max_new_tokens=max_new_tokens,
                    eos_ids=end_ids(model, self.tokenizer),
                    limit=self._limit,
                )
            said = dict(zip(distinct, map(self._as_text, decoded), strict=True))
            answers[slot] = [said[prompt] for prompt in prompts]
        return answers

    @property
    def labels(self) -> tuple[str, ...]:
        """What the bank's model tells apart; empty for a model that writes."""
        return labels_of(self._bank.model)

    def classify(
        self, prompts: Sequence[str], *, slots: Sequence[str]
    ) -> dict[str, list[Classification]]:
        """For each slot, the likeliest label of every prompt."""
        distinct, labels = list(dict.fromkeys(prompts)), self.labels
        encoded = [
            encode_text(self.tokenizer, text, max_length=self._limit.context) for text in distinct
        ]
        told = {}
        for slot in slots:
            with self._asking(slot) as model:
                found = classifying.classify(
                    model, [tuple(ids) for ids, _ in encoded], limit=self._limit
                )
            by_prompt = {
                text: Classification(labels[logprobs.index(max(logprobs))], logprobs, cut)
                for text, logprobs, (_, cut) in zip(distinct, found, encoded, strict=True)
            }
            told[slot] = [by_prompt[text] for text in prompts]
        return told

    def time_decode(
        self, slot: str, *, prompt_ids: Sequence[int], new_tokens: int
    ) -> generation.Timing:
        """One greedy decode of a forced length, timed; the collector keeps out of it."""
        with self._asking(slot) as model:
            collecting = gc.isenabled()
            gc.disable()
            try:
                return generation.time_decode(model, prompt_ids=prompt_ids, new_tokens=new_tokens)
            finally:
                if collecting:
                    gc.enable()

    @property
    def context(self) -> int:
        """The longest input of the model, in tokens."""
        return self._limit.context

    def _score(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[likelihood.PairScore]]:
        distinct = list(dict.fromkeys(pairs))
        encoded = [self._encode_pair(*pair) for pair in distinct]
        scores = {}
        for slot in slots:
            with self._asking(slot) as model:
                found = likelihood.score_pairs(model, encoded, limit=self._limit)
            by_pair = dict(zip(distinct, found, strict=True))
            scores[slot] = [by_pair[pair] for pair in pairs]
        return scores

    def _encode_pair(self, prompt: str, continuation: str) -> likelihood.Pair:
        ids, num_prompt = encode_pair(self.tokenizer, prompt, continuation)
        if num_prompt == 0:
            # Without a bos nothing stands before the first token; it is then judged after an end.
            start = self.tokenizer.eos_token_id
            ids, num_prompt = ([start, *ids], 1) if start is not None else (ids, min(1, len(ids)))
        if len(ids) <= num_prompt:
            raise InputError(
                f"the continuation {continuation!r} of {prompt!r} has no token of its own"
            )
        return likelihood.Pair(tuple(ids), num_prompt)

    def _encode_prompt(self, prompt: str) -> tuple[int, ...]:
        # A space at the end would be the beginning of the answer's first token.
        ids, _ = encode_pair(self.tokenizer, prompt.rstrip(" "), "")
        end = self.tokenizer.eos_token_id
        while ids and ids[-1] == end and not prompt.endswith(self.tokenizer.eos_token):
            ids = ids[:-1]
        return tuple(ids) or (0 if end is None else end,)

    def _as_text(self, decoded: generation.Decoded) -> Generation:
        if decoded.broken:
            return BROKEN
        text = self.tokenizer.decode(decoded.ids, skip_special_tokens=True).strip()
        return Generation(text, len(decoded.ids), decoded.cut or not decoded.ended)

    @contextmanager
    def _asking(self, slot: str) -> Iterator[torch.nn.Module]:
        """The slot's model in eval mode, and afterwards every module in the mode it was in."""
        if slot not in self.slots:
            raise InputError(f"no slot {slot!r}; there are {', '.join(self.slots)}")
        training = [module for module in self._bank.model.modules() if module.training]
        self._bank.model.eval()
        try:
            # no_grad and not inference_mode: buffers made here may be used in training again.
            with self._bank.use(slot) as model, torch.no_grad():
                yield model
        finally:
            for module in training:
                module.training = True


def context_length(model: Any, tokenizer: Any) -> int:
    """The longest input, as the model states it, else the tokenizer, else 2,048."""
    config = model.config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "max_seq_len", "n_ctx"):
        stated = getattr(config, name, None)
        if isinstance(stated, int) and stated > 0:
            return stated
    by_tokenizer = int(getattr(tokenizer, "model_max_length", UNBOUNDED))
    return by_tokenizer if by_tokenizer < UNBOUNDED else 2048


def end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends an answer: the model may name several, the tokenizer one."""
    named = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    several = named if isinstance(named, list | tuple) else [named]
    return frozenset(i for i in (*several, tokenizer.eos_token_id) if i is not None)
