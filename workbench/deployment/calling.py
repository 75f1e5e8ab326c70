"""A model as something that is timed: fixed tokens in, a forced number of tokens out, a stamp at each.

`Called(name, model)` answers greedily with a cache and looks at the clock once the device is done with each token. What it
is fed are drawn token ids, never text, so that every variant does the same work whatever it would say. Shapes: B rows,
T tokens, V vocabulary.
"""

import inspect
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from workbench.evals.generation import wait_for
from workbench.timing.call import Cell


def nothing() -> None:
    """For models that need no preparation."""


class Called:
    """One variant, ready to be called; final."""

    def __init__(
        self,
        name: str,
        model: Any,
        *,
        vocabulary: int,
        before: Callable[[], None] = nothing,
        routes: Callable[[int], list[str]] | None = None,
        own: Callable[[], None] = nothing,
        seed: int = 0,
    ) -> None:
        """Take a model in eval mode.

        Args:
            name: What the variant is called.
            model: A causal LM, or a PeftModel around one.
            vocabulary: How many tokens there are to draw from.
            before: Done at the beginning of every call, within its time.
            routes: For a batch of so many rows, the adapter of each; of one row it is the adapter in question.
            own: Makes the adapter in question the active one, where calls change that.
            seed: Draws the tokens.
        """
        self.name, self.model = name, model
        self._vocabulary, self._seed = vocabulary, seed
        self._before, self._routes, self._own = before, routes, own
        # Logits of the last token alone, where the model can: those of a long prompt would cost more than the rest.
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        knows = inspect.signature(inner.forward).parameters
        self._more = {"logits_to_keep": 1} if "logits_to_keep" in knows else {}

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.model.parameters()).device

    def ids(self, cell: Cell) -> torch.Tensor:
        """The tokens of a cell, the same for every variant."""
        rng = np.random.default_rng([self._seed, cell.input_tokens, cell.batch])
        ids_BT = rng.integers(0, self._vocabulary, (cell.batch, cell.input_tokens))
        return torch.as_tensor(ids_BT, device=self.device)

    @torch.no_grad()
    def call(self, cell: Cell) -> Sequence[float]:
        """Answer once."""
        ids_BT, device = self.ids(cell), self.device
        more = {**self._more, **self._routed(cell.batch)}
        past = None
        wait_for(device)
        stamps = [time.perf_counter()]
        self._before()
        for _ in range(cell.output_tokens):
            out = self.model(input_ids=ids_BT, past_key_values=past, use_cache=True, **more)
            ids_BT, past = out.logits[:, -1].argmax(-1, keepdim=True), out.past_key_values
            wait_for(device)
            stamps.append(time.perf_counter())
        return stamps

    @torch.no_grad()
    def cache_bytes_per_token(self, *, tokens: int = 8) -> float | None:
        """What the cache of one row grows by with a token, counted in its tensors; None where there is none to count."""
        ids_BT = self.ids(Cell(tokens, 1))
        out = self.model(input_ids=ids_BT, use_cache=True, **self._routed(1))
        sizes = [
            tensor.numel() * tensor.element_size()
            for layer in getattr(out.past_key_values, "layers", ())
            for tensor in (getattr(layer, "keys", None), getattr(layer, "values", None))
            if isinstance(tensor, torch.Tensor)
        ]
        return sum(sizes) / tokens if sizes else None

    @torch.no_grad()
    def logprobs(self, ids: Sequence[int]) -> torch.Tensor:
        """For every token of a text what may follow it, with the adapter in question."""
        self._own()
        ids_BT = torch.tensor([list(ids)], device=self.device)
        logits_TV = self.model(input_ids=ids_BT, use_cache=False, **self._routed(1)).logits[0]
        return torch.log_softmax(logits_TV.double(), dim=-1).cpu()

    @property
    def bytes(self) -> int:
        """What its weights take, adapters included, were it loaded alone."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        sizes = {t.data_ptr(): t.numel() * t.element_size() for t in tensors}
        return sum(sizes.values()) + sum(map(_scales, self.model.modules()))

    def _routed(self, rows: int) -> dict[str, Any]:
        return {} if self._routes is None else {"adapter_names": self._routes(rows)}


def _scales(module: Any) -> int:
    """What a quantized layer keeps beside its numbers."""
    weight = getattr(module, "weight", None)
    state = getattr(weight, "quant_state", None)
    if state is not None:
        parts = [state.absmax, state.code]
        if state.state2 is not None:
            parts += [state.state2.absmax, state.state2.code]
        return sum(t.numel() * t.element_size() for t in parts)
    scale = getattr(weight, "SCB", None)
    return scale.numel() * scale.element_size() if isinstance(scale, torch.Tensor) else 0
