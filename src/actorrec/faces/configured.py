"""From the settings to an embedder: the shipped one, a registered one that is fetched, or a file of the user's."""

from pathlib import Path

from actorrec.config import EmbedderSection, ModelsSection
from actorrec.errors import ConfigError
from actorrec.faces import dlib_resnet29
from actorrec.faces.embedders import make_embedder, spec_for_file
from actorrec.faces.fetch import fetch_model
from actorrec.faces.protocols import Embedder
from actorrec.faces.registry import REGISTRY
from actorrec.manifests.nets import EmbedderSpec
from actorrec.progress import Progress


def choose_embedder(
    embedder: EmbedderSection, models: ModelsSection, *, progress: Progress | None = None
) -> tuple[EmbedderSpec, Path | None]:
    """Find the spec and file that the settings name; None for the file that ships with the package.

    Raises:
        ConfigError: If there is no such embedder, or it serves ``train`` alone.
        ModelContractError: If a file is not what it should be.
        RemoteError: If a registered one is not in the cache and cannot be downloaded.
    """
    if embedder.path is not None:
        spec = spec_for_file(
            embedder.path,
            template=embedder.template,
            mean=embedder.mean,
            std=embedder.std,
            colour_order=embedder.colour_order,
            licence=embedder.licence,
        )
        return spec, embedder.path
    if embedder.name == "dlib-resnet29":
        return dlib_resnet29.SPEC, None
    entry = REGISTRY.get(embedder.name)
    if entry is None or entry.spec is None:
        known = ", ".join(name for name, each in REGISTRY.items() if each.spec is not None)
        raise ConfigError(
            f"'{embedder.name}' is no embedder that runs without training",
            hint=f"one of {known}, or a net of your own with embedder.path",
        )
    fetched = fetch_model(entry, cache_dir=models.cache_dir, base_url=models.base_url, progress=progress)
    return entry.spec, fetched


def configured_embedder(
    embedder: EmbedderSection, models: ModelsSection, *, num_threads: int = 1, progress: Progress | None = None
) -> Embedder:
    """Open the embedder that the settings name; raises what ``choose_embedder`` and ``make_embedder`` do."""
    spec, file = choose_embedder(embedder, models, progress=progress)
    return make_embedder(spec, file, num_threads=num_threads)
