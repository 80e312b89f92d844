"""Parts of components that no device will ever run: for tests of what is said about them."""

from collections.abc import Mapping

from actorrec.config import Config
from actorrec.greengrass.components import BundleFile, RuntimePart
from actorrec.greengrass.recipe import default_configuration
from small_bundles import small_bundle

NAME = "com.example.ActorRecognizer"


def uri_of(component: str, sha256: str, file: str) -> str:
    """As published components have it."""
    return f"s3://my-bucket/actorrec/components/{component}/{sha256[:16]}/{file}"


def runtime_program(configuration: Mapping[str, str] | None = None) -> RuntimePart:
    """A program of a made-up digest."""
    return RuntimePart(
        sha256="ab" * 32,
        bytes=7_000_000,
        configuration=default_configuration(Config()) if configuration is None else configuration,
        card_schema=1,
        preprocess="1",
        install_timeout_s=1234,
    )


def bundle_file(sha256: str = "12" * 32) -> BundleFile:
    """A bundle of a made-up digest with a true card."""
    card, _ = small_bundle()
    return BundleFile(sha256, 6_000_000, card)
