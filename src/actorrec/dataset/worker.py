"""The program inside a processing job: looks at the pictures that its machine was given and leaves a share."""

import argparse
import json
import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.artifacts.local import LocalStore
from actorrec.config import load_config
from actorrec.dataset.extract import worker_count
from actorrec.dataset.given import Given, as_fetched
from actorrec.dataset.looking import configured_eyes
from actorrec.dataset.photos import Photo, hash_photos, in_order
from actorrec.dataset.shard import Share, ShareOfRun, look_at_share, read_back, run_digest
from actorrec.errors import ActorRecError, ArtifactError
from actorrec.manifests.shard import (
    LISTING_FOLDER,
    LISTING_NAME,
    PICTURES_FOLDER,
    SHARDS_FOLDER,
    ListedPhoto,
    PhotoListing,
    ShardManifest,
)
from actorrec.progress import LogProgress, Progress
from actorrec.sections import DatasetSection

_LONGEST_MESSAGE_BYTES: Final = 1024  # what SageMaker keeps as ExitMessage


def main(argv: Sequence[str] | None = None) -> int:
    """Look at one share, as the files below ``/opt/ml`` and the ``ACTORREC_…`` variables say.

    Args:
        argv: ``--ml-root DIR``; the command line by default.

    Returns:
        0, or the error's exit code; ``/opt/ml/output/message`` holds what became of it either way.
    """
    parser = argparse.ArgumentParser(description="Look at one share of the pictures of a data set.")
    parser.add_argument("--ml-root", type=Path, default=Path("/opt/ml"), help="where SageMaker puts things")
    root: Path = parser.parse_args(argv).ml_root
    try:
        shard = _work(root, LogProgress(_say))
    except ActorRecError as error:
        _leave_message(root, error.in_full)
        return error.exit_code
    except Exception as error:
        _leave_message(root, "".join(traceback.format_exception_only(error)).strip())
        raise
    _leave_message(root, f"{shard.ref}: share {shard.share}, {len(shard.photos)} of {shard.total} pictures")
    return 0


def _work(root: Path, progress: Progress) -> ShardManifest:
    config, share = load_config().config, _share(root)
    listing = _listing(root)
    eyes = configured_eyes(config, progress)
    people = {person.person_id: person for person in listing.people}
    names = [(photo.person_id, photo.name) for photo in listing.photos]
    run = run_digest(names, people, listing.sets, eyes.looking, share.count)
    photos = _own(listing, root / "processing" / PICTURES_FOLDER, share, config.dataset, progress)
    part = ShareOfRun(share, run, len(names), Given(photos, people, listing.sets))
    output = root / "processing" / SHARDS_FOLDER
    shard = look_at_share(part, eyes, config, store=LocalStore(output), progress=progress)
    shutil.rmtree(output / ".locks")  # everything that lies here goes to S3
    return shard


def _share(root: Path) -> Share:
    """Which of the job's machines this is."""
    path = root / "config" / "resourceconfig.json"
    try:
        resources = json.loads(path.read_bytes())
        hosts = sorted(resources["hosts"], key=lambda host: (len(host), host))  # algo-10 comes after algo-9
        return Share(hosts.index(resources["current_host"]) + 1, len(hosts))
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise ArtifactError(f"{path} does not say which machine this is") from None


def _listing(root: Path) -> PhotoListing:
    path = root / "processing" / LISTING_FOLDER / LISTING_NAME
    try:
        return PhotoListing.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ArtifactError(
            f"{path} is no listing that this version understands: {where}: {first['msg']}",
            hint="start the job with the version of the program that runs in it",
        ) from None


def _own(
    listing: PhotoListing, folder: Path, share: Share, settings: DatasetSection, progress: Progress
) -> list[Photo]:
    """The listed pictures that SageMaker brought to this machine; what nobody could read is told of by the first."""
    unread = [read_back(each) for each in listing.photos if each.file is None and share.index == 1]
    brought = _Brought(folder)
    found = [(each, brought.find(each.file)) for each in listing.photos if each.file is not None]
    here = [(each, path) for each, path in found if path is not None]
    photos = [Photo(each.person_id, each.name, path, origin=each.origin) for each, path in here]
    hashed = hash_photos(photos, settings.max_bytes, worker_count(settings.workers), progress)
    return in_order([*unread, *(_as_listed(*pair) for pair in zip(hashed, (each for each, _ in here), strict=True))])


class _Brought:
    """Files that SageMaker brought, wherever it put them.

    AWS documents which objects a list of keys brings, but not whether their folders begin at the bucket, at the list's
    prefix, or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self._by_name: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self._by_name.setdefault(path.name, []).append(path)
        self._folder = folder

    def find(self, file: str) -> Path | None:
        """The file of a name in the store; None if it is another machine's."""
        fitting = [path for path in self._by_name.get(Path(file).name, ()) if self._fits(path, file)]
        return max(fitting, key=lambda path: len(path.parts), default=None)

    def _fits(self, path: Path, file: str) -> bool:
        there = f"/{path.relative_to(self._folder).as_posix()}"
        return there.endswith(f"/{file}") or f"/{file}".endswith(there)


def _as_listed(photo: Photo, listed: ListedPhoto) -> Photo:
    assert listed.file is not None
    if listed.file.startswith("images/"):  # of a scraped set, which nobody looked at before
        return as_fetched(photo)
    if photo.sha256 != listed.sha256:
        raise ArtifactError(f"{listed.file} is not what was sent ({listed.name})", hint="start the job again")
    return photo


def _say(line: str) -> None:
    print(line, flush=True)


def _leave_message(root: Path, text: str) -> None:
    """For the job's ExitMessage, and the end of its log."""
    print(text, file=sys.stderr, flush=True)
    path = root / "output" / "message"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "replace")[:_LONGEST_MESSAGE_BYTES])
    except OSError as error:
        print(f"cannot write {path}: {error.strerror}", file=sys.stderr)
