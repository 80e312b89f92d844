"""What the page may ask for: strict records, and the events of the log that they become."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from actorrec.errors import DataError
from actorrec.manifests.base import Record
from actorrec.manifests.review import Box, PictureRef, ReviewEntry

MAX_PICTURES = 20_000


def _name(text: str) -> str:
    plain = text.strip()
    if not plain or not plain.isprintable() or any(c in plain for c in "/\\") or plain.startswith("."):
        raise ValueError("a name holds letters, no slash, no control character, and does not begin with a dot")
    return plain


PersonName = Annotated[str, Field(max_length=200), AfterValidator(_name)]
PictureId = Annotated[int, Field(ge=0, strict=True)]


class Change(Record):
    """An action on pictures.

    Attributes:
        pictures: Numbers of the page's pictures.
        to: Whose they are, for ``move``; may be somebody new.
        face: Which of the picture's boxes, for ``pick``; 0 for the first.
    """

    action: Literal["keep", "drop", "move", "not-them", "pick"]
    pictures: list[PictureId] = Field(min_length=1, max_length=MAX_PICTURES)
    to: PersonName | None = None
    face: int | None = Field(default=None, ge=0, strict=True)


class Merge(Record):
    """Make two people one; both must be there."""

    person_id: str = Field(max_length=200)
    to: str = Field(max_length=200)


class Undo(Record):
    """Take an event back; of an undo: bring back what it took."""

    seq: int = Field(ge=1, strict=True)


def references(change: Change, entries: Sequence[ReviewEntry]) -> list[PictureRef]:
    """What the log is told of the pictures.

    Raises:
        DataError: If a picture is not there, or has no face of the kind the action is about.
    """
    if any(number >= len(entries) for number in change.pictures):
        raise DataError("there is no such picture in this data set", hint="reload the page")
    chosen = [entries[number] for number in dict.fromkeys(change.pictures)]
    if change.action == "pick" and len(chosen) != 1:
        raise DataError("a face is picked in one picture at a time")
    return [
        PictureRef(
            image_sha256=entry.image_sha256, given_person_id=entry.given_person_id, box=_box_meant(change, entry)
        )
        for entry in chosen
    ]


def _box_meant(change: Change, entry: ReviewEntry) -> Box | None:
    if change.action == "pick":
        if change.face is None or change.face >= len(entry.boxes):
            raise DataError(f"{entry.path} shows no such face")
        return entry.boxes[change.face]
    if change.action == "not-them" and entry.box is None:
        raise DataError(f"no face was chosen in {entry.path}, so none can be somebody else's", hint="drop it instead")
    # With the box, the verdict stays about this very face whatever a later build would choose.
    return entry.box if change.action in ("not-them", "keep", "move") else None
