"""How commands say where names begin."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actorrec.manifests.model import Calibration


def threshold_line(calibration: "Calibration") -> str:
    """The threshold, the rate it was set for, and what it was set on."""
    rate = f"{calibration.target_fpir:.2%}".replace(".00%", "%")
    return f"names begin at {calibration.threshold:.3f}, to name {rate} of strangers: {calibration.note}"
