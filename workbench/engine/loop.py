"""The loop: the slots of one bank, their rows, and the events that tell how they went.

Each slot does what `trl.SFTTrainer` does with the same spec, step for step: the same order of rows, loss summed over
the tokens of its own accumulation window and divided by their number, clipping by the norm of its adapter alone, AdamW
and the schedule of transformers. The slots share only the forward and backward through the frozen base. There are no
callbacks: whoever wants to watch iterates. It yields at step boundaries only, so a caller that stops iterating pauses
it. A slot that ends, fails, is stopped, joins or gives up its turns leaves the others as they were.

    K slots  N things that the loss looks at
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import torch

from workbench import events
from workbench.adapters.bank import Bank
from workbench.engine.fitting import fitted
from workbench.engine.forward import Forward, reading
from workbench.engine.passes import Part
from workbench.engine.slot import Reason, Slot, Window

SAVE_SECONDS = 60.0
"""A slow training is saved at least so often, whatever `save_steps` says."""


def train(
    bank: Bank,
    slots: Sequence[Slot],
    *,
    stopped: Callable[[str], bool] = lambda name: False,
    joining: Callable[[], Sequence[Slot]] = lambda: (),
    turns: Callable[[Mapping[str, int]], Collection[str]] = lambda steps: steps,
    leaving: Callable[[str], Reason | None] = lambda name: None,
    pass_tokens: int | None = None,
) -> Iterator[events.Event]:
    """Train slots together to their ends, each from its checkpoint when there is one.

    Args:
        bank: Holds an adapter for each slot.
        slots: Those that begin.
        stopped: Asked at each step whether a slot is to end with it.
        joining: Asked at each step for slots that begin with the next; the bank holds their adapters already.
        turns: Told before each step how far each living slot is, and says who takes it; the others stay where they are.
        leaving: Asked before each step for the reason to end a slot without it.
        pass_tokens: What a forward pass may hold; None takes what suits the device.
    """
    live: list[Slot] = []
    newcomers = list(slots)
    saved = time.monotonic()
    with reading(bank, newcomers) as forward:
        forward.pass_tokens = pass_tokens or forward.pass_tokens
        while newcomers or live:
            for slot in newcomers:
                yield from slot.prepare(bank)
            live += newcomers
            if newcomers:
                yield from _saved(live, forward)
            named = turns({slot.name: slot.step for slot in live})
            for slot in live:
                if (reason := leaving(slot.name)) is not None:
                    yield from slot.finish(reason)
            going = [slot for slot in live if slot.name in named and not slot.ended]
            if going:
                yield from _step(forward, going, stopped=stopped)
            ended = any(slot.ended for slot in live)
            live = [slot for slot in live if not slot.ended]
            newcomers = list(joining())
            late = time.monotonic() - saved > SAVE_SECONDS
            # Those that were asked for in this round are part of the next savepoint, or of none.
            if not newcomers and (ended or late or any(slot.is_to_save for slot in going)):
                yield from _saved(live, forward)
                saved = time.monotonic()


def _step(
    forward: Forward, going: Sequence[Slot], *, stopped: Callable[[str], bool]
) -> Iterator[events.Event]:
    """One optimizer step of every slot that takes it."""
    forward.admit(going)
    began = time.perf_counter()
    windows = [slot.next_window() for slot in going]
    losses = yield from fitted(forward, going, lambda: _backward(forward, going, windows))
    told = [
        slot.commit(loss=loss, num_tokens=num_tokens)
        for slot, (loss, num_tokens) in zip(going, losses, strict=True)
    ]
    seconds = (time.perf_counter() - began) / len(going)
    due = [
        slot
        for slot, event in zip(going, told, strict=True)
        if slot.is_due and not isinstance(event, events.Failed)
    ]
    held_out = yield from fitted(forward, going, lambda: _held_out(forward, going, due))
    for slot, event in zip(going, told, strict=True):
        yield from slot.tell(
            event, seconds=seconds, stopped=stopped(slot.name), held_out=held_out.get(slot.name)
        )


def _saved(live: Sequence[Slot], forward: Forward) -> Iterator[events.Event]:
    """Write down every slot at this boundary; together they are a point to go on from."""
    for slot in live:
        yield from slot.save()
    if all(slot.is_saved for slot in live):
        steps = {slot.name: slot.step for slot in live}
        yield events.Savepoint(slots=steps, pass_tokens=forward.pass_tokens)


def _backward(
    forward: Forward, slots: Sequence[Slot], windows: Sequence[Window]
) -> list[tuple[float, int]]:
    """Gradients of one optimizer step of every slot; the loss of each and its number of tokens."""
    num_tokens_K = [slot.num_tokens(window) for slot, window in zip(slots, windows, strict=True)]
    weight_K = torch.tensor([1.0 / max(n, 1) for n in num_tokens_K], dtype=torch.float64)
    loss_K = torch.zeros(len(slots), dtype=torch.float64)
    for parts in _micro_batches(slots, windows):
        for one in forward.passes(parts):
            loss_N, slot_N = forward.losses(one)
            (loss_N * weight_K.to(loss_N.device, loss_N.dtype)[slot_N]).sum().backward()
            loss_K.index_add_(0, slot_N.cpu(), loss_N.detach().double().cpu())
    totals = (loss_K * weight_K).tolist()
    return list(zip(totals, num_tokens_K, strict=True))


def _micro_batches(slots: Sequence[Slot], windows: Sequence[Window]) -> Iterator[list[Part]]:
    """Every slot's first micro-batch, then its second: memory is that of one of them."""
    for index in range(max(len(window.batches) for window in windows)):
        yield [
            Part(slot=k, row=slots[k].rows[i], draw=slots[k].draw(position))
            for k, window in enumerate(windows)
            if index < len(window.batches)
            for position, i in window.batches[index]
        ]


def _held_out(
    forward: Forward, live: Sequence[Slot], due: Sequence[Slot]
) -> dict[str, events.HeldOut]:
    """The mean loss of the held-out rows of every slot that is due, all of them in the same passes."""
    if not due:
        return {}
    began = time.perf_counter()
    numbers = {slot.name: k for k, slot in enumerate(live)}
    loss_K = torch.zeros(len(live), dtype=torch.float64)
    parts = [
        Part(slot=numbers[slot.name], row=row, draw=0) for slot in due for row in slot.held_out
    ]
    forward.model.eval()
    with torch.no_grad():
        for one in forward.passes(parts):
            loss_N, slot_N = forward.losses(one)
            loss_K.index_add_(0, slot_N.cpu(), loss_N.double().cpu())
    forward.model.train()
    seconds = (time.perf_counter() - began) / len(due)
    found = {}
    for slot in due:
        num_tokens = sum(row.num_trained for row in slot.held_out)
        loss = float(loss_K[numbers[slot.name]]) / max(num_tokens, 1)
        found[slot.name] = events.HeldOut(
            trial=slot.name, step=slot.step, loss=loss, num_tokens=num_tokens, seconds=seconds
        )
    return found
