"""The stage: folders of photos and scraped sets in, a committed data set out."""

from collections.abc import Sequence
from pathlib import Path

from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.dataset.assemble import assemble, find_assembled
from actorrec.dataset.extract import worker_count
from actorrec.dataset.given import Given, read_given
from actorrec.dataset.looking import Looks, configured_eyes, look_at_file
from actorrec.manifests.dataset import DatasetManifest
from actorrec.progress import Progress, SilentProgress


def build_dataset(
    photos: Sequence[Path], config: Config, *, store: ArtifactStore, progress: Progress | None = None
) -> DatasetManifest:
    """Make a clean, aligned, leak-free face data set of folders of photos.

    Who agrees with whom is always judged by the shipped embedder, whatever embedder is to be trained: the
    thresholds are measured on it, and one data set serves every embedder.

    Args:
        photos: Folders that hold a folder per person; ``images`` (the newest scraped set) or ``images/KEY``. None:
            the newest scraped set.
        config: Sections ``detector``, ``models``, ``dataset`` and ``rights``.
        store: Gets the data set; one that is there already for the same files and settings is returned as it is.
        progress: Where long steps are told.

    Raises:
        DataError: If there is nothing to work on, or more than ``dataset.max_skip_ratio`` of it is of no use.
        ArtifactError: If the store cannot be written; what was done so far is kept.
    """
    told = progress or SilentProgress()
    settings = config.dataset
    eyes = configured_eyes(config, told)
    given = read_given(photos, settings, worker_count(settings.workers), store=store, progress=told)
    return assemble(
        given,
        lambda cache: Looks(eyes, look_at_file, cache, told),
        eyes.parts.spec,
        config,
        store=store,
        progress=told,
    )


def find_built(given: Given, config: Config, *, store: ArtifactStore) -> DatasetManifest | None:
    """The data set that is there already of these photos and settings; None if there is none.

    Raises:
        ArtifactError: If the store cannot be read.
        ConfigError: If the takedown list cannot be read.
    """
    eyes = configured_eyes(config, SilentProgress())
    return find_assembled(given, eyes.parts.spec, config, store=store)
