"""A net of the shape of an SSD that gives the same rows for every picture, as ONNX made by hand."""

import numpy as np

from onnx_files import Graph


def constant_ssd(rows: list[list[float]], side_px: int = 300) -> bytes:
    """Rows of image, class, score, x1, y1, x2, y2; the picture counts for nothing."""
    graph = Graph()
    mean = graph.add("GlobalAveragePool", "picture")
    blank = graph.weight("blank", np.zeros((3, 1, len(rows), 7), np.float32))
    nothing = graph.add("ConvTranspose", mean, blank, kernel_shape=(len(rows), 7))
    table = graph.weight("table", np.asarray(rows, np.float32)[None, None])
    graph.add("Add", nothing, table, output="detection_out")
    return graph.model({"picture": (1, 3, side_px, side_px)}, {"detection_out": (1, 1, len(rows), 7)})
