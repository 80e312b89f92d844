"""One share of the pictures, looked at on one machine and committed for the merge."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from actorrec.artifacts.catalog import again, artifact_key, commit_manifest, find_manifest
from actorrec.artifacts.review_log import Decisions
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config, provenance
from actorrec.dataset.extract import worker_count
from actorrec.dataset.given import Given, read_listed
from actorrec.dataset.left_out import leave_out
from actorrec.dataset.listed import list_given
from actorrec.dataset.looking import Eyes, Looks, configured_eyes, look_at_file
from actorrec.dataset.photos import Photo, identity
from actorrec.dataset.workcache import WorkCache
from actorrec.errors import ConfigError, ItemError
from actorrec.manifests.base import digest_json
from actorrec.manifests.dataset import Person
from actorrec.manifests.shard import MAX_SHARES, Looking, ShardManifest, ShardPhoto
from actorrec.progress import Progress, SilentProgress
from actorrec.rights.takedown import load_takedown

_BATCHES: Final = "batches"


@dataclass(frozen=True, slots=True)
class Share:
    """Share ``index`` (from 1) of ``count``."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``2/5``.

        Raises:
            ConfigError: If it is no such text, or there can be no such share.
        """
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip())
        index, count = (int(found[1]), int(found[2])) if found else (0, 0)
        if not 1 <= index <= count <= MAX_SHARES:
            hint = f"the second of five is --shard 2/5; there may be {MAX_SHARES}"
            raise ConfigError(f"--shard {text}: there is no such share", hint=hint)
        return cls(index, count)

    def holds(self, photo: Photo) -> bool:
        """Whether a picture is in this share: its name decides, so that every machine agrees without asking."""
        digest = hashlib.sha256(f"{photo.person_id}/{photo.name}".encode()).hexdigest()
        return int(digest, 16) % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


@dataclass(frozen=True, slots=True)
class ShareOfRun:
    """A share, its pictures, and what it has in common with the others.

    Attributes:
        run: See ``run_digest``.
        total: How many pictures all shares have together.
        given: The pictures of this share; people and sets of all.
    """

    share: Share
    run: str
    total: int
    given: Given


def run_digest(
    names: Iterable[tuple[str, str]],
    people: Mapping[str, Person],
    sets: Mapping[str, str],
    looking: Looking,
    count: int,
) -> str:
    """Digest of what all shares of one data set have in common.

    Args:
        names: Person and name of every picture of every share, in any order.
        people: By id.
        sets: ``images/KEY`` to content digest.
        looking: Settings of looking.
        count: How many shares there are.
    """
    known = [people[person].model_dump(mode="json") for person in sorted(people)]
    return digest_json([sorted(names), known, sets, looking.model_dump(mode="json"), count])


def build_shard(
    photos: Sequence[Path], share: Share, config: Config, *, store: ArtifactStore, progress: Progress | None = None
) -> ShardManifest:
    """List everything that was given, look at the pictures of one share alone and commit what was seen.

    What reviewers decided, ``dataset.free_only`` and the takedown list count when the shares are merged; but nobody
    looks at what the list of this machine names.

    Args:
        photos: As ``build_dataset`` takes them.
        share: Which one.
        config: Sections ``detector``, ``models``, ``dataset`` and ``rights``.
        store: Gets the share; one that is there already for the same files and settings is returned as it is.
        progress: Where long steps are told.

    Raises:
        DataError: If there is nothing to work on.
        ArtifactError: If the store cannot be written; what was done so far is kept.
    """
    told = progress or SilentProgress()
    eyes, settings = configured_eyes(config, told), config.dataset
    listed = list_given(photos, store)
    names = [(photo.person_id, photo.name) for photo in listed.photos]
    run = run_digest(names, listed.people, listed.inputs, eyes.looking, share.count)
    mine = listed.only(share.holds)
    given = read_listed(mine, settings, worker_count(settings.workers), store=store, progress=told)
    given = leave_out(given, load_takedown(config.rights.takedown), Decisions())
    return look_at_share(ShareOfRun(share, run, len(names), given), eyes, config, store=store, progress=told)


def look_at_share(
    part: ShareOfRun, eyes: Eyes, config: Config, *, store: ArtifactStore, progress: Progress
) -> ShardManifest:
    """Look at the pictures of a share and commit it; a killed command goes on where it was.

    Raises:
        ArtifactError: If the store cannot be written.
    """
    inputs: dict[str, Any] = {
        "run": part.run,
        "index": part.share.index,
        "photos": [identity(photo) for photo in part.given.photos],
    }
    key = artifact_key("shard", inputs, eyes.looking.model_dump(mode="json"))
    artifact = f"shard/{key}"
    with store.lock(artifact):
        manifest = find_manifest(store, ShardManifest, key)
        if manifest is None:
            cache = WorkCache(store, artifact, _BATCHES)
            Looks(eyes, look_at_file, cache, progress).examined(part.given.photos)
            manifest = commit_manifest(store, _manifest(part, key, eyes, config, cache))
        return again(store, manifest)


def _manifest(part: ShareOfRun, key: str, eyes: Eyes, config: Config, cache: WorkCache) -> ShardManifest:
    given = part.given
    return ShardManifest(
        key=key,
        produced_by=provenance(config),
        inputs=given.inputs,
        files=cache.files(),
        run=part.run,
        looking=eyes.looking,
        index=part.share.index,
        count=part.share.count,
        total=part.total,
        photos=[written(photo) for photo in given.photos],
        people=[given.people[person] for person in sorted(given.people)],
        sets=given.inputs,
    )


def written(photo: Photo) -> ShardPhoto:
    problem = photo.problem
    return ShardPhoto(
        person_id=photo.person_id,
        name=photo.name,
        sha256=photo.sha256,
        problem=None if problem is None else (problem.reason, problem.message, problem.hint),
        origin=photo.origin,
    )


def read_back(photo: ShardPhoto) -> Photo:
    """A picture of a share as it was given; where its file lies is not known any more."""
    problem = None if photo.problem is None else ItemError(*photo.problem[:2], hint=photo.problem[2])
    return Photo(photo.person_id, photo.name, Path(), photo.sha256, problem, photo.origin)
