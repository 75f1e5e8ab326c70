"""One forward pass of rows of many slots: rows in, the loss of each thing that was to be said out.

`with reading(bank, slots) as forward` makes the bank's model ready, and `forward.passes(parts)` cuts rows into passes
of which `forward.losses(one)` gives the losses with the slot that each belongs to. Rows lie end to end where the model
allows it, are padded where it does not, and only positions that the loss looks at reach the output head. A row with a
label is judged by its slot's own classification head. It takes no step and keeps no state between passes.

    K slots  B rows  T tokens  V vocabulary  C classes  N things that the loss looks at
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.nn import functional

from workbench.adapters.bank import Bank
from workbench.adapters.updates import Masked
from workbench.data.batches import collate
from workbench.data.rendering import IGNORED
from workbench.engine.passes import Part, cut_flat, cut_padded
from workbench.engine.slot import Slot
from workbench.models.flat import Layout, flat, lay_out, reads_flat
from workbench.plan.memory import MAX_TOKENS


@contextmanager
def reading(bank: Bank, slots: Sequence[Slot]) -> Iterator["Forward"]:
    """The bank's model made ready for passes over rows of these slots."""
    names, train = [slot.name for slot in slots], slots[0].train
    routed = len(names) > 1 or bank.routable(names[0])
    with ExitStack() as stack:
        model = stack.enter_context(bank.together(names) if routed else bank.use(names[0]))
        base = bank.base
        labelled = slots[0].rows[0].label is not None
        forward = Forward(bank, model=model, routed=routed, labelled=labelled, bf16=train.bf16)
        if forward.flat:
            stack.enter_context(flat(base))
        if not labelled:
            stack.enter_context(_head_sees(base, forward))
        if train.gradient_checkpointing:
            base.activation_checkpointing_enable({"use_reentrant": False})
            stack.callback(base.activation_checkpointing_disable)
        stack.callback(model.eval)
        model.train()
        yield forward


@contextmanager
def _head_sees(base: Any, forward: "Forward") -> Iterator[None]:
    head = base.get_output_embeddings()
    handle = head.register_forward_pre_hook(forward.keep_wanted) if head is not None else None
    try:
        yield
    finally:
        if handle is not None:
            handle.remove()


