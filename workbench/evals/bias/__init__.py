"""Asking for associations with groups of people."""
