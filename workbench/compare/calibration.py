"""Whether the evals of a sweep measure what was planted: what its certificate says of each of them.

`certificate(reading)` is the `calibration.json` in the sweep's folder, as `workbench calibrate --out` writes it, or None;
`failed_evals(reading)` and `missing_evals(reading)` name those that failed and those that nobody calibrated. It
calibrates nothing; the figures of it are in `planted.py`.
"""

from typing import TYPE_CHECKING

from workbench.compare.reading import Reading
from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.calibrate.certificate import Certificate

FILE = "calibration.json"

MARK = " †"
"""Behind the name of an eval that failed."""


def certificate(reading: Reading) -> "Certificate | None":
    """The certificate in the sweep's folder; None where there is none, or none that can be read."""
    path = reading.store.path / FILE

    def read() -> "Certificate | None":
        if not path.exists():
            return None
        # Asking for it only here keeps the evals' asking side out of a page that has no certificate.
        from workbench.calibrate.certificate import Certificate

        try:
            return Certificate.load(path)
        except InputError as error:
            reading.problems.append(str(error))
            return None

    found: Certificate | None = reading.once(("certificate",), read)
    return found


def failed_evals(reading: Reading) -> frozenset[str]:
    """The evals of the sweep that did not recover what was planted, whoever was asked."""
    found = certificate(reading)
    failed = {one.eval for one in found.evals if not one.passes} if found is not None else set()
    return frozenset(eval for eval in reading.evals if kind_of(eval) in failed)


def missing_evals(reading: Reading) -> tuple[str, ...]:
    """The evals of the sweep that the certificate says nothing of; all of them without one."""
    found = certificate(reading)
    known = {one.eval for one in found.evals} if found is not None else set()
    return tuple(eval for eval in reading.evals if kind_of(eval) not in known)


def distrust(reading: Reading, eval: str) -> str:
    """What stands before the words about a figure of an eval that failed; nothing where it did not."""
    return "This eval failed its calibration. " if eval in failed_evals(reading) else ""


def kind_of(eval: str) -> str:
    """The catalog's name of an eval, without its file.

    >>> kind_of("choices:arc"), kind_of("recall")
    ('choices', 'recall')
    """
    return eval.partition(":")[0]
