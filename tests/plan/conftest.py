"""Tiny models of many shapes, made once from random numbers and saved as any trainer would save them."""

from collections.abc import Callable
from pathlib import Path

import pytest

SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 97}
LLAMA_LIKE = {**SMALL, "intermediate_size": 48, "num_key_value_heads": 2}
GPT2 = {"n_embd": 32, "n_layer": 3, "n_head": 4, "vocab_size": 97, "n_positions": 64}
OPT = {**SMALL, "ffn_dim": 48, "word_embed_proj_dim": 16, "max_position_embeddings": 64}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}

CONFIGS = {
    "llama": ("LlamaConfig", LLAMA_LIKE),
    "llama-tied": ("LlamaConfig", {**LLAMA_LIKE, "tie_word_embeddings": True}),
    "qwen2": ("Qwen2Config", LLAMA_LIKE),
    "qwen3": ("Qwen3Config", {**LLAMA_LIKE, "head_dim": 8}),
    "gemma": ("GemmaConfig", {**LLAMA_LIKE, "head_dim": 8}),
    "mistral": ("MistralConfig", LLAMA_LIKE),
    "phi": ("PhiConfig", {**LLAMA_LIKE, "num_key_value_heads": 4}),
    "phi3": ("Phi3Config", {**LLAMA_LIKE, "pad_token_id": 0}),
    "gpt2": ("GPT2Config", GPT2),
    "gpt2-untied": ("GPT2Config", {**GPT2, "tie_word_embeddings": False}),
    "opt": ("OPTConfig", OPT),
    "gpt_neox": ("GPTNeoXConfig", {**SMALL, "intermediate_size": 48}),
    "bloom": ("BloomConfig", {"hidden_size": 32, "n_layer": 3, "n_head": 4, "vocab_size": 97}),
    "falcon": ("FalconConfig", SMALL),
    "bitnet": ("BitNetConfig", LLAMA_LIKE),
    "mixtral": ("MixtralConfig", {**LLAMA_LIKE, **EXPERTS}),
}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with a random model of some shape."""
    import torch
    import transformers

    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            kind, fields = CONFIGS[name]
            torch.manual_seed(0)
            model = transformers.AutoModelForCausalLM.from_config(
                getattr(transformers, kind)(**fields)
            )
            made[name] = tmp_path_factory.mktemp(name)
            model.save_pretrained(made[name])
        return made[name]

    return make
