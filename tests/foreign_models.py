"""A random llama in a folder, for tests that need a model which fits nothing else."""

import shutil
from pathlib import Path

import torch

from workbench import microworld


def small_llama(folder: Path, *, hidden: int = 24) -> Path:
    """A model with the micro-world's tokenizer and sizes of its own."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(microworld.path())
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(microworld.path() / name, folder / name)
    return folder
