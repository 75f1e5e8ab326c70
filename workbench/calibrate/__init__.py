"""Calibration on planted truth: every eval measures what is known exactly, and a certificate says how well it did.

`calibrate()` asks every eval of answerers whose true values were planted (`PLANTS`), many times over, and returns a
`Certificate` with planted against recovered and the checks that were passed or failed. Names load on first use, so that a
report can read a certificate without loading what makes one. It knows no sweep.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.calibrate.certificate import Certificate
    from workbench.calibrate.measuring import Instrument, calibrate
    from workbench.calibrate.plant import Plant
    from workbench.calibrate.plants import PLANTS

_HOME = {
    "Certificate": "workbench.calibrate.certificate",
    "Instrument": "workbench.calibrate.measuring",
    "calibrate": "workbench.calibrate.measuring",
    "PLANTS": "workbench.calibrate.plants",
    "Plant": "workbench.calibrate.plant",
}

__all__ = ["PLANTS", "Certificate", "Instrument", "Plant", "calibrate"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"workbench.calibrate has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)
