"""``build-dataset`` as a whole against detection alone with the ``mtcnn`` package, on the same cores.

python benchmarks/dataset_speed.py
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import Row, report, test_data

COMMAND = "python benchmarks/dataset_speed.py"

# A process of its own, so that TensorFlow's threads and start-up are its own; model loading is not counted.
PACKAGE = """
import json, sys, time
import cv2, numpy as np
from mtcnn import MTCNN
paths = json.loads(sys.stdin.read())
detector = MTCNN()
detector.detect_faces(np.zeros((200, 200, 3), np.uint8))
start, boxes = time.perf_counter(), {}
for path in paths:
    pixels = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    boxes[path] = [[float(v) for v in face["box"]] for face in detector.detect_faces(pixels)]
print(json.dumps({"seconds": time.perf_counter() - start, "boxes": boxes}))
"""


def overlap(a: list[float], b: list[float]) -> float:
    """Intersection over union of two boxes as x, y, width, height."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inside = max(width, 0) * max(height, 0)
    return inside / (a[2] * a[3] + b[2] * b[3] - inside)


def main() -> None:
    """Measure and save."""
    data = test_data()
    if data is None:
        raise SystemExit("set ACTORREC_TEST_DATA to the folder of real photos")
    paths = [str(path) for path in sorted((data / "actors").rglob("*.jpg"))]
    package = subprocess.run(
        [sys.executable, "-c", PACKAGE], input=json.dumps(paths), capture_output=True, text=True, check=True
    )
    theirs = json.loads(package.stdout.splitlines()[-1])
    with tempfile.TemporaryDirectory() as store:
        command = [sys.executable, "-m", "actorrec", "build-dataset", str(data / "actors"), "--store", store, "--json"]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=os.environ)
        ours_seconds = time.perf_counter() - start
    print(f"package, detection alone: {theirs['seconds']:.1f} s; build-dataset, all of it: {ours_seconds:.1f} s")
    found, matched, extra = count_faces(theirs["boxes"])
    ratio = theirs["seconds"] / ours_seconds
    rows = [
        Row("build-dataset on 371 photos against detection alone with the mtcnn package", "≥ 5× faster",
            f"{ratio:.1f}×", ratio >= 5, COMMAND),
        Row("faces found, against the mtcnn package", "same ± 2 %",
            f"{matched} of its {found}, and {extra} more",
            abs(matched + extra - found) <= 0.02 * found and matched >= 0.98 * found, COMMAND),
    ]  # fmt: skip
    report("dataset_speed", rows)


def count_faces(theirs: dict[str, list[list[float]]]) -> tuple[int, int, int]:
    """Faces of the package, how many of them ours finds too, and how many ours finds beside them."""
    from actorrec.config import Config
    from actorrec.faces.detectors import make_detector
    from actorrec.recognition.configured import configured_detector
    from actorrec.vision.decode import read_picture

    parts = configured_detector(Config().detector)
    detector = make_detector(parts.spec, parts.files, num_threads=1)
    found = matched = extra = 0
    for path, boxes in theirs.items():
        faces = detector.detect(read_picture(Path(path), max_bytes=1 << 26, max_pixels=1 << 26).pixels)
        ours = [[f.box.x1, f.box.y1, f.box.width_px, f.box.height_px] for f in faces]
        pairs = sum(any(overlap(box, other) > 0.4 for other in ours) for box in boxes)
        found += len(boxes)
        matched += pairs
        extra += max(0, len(ours) - pairs)
    return found, matched, extra


if __name__ == "__main__":
    main()
