"""Reading a YAML file that a stranger may have written: one mapping, no surprises.

Aliases are refused, because a few hundred bytes of them expand to gigabytes; keys given twice are refused, because
YAML would silently keep the last; a file above one megabyte is no spec. Nothing here knows what the keys mean.
"""

from pathlib import Path
from typing import Any

import yaml

from workbench.errors import SpecError

MAX_BYTES = 1_000_000


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise SpecError("aliases (*name) are not allowed here; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            # Labels are often numbers, {0: negative, 1: positive}; they are kept as text.
            if isinstance(key, bool) or not isinstance(key, str | int):
                raise SpecError(f"a key must be a word, got {key!r}")
            if [str(other) for other in keys].count(str(key)) > 1:
                raise SpecError(f"the key {key!r} is given twice")
        return {str(key): value for key, value in super().construct_mapping(node, deep).items()}


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise SpecError(f"there is no file {str(path)!r}; give the path of a YAML file") from None
    except OSError as error:
        raise SpecError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise SpecError(f"{str(path)!r} has {len(raw):,} bytes; at most {MAX_BYTES:,} are read")
    try:
        return mapping_in(raw.decode("utf-8"))
    except SpecError as error:
        raise SpecError(f"{str(path)!r}: {error}") from None
    except UnicodeDecodeError:
        raise SpecError(f"{str(path)!r} is not text in UTF-8; give a YAML file") from None


def mapping_in(text: str) -> dict[str, Any]:
    """The mapping in a text.

    >>> mapping_in("name: a")
    {'name': 'a'}
    """
    try:
        # _Loader is a SafeLoader: it builds plain values only.
        found = yaml.load(text, Loader=_Loader)  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "unreadable"
        raise SpecError(f"this is not YAML{where}: {problem}") from None
    except RecursionError:
        raise SpecError("this is nested too deeply") from None
    if not isinstance(found, dict):
        kind = "nothing" if found is None else type(found).__name__
        raise SpecError(f"a mapping of keys to values is needed, got {kind}")
    return found
