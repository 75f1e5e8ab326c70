"""Timing the model."""
