"""What a data set is: every picture that was offered, what became of it, and the faces that were kept."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from actorrec.manifests.base import Manifest, Record, RelativeName, Sha256, digest_json
from actorrec.manifests.nets import TemplateRecord

Split = Literal["train", "test"]
Outcome = Literal["kept", "dropped", "flagged", "failed"]


class Person(Record):
    """Somebody the system may know.

    Attributes:
        person_id: Stable everywhere; for a user's folder, the folder's name (NFC).
        name: As shown to people.
        external_ids: For example ``{"imdb": "nm0000138", "wikidata": "Q38111"}``.
    """

    person_id: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=200)
    external_ids: dict[str, str] = {}


class ImageRecord(Record):
    """One input picture and what became of it.

    Attributes:
        path: As the user would find it, relative to the photo folder it was given in.
        person_id: Whose folder it lay in, or whose it is by a reviewer's word.
        sha256: Of the file's bytes; None where it could not be read.
        phash: 64-bit perceptual hash, 16 hex digits; None where it could not be decoded.
        outcome: ``kept`` (a face of it is in the set), ``flagged`` (kept, but a person should look),
            ``dropped`` (decoded, but no face of it is in the set) or ``failed`` (could not be read).
        reason: Short slug; empty for ``kept``.
        detail: One sentence for a person.
        faces_found: How many faces the detector saw.
        licence: ``user-supplied`` for a user's own folder.
    """

    path: str
    person_id: str
    sha256: Sha256 | None = None
    phash: str | None = Field(default=None, pattern=r"^[0-9a-f]{16}$")
    width_px: int | None = None
    height_px: int | None = None
    outcome: Outcome
    reason: str = ""
    detail: str = ""
    faces_found: int = 0
    url: str | None = None
    page: str | None = None
    licence: str = "user-supplied"
    licence_url: str | None = None
    author: str | None = None
    fetched_at: datetime | None = None


class FaceRecord(Record):
    """A face that is in the set.

    Attributes:
        face_id: First 16 hex digits of the hash of the picture's sha256 and the box.
        crop: File of the aligned crop inside the artifact (the manifest's template).
        box: x1, y1, x2, y2 px in the whole picture, orientation applied.
        landmarks: Five (x, y) px in the whole picture.
        crop_landmarks: The same five in the crop.
        group: Faces of one group (one source page, near-copies) never lie on both sides of the split.
        agreement: Cosine to the mean of the person's other faces; None for an only face.
    """

    face_id: str
    image_sha256: Sha256
    person_id: str
    crop: RelativeName
    box: tuple[float, float, float, float]
    landmarks: tuple[tuple[float, float], ...]
    crop_landmarks: tuple[tuple[float, float], ...]
    score: float
    face_px: float
    sharpness: float
    yaw: float
    roll_deg: float
    group: str
    split: Split
    agreement: float | None = None
    flags: tuple[str, ...] = ()


class DatasetManifest(Manifest):
    """A clean, aligned, leak-free face data set.

    Attributes:
        template: Template of the stored crops.
        detector_id: What found the faces.
        embedder_id: What judged who agrees with whom.
        not_measured: People with too few photos to be tested; on the training side only.
        decisions: How many of the pictures a reviewer decided on.
    """

    kind: Literal["dataset"] = "dataset"
    template: TemplateRecord
    detector_id: str
    embedder_id: str
    people: list[Person]
    images: list[ImageRecord]
    faces: list[FaceRecord]
    not_measured: list[str] = []
    decisions: int = 0

    def content_digest(self) -> str:
        """SHA-256 of everything but times and provenance, also without the time at which each picture was fetched."""
        left_out: dict[str, Any] = dict.fromkeys(self._not_content, True)
        return digest_json(self.model_dump(mode="json", exclude={**left_out, "images": {"__all__": {"fetched_at"}}}))
