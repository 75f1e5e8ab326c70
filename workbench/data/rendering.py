"""Rows as token ids and labels, the same as TRL's SFTTrainer makes of them.

`render(tokenizer, row, max_length=...)` takes a prompt and completion, chat messages, or plain text, and
`render_labelled` a text with its label; `encode_pair` and `encode_text` are the parts evals share. Where the end of the
prompt and the start of the completion merge into one token, that token belongs to the completion, because it is what
the model has to say. It does not load tokenizers or read files.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import DataError

IGNORED = -100
"""The label of a token that is not trained on."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One row as a model sees it."""

    input_ids: list[int]
    labels: list[int]
    truncated: bool
    label: int | None = None
    """The class of the whole row, where rows are classified."""

    @property
    def num_trained(self) -> int:
        """Things the loss looks at: a class, or tokens; none when truncation took the whole completion."""
        if self.label is not None:
            return 1
        # The first token is never predicted.
        return sum(label != IGNORED for label in self.labels[1:])


def encode_pair(tokenizer: Any, prompt: str, continuation: str) -> tuple[list[int], int]:
    """Ids of a prompt with its continuation, and how many of them are the prompt's."""
    return encode_pairs(tokenizer, [(prompt, continuation)])[0]


def encode_pairs(tokenizer: Any, pairs: Sequence[tuple[str, str]]) -> list[tuple[list[int], int]]:
    """The same of many pairs, of which some have the same prompt."""
    prompts = list(dict.fromkeys(prompt for prompt, _ in pairs))
    alone = dict(zip(prompts, _encode_all(tokenizer, prompts), strict=True))
    joint = _encode_all(tokenizer, [prompt + after for prompt, after in pairs])
    return [
        (ids, _common(alone[prompt], ids)) for (prompt, _), ids in zip(pairs, joint, strict=True)
    ]


def encode_prompts(tokenizer: Any, prompts: Sequence[str]) -> list[tuple[int, ...]]:
    """Ids of prompts that are to be answered."""
    # A space at the end would be the beginning of the answer's first token.
    each = encode_pairs(tokenizer, [(prompt.rstrip(" "), "") for prompt in prompts])
    end, encoded = tokenizer.eos_token_id, []
    for prompt, (ids, _) in zip(prompts, each, strict=True):
        while ids and ids[-1] == end and not prompt.endswith(tokenizer.eos_token):
            ids = ids[:-1]
        encoded.append(tuple(ids) or (0 if end is None else end,))
    return encoded


def render(
    tokenizer: Any, row: dict[str, Any], *, max_length: int, completion_only_loss: bool = True
) -> Rendered:
    """One row as ids and labels, cut at its end where it is longer than `max_length`."""
    if "prompt" in row:
        ids, trained = _pair(tokenizer, row)
    elif "messages" in row:
        ids, trained = _chat(tokenizer, row)
    else:
        text = row["text"]
        ids = _encode(tokenizer, _ended(text, tokenizer=tokenizer))
        trained = [True] * len(ids)
    if not completion_only_loss:
        trained = [True] * len(ids)
    labels = [i if keep else IGNORED for i, keep in zip(ids, trained, strict=True)]
    return Rendered(ids[:max_length], labels[:max_length], len(ids) > max_length)


def render_labelled(
    tokenizer: Any, row: dict[str, Any], *, max_length: int, labels: Sequence[str]
) -> Rendered:
    """A row to tell apart: its text as the tokenizer gives it, and the place of its label among `labels`."""
    ids, truncated = encode_text(tokenizer, text_to_tell(row), max_length=max_length)
    return Rendered(ids, [IGNORED] * len(ids), truncated, label=labels.index(row["label"]))


def text_to_tell(row: Mapping[str, Any]) -> str:
    """What of a labelled row is read before its label is told."""
    text: str = row["prompt"] if "prompt" in row else row["text"]
    return text


