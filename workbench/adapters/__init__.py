"""Adapters: many PEFT adapters on one base model, and PEFT's own formats in and out."""
