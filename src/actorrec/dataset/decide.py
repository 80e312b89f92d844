"""From what the pictures hold to what the data set is: pure, and the same whatever order the pictures came in."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from actorrec.artifacts.review_log import Decisions
from actorrec.dataset.candidates import Examined
from actorrec.dataset.clean import (
    Pick,
    Verdict,
    agreements,
    check_quality,
    drop_near_duplicates,
    find_two_names,
    find_wrong_people,
)
from actorrec.dataset.copies import Copy, find_copies
from actorrec.dataset.given import Given
from actorrec.dataset.photos import Photo
from actorrec.dataset.pick import Picked, pick_faces
from actorrec.dataset.records import Placing, face_record, image_record
from actorrec.dataset.split import Groups, hash_neighbours, near_vectors, same_value, split_groups
from actorrec.manifests.dataset import FaceRecord, ImageRecord
from actorrec.sections import DatasetSection


@dataclass(frozen=True, slots=True)
class Decided:
    """A data set before anything of it is written.

    Attributes:
        images: A record of each photo, in their order.
        faces: What is in the set; ``face_picks`` the pick of each.
        picked: Every pick, also of the dropped.
        not_measured: People without a face on the test side.
    """

    images: list[ImageRecord]
    faces: list[FaceRecord]
    face_picks: list[Pick]
    picked: Picked
    not_measured: list[str]


def decide(
    given: Given, seen: Mapping[str, Examined], held: Decisions, settings: DatasetSection, workers: int
) -> Decided:
    """Choose, clean and split.

    Args:
        given: Every file that was given, sorted.
        seen: What each readable one holds, by SHA-256.
        held: What reviewers decided.
        settings: Limits.
        workers: Threads for comparing faces.
    """
    photos = given.photos
    owners = [held.owner(photo.sha256 or "", photo.person_id) for photo in photos]
    picked = pick_faces(given, owners, seen, held)
    rows = sorted(picked.picks)
    picks = [picked.picks[row] for row in rows]
    copies = find_copies(_vectors(picks), [pick.face.face_print for pick in picks], workers)
    settled = _clean(picks, copies, settings)
    verdicts = picked.verdicts | {rows[index]: verdict for index, verdict in settled.items()}
    kept = [index for index in range(len(picks)) if settled.get(index, KEPT).outcome != "dropped"]
    groups = _groups(picks, [photos[row] for row in rows], copies, seen, settings)
    faces = _faces(picks, kept, groups, settings, settled)
    images = [
        image_record(photo, owners[row], seen.get(photo.sha256 or ""), verdicts.get(row, KEPT))
        for row, photo in enumerate(photos)
    ]
    tested = {face.person_id for face in faces if face.split == "test"}
    not_measured = sorted({face.person_id for face in faces} - tested)
    return Decided(images, faces, [picks[index] for index in kept], picked, not_measured)


KEPT: Final = Verdict("kept", "", "")
# Sources whose page is the person's own and shows all their pictures, whatever the occasion.
_PERSON_PAGES: Final = frozenset({"tmdb"})


def _clean(picks: Sequence[Pick], copies: Sequence[Copy], settings: DatasetSection) -> dict[int, Verdict]:
    settled: dict[int, Verdict] = {}
    for row, pick in enumerate(picks):
        verdict = check_quality(pick.face.quality, settings)
        if verdict is not None and not pick.keep:
            settled[row] = verdict
    settled |= drop_near_duplicates(picks, [copy for copy in copies if not settled.keys() & set(copy[:2])])
    if settings.wrong_person != "keep":
        rows = [row for row in range(len(picks)) if row not in settled]
        settled |= find_wrong_people(picks, rows, settings.wrong_person)
        settled |= find_two_names(picks, copies, settled, settings.wrong_person)
    return settled


def _faces(
    picks: Sequence[Pick],
    kept: Sequence[int],
    groups: Groups,
    settings: DatasetSection,
    settled: Mapping[int, Verdict],
) -> list[FaceRecord]:
    chosen = [picks[index] for index in kept]
    owners = [pick.person_id for pick in chosen]
    vectors = _vectors(chosen)
    roots = groups.roots()
    names = [face_id(picks[roots[index]]) for index in kept]
    sides = split_groups(names, owners, settings.test_share, settings.seed)
    flags = [(settled[index].reason,) if index in settled else () for index in kept]
    return [
        face_record(pick, face_id(pick), Placing(group, side, agreement, flag))
        for pick, group, side, agreement, flag in zip(
            chosen, names, sides, agreements(vectors, owners), flags, strict=True
        )
    ]


def _groups(
    picks: Sequence[Pick],
    photos: Sequence[Photo],
    copies: Sequence[Copy],
    seen: Mapping[str, Examined],
    settings: DatasetSection,
) -> Groups:
    """Join what comes from one source, over dropped faces too: two copies may be alike only by way of a third."""
    groups = Groups(len(picks))
    groups.join((first, second) for first, second, _ in copies)
    groups.join(near_vectors(_vectors(picks), [pick.person_id for pick in picks], settings.near_copy_cosine))
    pictures = [seen[pick.sha256] for pick in picks]
    plain, mirrored = [each.phash or 0 for each in pictures], [each.phash_mirrored or 0 for each in pictures]
    groups.join(hash_neighbours(plain, mirrored, settings.near_duplicate_bits))
    groups.join(same_value([_page(photo) for photo in photos]))
    return groups


def _page(photo: Photo) -> str | None:
    """The page that a picture was found on, where that says that it comes from one source with others."""
    origin = photo.origin
    return None if origin is None or origin.source.split(":")[0] in _PERSON_PAGES else origin.page


def _vectors(picks: Iterable[Pick]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    found = [pick.face.vector for pick in picks]
    return np.stack(found) if found else np.zeros((0, 1), np.float32)


def face_id(pick: Pick) -> str:
    """Name of a face; see ``FaceRecord``."""
    box = ",".join(f"{side:.2f}" for side in pick.face.box)
    return hashlib.sha256(f"{pick.sha256}:{box}".encode()).hexdigest()[:16]
