"""Which bundle a command means: a file, one of the store, or the newest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.recognition.bundle import Bundle

BundleOption = Annotated[
    str, typer.Option("--bundle", help="A bundle of the store, or a bundle.zip.", metavar="BUNDLE")
]


def chosen_bundle(session: Session, reference: str) -> "Bundle":
    """Open the bundle that was named; the store's newest by default.

    Raises:
        ArtifactError: If there is none; the hint says how to make one.
        ModelContractError: If it is damaged or not what it says.
    """
    from actorrec.artifacts.catalog import file_name, load_manifest, manifests
    from actorrec.errors import ArtifactError
    from actorrec.manifests.bundle import BundleManifest
    from actorrec.recognition.bundle import open_bundle

    if Path(reference).suffix == ".zip":
        if not Path(reference).is_file():
            raise ArtifactError(f"there is no file {reference}")
        return open_bundle(Path(reference))
    if reference == "newest" and next(iter(manifests(session.store, BundleManifest)), None) is None:
        raise ArtifactError(
            f"the store {session.store.uri} holds no bundle",
            hint="make one: actorrec enroll NAME PHOTO…, or actorrec convert-tflite after training",
        )
    manifest = load_manifest(session.store, BundleManifest, reference)
    path = session.store.local_path(file_name(manifest, manifest.bundle_file))
    return open_bundle(path, name=f"{manifest.ref} of {session.store.uri}")
