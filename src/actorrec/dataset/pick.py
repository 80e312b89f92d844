"""One face of each photo: the reviewer's where one was named, else the one that agrees with the person's others."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from actorrec.artifacts.review_log import Decisions
from actorrec.dataset.candidates import Candidate, Examined
from actorrec.dataset.choose import choose_faces
from actorrec.dataset.clean import Pick, Verdict
from actorrec.dataset.given import Given
from actorrec.dataset.left_out import RESTRICTED, TAKEN_DOWN
from actorrec.dataset.photos import Photo
from actorrec.manifests.dataset import Outcome
from actorrec.manifests.review import Box
from actorrec.vision.boxes import overlaps

logger = logging.getLogger(__name__)
REVIEWED: Final = "reviewed"
# Another detector, or other settings of it, draw the box of a face a little differently.
_SAME_FACE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Picked:
    """What was picked, by row of the photos.

    Attributes:
        picks: The faces that may enter the set.
        left_out: Faces of photos that a reviewer dropped, to be shown.
        verdicts: What became of the photos that have no pick.
        twins: Rows that are the same file as an earlier one of the same folder.
    """

    picks: dict[int, Pick] = field(default_factory=dict)
    left_out: dict[int, Pick] = field(default_factory=dict)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    twins: set[int] = field(default_factory=set)


def pick_faces(given: Given, owners: Sequence[str], seen: Mapping[str, Examined], held: Decisions) -> Picked:
    """Pick a face of each photo that has one.

    Args:
        given: Every file that was given.
        owners: Whose each photo is, by the reviewers' word.
        seen: What each readable one holds, by SHA-256.
        held: What reviewers decided.
    """
    photos, picked = given.photos, Picked()
    first_of: dict[tuple[str, str, bool], int] = {}
    able: dict[str, list[int]] = {}
    for row, (photo, owner) in enumerate(zip(photos, owners, strict=True)):
        examined = seen.get(photo.sha256 or "")
        problem = _problem(photo, examined)
        if problem is not None or examined is None:
            picked.verdicts[row] = problem or Verdict("failed", "unreadable", "it was not read")
            continue
        dropped = held.verdict(examined.sha256, photo.person_id) == "drop"
        first = first_of.setdefault((owner, examined.sha256, dropped), row)
        if first != row:
            picked.verdicts[row] = Verdict("dropped", "near-duplicate", f"the same file as {photos[first].name}")
            if photos[first].person_id == photo.person_id:
                picked.twins.add(row)
        else:
            able.setdefault(owner, []).append(row)
    for owner, rows in able.items():
        person = _Person(owner, given.called(owner))
        _pick_of_person(person, [(row, photos[row], seen[photos[row].sha256 or ""]) for row in rows], held, picked)
    return picked


def _problem(photo: Photo, examined: Examined | None) -> Verdict | None:
    if photo.problem is not None:
        outcome: Outcome = "dropped" if photo.problem.reason in (RESTRICTED, TAKEN_DOWN) else "failed"
        return Verdict(outcome, photo.problem.reason, photo.problem.message)
    if examined is not None and examined.reason:
        return Verdict("failed", examined.reason, examined.detail)
    if examined is not None and not examined.faces:
        return Verdict("dropped", "no-face", "no face was found")
    return None


@dataclass(frozen=True, slots=True)
class _Person:
    person_id: str
    called: str


def _pick_of_person(person: _Person, rows: list[tuple[int, Photo, Examined]], held: Decisions, picked: Picked) -> None:
    able: dict[int, list[int]] = {row: _able(photo, examined, held) for row, photo, examined in rows}
    dropped = {row for row, photo, _ in rows if held.verdict(photo.sha256 or "", photo.person_id) == "drop"}
    in_play = [each for each in rows if each[0] not in dropped and able[each[0]]]
    indices = choose_faces(
        [replace(examined, faces=tuple(examined.faces[at] for at in able[row])) for row, _, examined in in_play]
    )
    for (row, photo, examined), index in zip(in_play, indices, strict=True):
        picked.picks[row] = _pick(person, photo, examined, able[row][index], held)
    centre = np.sum([picked.picks[row].face.vector for row, _, _ in in_play], axis=0)
    for row, photo, examined in rows:
        if row in dropped:
            picked.verdicts[row] = Verdict("dropped", REVIEWED, "a reviewer left it out")
            # Shown is the face that would be chosen, so that a change of mind sees what it is about.
            index = max(able[row] or [0], key=lambda at: float(np.sum(examined.faces[at].vector * centre)))
            picked.left_out[row] = _pick(person, photo, examined, index, held)
        elif not able[row]:
            picked.verdicts[row] = Verdict(
                "dropped", REVIEWED, f"a reviewer said that none of its faces is {person.called}"
            )


def _able(photo: Photo, examined: Examined, held: Decisions) -> list[int]:
    """The faces that may be chosen: the reviewer's own, or all but those that are somebody else's."""
    wanted = held.picked(examined.sha256, photo.person_id)
    if wanted is not None:
        found = _face_at(examined.faces, wanted)
        if found is not None:
            return [found]
        logger.warning("%s: the face that a reviewer picked is not found any more", photo.name)
    refused = {_face_at(examined.faces, box) for box in held.not_them(examined.sha256, photo.person_id)}
    return [index for index in range(len(examined.faces)) if index not in refused]


def _face_at(faces: Sequence[Candidate], box: Box) -> int | None:
    shares = overlaps(np.array([face.box for face in faces], np.float32), np.array([box], np.float32))[:, 0]
    best = int(shares.argmax())
    return best if shares[best] >= _SAME_FACE else None


def _pick(person: _Person, photo: Photo, examined: Examined, index: int, held: Decisions) -> Pick:
    at = examined.sha256, photo.person_id
    keep, wanted = held.verdict(*at) == "keep", held.picked(*at)
    pinned = wanted is not None and _face_at(examined.faces, wanted) == index
    face = examined.faces[index]
    return Pick(person.person_id, photo.name, examined.sha256, index, face, keep, keep or pinned, person.called)
