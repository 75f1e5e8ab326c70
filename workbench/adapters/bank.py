"""The trials of one loaded base: each has a slot, and `base` is the slot with nothing of any trial on.

`Bank(model, tokenizer, trials)` attaches one adapter per trial, each initialised under its own seed as a run of its
own would be; `bank.add(trial)` attaches another while others train. Many LoRA adapters share a base. Any other method,
full fine-tuning among them, has a bank to itself: PEFT mixes no types, and some change the base. `bank.use(slot)`
makes a slot the model for a while. The bank does not train.
"""

import itertools
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file

from workbench.adapters.interchange import read_model, save_adapter, save_model, to_peft_config
from workbench.adapters.prompted import Prompted
from workbench.adapters.routing import Routes, Span
from workbench.adapters.untouched import Untouched
from workbench.adapters.updates import Masked
from workbench.errors import InputError, ModelError
from workbench.models.heads import draw_head, own_head
from workbench.plan.locate import name_for_others
from workbench.plan.sharing import alone_because, own_base_because
from workbench.scores.task import BASE
from workbench.spec import Trial


class Bank:
    """K adapters on one base, or one trial of another method; final, used by the engine and asked by the evals."""

    def __init__(self, model: Any, tokenizer: Any, trials: Sequence[Trial]) -> None:
        """Attach one adapter per trial."""
        assert trials, "a bank without trials has nothing to hold"
        self.tokenizer = tokenizer
        self.trials: dict[str, Trial] = {}
        self.model: Any = model
        """The base, in a PeftModel once there is an adapter."""
        # PEFT keys its module dicts by adapter name, and a torch module name may hold no dot.
        self._adapter: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._untouched: Untouched | None = None
        self._prompted: Prompted | None = None
        self._own: dict[str, torch.nn.Parameter] | None = None
        first, *others = trials
        self._attach_first(first)
        self.routes = Routes(self.model)
        for trial in others:
            self.add(trial)
        self.model.config.use_cache = False

    @property
    def slots(self) -> tuple[str, ...]:
        """The base and every trial."""
        return (BASE, *self.trials)

    @property
    def base(self) -> Any:
        """The base model itself, without what PEFT puts around it."""
        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model

    def add(self, trial: Trial) -> None:
        """Attach another LoRA adapter; those that are there, and what trains of them, stay as they are."""
        why = next(
            (w for t in (*self.trials.values(), trial) if (w := own_base_because(t.spec))), ""
        )
        assert not why, f"such a trial has a bank to itself: {why}"
        trained = {name: p.requires_grad for name, p in self.model.named_parameters()}
        # Not by how many there are: one that was given up keeps its key.
        key = f"slot{next(self._numbers)}"
        config = to_peft_config(trial.spec.adapter)
        with _refusals(trial), _seeded(trial):
            self.model.add_adapter(key, config)
        self._attached(trial, key=key)
        # PEFT freezes all but the active adapter when one is added.
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(trained.get(name, _is_of(f".{key}", name)))
        self.routes.refresh()

    def _attach_first(self, trial: Trial) -> None:
        adapter = trial.spec.adapter
        own = bool(own_base_because(trial.spec))
        if own:
            self._untouched = Untouched(self.model, adapter)
        if adapter.peft_type == "FULL":
            self.model.requires_grad_(True)
        else:
            config: PeftConfig = to_peft_config(adapter)
            with _refusals(trial), _seeded(trial):
                self.model = get_peft_model(self.model, config, adapter_name="slot0")
        self._attached(trial, key="slot0")
        if adapter.peft_type == "PROMPT_TUNING":
            self._prompted = Prompted(self.model)
        if own:
            self._own = {
                _without(".slot0", name): parameter
                for name, parameter in self.model.named_parameters()
                if parameter.requires_grad
            }

    def _attached(self, trial: Trial, *, key: str) -> None:
        if not alone_because(trial.spec) and _is_on_an_end(self.model, key):
            # Found here whatever the modules are called: routed, such an adapter would not be trained.
            raise ModelError(
                f"trial {trial.name!r}: its adapter lies on an embedding or on the head under a name that is not "
                "known, and could not be trained beside others; leave that module out of target_modules"
            )
        self.trials[trial.name], self._adapter[trial.name] = trial, key
        if trial.spec.adapter.task_type == "SEQ_CLS":
            whole = trial.spec.adapter.peft_type == "FULL"
            draw_head(self.model, seed=trial.spec.seed, adapter=None if whole else key)

    @contextmanager
    def use(self, slot: str) -> Iterator[Any]:
        """The model with what this slot learned, or with nothing of any slot for `base`."""
        if slot == BASE:
            with self._base():
                yield self.model
            return
        if slot not in self._adapter:
            raise InputError(f"no slot {slot!r}; there are {', '.join(self.slots)}")
        if isinstance(self.model, PeftModel):
            self.model.set_adapter(self._adapter[slot])
        yield self._prompted or self.model

    @contextmanager
    def _base(self) -> Iterator[None]:
        with ExitStack() as stack, warnings.catch_warnings():
            # PEFT warns that trained biases stay in the base; ours are taken out.
            warnings.filterwarnings("ignore", message="Careful, disabling adapter layers")
            if isinstance(self.model, PeftModel):
                stack.enter_context(self.model.disable_adapter())
            if self._untouched is not None:
                stack.enter_context(self._untouched.shown())
            yield

    @property
    def reads_alone(self) -> str:
        """Why the rows of its slots and of the base cannot stand side by side in a pass; empty when they can."""
        return next((why for t in self.trials.values() if (why := alone_because(t.spec))), "")

    def routable(self, slot: str) -> bool:
        """Whether a slot's rows can be routed beside those of others."""
        return not alone_because(self.trials[slot].spec)

    @contextmanager
    def together(self, slots: Sequence[str]) -> Iterator[Any]:
        """The model with the rows of each forward routed to the slots that `route` names."""
        keys = tuple(f".{self._adapter[slot]}" for slot in slots)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(any(_is_of(key, name) for key in keys))
        with self.routed() as model:
            yield model

    @contextmanager
    def routed(self) -> Iterator[Any]:
        """The same, whatever is trained; tokens that `route` gives to no slot are the base's."""
        with self.routes.on():
            yield self.model

    def route(self, spans: Sequence[tuple[str, int, int, tuple[Masked, ...]]]) -> None:
        """Which tokens of the next forward belong to which slot: (slot, first, end, rows)."""
        self.routes.spans = [
            Span(self._adapter[slot], first, end, rows) for slot, first, end, rows in spans
        ]

    def parameters(self, slot: str) -> dict[str, torch.nn.Parameter]:
        """The trainable parameters of a slot, by a name without the slot's own."""
        if self._own is not None:
            return self._own
        key = f".{self._adapter[slot]}"
        return {
            _without(key, name): parameter
            for name, parameter in self.model.named_parameters()
            if _is_of(key, name)
        }

    def undecayed(self, slot: str) -> frozenset[str]:
        """The parameters of a slot that weight decay leaves alone: biases and norms, as the Trainer has it."""
        from transformers import Trainer

        decayed = set(Trainer.get_decay_parameter_names(None, self.model))
        ids = {id(p) for name, p in self.model.named_parameters() if name not in decayed}
        return frozenset(n for n, p in self.parameters(slot).items() if id(p) in ids)

    def head(self, slot: str) -> torch.nn.Module:
        """The classification head of a slot."""
        return own_head(self.model, adapter=self._adapter[slot])

    def save(self, slot: str, folder: Path) -> None:
        """Write what a slot learned: a PEFT folder, or of full fine-tuning a model folder."""
        if not isinstance(self.model, PeftModel):
            save_model(self.model, self.tokenizer, folder)
            return
        base_id = name_for_others(self.trials[slot].spec.model.id)
        save_adapter(self.model, folder, adapter=self._adapter[slot], base_id=base_id)

    def restore(self, slot: str, folder: Path) -> None:
        """Read what a slot learned back from its folder."""
        if not isinstance(self.model, PeftModel):
            read_model(self.model, folder)
            return
        weights = load_file(folder / "adapter_model.safetensors")
        set_peft_model_state_dict(self.model, weights, adapter_name=self._adapter[slot])


@contextmanager
def _seeded(trial: Trial) -> Iterator[None]:
    """The seed of a run decides its first values, as `set_seed` before SFTTrainer does."""
    with torch.random.fork_rng():
        torch.manual_seed(trial.spec.seed)
        yield


@contextmanager
def _refusals(trial: Trial) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ModelError(f"trial {trial.name!r}: PEFT refuses this adapter: {error}") from error


def _is_on_an_end(model: Any, key: str) -> bool:
    head = model.get_output_embeddings()
    return any(
        key in layer.lora_embedding_A or (layer is head and key in layer.lora_A)
        for layer in model.modules()
        if isinstance(layer, LoraLayer)
    )


def _is_of(key: str, name: str) -> bool:
    return name.endswith(key) or f"{key}." in name


def _without(key: str, name: str) -> str:
    return name.removesuffix(key).replace(f"{key}.", ".")
