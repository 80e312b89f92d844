"""Writing down what became of each photo and face."""

import hashlib
from dataclasses import dataclass

from actorrec.dataset.candidates import Examined
from actorrec.dataset.clean import Pick, Verdict
from actorrec.dataset.photos import Photo
from actorrec.manifests.dataset import FaceRecord, ImageRecord, Person, Split

_LONGEST_FOLDER = 80
PROVENANCE = {"url", "page", "licence", "licence_url", "author", "fetched_at"}
"""Fields of a scraped picture that its record keeps."""


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a face stands among the others; see ``FaceRecord``."""

    group: str
    split: Split
    agreement: float | None
    flags: tuple[str, ...]


def image_record(photo: Photo, person_id: str, examined: Examined | None, verdict: Verdict) -> ImageRecord:
    """The record of one input file; ``person_id``: whose it is now."""
    origin = photo.origin
    known = examined if examined is not None and not examined.reason else None
    return ImageRecord(
        path=photo.name,
        person_id=person_id,
        sha256=photo.sha256,
        phash=f"{known.phash:016x}" if known is not None and known.phash is not None else None,
        width_px=known.width_px if known is not None else None,
        height_px=known.height_px if known is not None else None,
        outcome=verdict.outcome,
        reason=verdict.reason,
        detail=verdict.detail,
        faces_found=len(known.faces) if known is not None else 0,
        **(origin.model_dump(include=PROVENANCE) if origin is not None else {}),
    )


def face_record(pick: Pick, face_id: str, placing: Placing) -> FaceRecord:
    """The record of one face that is in the set."""
    face = pick.face
    quality = face.quality
    return FaceRecord(
        face_id=face_id,
        image_sha256=pick.sha256,
        person_id=pick.person_id,
        crop=f"crops/{safe_folder(pick.person_id)}/{face_id}.jpg",
        box=face.box,
        landmarks=tuple((float(x), float(y)) for x, y in face.points),
        crop_landmarks=tuple((float(x), float(y)) for x, y in face.crop_points),
        score=face.score,
        face_px=round(quality.face_px, 2),
        sharpness=round(quality.sharpness, 2),
        yaw=round(quality.yaw, 4),
        roll_deg=round(quality.roll_deg, 2),
        group=placing.group,
        split=placing.split,
        agreement=placing.agreement,
        flags=placing.flags,
    )


def person_record(person_id: str) -> Person:
    """A person as their folder names them."""
    return Person(person_id=person_id, name=" ".join(person_id.replace("_", " ").split()) or person_id)


def safe_folder(person_id: str) -> str:
    """A folder name that any file system takes; differs for different people.

    Letters and digits of any script stay; everything else but ' ', '-', '_', '.' and ',' becomes %XX.
    """
    safe = "".join(
        char if char.isalnum() or char in " -_.,()'" else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in person_id
    )
    if len(safe.encode()) > _LONGEST_FOLDER or safe != safe.strip(" ."):
        digest = hashlib.sha256(person_id.encode()).hexdigest()[:12]
        short = safe.encode()[: _LONGEST_FOLDER - 13].decode("utf-8", "ignore").strip(" .%")
        return f"{short}~{digest}"
    return safe
