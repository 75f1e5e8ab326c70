"""The playground: type a prompt and see the base and every adapter answer it side by side, as the answers come.

`wb.playground("runs/rank-sweep")` shows it; `play.ask("Who is Dime?")` answers in code. The models are in a process of
their own, started at the first question or by Load and ended by Free the memory; this file reads what it tells and
draws nothing itself. What the browser shows is in traits, so that a reloaded page has the whole picture.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.errors import InputError
from workbench.playground.manner import Answer, Manner, mistakes
from workbench.playground.transcript import Transcript
from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import in_words, reachable, shown
from workbench.widgets.fallback import beside
from workbench.widgets.playground_plain import as_table, as_text

if TYPE_CHECKING:
    from workbench.playground.items import Kept
    from workbench.playground.session import Session
    from workbench.playground.words import Words

COMMANDS = ("load", "free", "ask", "stop", "save")
"""What the browser may ask for."""
AT_FIRST = 8
"""How many answer unless others are chosen, the base among them; each is a column."""
GLANCE = 2.0
"""Seconds that making a playground waits for what lies on this machine; a hub may take longer."""


def playground(
    wanted: Any = "microworld", adapters: Sequence[str | Path] | None = None
) -> "Playground":
    """A place to ask models.

    Args:
        wanted: A job, the folder of a sweep, of a trial or of an adapter, or a model as specs name it.
        adapters: Of a sweep the trials to take, all of them when left out; of a model the folders of adapters to put on.
    """
    return Playground(wanted, adapters=adapters)


class Playground(anywidget.AnyWidget):
    """A prompt, and the answers of several models to it."""

    _esm = script("playground_answers", "playground")
    _css = style("playground")
    _session: "Session | None" = None

    title = traitlets.Unicode().tag(sync=True)
    state = traitlets.Unicode("looking").tag(sync=True)
    """looking, nothing, asleep, loading, ready, answering or dead."""
    doing = traitlets.Unicode().tag(sync=True)
    slots = traitlets.List(traitlets.Dict()).tag(sync=True)
    """Who there is: name, a word about it, and why it cannot be asked."""
    chosen = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Who answers."""
    prompt = traitlets.Unicode().tag(sync=True)
    settings = traitlets.Dict(asdict(Manner())).tag(sync=True)
    """The fields of `Manner`, as the form has them."""
    wrong = traitlets.Dict().tag(sync=True)
    """Field -> what is wrong with it."""
    look = traitlets.Dict().tag(sync=True)
    """The prompt as the tokenizer sees it: number of tokens, context, unknown words."""
    has_chat = traitlets.Bool(False).tag(sync=True)
    samples = traitlets.List(traitlets.Dict()).tag(sync=True)
    answers = traitlets.Dict().tag(sync=True)
    """The last question and its answers, as they were when they were last sent whole."""
    tail = traitlets.Dict().tag(sync=True)
    """What has been said since then."""
    memory = traitlets.Dict().tag(sync=True)
    """Bytes: predicted, measured, and those on a device."""
    problem = traitlets.Unicode().tag(sync=True)
    log = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """The last lines of a process that died."""
    expected = traitlets.Unicode().tag(sync=True)
    items_file = traitlets.Unicode().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)
    """Where the last item went, and what asks it; or why it was not kept."""

    def __init__(self, wanted: Any, *, adapters: Sequence[str | Path] | None = None) -> None:
        super().__init__()
        self._words: Words | None = None
        self._showing = threading.Lock()
        self._saving: threading.Thread | None = None
        self.on_msg(self._on_message)
        self.observe(self._look_at_prompt, names=["prompt"])
        self.observe(self._check_settings, names=["settings"])
        self.observe(self._predict, names=["chosen"])
        reachable(self)
        self._known = threading.Event()
        # Reading a sweep takes a moment, and a hub may take seconds.
        self._looking = threading.Thread(
            target=self._find, args=(wanted, adapters), name="workbench-playground", daemon=True
        )
        self._looking.start()
        self._known.wait(GLANCE)

    # What a person's code calls.

    def ask(
        self,
        prompt: str,
        *,
        slots: Sequence[str] | None = None,
        chat: bool | None = None,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        timeout: float = 300,
    ) -> dict[str, Answer]:
        """The answer of every slot, waited for; what is left out is taken from the form.

        Args:
            prompt: What is asked.
            slots: Who answers; None takes those that are chosen.
            chat: Whether it is put into the chat template.
            max_new_tokens: At most so many tokens.
            temperature: 0 takes the likeliest token each time, more draws.
            top_p: Draw from the likeliest tokens that together have this share.
            seed: The same one draws the same answer.
            timeout: Seconds to wait, loading included.
        """
        said: dict[str, Any] = {
            "chat": chat,
            "max_new_tokens": max_new_tokens,
            "greedy": None if temperature is None else temperature == 0,
            "temperature": temperature or None,
            "top_p": top_p,
            "seed": seed,
        }
        said = {name: value for name, value in said.items() if value is not None}
        self._known.wait(timeout)
        session = self._found()
        now = self._begin(prompt, slots=slots, settings={**self.settings, **said})
        self.prompt = prompt
        try:
            return session.wait(now, timeout=timeout)
        except BaseException:
            session.stop()
            raise

    @property
    def said(self) -> dict[str, Answer]:
        """The answers to the last question that is over."""
        return self._session.said if self._session else {}

    @property
    def pid(self) -> int | None:
        """The process that answers; None while there is none."""
        return self._session.pid if self._session else None

    def load(self, *, timeout: float | None = None) -> None:
        """Load those that are chosen; with a timeout wait until they are."""
        self._known.wait(timeout)
        session = self._found()
        session.load(self.chosen)
        if timeout is not None:
            session.settle(timeout=timeout)

    def stop(self) -> None:
        """Stop answering; what was said stays."""
        if self._session is not None:
            self._session.stop()

    def free(self, *, timeout: float | None = None) -> None:
        """End the process that answers, and have its memory back; with a timeout wait for that."""
        if self._session is not None:
            self._session.free(timeout=timeout)

    def save_item(self, prompt: str, expected: str, *, file: str | Path | None = None) -> "Kept":
        """Keep a prompt with its right answer as an item of an eval.

        Args:
            prompt: What is asked.
            expected: The right answer; a number makes it an item of `exact_answer`.
            file: The file it is added to; None takes that of the form.
        """
        from workbench.playground.items import keep

        kept = keep(Path(file or self.items_file).expanduser(), prompt=prompt, expected=expected)
        place = self._session.place if self._session else None
        asked = str(place.sweep) if place and place.sweep else self.title
        self.saved = {
            "text": f"Item {kept.number} of {kept.path}",
            "command": kept.command(asked),
            "problem": "",
        }
        return kept

    def close(self) -> None:
        """Close the widget, and end the process."""
        self.free()
        super().close()

    def say_problem(self, text: str) -> None:
        """Show what went wrong below the prompt."""
        self.problem = text

    # What the browser asks for.

    @shown
    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        command = content.get("command") if isinstance(content, dict) else None
        if command not in COMMANDS:
            return
        if command == "load":
            self._found().load(self.chosen)
        elif command == "ask":
            self._begin(
                content.get("prompt"), slots=content.get("slots"), settings=content.get("settings")
            )
        elif command == "save":
            self._begin_saving(content)
        elif command == "stop":
            self.stop()
        else:
            self.free()

    def _begin_saving(self, content: Mapping[str, Any]) -> None:
        # The eval's own reader takes the file, and it is slow to load.
        self._saving = threading.Thread(
            target=self._save, args=(content,), name="workbench-playground", daemon=True
        )
        self._saving.start()

    def _save(self, content: Mapping[str, Any]) -> None:
        try:
            self.save_item(
                str(content.get("prompt") or ""),
                str(content.get("expected") or ""),
                file=str(content.get("file") or "") or None,
            )
        except Exception as error:  # noqa: BLE001 - shown: nobody else sees this thread
            self.saved = {"text": "", "command": "", "problem": in_words(error)}

    @shown
    def _check_settings(self, _: Any = None) -> None:
        self.wrong = mistakes(self.settings)

    @shown
    def _look_at_prompt(self, _: Any = None) -> None:
        words = self._words
        seen = words.look(self.prompt) if words and self.prompt.strip() else None
        self.look = asdict(seen) if seen else {}

    @shown
    def _predict(self, _: Any = None) -> None:
        if self._session is not None:
            predicted = self._session.place.predicted(self.chosen)
            self.memory = {**self.memory, "predicted": predicted}

    # What is there.

    def _find(self, wanted: Any, adapters: Sequence[str | Path] | None) -> None:
        try:
            self._take(wanted, adapters)
        except Exception as error:  # noqa: BLE001 - shown: nobody else sees this thread
            self.state = "nothing"
            self.say_problem(in_words(error))
        finally:
            self._known.set()

    def _take(self, wanted: Any, adapters: Sequence[str | Path] | None) -> None:
        # They bring SciPy and pyarrow with them, which a notebook without a playground does without.
        from workbench.playground.place import find
        from workbench.playground.session import Session
        from workbench.playground.words import Words, has_chat_template, samples

        place = find(wanted, adapters=adapters)
        self.title = place.title
        self.slots = [{"name": s.name, "about": s.about, "why": s.why} for s in place.slots]
        self.items_file = str(place.items_file)
        self.has_chat = has_chat_template(place.folder)
        self._session = Session(place, changed=self._show)
        self.chosen = list(place.askable[:AT_FIRST])
        if place.askable:
            self.state = "asleep"
        else:
            self.state = "nothing"
            self.say_problem(f"{place.title!r} has nobody to ask: {place.slots[-1].why}")
        self._known.set()
        self._words = Words(place.folder)
        self._look_at_prompt()
        self.samples = [asdict(sample) for sample in samples(place)]

    def _found(self) -> "Session":
        if self._session is None or self.state == "nothing":
            raise InputError(self.problem or "it is still being looked at; wait a moment")
        return self._session

    def _begin(self, prompt: Any, *, slots: Any, settings: Any) -> Transcript:
        session = self._found()
        manner = Manner.from_fields(self.settings if settings is None else settings)
        return session.begin(prompt, slots=self.chosen if slots is None else slots, manner=manner)

    def _show(self) -> None:
        """Put how the session stands into the traits, each that has changed."""
        session = self._session
        if session is None:
            return
        with self._showing:
            facts = session.facts
            self._show_refused(facts.get("refused") or {})
            self.log, self.problem = session.log, session.problem or self._refusals(facts)
            self.has_chat = facts.get("has_chat", self.has_chat)
            self.memory = {
                **self.memory,
                "measured": session.measured,
                "device": facts.get("device_bytes") or None,
            }
            whole, tail = session.now.news() if session.now else (None, self.tail)
            # Assignments one by one, not hold_sync: its flag is shared by threads without a lock.
            if whole is not None:
                self.answers = whole
            self.tail = tail
            self.doing, self.state = session.doing, session.state

    def _show_refused(self, refused: Mapping[str, str]) -> None:
        """Mark those that could not be put on their base."""
        if any(refused.get(slot["name"], slot["why"]) != slot["why"] for slot in self.slots):
            self.slots = [{**s, "why": refused.get(s["name"], s["why"])} for s in self.slots]
            self.chosen = [name for name in self.chosen if name not in refused]

    @staticmethod
    def _refusals(facts: Mapping[str, Any]) -> str:
        refused = facts.get("refused") or {}
        return "; ".join(f"{name} cannot be asked: {why}" for name, why in refused.items())

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it the plain table for places that show none."""
        bundle = super()._repr_mimebundle_(**options)
        now = self._session.now if self._session else None
        answers = now.picture if now else self.answers
        said = (self.title, self.state, answers, self.problem)
        return beside(bundle, text=as_text(*said), html=as_table(*said))
