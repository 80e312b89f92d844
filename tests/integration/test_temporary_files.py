"""A full disk under the temporary files of training and conversion: an error, never a crash."""

import subprocess
import sys

import pytest

from patience import PATIENCE_S

pytest.importorskip("keras")

LIMITED = """
import resource, warnings
from actorrec.errors import TemporaryFileError
{setup}
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    {work}
except TemporaryFileError as error:
    print(error.message)
"""
KERAS = """from actorrec.faces.keras_runtime import import_keras, keras_bytes
from actorrec.edge.variants import exported
keras = import_keras()
model = keras.Sequential([keras.Input((400,)), keras.layers.Dense(400)])"""
TABLE = """import pathlib, tempfile
from actorrec.training.original_net import _on_disk
folder = pathlib.Path(tempfile.mkdtemp())"""

CHECKPOINT = """import numpy, pathlib, tempfile
from actorrec.artifacts.local import LocalStore
from actorrec.training.checkpoints import Checkpoints
checkpoints = Checkpoints(LocalStore(pathlib.Path(tempfile.mkdtemp())), 'model/k/unfinished/head')"""


@pytest.mark.parametrize(
    ("setup", "work"),
    [
        (KERAS, "keras_bytes(model)"),
        (KERAS, "exported(model).__enter__()"),
        (TABLE, "_on_disk(folder / 'features.npy', (1000, 1000))"),
        (CHECKPOINT, "checkpoints.save([numpy.zeros(100_000)], [{'loss': 1.0}])"),
    ],
    ids=["save", "export", "features", "checkpoint"],
)
def test_temporary_files_on_a_full_disk(setup: str, work: str) -> None:
    code = LIMITED.format(setup=setup, work=work)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "cannot write to the temporary folder" in ran.stdout
    assert "File too large" in ran.stdout
