"""What OpenCV's detectors give, turned into boxes."""

import numpy as np
import pytest

from actorrec.errors import ModelContractError
from actorrec.faces import ssd, yunet


def test_yunet_without_a_face() -> None:
    found = yunet.decode(None)
    assert found.faces() == []


def test_yunet_rows_are_x_y_width_height_points_score() -> None:
    points = np.arange(10, dtype=np.float32)
    rows = np.array([[10, 20, 30, 40, *points, 0.7], [1, 2, 3, 4, *points, 1.0000002], [np.inf] * 15], np.float32)
    found = yunet.decode(rows)
    assert found.boxes.tolist() == [[1, 2, 4, 6], [10, 20, 40, 60]]
    assert found.scores == pytest.approx([1.0, 0.7]) and found.scores.max() <= 1
    assert found.points[0].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def table(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(1, 1, -1, 7)


def test_ssd_without_rows() -> None:
    boxes, scores = ssd.decode(table(), (100, 200), 0.5)
    assert boxes.shape == (0, 4) and scores.shape == (0,)


def test_ssd_boxes_are_relative_to_width_and_height() -> None:
    boxes, scores = ssd.decode(table([0, 1, 0.6, 0.1, 0.2, 0.5, 0.9]), (100, 200), 0.5)
    assert boxes[0] == pytest.approx([20, 20, 100, 90])
    assert scores == pytest.approx([0.6])


def test_ssd_drops_low_scores_empty_boxes_nonsense_and_doubles() -> None:
    boxes, scores = ssd.decode(
        table(
            [0, 1, 0.4, 0.1, 0.1, 0.9, 0.9],
            [0, 1, 0.9, 0.5, 0.5, 0.5, 0.9],
            [0, 1, np.nan, 0.1, 0.1, 0.9, 0.9],
            [0, 1, 0.7, 0.1, 0.1, 0.9, 0.9],
            [0, 1, 0.8, 0.1, 0.1, 0.9, 0.85],
        ),
        (100, 200),
        0.5,
    )
    assert scores == pytest.approx([0.8])
    assert boxes.shape == (1, 4)


def test_ssd_output_of_another_shape_is_refused() -> None:
    with pytest.raises(ModelContractError, match="1, 1, N, 7"):
        ssd.decode(np.zeros((1, 10, 4), np.float32), (10, 10), 0.5)
