"""One trial while it trains: its rows in their order, its parameters, its optimizer, its schedule, its checkpoint.

The loop asks a slot for its next window of rows and, when gradients are there, tells it to commit; everything that a
run of its own would have is here and nothing is shared. It knows no forward pass and no other slot.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.batches import epoch_order, optimizer_steps
from workbench.data.rendering import Rendered
from workbench.engine import checkpoint
from workbench.engine.patience import Patience
from workbench.errors import RunError
from workbench.spec import TrainSpec

Reason = Literal["done", "stopped", "early", "pruned", "dropped"]


class Window(NamedTuple):
    """The micro-batches of one optimizer step."""

    epoch: float
    """Reached after it."""
    batches: list[list[tuple[int, int]]]
    """Of (position in the run, row) pairs."""


@dataclass(kw_only=True)
class Slot:
    """A trial while it trains."""

    name: str
    train: TrainSpec
    rows: Sequence[Rendered]
    seed: int
    fingerprint: str
    """Of the trial's spec and rows: the checkpoint of anything else is not continued."""
    checkpoint: Path
    """The folder that its checkpoints lie in."""
    from_step: int | None = None
    """The checkpoint it goes on from, 0 for none; None takes the newest there is."""
    held_out: Sequence[Rendered] = ()
    """Rows it is asked about and never trained on."""
    rungs: frozenset[int] = frozenset()
    """Steps after which it is asked, whatever `eval_steps` says."""
    until: int | None = None
    """The step after which it waits, its checkpoint written; None trains to the end."""
    step: int = 0
    seconds: float = 0.0
    ended: bool = False
    parameters: dict[str, torch.nn.Parameter] = field(default_factory=dict)
    _optimizer: Any = None
    _scheduler: Any = None
    _windows: Iterator[Window] | None = None
    _window: Window | None = None
    _patience: Any = None
    _num_trained: Sequence[int] = ()
    """Of each row; counted once, looked at in every step."""
    _saved: int = 0
    """The step of its last checkpoint."""

    @property
    def is_due(self) -> bool:
        """Whether the held-out loss is asked for after this step."""
        every = self.train.eval_steps
        asked = bool(every and self.step % every == 0) or self.step in self.rungs
        return asked and bool(self.held_out)

    @property
    def is_to_save(self) -> bool:
        """Whether a checkpoint is asked for after this step."""
        return self.step % self.train.save_steps == 0 and self.step > self._saved

    @property
    def total_steps(self) -> int:
        """Optimizer steps from the first to the last."""
        return optimizer_steps(len(self.rows), train=self.train)

    def prepare(self, bank: Bank) -> Iterator[events.Event]:
        """Make the optimizer and the schedule, and take up the checkpoint when there is one."""
        from transformers import get_scheduler

        spec, total = self.train, self.total_steps
        self.parameters = bank.parameters(self.name)
        for parameter in self.parameters.values():
            parameter.requires_grad_(True)
        self._patience = Patience(train=spec)
        self._num_trained = [row.num_trained for row in self.rows]
        spared = bank.undecayed(self.name) if spec.weight_decay else frozenset()
        groups: list[dict[str, Any]] = [
            {"params": [p for name, p in self.parameters.items() if name not in spared]},
            {"params": [self.parameters[name] for name in sorted(spared)], "weight_decay": 0.0},
        ]
        self._optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=spec.learning_rate,
            betas=(spec.adam_beta1, spec.adam_beta2),
            eps=spec.adam_epsilon,
            weight_decay=spec.weight_decay,
            fused=True,
        )
        warmup = spec.warmup_steps
        self._scheduler = get_scheduler(
            spec.lr_scheduler_type,
            optimizer=self._optimizer,
            num_warmup_steps=int(warmup) if warmup >= 1 else math.ceil(total * warmup),
            num_training_steps=total,
        )
        yield from self._resume()
        self._windows = self._all_windows()
        yield events.Started(
            trial=self.name, total_steps=total, from_step=self.step,
            trainable_parameters=sum(p.numel() for p in self.parameters.values()),
        )  # fmt: skip

    def next_window(self) -> Window:
        """The rows of the next step."""
        assert self._windows is not None, "prepare() comes first"
        self._window = next(self._windows)
        return self._window

    def num_tokens(self, window: Window) -> int:
        """Tokens that the loss looks at in a window."""
        return sum(self._num_trained[i] for batch in window.batches for _, i in batch)

    def draw(self, position: int) -> int:
        """A number for the dropout masks of the row at a position of this run."""
        text = f"{self.seed}/{position}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big")

    def commit(self, *, loss: float, num_tokens: int) -> events.Event:
        """Clip, check and step; a step that is not finite is not taken and fails the slot alone."""
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.train.max_grad_norm)
        grad_norm = float(norm)
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            self._optimizer.zero_grad()
            return self._diverged(loss=loss, grad_norm=grad_norm)
        rate = self._scheduler.get_last_lr()[0]
        self._optimizer.step()
        self._scheduler.step()
        self._optimizer.zero_grad()
        self.step += 1
        assert self._window is not None
        return events.Step(
            trial=self.name, step=self.step, epoch=round(self._window.epoch, 4), loss=loss,
            learning_rate=rate, grad_norm=grad_norm, num_tokens=num_tokens, seconds=0.0,
        )  # fmt: skip

    def tell(
        self,
        event: events.Event,
        *,
        seconds: float,
        stopped: bool,
        held_out: events.HeldOut | None = None,
    ) -> Iterator[events.Event]:
        """What became of a step, and whether the slot ends with it."""
        self.seconds += seconds
        if isinstance(event, events.Failed):
            self.ended = True
            yield event
            return
        yield event.model_copy(update={"seconds": seconds})
        if held_out is not None:
            self._patience.hear(held_out.loss, self.parameters)
            yield held_out
        if self.step >= self.total_steps:
            yield from self.finish("done")
        elif self._patience.at_an_end:
            yield from self.finish("early")
        elif stopped:
            # Before the best weights are put back: it may go on from where it was.
            yield from self.save()
            yield from self.finish("stopped")
        elif self.step == self.until:
            yield from self.save()
            self.ended = True

    def finish(self, reason: Reason) -> Iterator[events.Event]:
        """End here."""
        self.ended = True
        self._patience.restore_best(self.parameters)
        yield events.Finished(trial=self.name, step=self.step, seconds=self.seconds, reason=reason)

    def forget_gradients(self) -> None:
        """Let a step be taken from its beginning again."""
        self._optimizer.zero_grad()

    def save(self) -> Iterator[events.Event]:
        """Write a checkpoint, unless there is one of this step; what cannot be written is said, and training goes on."""
        if self._saved == self.step:
            return
        try:
            self._write()
        except RunError as error:
            yield events.Warned(trial=self.name, code="checkpoint", message=str(error))
            return
        self._saved = self.step
        yield events.Saved(trial=self.name, step=self.step, what="checkpoint")

    @property
    def is_saved(self) -> bool:
        """Whether what it is now is on disk; at its beginning there is nothing to write."""
        return self._saved == self.step

    def _resume(self) -> Iterator[events.Event]:
        step = checkpoint.newest(self.checkpoint) if self.from_step is None else self.from_step
        if not step:
            return
        try:
            path = checkpoint.path_at(self.checkpoint, step)
            found = checkpoint.read(path, fingerprint=self.fingerprint)
        except RunError as error:
            message = f"{error}; training begins anew"
            yield events.Warned(trial=self.name, code="checkpoint", message=message)
            return
        saved, differs = found
        for difference in differs:
            yield events.Warned(trial=self.name, code="resumed-elsewhere", message=difference)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(saved.parameters[name])
                self._optimizer.state[parameter] = {
                    kind: tensor.to(parameter.device)
                    for kind, tensor in saved.moments[name].items()
                }
        self.step, self._saved, self.seconds = saved.step, saved.step, saved.seconds
        self._patience.best, self._patience.waited = saved.best, saved.waited
        self._patience.kept = {
            name: tensor.to(self.parameters[name].device) for name, tensor in saved.kept.items()
        }
        # A schedule is a function of how often it was stepped; the optimizer has stepped as often.
        self._optimizer._opt_called = True
        self._scheduler.last_epoch = self.step - 1
        self._scheduler.step()

    def _write(self) -> None:
        checkpoint.write(
            checkpoint.path_at(self.checkpoint, self.step),
            checkpoint.Checkpoint(
                step=self.step,
                fingerprint=self.fingerprint,
                parameters={name: p.detach() for name, p in self.parameters.items()},
                moments={name: self._optimizer.state[p] for name, p in self.parameters.items()},
                seconds=self.seconds,
                best=self._patience.best,
                waited=self._patience.waited,
                kept=self._patience.kept,
            ),
        )

    def _all_windows(self) -> Iterator[Window]:
        """From the slot's step on, for ever."""
        size = self.train.per_device_train_batch_size
        accumulate = self.train.gradient_accumulation_steps
        step, epoch = 0, 0
        while True:
            order = epoch_order(len(self.rows), seed=self.seed, epoch=epoch)
            base = epoch * len(order)
            placed = [(base + position, row) for position, row in enumerate(order)]
            batches = [placed[i : i + size] for i in range(0, len(placed), size)]
            for first in range(0, len(batches), accumulate):
                step += 1
                if step <= self.step:
                    continue
                window = batches[first : first + accumulate]
                yield Window(epoch + (first + len(window)) / len(batches), window)
            epoch += 1

    def _diverged(self, *, loss: float, grad_norm: float) -> events.Failed:
        return events.Failed(
            trial=self.name, step=self.step, kind="diverged",
            message=f"the loss became {loss:g} and the gradient norm {grad_norm:g} after step "
            f"{self.step} at learning rate {self.train.learning_rate:g}; a lower "
            "train.learning_rate or a warm-up (train.warmup_steps) usually helps",
        )  # fmt: skip
