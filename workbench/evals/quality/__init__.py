"""Asking what was learned and what was kept."""
