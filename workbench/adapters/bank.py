"""Many PEFT adapters on one base model: each trial has a slot, and `base` is the slot with every adapter off.

`Bank(model, tokenizer, trials)` attaches one adapter per trial, each initialised under its own seed as a run of its
own would be. `bank.use(slot)` makes one of them the model for a while. The bank does not train and does not save.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file

from workbench.adapters.interchange import save_adapter, to_lora_config
from workbench.adapters.routing import Routes, Span
from workbench.errors import InputError, ModelError
from workbench.plan.locate import name_for_others
from workbench.plan.sharing import alone_because
from workbench.scores.task import BASE
from workbench.spec import Trial


class Bank:
    """K adapters on one base; final, used by the engine and asked by the evals."""

    def __init__(self, model: Any, tokenizer: Any, trials: Sequence[Trial]) -> None:
        """Attach one adapter per trial."""
        assert trials, "a bank without trials has nothing to hold"
        self.tokenizer = tokenizer
        self.trials = {trial.name: trial for trial in trials}
        self.slots: tuple[str, ...] = (BASE, *self.trials)
        # PEFT keys its module dicts by adapter name, and a torch module name may hold no dot.
        self._adapter = {name: f"slot{index}" for index, name in enumerate(self.trials)}
        self.model: PeftModel = self._attach(model)
        self.routes = Routes(self.model)
        self.model.config.use_cache = False

    def _attach(self, model: Any) -> PeftModel:
        peft_model: PeftModel | None = None
        for name, trial in self.trials.items():
            config = to_lora_config(trial.spec.adapter)
            with torch.random.fork_rng():
                # The seed of a run decides the first values of A, as `set_seed` before SFTTrainer does.
                torch.manual_seed(trial.spec.seed)
                try:
                    if peft_model is None:
                        peft_model = get_peft_model(model, config, adapter_name=self._adapter[name])
                    else:
                        peft_model.add_adapter(self._adapter[name], config)
                except (ValueError, TypeError, NotImplementedError) as error:
                    raise ModelError(
                        f"trial {name!r}: PEFT refuses this adapter: {error}"
                    ) from error
        assert peft_model is not None
        return peft_model

    @contextmanager
    def use(self, slot: str) -> Iterator[PeftModel]:
        """The model with this slot's adapter on, or with every adapter off for `base`."""
        if slot == BASE:
            with self.model.disable_adapter():
                yield self.model
            return
        if slot not in self._adapter:
            raise InputError(f"no slot {slot!r}; there are {', '.join(self.slots)}")
        self.model.set_adapter(self._adapter[slot])
        yield self.model

    def routable(self, slot: str) -> bool:
        """Whether a slot's rows can be routed beside those of others."""
        return not alone_because(self.trials[slot].spec)

    @contextmanager
    def together(self, slots: Sequence[str]) -> Iterator[PeftModel]:
        """The model with the rows of each forward routed to the slots that `route` names."""
        keys = tuple(f".{self._adapter[slot]}" for slot in slots)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(any(key in name for key in keys))
        with self.routes.on():
            yield self.model

    def route(self, spans: Sequence[tuple[str, int, int, tuple[int, ...]]]) -> None:
        """Which rows of the next forward belong to which slot: (slot, first, end, draws)."""
        self.routes.spans = [
            Span(self._adapter[slot], first, end, draws) for slot, first, end, draws in spans
        ]

    def parameters(self, slot: str) -> dict[str, torch.nn.Parameter]:
        """The trainable parameters of a slot, by a name without the slot's own."""
        key = f".{self._adapter[slot]}"
        return {
            name.replace(key, ""): parameter
            for name, parameter in self.model.named_parameters()
            if name.endswith(key) or f"{key}." in name
        }

    def save(self, slot: str, folder: Path) -> None:
        """Write a slot's adapter as a PEFT folder."""
        base_id = name_for_others(self.trials[slot].spec.model.id)
        save_adapter(self.model, folder, adapter=self._adapter[slot], base_id=base_id)

    def restore(self, slot: str, folder: Path) -> None:
        """Read a slot's adapter back from a PEFT folder."""
        weights = load_file(folder / "adapter_model.safetensors")
        set_peft_model_state_dict(self.model, weights, adapter_name=self._adapter[slot])
