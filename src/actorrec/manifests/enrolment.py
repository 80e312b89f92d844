"""What ``enroll`` says of every photo it was given."""

from typing import Literal

from actorrec.manifests.base import Record


class PhotoReport(Record):
    """One enrolment photo and what became of it.

    Attributes:
        path: As the user named it.
        outcome: ``enrolled``; ``already-known`` (this very photo is there already); ``skipped`` (no face could be
            taken from it).
        reason: Short slug; empty for ``enrolled``.
        detail: One sentence for a person; empty where there is nothing to say.
        warnings: What the user should look at, one sentence each.
        faces_found: How many faces the detector saw.
        face_box: x1, y1, x2, y2 px of the face that was taken.
    """

    path: str
    person_id: str
    outcome: Literal["enrolled", "already-known", "skipped"]
    reason: str = ""
    detail: str = ""
    warnings: list[str] = []
    faces_found: int = 0
    face_box: tuple[float, float, float, float] | None = None


class PersonRow(Record):
    """One line of ``people ls``."""

    person_id: str
    name: str
    photos: int
    sources: list[str]
