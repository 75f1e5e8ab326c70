"""A causal language model behind a learned prompt, to be asked like one without: `Prompted(peft_model)`.

PEFT puts the virtual tokens in front of every forward and gives logits for them too. Here they stand in front of the
first forward of a text only, later ones find them in the key-value cache, and neither logits nor positions to keep
count them: whoever asks sees the tokens that were given. It knows neither slots nor training.

    B rows  T tokens given  P virtual tokens  D hidden size
"""

import inspect
from typing import Any

import torch
from peft import PeftModel


class Prompted(torch.nn.Module):
    """The prompt that is active in a PeftModel, put in front; final."""

    def __init__(self, model: PeftModel) -> None:
        super().__init__()
        self.model = model
        self.config = model.config
        base = self.get_base_model()
        self.generation_config = getattr(base, "generation_config", None)
        self._keeps = "logits_to_keep" in inspect.signature(base.forward).parameters

    @property
    def active_peft_config(self) -> Any:
        """Of the prompt."""
        return self.model.active_peft_config

    def get_base_model(self) -> Any:
        """The model behind the prompt."""
        return self.model.get_base_model()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        past_key_values: Any = None,
        logits_to_keep: int | torch.Tensor = 0,
        **options: Any,
    ) -> Any:
        """What the causal language model gives for the tokens after the prompt."""
        num_rows, num_tokens = input_ids.shape
        num_virtual = self.active_peft_config.num_virtual_tokens
        begins = past_key_values is None or past_key_values.get_seq_length() == 0
        inputs = {**options, "past_key_values": past_key_values}
        if attention_mask is not None:
            ahead_BP = attention_mask.new_ones(num_rows, num_virtual)
            inputs["attention_mask"] = torch.cat([ahead_BP, attention_mask], dim=1)
        if position_ids is not None:
            position_ids = position_ids + num_virtual
            if begins:
                ahead_BP = torch.arange(num_virtual, device=input_ids.device).expand(num_rows, -1)
                position_ids = torch.cat([ahead_BP, position_ids], dim=1)
            inputs["position_ids"] = position_ids
        base = self.get_base_model()
        if begins:
            given_BTD = base.get_input_embeddings()(input_ids)
            ahead_BPD = self.model.get_prompt(batch_size=num_rows).to(given_BTD.dtype)
            inputs["inputs_embeds"] = torch.cat([ahead_BPD, given_BTD], dim=1)
        else:
            inputs["input_ids"] = input_ids
        if self._keeps:
            inputs["logits_to_keep"] = _kept(
                logits_to_keep, num_tokens=num_tokens, num_ahead=num_virtual if begins else 0
            )
        output = base(**inputs)
        if not self._keeps and output.logits.dim() == 3:
            output.logits = output.logits[:, -num_tokens:]
        return output


def _kept(asked: int | torch.Tensor, *, num_tokens: int, num_ahead: int) -> int | torch.Tensor:
    """Positions among the tokens given, as the model counts them: behind the prompt."""
    if isinstance(asked, torch.Tensor):
        return asked + num_ahead
    return asked or num_tokens
