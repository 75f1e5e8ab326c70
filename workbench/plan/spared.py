"""Which modules `llm_int8_skip_modules` keeps in full precision: the rule of transformers 5, by name alone.

`is_spared("model.layers.0.mlp.up_proj", words=["up_proj"])` is true. The plan counts bytes by it and the model map
hatches by it. It knows no model.
"""

import re
from collections.abc import Sequence


def is_spared(name: str, *, words: Sequence[str]) -> bool:
    """Whether a word is an end of the name, or a pattern from its start to the end of a part.

    >>> is_spared("layers.1.fc1", words=["layers.1"]), is_spared("layers.11.fc1", words=["layers.1"])
    (True, False)
    """
    boundary = r"(?:(?<=\.)|(?=\.|$))"
    return any(name.endswith(word) or re.match(rf"(?:{word}){boundary}", name) for word in words)
