"""A folder of energy counters as Linux lists them, with figures that are planted and can be moved on."""

from pathlib import Path

MOST = 262_143_328_850


def zone(root: Path, place: str, *, name: str, energy: int = 0, most: int = MOST) -> Path:
    """One zone; `place` is `intel-rapl:0`, or `intel-rapl:0:1` for one under it."""
    folder = root / place
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text(f"{most}\n")
    return folder


def machine(root: Path, *, packages: int = 2) -> dict[str, Path]:
    """Packages with cores, graphics and memory, the whole platform, and the first package over another interface."""
    found = {}
    (root / "intel-rapl").mkdir(parents=True)
    for number in range(packages):
        top = f"intel-rapl:{number}"
        found[f"package-{number}"] = zone(root, top, name=f"package-{number}", energy=1000)
        found[f"core {number}"] = zone(root, f"{top}:0", name="core", energy=500)
        found[f"uncore {number}"] = zone(root, f"{top}:1", name="uncore", energy=100)
        found[f"dram {number}"] = zone(root, f"{top}:2", name="dram", energy=50)
        # The same zones lie inside the package's folder as well.
        inside = zone(root, f"{top}/{top}:2", name="dram", energy=50)
        found[f"dram {number} inside"] = inside
    found["psys"] = zone(root, f"intel-rapl:{packages}", name="psys", energy=9000)
    found["mmio"] = zone(root, "intel-rapl-mmio:0", name="package-0", energy=1000)
    return found


def move(folder: Path, *, by: int) -> None:
    """Let so many microjoules go through a counter, which begins again at its end."""
    file, most = folder / "energy_uj", int((folder / "max_energy_range_uj").read_text())
    file.write_text(f"{(int(file.read_text()) + by) % most}\n")
