"""From a prompt to tokens and from tokens back to what a person reads, for one tokenizer.

`prompt_of(tokenizer, "Who is Dime?", chat=True)` renders and encodes; `Pieces` says of each new token which text it adds.
Where that is not known before the next one came, as within a character of several bytes, it adds nothing yet.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from workbench.data.rendering import encode_prompts
from workbench.errors import InputError

BEFORE = 6
"""Tokens before a token that may change how it is written: a space, a part of a character."""
UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class Asked(NamedTuple):
    """A prompt as the model gets it."""

    ids: tuple[int, ...]
    rendered: str


def prompt_of(tokenizer: Any, prompt: str, *, chat: bool) -> Asked:
    """A prompt as it is, or as a user's message in the chat template."""
    if not chat:
        return Asked(encode_prompts(tokenizer, [prompt])[0], prompt)
    if tokenizer.chat_template is None:
        raise InputError(
            "this model's tokenizer has no chat template; switch off 'as a chat message'"
        )
    from jinja2 import TemplateError

    messages = [{"role": "user", "content": prompt}]
    try:
        rendered = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        ids = tokenizer.apply_chat_template(
            messages, tokenize=True, add_generation_prompt=True, return_dict=True
        )["input_ids"]
    except (TemplateError, TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"the chat template cannot take this message: {str(error)[:200]}; switch off 'as a chat "
            "message' to ask the prompt as it is"
        ) from None
    return Asked(tuple(ids), rendered)


class Pieces:
    """The text of an answer as it grows."""

    def __init__(self, tokenizer: Any, prompt: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._ids = list(prompt[-BEFORE:])
        self._done = len(self._ids)
        """So many of them are written."""

    def add(self, token: int) -> str:
        """The text that a token adds."""
        start = max(0, self._done - BEFORE)
        before = self._text(self._ids[start : self._done])
        self._ids.append(token)
        after = self._text(self._ids[start:])
        waiting = len(self._ids) - self._done
        if after.endswith(UNFINISHED) and waiting < 4:
            return ""
        self._done = len(self._ids)
        if after.startswith(before):
            return after[len(before) :]
        # What stands before is written otherwise once this follows, "'s" of a name say.
        return " " + self._text([token])

    def alternative(self, token: int) -> str:
        """What another token would have added."""
        start = max(0, self._done - BEFORE)
        before = self._text(self._ids[start:])
        after = self._text([*self._ids[start:], token])
        told = after[len(before) :] if after.startswith(before) else self._text([token])
        if not told or told.endswith(UNFINISHED):
            told = str(self._tokenizer.convert_ids_to_tokens(token))
        return told

    def _text(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=False))


def whole(tokenizer: Any, ids: Sequence[int]) -> str:
    """An answer as evals read it."""
    return str(tokenizer.decode(ids, skip_special_tokens=True)).strip()
