"""The address at which the Jupyter server around a kernel serves a file: `address_of(path)`, for a link in a widget.

A server writes down where it serves from, and a kernel knows the process that started it. Where that says nothing (no
server, a file outside of its folder) there is no address, and a path has to do. Nothing is asked over a network.
"""

import json
import os
from pathlib import Path
from urllib.parse import quote


def address_of(path: Path) -> str:
    """Where a browser that shows the notebook finds the file; empty where it cannot."""
    server = _server()
    file, root = path.resolve(), server.get("root_dir")
    if not root or not file.is_relative_to(Path(root).resolve()):
        return ""
    inside = file.relative_to(Path(root).resolve()).as_posix()
    return f"{server.get('base_url', '/')}files/{quote(inside)}"


def _server() -> dict[str, str]:
    """What the server that started this kernel says of itself."""
    from jupyter_core.paths import jupyter_runtime_dir

    told = Path(jupyter_runtime_dir()) / f"jpserver-{os.environ.get('JPY_PARENT_PID')}.json"
    try:
        said = json.loads(told.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
