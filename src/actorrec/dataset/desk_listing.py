"""What was given as a job is told of it: names, contents, and where each picture lies in the cloud."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from actorrec.artifacts.review_log import Decisions
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.dataset.extract import worker_count
from actorrec.dataset.given import Given, read_listed
from actorrec.dataset.left_out import leave_out
from actorrec.dataset.listed import list_given
from actorrec.dataset.photos import Photo, in_order
from actorrec.dataset.shard import written
from actorrec.errors import DataError
from actorrec.manifests.shard import SENT_PICTURES, ListedPhoto, PhotoListing
from actorrec.progress import Progress
from actorrec.rights.takedown import load_takedown


@dataclass(frozen=True, slots=True)
class DeskListing:
    """Pictures for a job.

    Attributes:
        given: As ``build_dataset`` on this machine would have them.
        listing: The same, for the job.
        paths: SHA-256 → file of this machine, for those that must be sent.
    """

    given: Given
    listing: PhotoListing
    paths: dict[str, Path]


def list_for_job(
    places: Sequence[Path], config: Config, *, store: ArtifactStore, in_cloud: bool, progress: Progress
) -> DeskListing:
    """List everything that was given, and hash what lies on this machine; pictures on the takedown list stay here.

    Args:
        places: As ``list_given`` takes them.
        config: Sections ``dataset`` and ``rights``.
        store: Holds the scraped sets.
        in_cloud: Whether jobs read from that very store: its pictures are not brought here then.
        progress: Where long steps are told.

    Raises:
        DataError: If there is nothing to work on.
        ArtifactError: If the store holds no such set.
    """
    settings = config.dataset
    listed = list_given(places, store)
    here = listed.only(lambda photo: not (in_cloud and photo.stored))
    read = read_listed(here, settings, worker_count(settings.workers), store=store, progress=progress)
    there = [_as_recorded(photo) for photo in listed.photos if in_cloud and photo.stored]
    given = replace(read, photos=in_order([*read.photos, *there]))
    given = leave_out(given, load_takedown(config.rights.takedown), Decisions())
    photos = [_listed(photo, in_cloud) for photo in given.photos]
    if not any(photo.file for photo in photos):
        raise DataError("none of the pictures can be read", hint="build-dataset without --remote says why of each")
    files = zip(photos, given.photos, strict=True)
    paths = {each.sha256: photo.path for each, photo in files if each.sha256 and not (in_cloud and photo.stored)}
    people = [given.people[person] for person in sorted(given.people)]
    return DeskListing(given, PhotoListing(photos=photos, people=people, sets=given.inputs), paths)


def _as_recorded(photo: Photo) -> Photo:
    assert photo.origin is not None
    return replace(photo, sha256=photo.origin.sha256)


def _listed(photo: Photo, in_cloud: bool) -> ListedPhoto:
    plain = written(photo)
    if photo.sha256 is None:
        return ListedPhoto(**dict(plain))
    if in_cloud and photo.stored and photo.origin is not None:
        return ListedPhoto(**dict(plain), file=photo.stored, bytes=photo.origin.bytes)
    return ListedPhoto(**dict(plain), file=f"{SENT_PICTURES}/{photo.sha256}", bytes=photo.path.stat().st_size)
