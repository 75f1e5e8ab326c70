"""The slots of a bank made ready to be asked: which of them answer at once, in eval mode, and as they were afterwards.

`Audience(bank).together(slots)` gives `Respondents`, as many slots at a time as one pass serves; `alone(slot)` is one
slot through PEFT's own switch. It knows no question and no text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property, partial
from typing import Any, Protocol

import torch

from workbench.errors import InputError
from workbench.evals.respondents import Respondents
from workbench.models.flat import flat, reads_flat
from workbench.scores.task import BASE

TOGETHER = 16
"""Slots of one pass: more would leave each of them too few of its tokens."""

UNBOUNDED = 10**6
"""Tokenizers without a limit state an astronomic one."""


class Adapters(Protocol):
    """What is needed of the bank of adapters."""

    @property
    def slots(self) -> tuple[str, ...]: ...
    @property
    def model(self) -> Any: ...
    @property
    def tokenizer(self) -> Any: ...
    @property
    def base(self) -> Any: ...
    @property
    def trials(self) -> Mapping[str, Any]: ...
    @property
    def reads_alone(self) -> str: ...
    def use(self, slot: str) -> AbstractContextManager[Any]: ...
    def parameters(self, slot: str) -> Mapping[str, torch.Tensor]: ...
    def routed(self) -> AbstractContextManager[Any]: ...
    def route(self, spans: Sequence[tuple[str, int, int, tuple[Any, ...]]]) -> None: ...


class Audience:
    """The slots of one bank; final."""

    def __init__(self, bank: Adapters) -> None:
        self._bank = bank
        self._sound: dict[str, bool] = {}

    def check(self, slots: Sequence[str]) -> None:
        """Refuse a slot that is not there."""
        for slot in slots:
            if slot not in self._bank.slots:
                raise InputError(f"no slot {slot!r}; there are {', '.join(self._bank.slots)}")

    def is_sound(self, slot: str) -> bool:
        """Whether a slot's weights, its base's among them, are numbers.

        Where they are not it has no answer at all: attention without a mask may answer as if they were.
        """
        if slot not in self._sound:
            if slot == BASE:
                self._sound[slot] = _are_finite(self._of_base())
            else:
                own = self._bank.parameters(slot).values()
                self._sound[slot] = _are_finite(own) and self.is_sound(BASE)
        return self._sound[slot]

    def _of_base(self) -> Iterator[torch.Tensor]:
        """The weights that no trial has for its own."""
        trials = (self._bank.parameters(slot) for slot in self._bank.slots if slot != BASE)
        theirs = {id(tensor) for own in trials for tensor in own.values()}
        return (one for one in self._bank.base.parameters() if id(one) not in theirs)

    def together(
        self, slots: Sequence[str], *, flat_too: bool = False
    ) -> Iterator[tuple[tuple[str, ...], Respondents]]:
        """Slots that answer together, and the model ready for them; end to end where it can be and is wanted."""
        self.check(slots)
        is_flat = flat_too and self._reads_flat
        distinct = tuple(dict.fromkeys(slots))
        size = 1 if self._bank.reads_alone else TOGETHER
        for start in range(0, len(distinct), size):
            some = distinct[start : start + size]
            with ExitStack() as stack:
                if self._bank.reads_alone:
                    model = stack.enter_context(self.alone(some[0]))
                    route: Callable[[Sequence[int]], None] = _unrouted
                else:
                    stack.enter_context(self._at_rest())
                    model = stack.enter_context(self._bank.routed())
                    route = partial(self._route, some)
                if is_flat:
                    stack.enter_context(flat(self._bank.base))
                yield some, Respondents(model, len(some), route, is_flat)

    @contextmanager
    def alone(self, slot: str) -> Iterator[torch.nn.Module]:
        """The slot's model in eval mode, and afterwards every module in the mode it was in."""
        self.check([slot])
        with self._at_rest(), self._bank.use(slot) as model:
            yield model

    def _route(self, slots: Sequence[str], tokens: Sequence[int]) -> None:
        spans, first = [], 0
        for slot, count in zip(slots, tokens, strict=True):
            if slot != BASE and count:
                spans.append((slot, first, first + count, ()))
            first += count
        self._bank.route(spans)

    @cached_property
    def _reads_flat(self) -> bool:
        """Whether rows can lie end to end; a learned prompt would stand before the first of them only."""
        config = getattr(self._bank.model, "active_peft_config", None)
        if getattr(config, "is_prompt_learning", False):
            return False
        with self.alone(BASE):
            return reads_flat(self._bank.base)

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        training = [module for module in self._bank.model.modules() if module.training]
        self._bank.model.eval()
        try:
            # no_grad and not inference_mode: buffers made here may be used in training again.
            with torch.no_grad():
                yield
        finally:
            for module in training:
                module.training = True


def _are_finite(tensors: Iterable[torch.Tensor]) -> bool:
    return all(bool(one.isfinite().all()) for one in tensors if one.is_floating_point())


def _unrouted(tokens: Sequence[int]) -> None:
    """A slot that is asked alone has every token."""


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
