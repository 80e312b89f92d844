"""Whether a store holds what its manifests say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.artifacts.catalog import AGAIN_NAME, MANIFEST_NAME, file_name, find_manifest
from actorrec.artifacts.lineage import KINDS
from actorrec.artifacts.store import ArtifactStore, Entry
from actorrec.errors import ActorRecError, ArtifactError, ModelContractError
from actorrec.manifests.base import FileRecord, Manifest
from actorrec.progress import Progress

_READERS: Final = 16


@dataclass(slots=True)
class Inspection:
    """What was found.

    Attributes:
        artifacts: How many manifests were looked at.
        files: How many files were read.
        bytes: Of those.
        damaged: Name and what is wrong with it: the file is missing, of another size or content, or no manifest.
        orphans: Files in the folder of an artifact that its manifest does not name.
        unfinished: ``kind/key`` of folders without a manifest: interrupted work.
        missing_inputs: ``kind/key`` and which input of it is not in the store; no damage: a copy may lack it.
    """

    artifacts: int = 0
    files: int = 0
    bytes: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    missing_inputs: list[tuple[str, str]] = field(default_factory=list)


def by_artifact(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The files of each ``kind/key``."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.name.count("/") >= 2:
            found.setdefault("/".join(entry.name.split("/")[:2]), []).append(entry)
    return found


def inspect(store: ArtifactStore, progress: Progress) -> Inspection:
    """Read every file of every artifact and compare it with its manifest.

    Raises:
        RemoteError: If the store cannot be reached.
    """
    found = Inspection()
    folders = by_artifact(entry for kind in KINDS for entry in store.entries(kind))
    manifests = dict(_manifests(store, folders, found))
    for ref, manifest in manifests.items():
        own = {file_name(manifest, name) for name in (*manifest.digests, MANIFEST_NAME, AGAIN_NAME)}
        found.orphans += [entry.name for entry in folders[ref] if entry.name not in own]
        found.missing_inputs += [(ref, each) for each in manifest.inputs if each not in manifests]
    _read_all(store, list(manifests.values()), folders, found, progress)
    return found


def _manifests(
    store: ArtifactStore, folders: dict[str, list[Entry]], found: Inspection
) -> Iterator[tuple[str, Manifest]]:
    for ref, entries in folders.items():
        kind, _, key = ref.partition("/")
        if f"{ref}/{MANIFEST_NAME}" not in {entry.name for entry in entries}:
            found.unfinished.append(ref)
            continue
        found.artifacts += 1
        try:
            manifest = find_manifest(store, KINDS[kind], key)
        except (ModelContractError, ArtifactError) as error:  # to name every damage is what this is for
            found.damaged.append((f"{ref}/{MANIFEST_NAME}", error.message))
            continue
        if manifest is not None:
            yield ref, manifest


def _read_all(
    store: ArtifactStore,
    manifests: list[Manifest],
    folders: dict[str, list[Entry]],
    found: Inspection,
    progress: Progress,
) -> None:
    sizes = {entry.name: entry.bytes for entries in folders.values() for entry in entries}
    wanted = [(file_name(manifest, record), record) for manifest in manifests for record in manifest.files]

    def wrong(item: tuple[str, FileRecord]) -> str:
        name, record = item
        if name not in sizes:
            return "is missing"
        if sizes[name] != record.bytes:
            return f"has {sizes[name]} bytes instead of {record.bytes}"
        try:
            return "" if store.sha256(name) == record.sha256 else "has another content: its SHA-256 differs"
        except ArtifactError as error:
            return error.message

    with progress.step("reading every file", len(wanted), "files") as step:
        for (name, record), problem in zip(wanted, in_parallel(wrong, wanted, _READERS), strict=True):
            step.advance()
            found.files += 1
            found.bytes += record.bytes
            if problem:
                found.damaged.append((name, problem))


def damage(store: ArtifactStore, found: Inspection) -> ActorRecError | None:
    """The error to end with; None where nothing is damaged."""
    if not found.damaged:
        return None
    name, problem = found.damaged[0]
    more = f" (and {len(found.damaged) - 1} more)" if len(found.damaged) > 1 else ""
    return ArtifactError(
        f"{store.uri}/{name} {problem}{more}",
        hint="remove the artifact's folder, then bring it from a store that is whole (artifacts pull) or make it again",
    )
