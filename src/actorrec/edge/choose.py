"""Which of the measured variants goes onto the device."""

from collections.abc import Sequence

from actorrec.edge.parity import refuse
from actorrec.errors import ParityError
from actorrec.manifests.bundle import VariantReport

TIMING_NOISE = 0.25
"""Medians this near to each other are the same speed: a busy machine alone moves them by a tenth and more, and the same
model should give the same bundle again."""


def choose(reports: Sequence[VariantReport]) -> VariantReport:
    """The fastest of the variants that were not refused; among equally fast ones the smallest.

    Args:
        reports: Of every variant that was asked for; at least one.

    Raises:
        ParityError: If all were refused.
    """
    eligible = [report for report in reports if not report.refused and report.median_ms is not None]
    if not eligible:
        if len(reports) == 1:
            raise refuse(reports[0].name, reports[0].refused)
        reasons = "; ".join(f"{report.name}: {report.refused}" for report in reports)
        raise ParityError(f"no variant keeps what the model says ({reasons})")
    fastest = min(report.median_ms or 0.0 for report in eligible)
    as_fast = [report for report in eligible if (report.median_ms or 0.0) <= fastest * (1 + TIMING_NOISE)]
    return min(as_fast, key=lambda report: (report.bytes, report.median_ms))
