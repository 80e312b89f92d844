"""Artifacts from one store to another, with everything that they were made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.artifacts.catalog import MANIFEST_NAME, file_name, find_manifest
from actorrec.artifacts.lineage import inputs_first, trace
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError
from actorrec.manifests.base import FileRecord, Manifest
from actorrec.progress import Progress, SilentStep

_AT_ONCE: Final = 512  # files between two looks at what came; few enough that a kill loses little
_LOOKERS: Final = 16


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of one artifact.

    Attributes:
        ref: ``kind/key``.
        sent: How many files were copied; 0 where the target held it already.
        bytes: Of those.
        there: How many files an earlier, interrupted copy had brought.
    """

    ref: str
    sent: int
    bytes: int
    there: int


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What a copy did.

    Attributes:
        copied: The artifacts, what was made first first.
        missing: ``kind/key`` of inputs that the source does not hold.
    """

    copied: tuple[Copied, ...]
    missing: tuple[str, ...]


def copy_with_lineage(
    manifest: Manifest, source: ArtifactStore, target: ArtifactStore, progress: Progress
) -> CopyReport:
    """Copy an artifact and what it was made from; the same again goes on where it was.

    What was made first is copied first, and every manifest after its files: whatever happens on the way, the target
    never holds half an artifact, nor one without what it came from (as far as the source holds it).

    Raises:
        ArtifactError: If a file of the source is damaged, or the target holds another artifact of that name.
        RemoteError: If one of the stores cannot be reached.
    """
    lineage = trace(source, manifest.inputs)
    chain = inputs_first([*lineage.found, manifest])
    return CopyReport(tuple(copy_alone(each, source, target, progress) for each in chain), lineage.missing)


def copy_alone(manifest: Manifest, source: ArtifactStore, target: ArtifactStore, progress: Progress) -> Copied:
    """Copy one artifact, not what it was made from: for a place that only works on it. Raises as the other."""
    if _is_there(manifest, target):
        return Copied(manifest.ref, 0, 0, len(manifest.files))
    # Without a lock: two copies of one artifact write the same files, and one of them commits.
    wanted = _not_there(manifest, target)
    with progress.step(f"copying {manifest.ref}", len(wanted), "files") as step:
        for first in range(0, len(wanted), _AT_ONCE):
            batch = wanted[first : first + _AT_ONCE]
            paths = source.fetch_files([file_name(manifest, record) for record in batch], SilentStep())
            items: list[tuple[str, bytes | Path]] = [
                (file_name(manifest, record), path) for record, path in zip(batch, paths, strict=True)
            ]
            _agree(manifest, batch, target.put_files(items, step), source)
    _complete(manifest, target)
    # As bytes: what a newer version wrote stays what it was.
    target.commit(f"{manifest.ref}/{MANIFEST_NAME}", source.read_bytes(f"{manifest.ref}/{MANIFEST_NAME}"))
    sent = sum(record.bytes for record in wanted)
    return Copied(manifest.ref, len(wanted), sent, len(manifest.files) - len(wanted))


def _is_there(manifest: Manifest, target: ArtifactStore) -> bool:
    there = find_manifest(target, type(manifest), manifest.key)
    if there is not None and there.digests != manifest.digests:
        raise ArtifactError(
            f"{target.uri} holds another {manifest.ref}, made at {there.created_at:%Y-%m-%d %H:%M}",
            hint="both are of equal inputs and settings; to take this one, remove the other first",
        )
    return there is not None


def _not_there(manifest: Manifest, target: ArtifactStore) -> list[FileRecord]:
    """Files that the target lacks, or of which it holds something else (a cut one, say)."""
    sizes = {entry.name: entry.bytes for entry in target.entries(manifest.ref)}

    def held(record: FileRecord) -> bool:
        name = file_name(manifest, record)
        return sizes.get(name) == record.bytes and target.holds(name, record.sha256)

    return [
        record
        for record, is_held in zip(manifest.files, in_parallel(held, manifest.files, _LOOKERS), strict=True)
        if not is_held
    ]


def _complete(manifest: Manifest, target: ArtifactStore) -> None:
    """Look again before the artifact becomes visible: somebody may have cleared out what an earlier copy left."""
    sizes = {entry.name: entry.bytes for entry in target.entries(manifest.ref)}
    for record in manifest.files:
        name = file_name(manifest, record)
        if sizes.get(name) != record.bytes:
            raise ArtifactError(f"{target.uri}/{name} vanished while it was copied", hint="run it again")


def _agree(manifest: Manifest, wanted: list[FileRecord], written: list[FileRecord], source: ArtifactStore) -> None:
    for record, copy in zip(wanted, written, strict=True):
        if record.sha256 != copy.sha256:
            raise ArtifactError(
                f"{source.uri}/{file_name(manifest, record)} is damaged: it is not what its manifest says",
                hint="`actorrec artifacts verify` lists what is damaged; run again what made it",
            )
