"""``actorrec build-dataset --shard`` and ``--merge``: one data set, looked at on several machines."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from actorrec.cli.session import Session
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.manifests.dataset import DatasetManifest


def refuse_npz(photos: Sequence[Path], option: str) -> None:
    """The faces of a ``dataset.npz`` are one file, which cannot be shared out.

    Raises:
        ConfigError: If one of the places is such a file.
    """
    named = next((place for place in photos if place.suffix.lower() == ".npz"), None)
    if named is not None:
        hint = "leave it out: the faces are cut out already, which is most of the work"
        raise ConfigError(f"{option} takes folders and scraped sets, not {named}", hint=hint)


def make_shard(session: Session, photos: list[Path], share: str, config: "Config") -> None:
    """Look at one share and say what is still to be done."""
    from actorrec.artifacts.catalog import manifests
    from actorrec.dataset.choose_shards import missing_shares
    from actorrec.dataset.shard import Share, build_shard
    from actorrec.manifests.shard import ShardManifest

    refuse_npz(photos, "--shard")
    wanted = Share.parse(share)
    shard = build_shard(photos, wanted, config, store=session.store, progress=session.progress)
    missing = missing_shares(list(manifests(session.store, ShardManifest)), shard)
    then = f"not here yet: {', '.join(missing)}" if missing else "all are here: actorrec build-dataset --merge"
    session.result(
        {
            "shard": shard.ref,
            "run": shard.run,
            "index": shard.index,
            "count": shard.count,
            "photos": len(shard.photos),
            "total": shard.total,
            "unreadable": sum(photo.sha256 is None for photo in shard.photos),
            "missing": missing,
        },
        f"{shard.ref}: share {shard.share}, {len(shard.photos)} of {shard.total} photos; {then}",
    )


def merge(session: Session, references: list[Path], source: str | None, config: "Config") -> "DatasetManifest":
    """Make the data set of shares that are in the store, or in another one."""
    from actorrec.artifacts.uri import open_store
    from actorrec.dataset.merge import merge_shards

    other = open_store(source, config.aws) if source is not None else None
    names = [reference.as_posix() for reference in references]
    return merge_shards(names, config, store=session.store, source=other, progress=session.progress)
