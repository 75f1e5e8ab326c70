"""What was asked once and what has been answered so far, in a form that a browser can be sent as it grows.

`add(event)` takes what the process told; `news()` gives the whole picture when it has to be sent anew and what came
since else, so that a long answer is not sent again for every token. It knows no widget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from workbench.playground.manner import Answer, Manner, answer_of

MOST_NEWS = 160
"""Tokens that may come beside the whole picture before it is sent anew."""


class Transcript:
    """One question and its answers."""

    def __init__(self, id: int, prompt: str, *, slots: Sequence[str], manner: Manner) -> None:
        self.id = id
        self.over = False
        self.problem = ""
        self._asked = {"id": id, "prompt": prompt, "slots": list(slots), "manner": asdict(manner)}
        self._begun: dict[str, Any] = {}
        self._figures: dict[str, Any] = {}
        self._tokens: dict[str, list[dict[str, Any]]] = {slot: [] for slot in slots}
        self._ends: dict[str, dict[str, str]] = {}
        self._stamp = 0
        self._sent: dict[str, int] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in what was told about this question."""
        match event["event"]:
            case "begin":
                self._begun = {k: event[k] for k in ("prompt_tokens", "rendered")}
                self._stamp += 1
                self._sent = {}
            case "said":
                for slot, tokens in event["of"].items():
                    self._tokens[slot] += tokens
                self._ends |= event["over"]
            case "over":
                self._figures = {k: event[k] for k in ("seconds", "first", "tokens")}
                self.end()

    def end(self, problem: str = "") -> None:
        """No more will come."""
        self.over, self.problem = True, self.problem or problem
        for slot, tokens in self._tokens.items():
            text = "".join(token["t"] for token in tokens).strip()
            how = "failed" if problem and not tokens else "stopped"
            self._ends.setdefault(slot, {"text": text, "how": how})

    @property
    def picture(self) -> dict[str, Any]:
        """All of it."""
        return {
            **self._asked,
            **self._begun,
            "figures": self._figures,
            "stamp": self._stamp,
            "tokens": {slot: list(tokens) for slot, tokens in self._tokens.items()},
            "ends": dict(self._ends),
            "over": self.over,
            "problem": self.problem,
        }

    @property
    def answers(self) -> dict[str, Answer]:
        """What was answered, as a person's code has it."""
        return {
            slot: answer_of(slot, {**self._ends[slot], "tokens": tokens})
            for slot, tokens in self._tokens.items()
            if slot in self._ends
        }

    def news(self) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """The whole picture where it is to be sent, and what came since it was."""
        since = {slot: tokens[self._sent.get(slot, 0) :] for slot, tokens in self._tokens.items()}
        if self.over or not self._sent or sum(map(len, since.values())) > MOST_NEWS:
            self._stamp += 1
            self._sent = {slot: len(tokens) for slot, tokens in self._tokens.items()}
            return self.picture, {}
        news = {"id": self.id, "stamp": self._stamp, "tokens": since, "ends": dict(self._ends)}
        return None, news
