"""What a killed run finds again: weights, the optimiser's state and the measures so far, after some of its epochs."""

import logging
import math
import time
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError, TemporaryFileError

_log = logging.getLogger(__name__)
EVERY_S: Final = 5.0
"""Epochs that are shorter share a checkpoint: no more than these seconds, or one epoch, are lost."""
_MEASURES: Final = "measures"


class Checkpoints:
    """Checkpoints of one step of training; the newest is kept.

    Args:
        store: Where they are written.
        name: Store name that they begin with.
        every_s: Seconds that must lie between two of them.
    """

    def __init__(self, store: ArtifactStore, name: str, *, every_s: float = EVERY_S) -> None:
        self._store, self._prefix, self._every_s = store, name, every_s
        self._last: str | None = None
        self._saved_at = -math.inf

    def restore(self, variables: Sequence[Any], most_epochs: int) -> list[dict[str, float]]:
        """Set variables to the newest checkpoint that fits them.

        Args:
            variables: As given to ``save``.
            most_epochs: How many epochs there are.

        Returns:
            Measures of each epoch that is done; nothing without a checkpoint, or where none fits.
        """
        for epochs in range(most_epochs, 0, -1):
            name = self._name(epochs)
            if not self._store.exists(name):
                continue
            measures = self._load(name, variables, epochs)
            if measures is not None:
                self._last = name
                return measures
            _log.warning("%s is damaged or of another net; it is not used", name)
        return []

    def save(self, variables: Sequence[Any], measures: Sequence[Mapping[str, float]]) -> None:
        """Keep what there is after an epoch, unless the last checkpoint is only seconds old.

        Args:
            variables: Of the net and of its optimiser.
            measures: Of every epoch so far, all with the same names.

        Raises:
            ArtifactError: If it cannot be written.
        """
        if time.monotonic() - self._saved_at < self._every_s:
            return
        name = self._name(len(measures))
        with TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint.npz"
            try:
                _write(path, variables, measures)
            except OSError as error:
                raise TemporaryFileError(folder, error.strerror or error) from None
            self._store.put_file(name, path)
        if self._last is not None and self._last != name:
            self._store.delete(self._last)
        self._last, self._saved_at = name, time.monotonic()

    def _name(self, epochs: int) -> str:
        return f"{self._prefix}-{epochs - 1:03d}.npz"

    def _load(self, name: str, variables: Sequence[Any], epochs: int) -> list[dict[str, float]] | None:
        try:
            # Opened here, for numpy forgets to close what it cannot read.
            with self._store.local_path(name).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                arrays = [kept[f"arr_{index}"] for index in range(len(variables))]
                fits = len(kept.files) == len(variables) + 1
                names, values = kept[_MEASURES].dtype.names or (), kept[_MEASURES]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, ArtifactError):
            return None
        if not fits or len(values) != epochs or not all(map(_fits, arrays, variables)):
            return None
        for array, variable in zip(arrays, variables, strict=True):
            variable.assign(array)
        return [{each: float(row[each]) for each in names} for row in values]


def _write(path: Path, variables: Sequence[Any], measures: Sequence[Mapping[str, float]]) -> None:
    """One array after the other, for all together may be larger than what memory has left."""
    names = list(measures[0])
    table = np.array([tuple(row[name] for name in names) for row in measures], [(name, np.float64) for name in names])
    with zipfile.ZipFile(path, "w") as archive:
        for index, variable in enumerate(variables):
            _add(archive, f"arr_{index}", np.asarray(variable))
        _add(archive, _MEASURES, table)


def _add(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as out:
        np.lib.format.write_array(out, array, allow_pickle=False)


def _fits(array: NDArray[Any], variable: Any) -> bool:
    return array.shape == tuple(variable.shape) and array.dtype == np.asarray(variable).dtype
