"""The one place that brings Keras and TensorFlow into a process: quietly, seeded, and only when asked."""

import contextlib
import io
import json
import logging
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from actorrec.errors import MissingExtraError, TemporaryFileError

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold


def import_tensorflow() -> Any:
    """The ``tensorflow`` module, imported without its start-up lines on stderr.

    Raises:
        MissingExtraError: If it is not installed.
    """
    # 3 keeps TensorFlow's C++ core to fatal errors; a user who set it keeps their own level.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with stderr_closed() if "tensorflow" not in sys.modules else contextlib.nullcontext():
            import tensorflow
    except ImportError as error:
        raise MissingExtraError("train", "tensorflow") from error
    # It warns of every shape that it compiles anew; what matters to a user is raised, not logged.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return tensorflow


def import_keras() -> Any:
    """The ``keras`` module on its TensorFlow backend (unless ``KERAS_BACKEND`` says another), imported quietly.

    Raises:
        MissingExtraError: If it is not installed.
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        import_tensorflow()
    try:
        import keras
    except ImportError as error:
        raise MissingExtraError("train", "keras") from error
    return keras


def fresh_session(seed: int) -> Any:
    """Keras with reset layer names and one seed for Python, numpy and the backend, so that a run can be repeated."""
    keras = import_keras()
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    return keras


def keras_bytes(model: Any) -> bytes:
    """A model as a ``.keras`` file whose bytes depend on the model alone.

    Keras writes the time of saving and memory addresses into it; both are replaced by constants.

    Raises:
        TemporaryFileError: If the temporary folder cannot take it.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
        except OSError as error:
            raise TemporaryFileError(folder, error.strerror or error) from None
        return _repeatable(path.read_bytes())


def _repeatable(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                content = json.dumps({**json.loads(content), "date_saved": "1980-01-01@00:00:00"}).encode()
            elif name == "config.json":
                content = json.dumps(_renumbered(json.loads(content), {})).encode()
            target.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return buffer.getvalue()


def _renumbered(config: Any, numbers: dict[int, int]) -> Any:
    """The config with shared objects counted from 1, in order of appearance, instead of by memory address."""
    if isinstance(config, list):
        return [_renumbered(item, numbers) for item in config]
    if not isinstance(config, dict):
        return config
    changed = {key: _renumbered(value, numbers) for key, value in config.items()}
    address = changed.get("shared_object_id")
    if isinstance(address, int):
        changed["shared_object_id"] = numbers.setdefault(address, len(numbers) + 1)
    return changed


@contextlib.contextmanager
def stderr_closed() -> Iterator[None]:
    """TensorFlow's core writes to file descriptor 2 before any log setting is read."""
    sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
