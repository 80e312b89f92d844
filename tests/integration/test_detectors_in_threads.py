"""Threads that look at pictures find what they need to be there, whichever of them is the first to ask for it."""

import subprocess
import sys
from pathlib import Path

from patience import PATIENCE_S

_LOOK = """
import sys
from pathlib import Path
from actorrec.artifacts.local import LocalStore
from actorrec.dataset.candidates import Examined, Pictures
from actorrec.dataset.extract import look_at_all
from actorrec.dataset.photos import Photo
from actorrec.dataset.workcache import WorkCache
from actorrec.progress import SilentProgress

assert "cv2" not in sys.modules

def make_looker():
    import cv2

    assert cv2.data.haarcascades
    return lambda photo: (Examined(photo.sha256, reason="none"), Pictures())

def photos():
    for number in range(300):
        yield Photo("Ada", str(number), Path(), f"{number:064x}")

cache = WorkCache(LocalStore(Path(sys.argv[1])), "dataset/abcd")
print(len(look_at_all(photos(), make_looker, cache, 300, SilentProgress())))
"""


def test_opencv_is_whole_for_every_thread(tmp_path: Path) -> None:
    done = subprocess.run((sys.executable, "-c", _LOOK, tmp_path), capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout.strip()) == (0, "300"), done.stderr
