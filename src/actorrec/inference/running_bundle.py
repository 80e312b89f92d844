"""A bundle made ready to run, with what events say of it."""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.artifacts.digest import file_sha256
from actorrec.errors import ArtifactError
from actorrec.manifests.events import RunningModel
from actorrec.manifests.nets import DetectorSpec
from actorrec.recognition.bundle import Bundle, open_bundle
from actorrec.recognition.recogniser import Recogniser, load_recogniser
from actorrec.recognition.self_test import self_test

_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class RunningBundle:
    """A bundle that runs.

    Attributes:
        recogniser: Says the names.
        detector: Which detector it finds faces with, and its settings.
        path: The file it came from.
        model: What events say of it.
    """

    recogniser: Recogniser
    detector: DetectorSpec
    path: Path
    model: RunningModel


def run_bundle(path: Path, *, name: str = "", num_threads: int = 0, tried: bool = False) -> RunningBundle:
    """Open a bundle and make it ready.

    Args:
        path: ``bundle.zip``.
        name: What to call it in errors; the path by default.
        num_threads: As in ``load_recogniser``.
        tried: Whether it must pass the self-test first, which also makes its first picture as fast as any other.

    Raises:
        ArtifactError: If the file cannot be read.
        ModelContractError: If it is damaged, this version cannot run it, or it does not pass the self-test.
        MissingExtraError: If a runtime that it needs is not installed.
    """
    bundle, digest = _unchanged(path, name)
    recogniser = load_recogniser(bundle, num_threads=num_threads)
    if tried:
        self_test(recogniser, bundle.card.self_test)
    model = RunningModel(model_id=recogniser.model_id, bundle=digest)
    return RunningBundle(recogniser, bundle.card.detector, path, model)


def _unchanged(path: Path, name: str) -> tuple[Bundle, str]:
    """A bundle and its digest, both of the same bytes: a deployment may put another file there at any time."""
    try:
        for _ in range(_ATTEMPTS):
            before = path.stat()
            if not stat.S_ISREG(before.st_mode):  # a pipe would let us wait for ever
                raise ArtifactError(f"the bundle {path} is no regular file")
            digest = file_sha256(path)
            bundle = open_bundle(path, name=name)
            after = path.stat()
            if (before.st_ino, before.st_mtime_ns, before.st_size) == (after.st_ino, after.st_mtime_ns, after.st_size):
                return bundle, digest
    except OSError as error:
        raise ArtifactError(f"cannot read the bundle {path}: {error.strerror or error}") from None
    raise ArtifactError(f"the bundle {path} is changed again and again", hint="let what writes it finish first")
