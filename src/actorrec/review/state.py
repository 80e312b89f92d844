"""How a picture stands: what was built, and what was decided since."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actorrec.artifacts.review_log import Decisions
from actorrec.manifests.dataset import Outcome
from actorrec.manifests.review import Box, ReviewEntry

_SAME_FACE_PX: Final = 2.0


@dataclass(frozen=True, slots=True)
class State:
    """How one picture stands now.

    Attributes:
        changed: The data set does not show it yet.
    """

    person_id: str
    outcome: Outcome
    last: str | None
    changed: bool
    box: Box | None


def state_of(entry: ReviewEntry, held: Decisions) -> State:
    """What holds for a picture once the decisions count."""
    at = entry.image_sha256, entry.given_person_id
    person_id, last, picked = held.owner(*at), held.last_action(*at), held.picked(*at)
    refused = _among(entry.box, held.not_them(*at))
    box = next((each for each in entry.boxes if same_face(each, picked)), entry.box) if picked else entry.box
    # Decided on before the data set was built, and no more decided on since: the sheet shows what was. Of a picture
    # that a reviewer left out it shows a face all the same, though it may be a refused one.
    refused_since = refused and entry.reason != "reviewed"
    changed = last != entry.decided or person_id != entry.person_id or not same_face(box, entry.box) or refused_since
    if not changed:
        return State(person_id, entry.outcome, last, False, box)
    return State(person_id, _outcome(entry, held, refused), last, True, box)


def _outcome(entry: ReviewEntry, held: Decisions, refused: bool) -> Outcome:
    if not entry.boxes:
        return entry.outcome  # no word of anybody makes a face
    at = entry.image_sha256, entry.given_person_id
    verdict = held.verdict(*at)
    if verdict is not None:
        return "kept" if verdict == "keep" else "dropped"
    if refused:
        return "dropped"
    return "kept" if held.last_action(*at) in ("move", "pick") else entry.outcome


def same_face(one: Box | None, other: Box | None) -> bool:
    """Whether two boxes are of one face: equal but for rounding."""
    if one is None or other is None:
        return one is other
    return all(abs(a - b) <= _SAME_FACE_PX for a, b in zip(one, other, strict=True))


def _among(box: Box | None, boxes: Sequence[Box]) -> bool:
    return box is not None and any(same_face(box, each) for each in boxes)
