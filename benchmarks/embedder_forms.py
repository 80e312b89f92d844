"""The forms in which dlib-resnet29 could ship: size, time a face, likeness to float32, accuracy on pairs of photos.

    ACTORREC_TEST_DATA=… python benchmarks/embedder_forms.py

Needs the ``tools`` extra. The default detector finds the faces; the one nearest the middle is taken, where LFW has
the person it names; a photo without a face counts its pair as wrong.
Accuracy is over the folds of lfw_dev/pairs.tsv: the threshold of each fold is set on the nine others.
"""

import csv
import importlib.util
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.faces import dlib_resnet29
from actorrec.faces.detectors import default_detector_spec, make_detector, shipped_nets
from actorrec.faces.keras_backbones import dlib_net
from actorrec.faces.net_embedder import NetEmbedder
from actorrec.faces.tflite_embedder import TfliteNet
from actorrec.types import BoundingBox
from actorrec.vision.align import DLIB_150, align_face
from actorrec.vision.preprocess import to_net_input
from actorrec.vision.similarity import normalise
from rows import ROOT, machine, test_data

SPEC = dlib_resnet29.SPEC
FORMS = ("float32", "float16", "dynamic", "int8")


def load_tool() -> Any:
    path = ROOT / "tools" / "make_dlib_resnet29.py"
    spec = importlib.util.spec_from_file_location("make_dlib_resnet29", path)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def read_pairs(folder: Path) -> tuple[list[tuple[int, bool, str, str]], dict[str, NDArray[np.uint8] | None]]:
    """Fold, same, and the two file names of each pair; and the aligned crop of each file, None without a face."""
    import cv2

    with (folder / "pairs.tsv").open(newline="") as stream:
        pairs = [
            (int(row["fold"]), row["same"] == "1", row["file_a"], row["file_b"])
            for row in csv.DictReader(stream, delimiter="\t")
        ]
    detector = make_detector(default_detector_spec("mtcnn"), shipped_nets())
    crops: dict[str, NDArray[np.uint8] | None] = {}
    for name in sorted({name for pair in pairs for name in pair[2:]}):
        pixels = np.ascontiguousarray(np.asarray(cv2.imread(str(folder / "pairs" / name)), np.uint8)[..., ::-1])
        faces = detector.detect(pixels)
        height, width = pixels.shape[:2]
        central = min(faces, key=lambda face: off_centre_px(face.box, width, height), default=None)
        crops[name] = None if central is None else align_face(pixels, central.landmarks, DLIB_150)
    return pairs, crops


def off_centre_px(box: BoundingBox, width: int, height: int) -> float:
    return abs(box.x1 + box.x2 - width) / 2 + abs(box.y1 + box.y2 - height) / 2


def pair_accuracy(pairs: list[tuple[int, bool, str, str]], vectors: dict[str, NDArray[np.float32]]) -> tuple[int, int]:
    """Right pairs and all pairs, with thresholds from the other folds."""
    folds = np.array([pair[0] for pair in pairs])
    same = np.array([pair[1] for pair in pairs])
    known = np.array([pair[2] in vectors and pair[3] in vectors for pair in pairs])
    cosine = np.array(
        [float(vectors[a] @ vectors[b]) if k else -2.0 for (_, _, a, b), k in zip(pairs, known, strict=True)]
    )
    right = 0
    for fold in np.unique(folds):
        learn, test = (folds != fold) & known, (folds == fold) & known
        candidates = np.unique(cosine[learn])
        scores = [int(((cosine[learn] >= each) == same[learn]).sum()) for each in candidates]
        right += int(((cosine[test] >= candidates[int(np.argmax(scores))]) == same[test]).sum())
    return right, len(pairs)


def median_ms(embedders: dict[str, NetEmbedder], crops: NDArray[np.uint8], rounds: int = 15) -> dict[str, float]:
    """Milliseconds a face, preprocessing included, the forms taking turns."""
    times: dict[str, list[float]] = {form: [] for form in embedders}
    for _ in range(rounds):
        for form, embedder in embedders.items():
            start = time.perf_counter()
            embedder.embed(crops)
            times[form].append((time.perf_counter() - start) * 1e3 / len(crops))
    return {form: float(np.median(each)) for form, each in times.items()}


def main() -> int:
    data = test_data()
    if data is None:
        print("ACTORREC_TEST_DATA is not set", file=sys.stderr)
        return 1
    pairs, crops = read_pairs(data / "lfw_dev")
    names = [name for name, crop in crops.items() if crop is not None]
    stack = np.stack([crop for crop in crops.values() if crop is not None])
    tool = load_tool()
    model = dlib_net.build(tool.read_weights(tool.read_source(tool.source_path())))
    calibration = to_net_input(stack[::10][:200], SPEC.mean, SPEC.std)
    files = {form: tool.to_tflite(model, form=form, calibration=calibration) for form in FORMS}
    single = {form: NetEmbedder(TfliteNet(file, form), SPEC) for form, file in files.items()}
    eight = {form: NetEmbedder(TfliteNet(fixed_batch(tool, model, form, calibration), form), SPEC) for form in FORMS}
    ms_1, ms_8 = median_ms(single, stack[:16]), median_ms(eight, stack[:16])
    print(f"{machine()}; {len(stack)} faces of {len(crops)} photos, {len(pairs)} pairs, one thread\n")
    print("| form | MB | ms a face, one by one | ms a face, by eight | lowest cosine to float32 | pairs right |")
    print("|---|---|---|---|---|---|")
    exact = normalise(single["float32"].embed(stack))[0]
    for form in FORMS:
        unit = normalise(single[form].embed(stack))[0]
        right, n = pair_accuracy(pairs, dict(zip(names, unit, strict=True)))
        cosine = float(np.sum(unit * exact, axis=1).min())
        print(
            f"| {form} | {len(files[form]) / 1e6:.1f} | {ms_1[form]:.2f} | {ms_8[form]:.2f} | {cosine:.5f} "
            f"| {right / n:.2%} ({right} of {n}) |"
        )
    return 0


def fixed_batch(tool: Any, model: Any, form: str, calibration: NDArray[np.float32]) -> bytes:
    """The same net as a file that takes eight faces a run."""
    import keras

    inputs = keras.Input(batch_shape=(8, *model.input_shape[1:]))
    calibration = calibration[: len(calibration) // 8 * 8]
    converted: bytes = tool.to_tflite(keras.Model(inputs, model(inputs)), form=form, calibration=calibration, batch=8)
    return converted


if __name__ == "__main__":
    sys.exit(main())
