"""Scoring without a model: what an eval asks for, what a score carries, and the pure arithmetic from rows to scores."""
