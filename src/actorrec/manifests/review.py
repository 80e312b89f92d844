"""What ``build-dataset`` shows to a reviewer, and what a reviewer says of it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from actorrec.manifests.base import Record, RelativeName, Sha256
from actorrec.manifests.dataset import Outcome

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 px in the whole picture, orientation applied."""

SHEET_NAME = "review.json"
"""File of a dataset artifact that holds its ``ReviewSheet``."""

ReviewAction = Literal["keep", "drop", "move", "not-them", "pick", "merge", "undo"]


class PictureRef(Record):
    """A picture of somebody's folder, whatever became of it.

    Attributes:
        image_sha256: Of the file that was given.
        given_person_id: Whose folder it was given in; stays the same however often it is moved.
        box: The face that is meant; None for the one that was chosen.
    """

    image_sha256: Sha256
    given_person_id: str = Field(max_length=200)
    box: Box | None = None


class ReviewEvent(Record):
    """One change, as it stands in the log; nothing is ever taken out of the log.

    Attributes:
        seq: 1 for the first.
        action: ``keep``: the face is right, whatever the checks say. ``drop``: leave the picture out. ``move``: the
            picture shows ``to``. ``not-them``: this face is not the person; another one of the picture may be.
            ``pick``: this face (``box``) is the person. ``merge``: everything of ``person_id`` is ``to``'s.
            ``undo``: event ``undoes`` does not count (an undo of an undo brings it back).
        pictures: What it is about; empty for ``merge`` and ``undo``.
    """

    seq: int = Field(ge=1)
    at: datetime
    action: ReviewAction
    pictures: tuple[PictureRef, ...] = ()
    person_id: str | None = Field(default=None, max_length=200)
    to: str | None = Field(default=None, max_length=200)
    undoes: int | None = None


class ReviewEntry(Record):
    """One picture as the page shows it.

    Attributes:
        person_id: Whom it counts for now; ``given_person_id``: whose folder it was given in.
        path: As the user would find it.
        outcome: With ``reason`` and ``detail``, as in ``ImageRecord``.
        face_id: Of the chosen face; None where there is none.
        thumb: File of the artifact: the chosen face, 128 px square JPEG; None where there is none.
        preview: File of the artifact: the whole picture, longest side at most 640 px; None where it was not decoded.
        box: Of the chosen face; ``boxes`` of every face that was found, in ``width_px`` × ``height_px``.
        agreement: Cosine to the mean of the person's other faces; None for an only face.
        nearer_to: Person it is nearer to than to its own, if there is one.
        suspicion: 0 (nothing odd) to 1; the page shows the highest first.
        why: What is odd, in a few words, the gravest first.
        decided: The reviewer's last action on it that counts, if any.
    """

    image_sha256: Sha256
    person_id: str
    given_person_id: str
    path: str
    outcome: Outcome
    reason: str = ""
    detail: str = ""
    face_id: str | None = None
    thumb: RelativeName | None = None
    preview: RelativeName | None = None
    width_px: int | None = None
    height_px: int | None = None
    box: Box | None = None
    boxes: tuple[Box, ...] = ()
    score: float | None = None
    face_px: float | None = None
    sharpness: float | None = None
    agreement: float | None = None
    nearer_to: str | None = None
    suspicion: float = Field(default=0.0, ge=0, le=1)
    why: tuple[str, ...] = ()
    url: str | None = None
    page: str | None = None
    licence: str = "user-supplied"
    licence_url: str | None = None
    author: str | None = None
    decided: ReviewAction | None = None


class ReviewSheet(Record):
    """Everything the page shows of a data set.

    Attributes:
        people: person_id → name, also of people of whom nothing was kept.
    """

    schema_version: int = 1
    people: dict[str, str]
    entries: list[ReviewEntry]
