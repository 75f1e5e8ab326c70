"""The loop: the slots of one bank, their rows, and the events that tell how they went.

Each slot does what `trl.SFTTrainer` does with the same spec, step for step: the same order of rows, loss summed over
the tokens of its own accumulation window and divided by their number, clipping by the norm of its adapter alone, AdamW
and the schedule of transformers. The slots share only the forward and backward through the frozen base. There are no
callbacks: whoever wants to watch iterates. It yields at step boundaries only, so a caller that stops iterating pauses
it. A slot that ends, fails or is stopped leaves the others as they were.

    K slots  B rows  T tokens  V vocabulary  N tokens that the loss looks at
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.batches import collate
from workbench.engine.passes import Part, cut, spans
from workbench.engine.slot import Slot
from workbench.plan.memory import MAX_TOKENS


def train(
    bank: Bank, slots: Sequence[Slot], *, stopped: Callable[[str], bool] = lambda name: False
) -> Iterator[events.Event]:
    """Train slots together to their ends, each from its checkpoint when there is one."""
    live = list(slots)
    with _sharing(bank, live) as model, _logits_where_wanted(model) as wanted:
        for slot in live:
            yield from slot.prepare(bank)
        while live:
            began = time.perf_counter()
            windows = [slot.next_window() for slot in live]
            losses = _backward(bank, live, windows, model=model, wanted=wanted)
            told = [
                slot.commit(loss=loss, num_tokens=num_tokens)
                for slot, (loss, num_tokens) in zip(live, losses, strict=True)
            ]
            seconds = (time.perf_counter() - began) / len(live)
            remaining = []
            for slot, event in zip(live, told, strict=True):
                yield from slot.tell(event, seconds=seconds, stopped=stopped(slot.name))
                if not slot.ended:
                    remaining.append(slot)
            live = remaining


@contextmanager
def _sharing(bank: Bank, slots: Sequence[Slot]) -> Iterator[Any]:
    names = [slot.name for slot in slots]
    train_spec = slots[0].train
    if len(names) == 1 and not bank.routable(names[0]):
        context = bank.use(names[0])
    else:
        context = bank.together(names)
    with context as model:
        model.train()
        if train_spec.gradient_checkpointing:
            model.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
        try:
            yield model
        finally:
            if train_spec.gradient_checkpointing:
                model.get_base_model().activation_checkpointing_disable()
            model.eval()


class _Wanted:
    """The positions whose logits the loss looks at in the pass at hand."""

    mask_BT: torch.Tensor | None = None

    def __call__(self, module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Before the output head: keep those positions only, as one long row."""
        hidden_BTD = inputs[0]
        return (hidden_BTD[:, :-1][self.mask_BT], *inputs[1:])


@contextmanager
def _logits_where_wanted(model: Any) -> Iterator[_Wanted]:
    wanted = _Wanted()
    head = model.get_base_model().get_output_embeddings()
    handle = head.register_forward_pre_hook(wanted) if head is not None else None
    try:
        yield wanted
    finally:
        if handle is not None:
            handle.remove()


def _backward(
    bank: Bank, slots: Sequence[Slot], windows: Sequence[Any], *, model: Any, wanted: _Wanted
) -> list[tuple[float, int]]:
    """Gradients of one optimizer step of every slot; the loss of each and its number of tokens."""
    device = next(iter(slots[0].parameters.values())).device
    num_tokens_K = [slot.num_tokens(window) for slot, window in zip(slots, windows, strict=True)]
    weight_K = torch.tensor([1.0 / max(n, 1) for n in num_tokens_K], dtype=torch.float64)
    loss_K = torch.zeros(len(slots), dtype=torch.float64)
    for one in _passes(slots, windows, max_tokens=MAX_TOKENS[device.type]):
        bank.route([(slots[k].name, first, end, draws) for k, first, end, draws in spans(one)])
        batch = collate([part.row for part in one], pad_id=bank.tokenizer.pad_token_id)
        labels_BT = batch.pop("labels")[:, 1:].to(device)
        wanted.mask_BT = labels_BT != -100
        inputs = {name: tensor.to(device) for name, tensor in batch.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=slots[0].train.bf16):
            logits = model(**inputs, use_cache=False).logits
        if logits.dim() == 3:  # a model whose head is not its output embeddings
            logits = logits[:, :-1][wanted.mask_BT]
        logits_NV = logits.to(torch.promote_types(logits.dtype, torch.float32))
        loss_N = functional.cross_entropy(logits_NV, labels_BT[wanted.mask_BT], reduction="none")
        slot_B = torch.tensor([part.slot for part in one], device=device)
        slot_N = slot_B[:, None].expand_as(labels_BT)[wanted.mask_BT]
        (loss_N * weight_K.to(device, loss_N.dtype)[slot_N]).sum().backward()
        loss_K.index_add_(0, slot_N.cpu(), loss_N.detach().double().cpu())
    totals = (loss_K * weight_K).tolist()
    return list(zip(totals, num_tokens_K, strict=True))


def _passes(
    slots: Sequence[Slot], windows: Sequence[Any], *, max_tokens: int
) -> Iterator[list[Part]]:
    """Every pass of a step: micro-batch by micro-batch, so that memory is that of one of them."""
    for index in range(max(len(window.batches) for window in windows)):
        parts = [
            Part(slot=k, row=slots[k].rows[i], draw=slots[k].draw(position))
            for k, window in enumerate(windows)
            if index < len(window.batches)
            for position, i in window.batches[index]
        ]
        yield from cut(parts, max_tokens=max_tokens)
