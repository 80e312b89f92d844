"""What others ask a device for: from a network, so nothing in it is believed unchecked."""

from pydantic import ConfigDict, Field

from actorrec.manifests.base import Record, RelativeName


class PictureRequest(Record):
    """A picture to look at, on ``RESULTS_TOPIC/request``; answered by a detection with the same ``request``.

    Attributes:
        picture: Path below the folder that the device allows; it cannot lead out of it.
        request: Given back with the answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    picture: RelativeName = Field(max_length=1024)
    request: str = Field(default="", max_length=64)
