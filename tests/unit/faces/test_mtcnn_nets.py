import hashlib
from importlib import resources

import numpy as np
import pytest

from actorrec.errors import ModelContractError
from actorrec.faces.mtcnn import MtcnnDetector
from actorrec.faces.mtcnn_nets import NET_FILES, CropNet, checked_nets, cut_crops, logit, probability, shipped_nets
from actorrec.faces.mtcnn_refine import Refiner
from actorrec.faces.picture import halvings
from actorrec.manifests.nets import DetectorSpec

SPEC = DetectorSpec(name="mtcnn", detector_id="mtcnn-test")


def test_shipped_nets_have_the_digests_beside_them() -> None:
    sums = (resources.files("actorrec.faces") / "weights/mtcnn/SHA256SUMS").read_text().split("\n")
    written = dict(line.split("  ")[::-1] for line in sums if line)
    assert {name: hashlib.sha256(net).hexdigest() for name, net in shipped_nets().items()} == written


def test_crops_are_sampled_from_corner_to_corner() -> None:
    ramp = np.broadcast_to(np.arange(0, 200, 10, dtype=np.uint8)[None, :, None], (8, 20, 3))
    crops = cut_crops([np.ascontiguousarray(ramp)], np.array([[2, 1, 8, 7], [0, 0, 3, 3]], np.float32), 4)
    assert crops[0, 0, :, 0].tolist() == [20, 40, 60, 80]
    assert crops[1, 2, :, 1].tolist() == [0, 10, 20, 30]


def test_crops_are_grey_outside_the_picture() -> None:
    black = np.zeros((10, 30, 3), np.uint8)
    crop = cut_crops([black], np.array([[-100, -100, -50, -50]], np.float32), 5)
    assert crop.shape == (1, 5, 5, 3)
    assert (crop == 127).all()


def test_large_boxes_are_sampled_from_a_halving() -> None:
    # Stripes one px wide: every second px would be all black or all white, their average is grey.
    stripes = np.zeros((64, 96, 3), np.uint8)
    stripes[:, ::2] = 200
    crop = cut_crops(halvings(stripes, 8), np.array([[8, 8, 56, 56]], np.float32), 8)
    assert (crop == 100).all()


def test_halvings_end_before_a_side_gets_too_short() -> None:
    assert [scale.shape[:2] for scale in halvings(np.zeros((131, 70, 3), np.uint8), 17)] == [
        (131, 70),
        (65, 35),
        (32, 17),
    ]
    assert len(halvings(np.zeros((1, 500, 3), np.uint8))) == 1


def test_no_boxes_give_no_answers() -> None:
    refiner, picture = Refiner(), np.zeros((30, 40, 3), np.uint8)
    none = np.empty((0, 4), np.float32)
    assert refiner.reject([picture], none, 0.5).shape == (0, 4)
    assert refiner.locate([picture], none, 0.5).points.shape == (0, 5, 2)
    points, scores = refiner.points_for(picture, none)
    assert points.shape == (0, 5, 2) and scores.shape == (0,)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 17])
def test_answers_do_not_depend_on_the_batch(count: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    corners = np.random.default_rng(1).uniform(-20, 80, (count, 2)).astype(np.float32)
    boxes = np.hstack([corners, corners + 40])
    net = CropNet(shipped_nets()["rnet.tflite"], name="rnet.tflite", batch=8, num_threads=1)
    together = net.run([picture], boxes)
    alone = np.concatenate([net.run([picture], boxes[row : row + 1]) for row in range(count)])
    assert together.shape == (count, 5)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_logit_and_probability_are_inverse_and_bounded() -> None:
    assert probability(np.array([logit(0.3), 1e9, -1e9], np.float32)) == pytest.approx([0.3, 1, 0])
    assert logit(0.0) == -np.inf and logit(1.0) == np.inf


def test_a_missing_net_is_named() -> None:
    with pytest.raises(ModelContractError, match=r"onet\.tflite"):
        checked_nets({"pnet.tflite": b"", "rnet.tflite": b""}, NET_FILES)


def test_a_file_that_is_no_net_is_refused() -> None:
    with pytest.raises(ModelContractError, match=r"pnet\.tflite"):
        MtcnnDetector(SPEC, dict(shipped_nets()) | {"pnet.tflite": b"not a net"})


def test_nets_in_each_other_s_place_are_refused() -> None:
    nets = shipped_nets()
    with pytest.raises(ModelContractError, match=r"rnet\.tflite is not that net"):
        Refiner({"rnet.tflite": nets["onet.tflite"], "onet.tflite": nets["rnet.tflite"]})
    with pytest.raises(ModelContractError, match=r"pnet\.tflite is not that net"):
        MtcnnDetector(SPEC, dict(nets) | {"pnet.tflite": nets["rnet.tflite"]})
