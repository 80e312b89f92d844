"""What the review page shows of a data set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from actorrec.artifacts.review_log import Decisions
from actorrec.dataset.candidates import Examined
from actorrec.dataset.clean import QUALITY_REASONS, Pick, Verdict
from actorrec.dataset.decide import Decided, face_id
from actorrec.dataset.given import Given
from actorrec.dataset.photos import Photo
from actorrec.dataset.records import PROVENANCE
from actorrec.dataset.suspicion import Standing, poorness, standings, suspicion
from actorrec.dataset.write import PictureFile
from actorrec.manifests.dataset import ImageRecord
from actorrec.manifests.review import ReviewEntry, ReviewSheet
from actorrec.sections import DatasetSection

# A face this near to a limit of quality, or beyond it, is worth a word; so is one this odd.
_POOR: Final = 0.45
_ODD: Final = 0.25


@dataclass(frozen=True, slots=True)
class _Row:
    """A picture and all that is known of it; ``pick`` and ``standing`` are None where no face was chosen."""

    photo: Photo
    image: ImageRecord
    examined: Examined
    pick: Pick | None
    standing: Standing | None


def review_sheet(
    given: Given, seen: Mapping[str, Examined], held: Decisions, decided: Decided, settings: DatasetSection
) -> ReviewSheet:
    """Everything the page shows: each picture that can be decided on, with how odd it is and why."""
    picks = decided.picked.picks | decided.picked.left_out
    standing = _standings(picks, decided)
    entries = [
        _entry(_Row(photo, image, seen[photo.sha256], picks.get(row), standing.get(row)), given, held, settings)
        for row, (photo, image) in enumerate(zip(given.photos, decided.images, strict=True))
        if photo.sha256 is not None and photo.sha256 in seen and row not in decided.picked.twins
    ]
    people = {image.person_id for image in decided.images} | {entry.given_person_id for entry in entries}
    return ReviewSheet(people={each: given.person(each).name for each in sorted(people - {""})}, entries=entries)


def wanted_files(decided: Decided, sheet: ReviewSheet) -> dict[str, list[PictureFile]]:
    """The files of the artifact, by the SHA-256 of the picture they are made of."""
    files: dict[str, set[PictureFile]] = {}
    for face, pick in zip(decided.faces, decided.face_picks, strict=True):
        files.setdefault(pick.sha256, set()).add(PictureFile(face.crop, "crop", pick.face_index))
    for pick in [*decided.picked.picks.values(), *decided.picked.left_out.values()]:
        files.setdefault(pick.sha256, set()).add(PictureFile(_thumb(pick), "thumb", pick.face_index))
    for entry in sheet.entries:
        if entry.preview is not None:
            files.setdefault(entry.image_sha256, set()).add(PictureFile(entry.preview, "preview"))
    return {sha256: sorted(each) for sha256, each in files.items()}


def _standings(picks: Mapping[int, Pick], decided: Decided) -> dict[int, Standing]:
    rows = sorted(picks)
    if not rows:
        return {}
    inside = {id(pick) for pick in decided.face_picks}
    vectors = np.stack([picks[row].face.vector for row in rows])
    owners = [picks[row].person_id for row in rows]
    return dict(zip(rows, standings(vectors, owners, [id(picks[row]) in inside for row in rows]), strict=True))


def _entry(row: _Row, given: Given, held: Decisions, settings: DatasetSection) -> ReviewEntry:
    image, examined, at = row.image, row.examined, (row.examined.sha256, row.photo.person_id)
    decoded = not examined.reason
    return ReviewEntry(
        image_sha256=examined.sha256,
        person_id=image.person_id,
        given_person_id=row.photo.person_id,
        path=image.path,
        outcome=image.outcome,
        reason=image.reason,
        detail=image.detail,
        preview=f"previews/{examined.sha256[:16]}.jpg" if decoded and settings.previews else None,
        width_px=examined.width_px,
        height_px=examined.height_px,
        boxes=tuple(face.box for face in examined.faces),
        decided=held.last_action(*at),
        **_of_face(row, given, settings),
        **image.model_dump(include=PROVENANCE - {"fetched_at"}),
    )


def _of_face(row: _Row, given: Given, settings: DatasetSection) -> dict[str, Any]:
    """What is said of the chosen face, and how odd the picture is."""
    pick, standing, verdict = row.pick, row.standing, Verdict(row.image.outcome, row.image.reason, row.image.detail)
    if pick is None or standing is None:
        why = (row.image.detail,) if row.image.detail else ()
        return {"suspicion": suspicion(verdict, None, 0.0), "why": why}
    poor, what = poorness(pick.face.quality, settings)
    nearer = given.called(standing.nearer_to) if standing.nearer_to is not None else ""
    settled = pick.is_them or verdict.reason == "reviewed"
    return {
        "face_id": face_id(pick),
        "thumb": _thumb(pick),
        "box": pick.face.box,
        "score": pick.face.score,
        "face_px": round(pick.face.quality.face_px, 2),
        "sharpness": round(pick.face.quality.sharpness, 2),
        "agreement": standing.agreement,
        "nearer_to": standing.nearer_to,
        "suspicion": 0.0 if settled else suspicion(verdict, standing, poor),
        "why": () if settled else _why(verdict, standing, nearer, what if poor >= _POOR else ""),
    }


def _why(verdict: Verdict, standing: Standing, nearer: str, poor: str) -> tuple[str, ...]:
    said = [verdict.detail] if verdict.detail else []
    if not said and standing.oddness >= _ODD:
        said.append(f"nearly unlike the other photos (agreement {standing.agreement or 0.0:.2f})")
    if nearer and nearer not in verdict.detail:
        said.append(f"nearer to {nearer}")
    if poor and verdict.reason not in QUALITY_REASONS:
        said.append(poor)
    return tuple(said)


def _thumb(pick: Pick) -> str:
    return f"thumbs/{face_id(pick)}.jpg"
