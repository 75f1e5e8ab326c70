"""Adapters that answer otherwise than their base, without having been trained."""

import torch

from workbench.adapters.bank import Bank


def moved(bank: Bank) -> Bank:
    """The bank with small numbers, the same each time, where B was zero."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in sorted(bank.model.named_parameters()):
            if "lora_B" in name:
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    return bank
