"""The certificate in a comparison report: which evals recovered what was planted, and which cannot be trusted.

One section, `certificate(report)`, called as one line by a report's notebook. It shows what `workbench calibrate` stored in
the sweep's folder, and says so where nothing was.
"""

from typing import TYPE_CHECKING

from markupsafe import Markup

from workbench.compare import calibration, wording
from workbench.compare.planted import checks_table, planted_chart
from workbench.report import blocks
from workbench.report.blocks import Fact, Section
from workbench.report.sections import Report

if TYPE_CHECKING:
    from workbench.calibrate.certificate import Certificate

TITLE = "Calibration"

WHAT = (
    "Each eval was asked of answerers whose true value is known, because it was planted: an oracle that believes a chosen "
    "share of the facts. An eval that does not recover what was planted cannot be trusted with what was not."
)


def certificate(report: Report) -> Section:
    """Planted against recovered, with the evals that failed named first."""
    reading = report.comparison.reading
    found = calibration.certificate(reading)
    if found is None:
        return blocks.section(
            TITLE,
            blocks.prose(
                f"Not calibrated here. `workbench calibrate --out runs/{reading.store.path.name}/{calibration.FILE}` "
                "measures what was planted with every eval, and the report then shows it."
            ),
        )
    kinds = {calibration.kind_of(eval) for eval in reading.evals}
    here = found.model_copy(update={"evals": tuple(e for e in found.evals if e.eval in kinds)})
    failed = sorted(calibration.failed_evals(reading))
    missing = calibration.missing_evals(reading)
    verdict = (
        f"{wording.listed(failed)} failed: {'its' if len(failed) == 1 else 'their'} figures are marked with"
        f"{calibration.MARK} and cannot be trusted."
        if failed
        else "Every calibrated eval of this sweep recovered what was planted."
    )
    reasons = [
        f"{eval}: {found.left_out.get(calibration.kind_of(eval), 'the certificate does not have it')}"
        for eval in missing
    ]
    return blocks.section(
        TITLE,
        blocks.paragraph(verdict, tone="warned" if failed else ""),
        blocks.prose(WHAT),
        blocks.table(checks_table(here)) if here.evals else None,
        blocks.figure(planted_chart(here)),
        _not_asked(found, here),
        blocks.subheading("Not calibrated") if reasons else None,
        blocks.listing(reasons),
        blocks.facts(
            [
                ("certified by", f"workbench {found.version}"),
                Fact("rounds", str(found.rounds), found.rounds),
                Fact("took", f"{found.seconds:.0f} s", found.seconds),
            ]
        ),
    )


def _not_asked(found: "Certificate", here: "Certificate") -> Markup | None:
    """What the certificate says of evals that this sweep did not ask, in one line that opens."""
    rest = tuple(one for one in found.evals if one not in here.evals)
    if not rest:
        return None
    failed = sum(not one.passes for one in rest)
    told = f"{failed} of them failed" if failed else "all passed"
    title = f"Calibrated, but not asked in this sweep: {len(rest)} more, {told}"
    return blocks.folded(
        title, blocks.table(checks_table(found.model_copy(update={"evals": rest})))
    )
