"""Calibration on planted truth: every eval measures what is known exactly, and a certificate says how well it did.

`calibrate()` asks every eval of answerers whose true values were planted (`PLANTS`), many times over, and returns a
`Certificate` with planted against recovered and the checks that were passed or failed. It knows no sweep.
"""

from workbench.calibrate.certificate import Certificate
from workbench.calibrate.measuring import Instrument, calibrate
from workbench.calibrate.plants import PLANTS, Plant

__all__ = ["PLANTS", "Certificate", "Instrument", "Plant", "calibrate"]
