"""The files that tell a processing job of its pictures."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.artifacts.whole_file import write_whole
from actorrec.aws.places import CloudPlace
from actorrec.jobs.sourcedir import SourceDir
from actorrec.manifests.base import digest_json
from actorrec.manifests.shard import LISTING_NAME, SENT_PICTURES, PhotoListing

KEYS_NAME: Final = "pictures.json"
"""A manifest file of SageMaker's: a prefix, then the names of the objects below it that a job gets."""


@dataclass(frozen=True, slots=True)
class PackedListing:
    """What a job is told of the pictures.

    Attributes:
        digest: Of the listing.
        given: ``given.json``.
        keys: A manifest file of SageMaker's: the names of the pictures in S3.
        files: How many pictures the job gets; ``files_bytes`` of all.
        sent: SHA-256 → file of this machine, for those that are sent.
        sent_bytes: Of those.
    """

    digest: str
    given: SourceDir
    keys: SourceDir
    files: int
    files_bytes: int
    sent: Mapping[str, Path]
    sent_bytes: int


def pack_listing(listing: PhotoListing, sent: Mapping[str, Path], place: CloudPlace, folder: Path) -> PackedListing:
    """Write the two files that a job gets.

    Args:
        listing: Everything that was given.
        sent: SHA-256 → file of this machine, of pictures that lie here.
        place: Of the cloud.
        folder: Where such files are kept.

    Raises:
        ArtifactError: If the folder cannot be written.
    """
    sizes = {photo.file: photo.bytes for photo in listing.photos if photo.file is not None}
    digest = digest_json([listing.model_dump(mode="json"), place.uri("")])[:16]
    keys = json.dumps([{"prefix": place.uri("")}, *sorted(sizes)], ensure_ascii=False).encode()
    return PackedListing(
        digest=digest,
        given=_written(folder / digest / LISTING_NAME, listing.model_dump_json().encode()),
        keys=_written(folder / digest / KEYS_NAME, keys),
        files=len(sizes),
        files_bytes=sum(sizes.values()),
        sent=sent,
        sent_bytes=sum(sizes[f"{SENT_PICTURES}/{sha256}"] for sha256 in sent),
    )


def _written(path: Path, data: bytes) -> SourceDir:
    write_whole(path, data)
    return SourceDir(path, hashlib.sha256(data).hexdigest(), len(data))
