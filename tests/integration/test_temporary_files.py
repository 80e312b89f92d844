"""A full disk under the temporary files of training and conversion: an error, never a crash."""

import os
import subprocess
import sys

import pytest

from patience import PATIENCE_S

pytest.importorskip("keras")

# One program for all of them: to bring in TensorFlow takes longer than everything else here.
LIMITED = """
import resource, tempfile
from pathlib import Path
import numpy
from actorrec.artifacts.local import LocalStore
from actorrec.edge.variants import exported
from actorrec.errors import TemporaryFileError
from actorrec.faces.keras_runtime import import_keras, keras_bytes
from actorrec.training.checkpoints import Checkpoints
from actorrec.training.original_net import _on_disk
keras = import_keras()
model = keras.Sequential([keras.Input((400,)), keras.layers.Dense(400)])
folder = Path(tempfile.mkdtemp())
checkpoints = Checkpoints(LocalStore(folder), 'model/k/unfinished/head')
works = {
    "save": lambda: keras_bytes(model),
    "export": lambda: exported(model).__enter__(),
    "features": lambda: _on_disk(folder / "features.npy", (1000, 1000)),
    "checkpoint": lambda: checkpoints.save([numpy.zeros(100_000)], [{"loss": 1.0}]),
}
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for name, work in works.items():
    try:
        work()
    except TemporaryFileError as error:
        print(f"{name}: {error.message}", flush=True)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What each of them ended with."""
    environ = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("temporary"))}
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED], env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    return ran.stdout


@pytest.mark.parametrize("work", ["save", "export", "features", "checkpoint"])
def test_temporary_files_on_a_full_disk(work: str, told: str) -> None:
    (line,) = [line for line in told.splitlines() if line.startswith(f"{work}: ")]
    assert line.startswith(f"{work}: cannot write to the temporary folder")
    assert "File too large" in line
