"""From an artifact back to what it was made from."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final

from actorrec.artifacts.catalog import MANIFEST_NAME, find_manifest, last_made, load_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError
from actorrec.manifests.base import Manifest
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.component import ComponentManifest, DeploymentManifest
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.images import ImagesManifest
from actorrec.manifests.model import ModelManifest
from actorrec.manifests.shard import ShardManifest

KINDS: Final[dict[str, type[Manifest]]] = {
    "images": ImagesManifest,
    "shard": ShardManifest,
    "dataset": DatasetManifest,
    "model": ModelManifest,
    "bundle": BundleManifest,
    "component": ComponentManifest,
    "deployment": DeploymentManifest,
}
"""In the order of the chain."""
RECORDS: Final = ("component", "deployment")
"""Kinds that only tell what is in an account: nothing is made from their files."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """What some artifact was made from.

    Attributes:
        found: Manifests, the nearest first, each once.
        missing: ``kind/key`` of those that the store does not hold; what they were made from is not known either.
    """

    found: tuple[Manifest, ...]
    missing: tuple[str, ...]


def trace(store: ArtifactStore, inputs: Iterable[str]) -> Lineage:
    """Follow inputs back to the beginning.

    Args:
        store: Where to look.
        inputs: ``kind/key`` references, as in ``Manifest.inputs``.

    Raises:
        ModelContractError: If one of the manifests is damaged.
    """
    found: dict[str, Manifest] = {}
    missing: list[str] = []
    waiting = list(inputs)
    while waiting:
        reference = waiting.pop(0)
        if reference in found or reference in missing:
            continue
        kind, _, key = reference.partition("/")
        manifest = find_manifest(store, KINDS[kind], key) if kind in KINDS else None
        if manifest is None:
            missing.append(reference)
        else:
            found[reference] = manifest
            waiting += manifest.inputs
    return Lineage(tuple(found.values()), tuple(missing))


def inputs_first(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Manifests in an order in which none comes before what it was made from."""
    known = {manifest.ref: manifest for manifest in manifests}
    needs = {ref: [each for each in manifest.inputs if each in known] for ref, manifest in known.items()}
    return [known[ref] for ref in TopologicalSorter(needs).static_order()]


def find_artifact(store: ArtifactStore, reference: str, *, among: Collection[str] = tuple(KINDS)) -> Manifest:
    """The artifact of any kind that a user named.

    Args:
        reference: ``kind/key``, ``key``, an unambiguous beginning of either, or ``newest``: the one made last.
        among: Kinds that may be meant.

    Raises:
        ArtifactError: If there is none, or several begin so.
    """
    there = [name.removesuffix(f"/{MANIFEST_NAME}") for kind in among for name in store.names(kind) if _commits(name)]
    if reference == "newest" and there:
        return max(
            (_load(store, ref) for ref in there), key=lambda manifest: (last_made(store, manifest), manifest.ref)
        )
    meant = [ref for ref in there if ref.startswith(reference) or ref.partition("/")[2].startswith(reference)]
    meant = [ref for ref in meant if reference in (ref, ref.partition("/")[2])] or meant
    if len(meant) != 1:
        found = "more than one artifact" if meant else "no artifact"
        hint = f"it holds {', '.join(there[-5:])}" if there else "make one: actorrec scrape, or actorrec build-dataset"
        raise ArtifactError(f"{found} '{reference}' in the store {store.uri}", hint=hint)
    return _load(store, meant[0])


def _commits(name: str) -> bool:
    return name.count("/") == 2 and name.endswith(f"/{MANIFEST_NAME}")


def _load(store: ArtifactStore, reference: str) -> Manifest:
    return load_manifest(store, KINDS[reference.partition("/")[0]], reference)
