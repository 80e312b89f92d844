"""What of a store nothing needs any more."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.artifacts.catalog import MANIFEST_NAME, last_made, manifests
from actorrec.artifacts.inspection import by_artifact
from actorrec.artifacts.lineage import KINDS, RECORDS, inputs_first
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError
from actorrec.manifests.base import Manifest
from actorrec.manifests.component import ComponentManifest
from actorrec.progress import Progress

_DELETERS: Final = 16


@dataclass(frozen=True, slots=True)
class Garbage:
    """A folder that may go.

    Attributes:
        ref: ``kind/key``.
        why: ``not needed`` or ``unfinished``.
        files: Names, the manifest first: without it the artifact does not exist, whatever happens next.
        bytes: Of all of them.
    """

    ref: str
    why: str
    files: tuple[str, ...]
    bytes: int


def needed(committed: Sequence[Manifest], roots: Iterable[str]) -> set[str]:
    """``kind/key`` of roots and of everything that they were made from.

    Args:
        committed: Every manifest there is.
        roots: ``kind/key``.
    """
    inputs = {manifest.ref: list(manifest.inputs) for manifest in committed}
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        ref = waiting.pop()
        if ref not in found:
            found.add(ref)
            waiting += inputs.get(ref, [])
    return found


def find_garbage(store: ArtifactStore, *, keep: Iterable[str] = (), unfinished_for: timedelta) -> list[Garbage]:
    """What neither the newest artifact of any kind nor one that is to be kept was made from, and dead work.

    Shares of a data set stay until a data set was made after them: they wait for the others. Records of what is in an
    account (components, deployments) always stay; with them, what the newest component of each name was made from.
    Nothing else of a store is ever looked at: not the review log, not the unknown faces.

    Args:
        store: Where to look.
        keep: ``kind/key`` of more artifacts that stay, with what they were made from.
        unfinished_for: For how long nobody may have written to a folder without a manifest.

    Returns:
        What may go, what was made last first: nothing is left without what it came from on the way.

    Raises:
        ModelContractError: If a manifest is damaged: what it needs is not known then.
    """
    of_kind = {kind: list(manifests(store, manifest_type)) for kind, manifest_type in KINDS.items()}
    committed = [manifest for found in of_kind.values() for manifest in found]
    newest = [found[-1].ref for kind, found in of_kind.items() if found and kind != "shard"]
    published = {each.name: each.ref for each in of_kind["component"] if isinstance(each, ComponentManifest)}
    roots = [*keep, *newest, *published.values(), *_unmerged(store, of_kind["shard"], of_kind["dataset"])]
    stay = needed(committed, roots) | {each.ref for kind in RECORDS for each in of_kind[kind]}
    going = {manifest.ref: manifest for manifest in committed if manifest.ref not in stay}
    oldest = datetime.now(UTC) - unfinished_for
    found: list[Garbage] = []
    for ref, entries in by_artifact(entry for kind in KINDS for entry in store.entries(kind)).items():
        names = sorted((entry.name for entry in entries), key=lambda name: name != f"{ref}/{MANIFEST_NAME}")
        size = sum(entry.bytes for entry in entries)
        if ref in going:
            found.append(Garbage(ref, "not needed", tuple(names), size))
        elif names[0] != f"{ref}/{MANIFEST_NAME}" and max(entry.written_at for entry in entries) < oldest:
            found.append(Garbage(ref, "unfinished", tuple(names), size))
    order = {manifest.ref: number for number, manifest in enumerate(inputs_first(committed))}
    return sorted(found, key=lambda each: order.get(each.ref, -1), reverse=True)


def _unmerged(store: ArtifactStore, shards: Sequence[Manifest], datasets: Sequence[Manifest]) -> list[str]:
    """``kind/key`` of shares that no data set was made after."""
    merged_at = last_made(store, datasets[-1]) if datasets else datetime.min.replace(tzinfo=UTC)
    return [shard.ref for shard in shards if last_made(store, shard) > merged_at]


def collect(store: ArtifactStore, garbage: Sequence[Garbage], progress: Progress) -> list[Garbage]:
    """Delete; returns what was deleted. What another command works on at this moment stays.

    What no name shows goes, too: temporary files and empty folders of commands that were killed.

    Raises:
        ArtifactError: If something cannot be deleted.
    """
    done: list[Garbage] = []
    for kind in KINDS:
        with suppress(ArtifactError), store.try_lock(kind):
            pass  # whoever takes a lock clears up; a store that may only be read stays as it is
    with progress.step("deleting", sum(len(each.files) for each in garbage), "files") as step:
        for each in garbage:
            with store.try_lock(each.ref) as mine:
                if not mine or (each.why == "unfinished" and store.exists(f"{each.ref}/{MANIFEST_NAME}")):
                    continue
                store.delete(each.files[0])
                for _ in in_parallel(store.delete, each.files[1:], _DELETERS):
                    step.advance()
                done.append(each)
    return done
