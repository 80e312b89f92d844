"""The shipped nets and the cascade in numpy against the ``mtcnn`` package that the weights come from."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from actorrec.faces.detectors import default_detector_spec, make_detector
from actorrec.faces.litert import LiteRtNet
from actorrec.faces.mtcnn_nets import probability, shipped_nets
from actorrec.types import UInt8Image
from real_faces import data_dir


@pytest.fixture(scope="module")
def package() -> Iterator[Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    yield pytest.importorskip("mtcnn", reason="the package mtcnn (extra: tools) is not installed").MTCNN()


def real_pixels(count: int) -> list[UInt8Image]:
    import cv2

    actors = [folder for folder in sorted((data_dir() / "actors").iterdir()) if folder.is_dir()]
    paths = [sorted(folder.glob("*.jpg"))[0] for folder in actors]
    found = [cv2.imread(str(path)) for path in paths[:count]]
    return [np.ascontiguousarray(pixels[:, :, ::-1]) for pixels in found if pixels is not None]


def patches(side_px: int, count: int) -> NDArray[np.float32]:
    """Shape (N, side, side, 3), float32, 0 to 255: pieces of real photos, enlarged or shrunk to the side."""
    import cv2

    cut = [pixels[40:240, 40:240] for pixels in real_pixels(count)]
    return np.stack([np.asarray(cv2.resize(piece, (side_px, side_px)), np.float32) for piece in cut])


@pytest.mark.parametrize(("stage", "name", "side_px"), [(0, "pnet", 200), (1, "rnet", 24), (2, "onet", 48)])
def test_every_net_answers_as_the_package_s(package: Any, stage: int, name: str, side_px: int) -> None:
    pixels = patches(side_px, 1 if name == "pnet" else 8)
    *offsets, classes = (np.asarray(part) for part in package.stages[stage].model((pixels - 127.5) / 128))
    net = LiteRtNet(shipped_nets()[f"{name}.tflite"], name=name)
    ours = net.run(pixels)[net.output_names[0]]
    np.testing.assert_allclose(probability(ours[..., 0]), classes[..., 1], atol=1e-5)
    np.testing.assert_allclose(ours[..., 1:], np.concatenate(offsets, axis=-1), atol=1e-5)


def test_the_cascade_finds_the_package_s_faces(package: Any) -> None:
    detector = make_detector(default_detector_spec("mtcnn"))
    missed, theirs_count, extra, off = 0, 0, 0, []
    for pixels in real_pixels(24):
        ours = [(face.landmarks.points, face.box) for face in detector.detect(pixels)]
        # Above the detector's own threshold; what the package likes less is hardly ever a face.
        theirs = [row for row in package.detect_faces(pixels, output_type="numpy", box_format="xyxy") if row[5] > 0.95]
        extra += max(0, len(ours) - len(theirs))
        for row in theirs:
            points = row[6:16].reshape(2, 5).T
            eyes_px = float(np.linalg.norm(points[1] - points[0]))
            nearest = min((float(np.abs(found - points).mean()) / eyes_px for found, _ in ours), default=np.inf)
            theirs_count += 1
            missed += nearest > 0.3
            off.append(nearest)
    assert theirs_count >= 24
    assert missed == 0
    assert extra <= 1
    assert np.median(off) < 0.03 and np.quantile(off, 0.95) < 0.08
