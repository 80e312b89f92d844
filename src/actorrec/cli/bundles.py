"""Which bundle a command means: a file, one of the store, or the newest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.manifests.bundle import BundleManifest
    from actorrec.recognition.bundle import Bundle

BundleOption = Annotated[
    str, typer.Option("--bundle", help="A bundle of the store, or a bundle.zip.", metavar="BUNDLE")
]

ConfiguredBundleOption = Annotated[
    str | None,
    typer.Option(
        "--bundle",
        help="A bundle of the store, or a bundle.zip; default: inference.bundle.",
        metavar="BUNDLE",
        show_default=False,
    ),
]


def chosen_bundle(session: Session, reference: str) -> "Bundle":
    """Open the bundle that was named; the store's newest by default.

    Raises:
        As ``bundle_with_record``.
    """
    return bundle_with_record(session, reference)[0]


def bundle_with_record(session: Session, reference: str) -> "tuple[Bundle, BundleManifest | None]":
    """Open the bundle that was named, and what the store has on record of it: None for a file of elsewhere.

    Raises:
        ArtifactError: If there is none; the hint says how to make one.
        ModelContractError: If it is damaged or not what it says.
    """
    from actorrec.artifacts.catalog import load_manifest, manifests
    from actorrec.errors import ArtifactError
    from actorrec.manifests.bundle import BundleManifest
    from actorrec.recognition.bundle import open_bundle
    from actorrec.recognition.stored_bundle import open_stored

    if Path(reference).suffix == ".zip":
        if not Path(reference).is_file():
            raise ArtifactError(f"there is no file {reference}")
        return open_bundle(Path(reference)), None
    if reference == "newest" and next(iter(manifests(session.store, BundleManifest)), None) is None:
        raise ArtifactError(
            f"the store {session.store.uri} holds no bundle",
            hint="make one: actorrec enroll NAME PHOTO…, or actorrec convert-tflite after training",
        )
    manifest = load_manifest(session.store, BundleManifest, reference)
    return open_stored(session.store, manifest), manifest
