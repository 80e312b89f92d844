"""What ``scrape`` brings: who was listed, which pictures of them, where each came from, and what is short."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from actorrec.manifests.base import Manifest, Record, RelativeName, Sha256, digest_json
from actorrec.manifests.dataset import Person

RECORDS_NAME = "images.jsonl"
"""In each person's folder: one ``ScrapedImage`` a line, in the order of the pictures."""


class ListedPerson(Record):
    """A person as a source lists them.

    Attributes:
        person: ``person_id`` is the source's own id (``Q38111``, ``nm0000138``, ``tmdb-6193``), or the name where the
            source has none; ``external_ids`` holds every id known, by ``wikidata``, ``imdb`` and ``tmdb``.
        rank: 1 for the first.
        source: Which source listed them.
        listed_at: When.
    """

    person: Person
    rank: int = Field(ge=1)
    source: str
    listed_at: datetime


class ScrapedImage(Record):
    """One picture on disk and where it came from.

    Attributes:
        file: Inside the artifact: ``<folder of the person>/<label>_0001.jpg``.
        source: Which source offered it.
        url: Where the bytes came from, after no redirect; a path for a folder's.
        page: The page that shows it to people; pictures of one page are one source for the split.
        licence: As the source calls it; ``unknown`` where it says nothing, ``user-supplied`` for the user's own.
        bytes: Of the file on disk.
        sha256: Of the file on disk: orientation applied, metadata stripped.
        source_sha256: Of the bytes as they came.
        phash: 64-bit perceptual hash, 16 hex digits.
        etag: Validator of the server, for asking again; so is ``last_modified``.
    """

    file: RelativeName
    person_id: str
    source: str
    url: str
    page: str | None = None
    licence: str = "unknown"
    licence_url: str | None = None
    author: str | None = None
    width_px: int = Field(ge=1)
    height_px: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: Sha256
    source_sha256: Sha256
    phash: str = Field(pattern=r"^[0-9a-f]{16}$")
    fetched_at: datetime
    etag: str | None = None
    last_modified: str | None = None


class PersonTally(Record):
    """What became of one person's search.

    Attributes:
        asked: How many pictures were wanted.
        got: How many there are.
        tried: How many candidates were looked at.
        failed: Reason → how many candidates were not taken for it (``near-duplicate``, ``truncated``, …).
        short_because: One sentence where ``got < asked``; else empty.
    """

    person_id: str
    asked: int = Field(ge=0)
    got: int = Field(ge=0)
    tried: int = Field(ge=0)
    failed: dict[str, int] = {}
    short_because: str = ""


class ImagesManifest(Manifest):
    """A set of scraped pictures: a folder per person, each with its ``images.jsonl``.

    Attributes:
        people_source: Where the people came from.
        image_sources: Where pictures were looked for, in order.
        recovered: Reason → how often a request failed for it and a later try succeeded.
    """

    kind: Literal["images"] = "images"
    people_source: str
    image_sources: list[str]
    people: list[ListedPerson]
    images: list[ScrapedImage]
    tallies: list[PersonTally]
    recovered: dict[str, int] = {}

    def content_digest(self) -> str:
        """SHA-256 of who and what is here and where it came from; times, validators and retries left out."""
        fields = {"kind", "schema_version", "key", "inputs", "people_source", "image_sources", "tallies"}
        return digest_json(
            self.model_dump(mode="json", include=fields)
            | {
                "people": [person.model_dump(mode="json", exclude={"listed_at"}) for person in self.people],
                "images": [image.model_dump(mode="json", exclude=NOT_CONTENT) for image in self.images],
            }
        )


NOT_CONTENT = {"fetched_at", "etag", "last_modified"}
"""Fields of ``ScrapedImage`` in which two equal runs may differ."""
