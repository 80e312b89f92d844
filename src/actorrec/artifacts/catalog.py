"""Finding, reading and committing manifests in a store."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from actorrec import __version__
from actorrec.artifacts.bulk import in_parallel
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError, ModelContractError
from actorrec.manifests.base import FileRecord, Kind, Manifest, digest_json

MANIFEST_NAME = "manifest.json"
_SHOWN = 5
AGAIN_NAME = "again.json"
_READERS: Final = 8
M = TypeVar("M", bound=Manifest)


def artifact_key(kind: Kind, inputs: Any, settings: Any) -> str:
    """Name of the artifact that these inputs and settings make: the same again gives the same name.

    The version counts too: what another version made may differ, so it is made anew.

    Args:
        inputs: JSON value: digests of what goes in.
        settings: JSON value: the settings that matter to the result.
    """
    return digest_json([kind, __version__, inputs, settings])[:16]


def commit_manifest(store: ArtifactStore, manifest: M) -> M:
    """Commit an artifact whose files are already in the store.

    Returns:
        The committed manifest: an equal one that another command committed first, if there is one.
    """
    name = f"{manifest.ref}/{MANIFEST_NAME}"
    if store.commit(name, manifest.model_dump_json(indent=1).encode()):
        return manifest
    return load_manifest(store, type(manifest), manifest.key)


def again(store: ArtifactStore, manifest: M) -> M:
    """Say that a command came to an artifact that was there already: it is the newest of its kind once more.

    Otherwise the next command would go on from what was made in between (a review that was undone since, say).
    """
    if last_made(store, manifest) < max(last_made(store, other) for other in manifests(store, type(manifest))):
        now = datetime.now(UTC).isoformat()
        store.put_bytes(f"{manifest.ref}/{AGAIN_NAME}", json.dumps({"at": now}).encode())
    return manifest


def last_made(store: ArtifactStore, manifest: Manifest) -> datetime:
    """When an artifact was made, or a command last came to it again."""
    name = f"{manifest.ref}/{AGAIN_NAME}"
    if not store.exists(name):
        return manifest.created_at
    try:
        return max(manifest.created_at, datetime.fromisoformat(json.loads(store.read_bytes(name))["at"]))
    except (ValueError, KeyError, TypeError):
        return manifest.created_at  # damaged: it says nothing


def find_manifest(store: ArtifactStore, manifest_type: type[M], key: str) -> M | None:
    """The manifest of an artifact, or None if it was never committed."""
    name = f"{_kind(manifest_type)}/{key}/{MANIFEST_NAME}"
    return _parse(manifest_type, store.read_bytes(name), f"{store.uri}/{name}") if store.exists(name) else None


def load_manifest(store: ArtifactStore, manifest_type: type[M], reference: str) -> M:
    """The manifest a user named.

    Args:
        reference: ``kind/key``, ``key``, an unambiguous beginning of the key, or ``newest``.

    Raises:
        ArtifactError: If there is none, or several begin so.
    """
    kind = _kind(manifest_type)
    prefix = reference.removeprefix(f"{kind}/")
    if prefix == "newest":
        return newest(store, manifest_type)
    there = _keys(store, kind)
    keys = [key for key in there if key.startswith(prefix)]
    exact = [key for key in keys if key == prefix] or keys
    if len(exact) != 1:
        found = "no" if not exact else "more than one"
        known = ", ".join(f"{kind}/{key}" for key in (keys or there)[:_SHOWN])
        hint = f"it holds {known}" if known else ""
        raise ArtifactError(f"{found} {kind} '{reference}' in the store {store.uri}", hint=hint)
    manifest = find_manifest(store, manifest_type, exact[0])
    assert manifest is not None
    return manifest


def manifests(store: ArtifactStore, manifest_type: type[M]) -> Iterator[M]:
    """Every committed manifest of a kind, in the order of ``last_made``."""
    kind = _kind(manifest_type)

    def read(key: str) -> tuple[datetime, str, M] | None:
        manifest = find_manifest(store, manifest_type, key)
        return None if manifest is None else (last_made(store, manifest), key, manifest)

    # Several at a time: from far away, each waits for its answers.
    found = [each for each in in_parallel(read, _keys(store, kind), _READERS) if each is not None]
    yield from (manifest for _, _, manifest in sorted(found, key=lambda each: each[:2]))


_MADE_BY = {
    "images": "scrape",
    "dataset": "build-dataset",
    "model": "train",
    "bundle": "convert-tflite",
    "component": "publish-component",
    "deployment": "deploy",
}


def newest(store: ArtifactStore, manifest_type: type[M], wanted: Callable[[M], bool] = lambda _: True) -> M:
    """The committed manifest of a kind that was made, or come to again, last.

    Raises:
        ArtifactError: If there is none.
    """
    found = [manifest for manifest in manifests(store, manifest_type) if wanted(manifest)]
    if not found:
        kind = _kind(manifest_type)
        hint = f"make one first: actorrec {_MADE_BY[kind]}" if kind in _MADE_BY else ""
        raise ArtifactError(f"the store {store.uri} holds no {kind}", hint=hint)
    return found[-1]


def file_name(manifest: Manifest, record: FileRecord | str) -> str:
    """Full store name of an artifact's file."""
    return f"{manifest.ref}/{record if isinstance(record, str) else record.name}"


def _kind(manifest_type: type[Manifest]) -> str:
    return str(manifest_type.model_fields["kind"].default)


def _keys(store: ArtifactStore, kind: str) -> list[str]:
    suffix = f"/{MANIFEST_NAME}"
    names = (name for name in store.names(kind) if name.endswith(suffix) and name.count("/") == 2)
    return [name.split("/")[1] for name in names]


def _parse(manifest_type: type[M], data: bytes, name: str) -> M:
    try:
        return manifest_type.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelContractError(
            f"{name} is not a manifest this version understands: {f'{where}: ' if where else ''}{first['msg']}",
            hint="it may come from a newer actorrec; if it is damaged, remove its folder and run what made it again",
        ) from None
