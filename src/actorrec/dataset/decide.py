"""From what the pictures hold to what the data set is: pure, and the same whatever order the pictures came in."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from actorrec.dataset.candidates import Examined
from actorrec.dataset.choose import choose_faces
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
from actorrec.dataset.photos import Photo
from actorrec.dataset.records import Placing, face_record, image_record
from actorrec.dataset.sheet import Shown
from actorrec.dataset.split import Groups, hash_neighbours, near_vectors, split_groups
from actorrec.manifests.dataset import FaceRecord, ImageRecord
from actorrec.sections import DatasetSection


@dataclass(frozen=True, slots=True)
class Decided:
    """A data set before anything of it is written.

    Attributes:
        crops: SHA-256 of a picture and which of its faces → files of the artifact that hold its crop.
        shown: Every chosen face, also of the dropped, for the sheet.
        not_measured: People without a face on the test side.
    """

    images: list[ImageRecord]
    faces: list[FaceRecord]
    crops: dict[tuple[str, int], list[str]]
    shown: list[Shown]
    not_measured: list[str]


def decide(photos: Sequence[Photo], seen: Mapping[str, Examined], settings: DatasetSection, workers: int) -> Decided:
    """Choose, clean and split.

    Args:
        photos: Every file that was given, sorted.
        seen: What each readable one holds, by SHA-256.
        settings: Limits.
        workers: Threads for comparing faces.
    """
    verdicts: dict[int, Verdict] = {}
    picks_at = _pick(photos, seen, verdicts)
    rows = sorted(picks_at)
    picks = [picks_at[row] for row in rows]
    copies = find_copies(_vectors(picks), [pick.face.face_print for pick in picks], workers)
    settled = _clean(picks, copies, settings)
    verdicts |= {rows[index]: verdict for index, verdict in settled.items()}
    kept = [index for index in range(len(picks)) if settled.get(index, _KEPT).outcome != "dropped"]
    faces = _faces(picks, kept, copies, seen, settings, settled)
    images = [
        image_record(photo, seen.get(photo.sha256 or ""), verdicts.get(row, _KEPT)) for row, photo in enumerate(photos)
    ]
    tested = {face.person_id for face in faces if face.split == "test"}
    not_measured = sorted({face.person_id for face in faces} - tested)
    crops: dict[tuple[str, int], list[str]] = {}
    for index, face in zip(kept, faces, strict=True):
        crops.setdefault((picks[index].sha256, picks[index].face_index), []).append(face.crop)
    return Decided(images, faces, crops, _shown(picks, settled, dict(zip(kept, faces, strict=True))), not_measured)


_KEPT = Verdict("kept", "", "")


def _pick(photos: Sequence[Photo], seen: Mapping[str, Examined], verdicts: dict[int, Verdict]) -> dict[int, Pick]:
    """One face of each photo that has one; the others get their verdict here."""
    first_of: dict[tuple[str, str], str] = {}
    usable: dict[str, list[int]] = {}
    for row, photo in enumerate(photos):
        examined = seen.get(photo.sha256 or "")
        if photo.problem is not None:
            verdicts[row] = Verdict("failed", photo.problem.reason, photo.problem.message)
        elif examined is None or examined.reason:
            reason, detail = (examined.reason, examined.detail) if examined else ("unreadable", "it was not read")
            verdicts[row] = Verdict("failed", reason, detail)
        elif not examined.faces:
            verdicts[row] = Verdict("dropped", "no-face", "no face was found")
        elif (photo.person_id, examined.sha256) in first_of:
            twin = first_of[photo.person_id, examined.sha256]
            verdicts[row] = Verdict("dropped", "near-duplicate", f"the same file as {twin}")
        else:
            first_of[photo.person_id, examined.sha256] = photo.name
            usable.setdefault(photo.person_id, []).append(row)
    picks: dict[int, Pick] = {}
    for person_id, rows in usable.items():
        pictures = [seen[photos[row].sha256 or ""] for row in rows]
        for row, picture, index in zip(rows, pictures, choose_faces(pictures), strict=True):
            picks[row] = Pick(person_id, photos[row].name, picture.sha256, index, picture.faces[index])
    return picks


def _clean(picks: Sequence[Pick], copies: Sequence[Copy], settings: DatasetSection) -> dict[int, Verdict]:
    settled: dict[int, Verdict] = {}
    for row, pick in enumerate(picks):
        verdict = check_quality(pick.face.quality, settings)
        if verdict is not None:
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
    copies: Sequence[Copy],
    seen: Mapping[str, Examined],
    settings: DatasetSection,
    settled: Mapping[int, Verdict],
) -> list[FaceRecord]:
    chosen = [picks[index] for index in kept]
    owners = [pick.person_id for pick in chosen]
    vectors = _vectors(chosen)
    roots = _groups(picks, copies, seen, settings).roots()
    names = [_face_id(picks[roots[index]]) for index in kept]
    sides = split_groups(names, owners, settings.test_share, settings.seed)
    flags = [(settled[index].reason,) if index in settled else () for index in kept]
    return [
        face_record(pick, _face_id(pick), Placing(group, side, agreement, flag))
        for pick, group, side, agreement, flag in zip(
            chosen, names, sides, agreements(vectors, owners), flags, strict=True
        )
    ]


def _shown(picks: Sequence[Pick], settled: Mapping[int, Verdict], faces: Mapping[int, FaceRecord]) -> list[Shown]:
    shown: list[Shown] = []
    for index, pick in enumerate(picks):
        verdict = settled.get(index, _KEPT)
        label = verdict.reason or ("to test on" if faces[index].split == "test" else "")
        shown.append(Shown(pick.person_id, (pick.sha256, pick.face_index), verdict.outcome, label))
    return shown


def _groups(
    picks: Sequence[Pick], copies: Sequence[Copy], seen: Mapping[str, Examined], settings: DatasetSection
) -> Groups:
    """Join what comes from one source, over dropped faces too: two copies may be alike only by way of a third."""
    groups = Groups(len(picks))
    groups.join((first, second) for first, second, _ in copies)
    groups.join(near_vectors(_vectors(picks), [pick.person_id for pick in picks], settings.near_copy_cosine))
    pictures = [seen[pick.sha256] for pick in picks]
    plain, mirrored = [each.phash or 0 for each in pictures], [each.phash_mirrored or 0 for each in pictures]
    groups.join(hash_neighbours(plain, mirrored, settings.near_duplicate_bits))
    return groups


def _vectors(picks: Iterable[Pick]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    found = [pick.face.vector for pick in picks]
    return np.stack(found) if found else np.zeros((0, 1), np.float32)


def _face_id(pick: Pick) -> str:
    box = ",".join(f"{side:.2f}" for side in pick.face.box)
    return hashlib.sha256(f"{pick.sha256}:{box}".encode()).hexdigest()[:16]
