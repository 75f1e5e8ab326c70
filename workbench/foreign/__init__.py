"""Adapters and models that were made elsewhere, evaluated as if they had been trained here."""

from workbench.foreign.evaluating import evaluate

__all__ = ["evaluate"]
