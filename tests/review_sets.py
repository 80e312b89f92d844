"""Small data sets under review, as ``build-dataset`` commits them, made of the examples that ship with the project."""

import hashlib
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image

from actorrec.artifacts.catalog import commit_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.manifests.base import FileRecord
from actorrec.manifests.dataset import DatasetManifest, Person
from actorrec.manifests.nets import TemplateRecord
from actorrec.manifests.review import SHEET_NAME, Box, ReviewEntry, ReviewSheet
from actorrec.vision.align import CANONICAL_272

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
HOSTILE = '<img src=x onerror="document.title=1">'
PEOPLE = {"Albert_Einstein": "Albert Einstein", "Grace_Hopper": "Grace Hopper", "Hedy_Lamarr": "Hedy Lamarr",
          "Nikola_Tesla": "Nikola Tesla"}  # fmt: skip


@cache
def jpeg(name: str, side: int, crop: Box | None = None) -> bytes:
    """An example picture, its longest side at most ``side``, as a JPEG."""
    with Image.open(EXAMPLES / name) as image:
        shown = image.crop(tuple(map(round, crop))) if crop else image  # type: ignore[arg-type]
        shown.thumbnail((side, side))
        out = io.BytesIO()
        shown.convert("RGB").save(out, "JPEG", quality=85)
        return out.getvalue()


def sha(text: str) -> str:
    """A SHA-256 that belongs to a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def entry(person: str, number: int, **fields: object) -> ReviewEntry:
    """A kept picture of a person; ``fields`` say what is different about it."""
    known = {
        "image_sha256": sha(f"{person}-{number}"),
        "person_id": person,
        "given_person_id": person,
        "path": f"{person}/{number:03d}.jpg",
        "outcome": "kept",
        "width_px": 400,
        "height_px": 500,
        "box": (100.0, 100.0, 300.0, 300.0),
        "boxes": ((100.0, 100.0, 300.0, 300.0),),
        "score": 0.99,
        "face_px": 200.0,
        "sharpness": 80.0,
        "agreement": 0.95,
    }
    return ReviewEntry.model_validate({**known, **fields})


def commit_set(
    store: ArtifactStore, people: dict[str, str], entries: Sequence[ReviewEntry], thumb: bytes, preview: bytes
) -> DatasetManifest:
    """Commit a data set: each entry that has a face gets the thumb, each that was decoded the preview."""
    key = sha(repr(entries))[:16]
    files: dict[str, FileRecord] = {}

    def put(name: str, data: bytes) -> str:
        if name not in files:
            files[name] = store.put_bytes(f"dataset/{key}/{name}", data)
        return name

    full = []
    for number, each in enumerate(entries):
        shown = {}
        if each.box is not None:
            shown["thumb"] = put(f"thumbs/{number}.jpg", thumb)
        if each.outcome != "failed":
            shown["preview"] = put(f"previews/{number}.jpg", preview)
        full.append(each.model_copy(update=shown))
    put(SHEET_NAME, ReviewSheet(people=people, entries=full).model_dump_json().encode())
    template = TemplateRecord.model_validate(
        {"name": CANONICAL_272.name, "size_px": CANONICAL_272.size_px, "points_px": CANONICAL_272.points_px}
    )
    manifest = DatasetManifest(
        key=key, files=list(files.values()), template=template, detector_id="mtcnn", embedder_id="dlib-resnet29",
        people=[Person(person_id=person_id, name=name) for person_id, name in people.items()], images=[], faces=[],
    )  # fmt: skip
    return commit_manifest(store, manifest)


def small_set(store: ArtifactStore, each: int = 6) -> DatasetManifest:
    """Four people with ``each`` pictures; of each the first is suspicious, the last was dropped; hostile texts too."""
    thumb, preview = jpeg("people/Grace_Hopper/official_1984.jpg", 128), jpeg("group.jpg", 640)
    with Image.open(io.BytesIO(preview)) as image:
        width, height = image.size
    boxes = tuple((width * n / 5, height * 0.2, width * (n + 0.8) / 5, height * 0.8) for n in range(5))
    entries = []
    for person in PEOPLE:
        whole = {"width_px": width, "height_px": height, "boxes": boxes, "box": boxes[1]}
        entries.append(entry(person, 0, outcome="flagged", suspicion=0.9, why=("unlike the others",),
                             nearer_to="Hedy_Lamarr", agreement=0.7, **whole))  # fmt: skip
        entries += [entry(person, number) for number in range(1, each - 1)]
        entries.append(entry(person, each - 1, outcome="dropped", reason="near-duplicate", suspicion=0.3,
                             why=("near-copy of 001.jpg",)))  # fmt: skip
    entries.append(entry("Nikola_Tesla", 90, outcome="failed", box=None, boxes=(), width_px=None, height_px=None,
                         reason="truncated", detail="the file ends early", path="Nikola_Tesla/broken.jpg"))  # fmt: skip
    entries.append(entry("Grace_Hopper", 91, path=f"Grace_Hopper/{HOSTILE}.jpg", suspicion=0.8, why=(HOSTILE,),
                         author=HOSTILE, licence=HOSTILE, page="javascript:document.title=2",
                         url="https://example.org/picture.jpg", licence_url="https://example.org/licence"))  # fmt: skip
    return commit_set(store, {**PEOPLE, "hostile": HOSTILE}, entries, thumb, preview)
