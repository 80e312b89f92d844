"""A face that ``infer`` did not know and was told to keep."""

from datetime import datetime

from pydantic import Field

from actorrec.manifests.base import Record, Sha256


class UnknownFace(Record):
    """One kept face.

    Attributes:
        face_id: First 16 hex digits of the SHA-256 of the picture's name and pixels and the box.
        seen_at: When.
        source: Name of the picture or camera it was seen in.
        crop_sha256: Of the kept crop: a JPEG of the template ``canonical-272``.
        face_px: Width of the face in the picture.
        model_id: What embedded it.
        embedding: Unit length.
    """

    face_id: str = Field(pattern=r"^[0-9a-f]{16}$")
    seen_at: datetime
    source: str
    crop_sha256: Sha256
    face_px: float
    model_id: str
    embedding: tuple[float, ...]
