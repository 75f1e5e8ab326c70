"""Asking what was asked before in other words, spellings and lengths."""
