"""Counters of the energy of processors, as Linux shows them: RAPL, of Intel and of AMD.

`counters()` gives one counter a package and one for the memory beside it, or the reason why there is none. A package holds
its cores and its graphics; their zones, the same package over another interface, and the zone of the whole platform would
count it twice and are left out. The memory (`dram`) is a zone under the package and no part of its figure.
"""

import re
from pathlib import Path

from workbench.timing.counter import Counter

POWERCAP = Path("/sys/class/powercap")
_ZONE = re.compile(r"intel-rapl:\d+")


def counters(root: Path = POWERCAP) -> tuple[tuple[Counter, ...], str]:
    """The counters of all processors, and why there are none; of some processors alone it tells nothing.

    Args:
        root: Where Linux lists the zones, each a folder with `name`, `energy_uj` and `max_energy_range_uj`.
    """
    found: list[Counter] = []
    try:
        for zone in sorted(root.glob("intel-rapl:*")):
            if _ZONE.fullmatch(zone.name) and _name(zone).startswith("package"):
                found += _of_package(zone, root)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or str(error)
        return (), f"the energy counter of the processor (RAPL) cannot be read: {told}"
    if not found:
        return (), "this machine shows no energy counter of its processor (RAPL)"
    return tuple(found), ""


def _of_package(zone: Path, root: Path) -> list[Counter]:
    name = _name(zone)
    # Zones of a package lie beside it under the same number, or inside its folder.
    below = {one.name: one for folder in (root, zone) for one in folder.glob(f"{zone.name}:*")}
    memory = [one for one in below.values() if _name(one) == "dram"]
    return [_counter(zone, name), *(_counter(one, f"{name} dram") for one in memory)]


def _counter(zone: Path, name: str) -> Counter:
    energy = zone / "energy_uj"
    # Looked at once now: what only root may read is absent from the start, not in the middle.
    _number(energy)
    return Counter(
        name=name, read=lambda: _number(energy), wraps_at=_number(zone / "max_energy_range_uj")
    )


def _name(zone: Path) -> str:
    return (zone / "name").read_text(encoding="utf-8").strip()


def _number(path: Path) -> int:
    text = path.read_text(encoding="utf-8").strip()
    if not text.isdecimal():
        raise ValueError(f"{path.name} holds {text[:40]!r}, which is no number")
    return int(text)
