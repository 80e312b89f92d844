"""One suite over every face detector."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from actorrec.errors import ActorRecError, ConfigError, ModelContractError
from actorrec.faces.detectors import DETECTOR_NAMES, default_detector_spec, detector_files, make_detector
from actorrec.faces.protocols import FaceDetector
from actorrec.types import BoundingBox, Face, UInt8Image
from constant_ssd import constant_ssd
from real_faces import data_dir, model_file

YUNET = "face_detection_yunet_2023mar.onnx"


def mtcnn() -> FaceDetector:
    return make_detector(default_detector_spec("mtcnn"))


def mtcnn_from_a_bundle() -> FaceDetector:
    files = detector_files("mtcnn")
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return make_detector(default_detector_spec("mtcnn").model_copy(update={"files": digests}), files, num_threads=2)


def yunet() -> FaceDetector:
    return make_detector(default_detector_spec("yunet"), detector_files("yunet", model_file(YUNET)))


def haar() -> FaceDetector:
    return make_detector(default_detector_spec("haar"))


def ssd() -> FaceDetector:
    """Always "sees" one box in the middle of the picture and one past its edge: no SSD model can be had here."""
    rows = [[0, 1, 0.8, 0.25, 0.25, 0.75, 0.75], [0, 1, 0.9, -0.2, 0.1, 0.3, 0.5], [0, 1, 0.3, 0.6, 0.6, 0.9, 0.9]]
    return make_detector(default_detector_spec("ssd"), {"ssd.onnx": constant_ssd(rows)})


REAL = [mtcnn, mtcnn_from_a_bundle, yunet, haar]


@pytest.fixture(params=[*REAL, ssd], ids=lambda make: str(make.__name__))
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    make: Callable[[], FaceDetector] = request.param
    return make()


@pytest.fixture(params=REAL, ids=lambda make: str(make.__name__))
def real_detector(request: pytest.FixtureRequest) -> FaceDetector:
    make: Callable[[], FaceDetector] = request.param
    return make()


@cache
def portraits(count: int) -> tuple[UInt8Image, ...]:
    """The first photo of so many people (LFW crops, 250 px, the face in the middle)."""
    import cv2

    folders = sorted(path for path in (data_dir() / "lfw_dev" / "people").iterdir() if path.is_dir())[:count]
    found = [cv2.imread(str(sorted(folder.glob("*.jpg"))[0])) for folder in folders]
    return tuple(np.ascontiguousarray(pixels[:, :, ::-1]) for pixels in found if pixels is not None)


def is_inside(x: float, y: float, box: BoundingBox) -> bool:
    return box.x1 <= x <= box.x2 and box.y1 <= y <= box.y2


def check_promises(faces: list[Face]) -> None:
    scores = [face.score for face in faces]
    assert scores == sorted(scores, reverse=True)
    for face in faces:
        assert 0 <= face.score <= 1
        corners = [face.box.x1, face.box.y1, face.box.x2, face.box.y2]
        assert all(type(corner) is float and np.isfinite(corner) for corner in corners)
        assert face.box.width_px > 0 and face.box.height_px > 0
        assert face.landmarks.points.shape == (5, 2) and face.landmarks.points.dtype == np.float32
        assert np.isfinite(face.landmarks.points).all()


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (12, 12), (3, 2000), (2000, 3), (40, 31)])
def test_tiny_and_odd_pictures(detector: FaceDetector, shape: tuple[int, int]) -> None:
    for pixels in (np.zeros((*shape, 3), np.uint8), np.full((*shape, 3), 255, np.uint8)):
        check_promises(detector.detect(pixels))


def test_what_is_no_picture_is_refused(detector: FaceDetector) -> None:
    for wrong in (np.zeros((0, 5, 3), np.uint8), np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.float32)):
        with pytest.raises(ValueError, match="a picture is"):
            detector.detect(wrong)  # type: ignore[arg-type]


def test_noise_has_no_face(real_detector: FaceDetector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 420, 3), dtype=np.uint8)
    ramp = np.repeat(np.tile(np.arange(240, dtype=np.uint8), (320, 1))[:, :, None], 3, axis=2)
    for pixels in (noise, ramp, np.zeros((300, 200, 3), np.uint8)):
        assert real_detector.detect(pixels) == []


def test_one_face_and_where_its_points_are(real_detector: FaceDetector) -> None:
    missed = 0
    for pixels in portraits(20):
        faces = [face for face in real_detector.detect(pixels) if is_inside(125, 125, face.box)]
        check_promises(faces)
        missed += not faces
        for face in faces[:1]:
            left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks.points
            assert left_eye[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
            assert max(left_eye[1], right_eye[1]) < min(left_mouth[1], right_mouth[1])
            assert left_eye[1] < nose[1] < right_mouth[1]
            assert all(is_inside(float(x), float(y), face.box) for x, y in (left_eye, right_eye, nose))
    assert missed <= (1 if real_detector.detector_id.startswith("haar") else 0)


def test_landmarks_in_boxes_of_an_ssd() -> None:
    found = ssd().detect(portraits(1)[0])
    check_promises(found)
    assert [round(face.score, 4) for face in found] == [0.9, 0.8]
    middle = found[1]
    assert (middle.box.x1, middle.box.y2) == pytest.approx((62.5, 187.5))
    expected = next(face for face in mtcnn().detect(portraits(1)[0]) if is_inside(125, 125, face.box))
    assert np.abs(middle.landmarks.points - expected.landmarks.points).max() < 6


def test_forty_faces_in_a_picture_wider_than_high(real_detector: FaceDetector) -> None:
    people = portraits(40)
    assert len(people) == 40
    crops = [pixels[50:200, 50:200] for pixels in people]
    crowd = np.vstack([np.hstack(crops[row * 8 : row * 8 + 8]) for row in range(5)])
    faces = real_detector.detect(crowd)
    check_promises(faces)
    cells = {
        (row, column)
        for row in range(5)
        for column in range(8)
        if any(is_inside(column * 150 + 75, row * 150 + 75, face.box) for face in faces)
    }
    assert len(cells) >= (34 if real_detector.detector_id.startswith("haar") else 39)
    assert len(faces) <= 44


def test_faces_cut_by_the_edge_and_faces_that_fill_the_picture(detector: FaceDetector) -> None:
    filled = 0
    for pixels in portraits(10):
        for cut in (pixels[:, 100:], pixels[:, :150], pixels[110:], pixels[:140]):
            check_promises(detector.detect(np.ascontiguousarray(cut)))
        tight = pixels[78:178, 82:168]
        grey = np.repeat(tight.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
        found = detector.detect(grey)
        check_promises(found)
        filled += bool(found)
    assert filled >= (5 if detector.detector_id.startswith("haar") else 10)


def test_boxes_are_in_px_of_a_picture_that_had_to_be_shrunk(real_detector: FaceDetector) -> None:
    import cv2

    small = portraits(1)[0]
    large = np.asarray(cv2.resize(small, (1750, 1750), interpolation=cv2.INTER_CUBIC), np.uint8)
    near, far = (
        next(
            face
            for face in real_detector.detect(pixels)
            if is_inside(pixels.shape[1] / 2, pixels.shape[0] / 2, face.box)
        )
        for pixels in (small, large)
    )
    eyes_px = float(np.linalg.norm(near.landmarks.points[1] - near.landmarks.points[0]))
    assert np.abs(far.landmarks.points / 7 - near.landmarks.points).max() < 0.15 * eyes_px
    assert far.box.width_px / 7 == pytest.approx(near.box.width_px, rel=0.25)


def test_the_same_picture_gives_the_same_answer(detector: FaceDetector) -> None:
    first, other = portraits(2)
    before = detector.detect(first)
    detector.detect(other[:100])
    after = detector.detect(first)
    assert [(face.box, face.score) for face in before] == [(face.box, face.score) for face in after]
    assert all((a.landmarks.points == b.landmarks.points).all() for a, b in zip(before, after, strict=True))


def test_a_view_of_a_larger_array_will_do(detector: FaceDetector) -> None:
    pixels = portraits(1)[0]
    mirrored = pixels[:, ::-1]
    whole = detector.detect(np.ascontiguousarray(mirrored))
    assert [face.box for face in detector.detect(mirrored)] == [face.box for face in whole]


@pytest.mark.parametrize("name", DETECTOR_NAMES)
def test_defaults_name_their_detector(name: str) -> None:
    spec = default_detector_spec(name)
    assert spec.name == name and spec.files == {}


def test_an_unknown_detector_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="hog") as caught:
        default_detector_spec("hog")
    assert "mtcnn" in caught.value.hint


@pytest.mark.parametrize("name", ["yunet", "ssd"])
def test_a_model_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        detector_files(name)
    with pytest.raises(ConfigError, match=r"missing\.onnx"):
        detector_files(name, tmp_path / "missing.onnx")
    with pytest.raises(ConfigError):
        make_detector(default_detector_spec(name))


@pytest.mark.parametrize(("name", "file"), [("yunet", "yunet.onnx"), ("ssd", "ssd.onnx"), ("mtcnn", "rnet.tflite")])
@pytest.mark.parametrize("content", [b"", b"this is no model", bytes(4096)], ids=["empty", "text", "zeros"])
def test_a_file_that_is_no_model(name: str, file: str, content: bytes) -> None:
    files = detector_files("mtcnn") | {file: content}
    with pytest.raises(ModelContractError):
        make_detector(default_detector_spec(name), files)


def test_a_net_that_is_no_ssd_is_refused() -> None:
    with pytest.raises(ModelContractError):
        make_detector(default_detector_spec("ssd"), {"ssd.onnx": model_file(YUNET).read_bytes()})


def test_wrong_digests_and_missing_files_of_a_bundle() -> None:
    files = detector_files("mtcnn")
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    spec = default_detector_spec("mtcnn").model_copy(update={"files": digests})
    with pytest.raises(ModelContractError, match="digest"):
        make_detector(spec, files | {"onet.tflite": files["onet.tflite"][:-1] + b"x"})
    with pytest.raises(ModelContractError, match="lacks"):
        make_detector(spec, {name: content for name, content in files.items() if name != "pnet.tflite"})


def test_caffe_files_are_found_beside_each_other(tmp_path: Path) -> None:
    (tmp_path / "res10.caffemodel").write_bytes(b"weights")
    with pytest.raises(ActorRecError, match="prototxt"):
        detector_files("ssd", tmp_path)
    (tmp_path / "deploy.prototxt").write_bytes(b"net")
    for path in (tmp_path, tmp_path / "res10.caffemodel"):
        files = detector_files("ssd", path)
        assert files["ssd.prototxt"] == b"net" and files["ssd.caffemodel"] == b"weights"
        assert {"rnet.tflite", "onet.tflite"} <= set(files)