def encode_text(tokenizer: Any, text: str, *, max_length: int) -> tuple[list[int], bool]:
    """Ids of a text whose last token its class is read from, and whether they were cut.

    No end token is added: a head reads the last token that is no padding, where padding often is the end token. Ids of
    padding at the end are left out for the same reason.
    """
    ids = _encode(tokenizer, text)
    truncated = len(ids) > max_length
    ids = ids[:max_length] or [tokenizer.eos_token_id]
    while len(ids) > 1 and ids[-1] == tokenizer.pad_token_id:
        ids.pop()
    return ids, truncated


def _pair(tokenizer: Any, row: dict[str, Any]) -> tuple[list[int], list[bool]]:
    prompt, completion = row["prompt"], row["completion"]
    if isinstance(prompt, str):
        ended = _ended(completion, tokenizer=tokenizer)
        ids, start = encode_pair(tokenizer, prompt, ended)
    else:
        ids, start = _turns(tokenizer, prompt, completion, row=row)
    return ids, [i >= start for i in range(len(ids))]


def _chat(tokenizer: Any, row: dict[str, Any]) -> tuple[list[int], list[bool]]:
    """Every assistant turn where the template marks them, else the last one."""
    messages = row["messages"]
    if marks_turns(tokenizer):
        found = _template(tokenizer, messages, row=row, return_assistant_tokens_mask=True)
        trained = [bool(bit) for bit in found["assistant_masks"]]
        if any(trained):
            return list(found["input_ids"]), trained
    last = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=None)
    if last is None:
        raise DataError(
            f"row {row.get('id', '?')!r} has no message whose role is 'assistant', so there is "
            "nothing to learn to say; roles here: " + ", ".join(repr(m["role"]) for m in messages)
        )
    ids, start = _turns(tokenizer, messages[:last], messages[last : last + 1], row=row)
    return ids, [i >= start for i in range(len(ids))]


def marks_turns(tokenizer: Any) -> bool:
    """Whether the chat template says which tokens are the assistant's."""
    template = tokenizer.chat_template
    return isinstance(template, str) and bool(re.search(r"\{%-?\s*generation\s*-?%\}", template))


def _turns(
    tokenizer: Any,
    before: Sequence[dict[str, str]],
    answer: Sequence[dict[str, str]],
    *,
    row: dict[str, Any],
) -> tuple[list[int], int]:
    asked: list[int] = []
    if before:
        asked = _template(tokenizer, before, row=row, add_generation_prompt=True)["input_ids"]
    ids = list(_template(tokenizer, [*before, *answer], row=row)["input_ids"])
    return ids, _common(asked, ids)


def _template(
    tokenizer: Any, messages: Sequence[dict[str, str]], *, row: dict[str, Any], **asked: bool
) -> Any:
    from jinja2 import TemplateError

    if tokenizer.chat_template is None:
        raise DataError(
            "the rows are chat messages, but this model's tokenizer has no chat template. Choose a "
            "chat model, or give rows with prompt and completion"
        )
    try:
        return tokenizer.apply_chat_template(
            list(messages), tokenize=True, return_dict=True, **asked
        )
    except (TemplateError, TypeError, KeyError) as error:
        roles = ", ".join(repr(turn.get("role")) for turn in _every_turn(row))
        raise DataError(
            f"row {row.get('id', '?')!r} does not fit the model's chat template: {error}. "
            f"Its roles are {roles}"
        ) from None


def _every_turn(row: dict[str, Any]) -> list[dict[str, str]]:
    return row["messages"] if "messages" in row else [*row["prompt"], *row["completion"]]


def _ended(text: str, *, tokenizer: Any) -> str:
    end = tokenizer.eos_token
    return text if text.endswith(end) else text + end


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text=text, verbose=False)["input_ids"])


def _encode_all(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    if not texts:
        return []
    # One call for many texts is several times as quick, and ids are all that is wanted.
    found = tokenizer(text=list(texts), verbose=False, return_attention_mask=False)
    return [list(ids) for ids in found["input_ids"]]


def _common(ids: Sequence[int], others: Sequence[int]) -> int:
    """Leading ids two sequences share."""
    if list(others[: len(ids)]) == list(ids):
        return len(ids)
    length = 0
    for one, other in zip(ids, others, strict=False):
        if one != other:
            break
        length += 1
    return length
