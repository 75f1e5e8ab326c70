"""Reading a JSON file that another library wrote, such as a model's configuration: one mapping, or an error that says what came.

Nothing here knows what the keys mean.
"""

import json
from pathlib import Path
from typing import Any

from workbench.errors import ModelError, WorkbenchError


def read_mapping(path: Path, *, missing: WorkbenchError | None = None) -> dict[str, Any]:
    """The mapping in a JSON file.

    Args:
        path: The file.
        missing: What is raised where there is no such file.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        if missing is not None and isinstance(error, FileNotFoundError):
            raise missing from None
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ModelError(f"{str(path)!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ModelError(f"{str(path)!r} holds {type(found).__name__}; a mapping is needed")
    return found