class Forward:
    """Passes over the rows of some slots; final."""

    def __init__(self, bank: Bank, *, model: Any, routed: bool, labelled: bool, bf16: bool) -> None:
        self.bank, self.model = bank, model
        self._routed, self._labelled = routed, labelled
        self._names: list[str] = []
        self._base = bank.base
        self._bf16 = bf16
        self._wanted: torch.Tensor | None = None
        self.device = self._base.get_input_embeddings().weight.device
        if routed:
            bank.route([])
        prompts = getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False)
        backbone = self._base.base_model if labelled else self._base
        self.flat = not prompts and reads_flat(backbone)
        """Whether rows lie end to end."""
        self.pass_tokens = MAX_TOKENS[self.device.type]
        """What one pass may hold."""

    def admit(self, slots: Sequence[Slot]) -> None:
        """Parts are numbered by the slots that take this step."""
        self._names = [slot.name for slot in slots]

    def passes(self, parts: Sequence[Part]) -> list[list[Part]]:
        """The passes that rows are cut into."""
        cut = cut_flat if self.flat else cut_padded
        return cut(parts, max_tokens=self.pass_tokens)

    def losses(self, one: Sequence[Part]) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss of everything to be said in a pass, and the number of its slot."""
        lengths = [len(part.row.input_ids) for part in one]
        slot_B = torch.tensor([part.slot for part in one], device=self.device)
        width = None if self.flat else max(lengths)
        if self._routed:
            self.bank.route(self._spans(one, width=width))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
            if self._labelled:
                return self._of_labels(one, slot_B=slot_B)
            if self.flat:
                return self._of_tokens_flat(one, slot_B=slot_B)
            return self._of_tokens_padded(one, slot_B=slot_B)

    def keep_wanted(self, module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Before the output head: keep the positions that the loss looks at, as one long row."""
        hidden, wanted = inputs[0], self._wanted
        if wanted is None:
            return inputs
        # A learned prompt stands before the row and is not part of it.
        return (hidden[:, -wanted.shape[1] :][wanted], *inputs[1:])

    def _of_tokens_flat(
        self, one: Sequence[Part], *, slot_B: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        inputs, _ = self._joined(one)
        # The label of a position is the token after it; a row's last position has none.
        labels = [[*part.row.labels[1:], IGNORED] for part in one]
        labels_1T = torch.tensor([[label for row in labels for label in row]], device=self.device)
        lengths = torch.tensor([len(row) for row in labels], device=self.device)
        slot_1T = slot_B.repeat_interleave(lengths)[None]
        return self._said(inputs, labels_1T, slot_1T)

    def _of_tokens_padded(
        self, one: Sequence[Part], *, slot_B: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        batch = collate([part.row for part in one], pad_id=self.bank.tokenizer.pad_token_id)
        labels_BT = batch.pop("labels").roll(-1, dims=1)
        labels_BT[:, -1] = IGNORED
        inputs = {name: tensor.to(self.device) for name, tensor in batch.items()}
        labels_BT = labels_BT.to(self.device)
        return self._said(inputs, labels_BT, slot_B[:, None].expand_as(labels_BT))

    def _said(
        self, inputs: dict[str, torch.Tensor], labels_BT: torch.Tensor, slot_BT: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        wanted = labels_BT != IGNORED
        self._wanted = wanted
        logits = self.model(**inputs, use_cache=False).logits
        self._wanted = None
        if logits.dim() == 3:  # a model whose head is not its output embeddings
            logits = logits[:, -wanted.shape[1] :][wanted]
        return _cross_entropy(logits, labels_BT[wanted]), slot_BT[wanted]

    def _of_labels(
        self, one: Sequence[Part], *, slot_B: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        backbone = self._base.base_model
        if self.flat:
            inputs, layout = self._joined(one)
            hidden_BD = backbone(**inputs, use_cache=False).last_hidden_state[0, layout.ends]
        else:
            batch = collate([part.row for part in one], pad_id=self.bank.tokenizer.pad_token_id)
            inputs = {n: batch[n].to(self.device) for n in ("input_ids", "attention_mask")}
            ends_B = inputs["attention_mask"].sum(1) - 1
            hidden_BTD = backbone(**inputs, use_cache=False).last_hidden_state
            hidden_BD = hidden_BTD[torch.arange(len(one), device=self.device), ends_B]
        labels_B = torch.tensor([part.row.label for part in one], device=self.device)
        runs = _runs(one)
        logits = [
            self.bank.head(self._names[slot])(hidden_BD[first:end]) for slot, first, end in runs
        ]
        return _cross_entropy(torch.cat(logits), labels_B), slot_B

    def _joined(self, one: Sequence[Part]) -> tuple[dict[str, torch.Tensor], Layout]:
        layout = lay_out([len(part.row.input_ids) for part in one], device=self.device)
        ids_1N = torch.tensor([[i for part in one for i in part.row.input_ids]], device=self.device)
        return {"input_ids": ids_1N, "position_ids": layout.positions}, layout

    def _spans(
        self, one: Sequence[Part], *, width: int | None
    ) -> list[tuple[str, int, int, tuple[Masked, ...]]]:
        found, done = [], 0
        for slot, first, end in _runs(one):
            rows = tuple(
                Masked(part.draw, width or len(part.row.input_ids)) for part in one[first:end]
            )
            num_tokens = sum(row.num_tokens for row in rows)
            found.append((self._names[slot], done, done + num_tokens, rows))
            done += num_tokens
        return found


def _runs(one: Sequence[Part]) -> list[tuple[int, int, int]]:
    """(slot, first, end) of the rows of each slot in a pass."""
    found: list[tuple[int, int, int]] = []
    for index, part in enumerate(one):
        if found and found[-1][0] == part.slot:
            found[-1] = (part.slot, found[-1][1], index + 1)
        else:
            found.append((part.slot, index, index + 1))
    return found


def _cross_entropy(logits_NV: torch.Tensor, target_N: torch.Tensor) -> torch.Tensor:
    wide = logits_NV.to(torch.promote_types(logits_NV.dtype, torch.float32))
    return functional.cross_entropy(wide, target_N, reduction="none")
