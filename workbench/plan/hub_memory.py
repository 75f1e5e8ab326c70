"""What a hub said of models, remembered: a form asks after the same id at every key that is pressed.

`HUB.folder(model)` answers as `locate` does. A folder on this machine is looked at each time; a hub is asked once, and what it
refused stays refused without a question until `forget_refusals()`. A sweep that is started asks anew.
"""

import threading
from pathlib import Path

from workbench.errors import ModelError
from workbench.plan.locate import is_hub_id, locate
from workbench.spec import ModelSpec


class HubMemory:
    """Remembers where models of a hub lie, and which are not to be had."""

    def __init__(self, *, endpoint: str | None = None) -> None:
        self.endpoint = endpoint
        """Address of another hub; None takes the library's own."""
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str | None, bool], Path | str] = {}

    def folder(self, model: ModelSpec) -> Path:
        """The folder of a model; ModelError where there is none."""
        if not is_hub_id(model.id):
            return self._asked(model)
        with self._lock:
            known = self._known.get(_key(model))
        if isinstance(known, str):
            raise ModelError(known)
        if known is not None and known.is_dir():
            return known
        try:
            found = self._asked(model)
        except ModelError as error:
            self._keep(model, str(error))
            raise
        self._keep(model, found)
        return found

    def refuses(self, model: ModelSpec) -> bool:
        """Whether a hub refused it, so that it is worth asking again."""
        with self._lock:
            return isinstance(self._known.get(_key(model)), str)

    def forget_refusals(self) -> None:
        """Ask again after what was refused."""
        with self._lock:
            self._known = {key: said for key, said in self._known.items() if isinstance(said, Path)}

    def _keep(self, model: ModelSpec, said: Path | str) -> None:
        with self._lock:
            self._known[_key(model)] = said

    def _asked(self, model: ModelSpec) -> Path:
        return locate(
            model.id,
            revision=model.revision,
            trust_remote_code=model.trust_remote_code,
            endpoint=self.endpoint,
        )


def _key(model: ModelSpec) -> tuple[str, str | None, bool]:
    return model.id, model.revision, model.trust_remote_code


HUB = HubMemory()
"""What hubs said to this process."""
