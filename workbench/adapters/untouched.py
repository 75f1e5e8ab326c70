"""The base's own weights, kept aside from methods that change them, so that the control stays the control.

`Untouched(model, adapter)` copies what a method is about to change, before it does: everything for full fine-tuning,
biases where they are trained, weights that an initialisation takes its values from. `with untouched.shown():` puts the
copies into the model for a while. It knows neither rows nor slots.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from workbench.spec import AdapterSpec


class Untouched:
    """Copies of the parameters that a method changes; final."""

    def __init__(self, model: Any, adapter: AdapterSpec) -> None:
        """Copy them; PEFT wraps modules and keeps the inner ones, so their places stay known."""
        copies: dict[int, torch.nn.Parameter] = {}
        self._kept: list[tuple[torch.nn.Module, str, torch.nn.Parameter]] = []
        for module in model.modules():
            for name, parameter in module.named_parameters(recurse=False):
                if not _changes(name, parameter, adapter=adapter):
                    continue
                # A tied weight has several places and one copy.
                if id(parameter) not in copies:
                    copies[id(parameter)] = copy.deepcopy(parameter).requires_grad_(False)
                self._kept.append((module, name, copies[id(parameter)]))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The copies in their places while the block runs."""
        own = [(module, name, module._parameters[name]) for module, name, _ in self._kept]
        try:
            for module, name, parameter in self._kept:
                module._parameters[name] = parameter
            yield
        finally:
            for module, name, changed in own:
                module._parameters[name] = changed


def _changes(name: str, parameter: torch.Tensor, *, adapter: AdapterSpec) -> bool:
    if adapter.peft_type == "FULL":
        return True
    if adapter.bias != "none" and name == "bias":
        return True
    return adapter.init_lora_weights in ("pissa", "olora") and parameter.dim() == 2
