"""What looks at pictures, as the settings want it, and where what was seen comes from."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from actorrec import __version__
from actorrec.config import Config
from actorrec.dataset.candidates import Examined, Looked, Pictures
from actorrec.dataset.examine import EXAMINE_VERSION, Examiner
from actorrec.dataset.extract import Looker, look_at_all, worker_count
from actorrec.dataset.photos import Photo
from actorrec.dataset.workcache import WorkCache
from actorrec.faces.detectors import make_detector
from actorrec.faces.embedders import DEFAULT_SPEC, make_embedder
from actorrec.manifests.shard import Looking
from actorrec.progress import Progress
from actorrec.recognition.configured import DetectorParts, configured_detector
from actorrec.sections import DatasetSection

Look = Callable[[Examiner, Photo], Looked]
"""Looks at one photo that has a SHA-256; called in several threads, each with an examiner of its own."""


class Seen(Protocol):
    """Where what the pictures hold comes from: looked at now, or earlier and elsewhere."""

    def examined(self, photos: Sequence[Photo]) -> Mapping[str, Examined]:
        """What each readable picture holds, by its SHA-256."""
        ...

    def pictures(self, wanted: Iterable[str]) -> Iterator[tuple[str, Pictures]]:
        """The JPEGs of pictures that are named by their SHA-256; few in memory at a time."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Eyes:
    """A detector and settings; makes an examiner for each thread.

    Attributes:
        parts: The detector.
        settings: Limits of reading and decoding; ``previews``; ``workers``.
    """

    parts: DetectorParts
    settings: DatasetSection

    @property
    def looking(self) -> Looking:
        """All that decides what is seen."""
        return Looking(
            version=__version__,
            examine_version=EXAMINE_VERSION,
            detector=self.parts.spec,
            embedder=DEFAULT_SPEC.model_id,
            max_bytes=self.settings.max_bytes,
            max_pixels=self.settings.max_pixels,
            previews=self.settings.previews,
        )

    def looker(self, look: Look) -> Looker:
        """Looks at one photo after the other; for one thread."""
        detector, embedder = make_detector(self.parts.spec, self.parts.files), make_embedder(DEFAULT_SPEC, None)
        examiner = Examiner(detector, embedder, self.settings)
        return lambda photo: look(examiner, photo)


def configured_eyes(config: Config, progress: Progress) -> Eyes:
    """What the sections ``detector``, ``models`` and ``dataset`` ask for; its embedder is always the shipped one.

    Raises:
        ConfigError: If the detector's file is not given or cannot be read.
        RemoteError: If it is not on this machine and cannot be downloaded.
    """
    return Eyes(configured_detector(config.detector, config.models, progress=progress), config.dataset)


def look_at_file(examiner: Examiner, photo: Photo) -> Looked:
    """Look at a photo that is a file."""
    return examiner.examine(photo.path, photo.sha256 or "")


class Looks:
    """Looks at the pictures now, and goes on where an earlier command was stopped.

    Args:
        eyes: What looks.
        look: At one photo.
        cache: Keeps what is done.
        progress: Where the long step is told.
    """

    def __init__(self, eyes: Eyes, look: Look, cache: WorkCache, progress: Progress) -> None:
        self._eyes, self._look, self._cache, self._progress = eyes, look, cache, progress

    def examined(self, photos: Sequence[Photo]) -> Mapping[str, Examined]:
        workers = worker_count(self._eyes.settings.workers)
        return look_at_all(photos, lambda: self._eyes.looker(self._look), self._cache, workers, self._progress)

    def pictures(self, wanted: Iterable[str]) -> Iterator[tuple[str, Pictures]]:
        return self._cache.pictures(wanted)
