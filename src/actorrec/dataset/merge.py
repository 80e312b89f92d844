"""Shares that were looked at on many machines become the data set that one machine would have made."""

from collections.abc import Sequence

from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.dataset.assemble import assemble
from actorrec.dataset.choose_shards import choose_shards
from actorrec.dataset.given import Given
from actorrec.dataset.looking import configured_eyes
from actorrec.dataset.photos import in_order
from actorrec.dataset.seen_shards import SeenShards
from actorrec.dataset.shard import read_back, run_digest
from actorrec.errors import ArtifactError, ConfigError, ModelContractError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.shard import Looking, ShardManifest
from actorrec.progress import Progress, SilentProgress


def merge_shards(
    references: Sequence[str],
    config: Config,
    *,
    store: ArtifactStore,
    source: ArtifactStore | None = None,
    progress: Progress | None = None,
) -> DatasetManifest:
    """Decide and write in one deterministic step what several machines looked at.

    Args:
        references: See ``choose_shards``; none: the run that a share was made of last.
        config: Sections ``detector``, ``models``, ``dataset`` and ``rights``, as for ``build_dataset``.
        store: Gets the data set: key and content are those of ``build_dataset`` on one machine.
        source: Holds the shares; ``store`` itself by default.
        progress: Where long steps are told.

    Raises:
        ArtifactError: If a share is missing, or the stores cannot be used.
        ConfigError: If the shares were looked at with other settings.
        ModelContractError: If a share is not what its manifest says.
        DataError: If too few of the photos are of use.
    """
    told, source = progress or SilentProgress(), source or store
    eyes = configured_eyes(config, told)
    shards = choose_shards(source, references)
    given = check_run(shards, eyes.looking)
    return assemble(
        given,
        lambda _: SeenShards(shards, source, told),
        eyes.parts.spec,
        config,
        store=store,
        progress=told,
    )


def check_run(shards: Sequence[ShardManifest], looking: Looking) -> Given:
    """Put together what all shares of one run were given.

    Args:
        shards: Every share once.
        looking: Settings of looking, as they are now.

    Raises:
        ConfigError: If the shares were looked at with others.
        ArtifactError: If a picture is in no share.
        ModelContractError: If a share says something else than the others, or a picture is in two.
    """
    first = shards[0]
    for shard in shards:
        if difference := shard.looking.unlike(looking):
            raise ConfigError(
                f"share {shard.share} was looked at with other settings than those of now: {difference}",
                hint="merge with the settings and the version that the shares were made with; or make them again",
            )
        if (shard.people, shard.sets, shard.total) != (first.people, first.sets, first.total):
            raise ModelContractError(f"{shard.ref} does not tell the same of the whole as {first.ref}")
    people = {person.person_id: person for person in first.people}
    photos = [photo for shard in shards for photo in shard.photos]
    if len(photos) < first.total:
        raise ArtifactError(
            f"{first.total - len(photos)} of {first.total} pictures are in no share",
            hint="make the shares again; a job may have been given too few of the pictures",
        )
    names = [(photo.person_id, photo.name) for photo in photos]
    if run_digest(names, people, first.sets, looking, first.count) != first.run:
        raise ModelContractError(
            f"the shares of the run {first.run[:16]} do not hold the pictures that it was made of",
            hint="one of them is damaged: make them again",
        )
    if nobodys := next((photo for photo in photos if not photo.person_id and photo.sha256), None):
        raise ModelContractError(f"a share has looked at {nobodys.name!r}, which is in nobody's folder")
    return Given(in_order([read_back(photo) for photo in photos]), people, dict(first.sets))
