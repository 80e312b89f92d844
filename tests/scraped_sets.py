"""Scraped sets as ``scrape`` leaves them in a store, made of files instead of by requests."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from actorrec.artifacts.catalog import commit_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import RECORDS_NAME, ImagesManifest, ListedPerson, ScrapedImage

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def scraped_image(person: Person, file: str, path: Path, fetched_at: datetime = WHEN, **more: object) -> ScrapedImage:
    """The record of a picture."""
    data = path.read_bytes()
    with Image.open(path) as image:
        width, height = image.size
    fields = {
        "file": file,
        "person_id": person.person_id,
        "source": "commons",
        "url": f"https://pictures.example/{path.name}",
        "page": f"https://pictures.example/page/{path.name}",
        "licence": "CC BY-SA 4.0",
        "licence_url": "https://creativecommons.org/licenses/by-sa/4.0/",
        "author": "A. Photographer",
        "width_px": width,
        "height_px": height,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "source_sha256": hashlib.sha256(data + b"source").hexdigest(),
        "phash": "0123456789abcdef",
        "fetched_at": fetched_at,
    }
    return ScrapedImage.model_validate({**fields, **more})


def scraped_set(
    store: LocalStore,
    pictures: Mapping[tuple[str, str], Sequence[Path]],
    key: str = "abcd",
    fetched_at: datetime = WHEN,
    **more: object,
) -> ImagesManifest:
    """Commit a scraped set.

    Args:
        store: Gets it.
        pictures: (person_id, name) → pictures of that person.
        key: Of the artifact.
        fetched_at: When every picture came.
        more: Fields of every picture's record.
    """
    people, images = [], []
    for rank, ((person_id, name), paths) in enumerate(pictures.items(), 1):
        person = Person(person_id=person_id, name=name, external_ids={"wikidata": person_id})
        people.append(ListedPerson(person=person, rank=rank, source="wikidata", listed_at=fetched_at))
        label = name.replace(" ", "_")
        own = [
            scraped_image(person, f"{label}_{person_id}/{label}_{number:04d}.jpg", path, fetched_at, **more)
            for number, path in enumerate(paths, 1)
        ]
        for image, path in zip(own, paths, strict=True):
            store.put_file(f"images/{key}/{image.file}", path)
        lines = "".join(image.model_dump_json() + "\n" for image in own)
        store.put_bytes(f"images/{key}/{label}_{person_id}/{RECORDS_NAME}", lines.encode())
        images += own
    manifest = ImagesManifest(
        key=key, people_source="wikidata", image_sources=["commons"], people=people, images=images, tallies=[]
    )
    return commit_manifest(store, manifest)
