"""Naming three faces of a 640×360 frame, against the original design on the same frames; one core, one thread.

    python benchmarks/infer_speed.py

The original design: the ``mtcnn`` package finds the faces, ResNet50 → Flatten → Dense(1024) → Dense(100) in TensorFlow
Lite names each (random weights: they take the same time). Frames are photos of three people of ``lfw_dev`` pasted side
by side on a picture without faces. Decoding is excluded on both sides. Each frame is timed on both sides in turn, the
figures are medians over frames.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rows import ONE_THREAD, Row, report, test_data

os.environ.update(ONE_THREAD, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import numpy as np
from PIL import Image

from actorrec.artifacts.uri import open_store
from actorrec.config import Config
from actorrec.enrolment.draft import open_stored
from actorrec.enrolment.enrol import enrol
from actorrec.faces.litert import LiteRtNet
from actorrec.progress import SilentProgress
from actorrec.recognition.recogniser import Recogniser, load_recogniser
from actorrec.types import UInt8Image

COMMAND = "python benchmarks/infer_speed.py"
WIDTH_PX, HEIGHT_PX, FACE_PX = 640, 360, 190
FRAMES = 18
CLASSES = 100


def frames(data: Path) -> Iterator[UInt8Image]:
    """Frames of three people each, shape (360, 640, 3), uint8, RGB."""
    people = sorted((data / "lfw_dev/people").iterdir())
    background = Image.open(data / "scenes/group_017_0.jpg").convert("RGB").resize((WIDTH_PX, HEIGHT_PX))
    for index in range(FRAMES):
        frame = background.copy()
        for place in range(3):
            photo = sorted(people[(index * 3 + place) % len(people)].glob("*.jpg"))[-1 - index // 12]
            frame.paste(Image.open(photo).convert("RGB").resize((FACE_PX, FACE_PX)), (15 + 210 * place, 90))
        yield np.asarray(frame, np.uint8)


def our_recogniser(data: Path, store: Path) -> Recogniser:
    """The default detector and embedder, with the 24 actors known from two photos each."""
    people = {folder.name: sorted(folder.glob("*.jpg"))[:2] for folder in sorted((data / "actors").iterdir())}
    report = enrol(open_store(str(store)), Config(), people, progress=SilentProgress())
    return load_recogniser(open_stored(open_store(str(store)), report.manifest), num_threads=1)


class NetClock:
    """Adds up the time that LiteRT runs, copying inputs and outputs included."""

    def __init__(self) -> None:
        self.seconds = 0.0
        inner = LiteRtNet.run

        def timed(net: LiteRtNet, values: Any) -> Any:
            start = time.perf_counter()
            try:
                return inner(net, values)
            finally:
                self.seconds += time.perf_counter() - start

        LiteRtNet.run = timed  # type: ignore[method-assign]


def original_recogniser(folder: Path) -> Callable[[UInt8Image], int]:
    """The original design; gives the number of faces it named."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter
    from mtcnn import MTCNN

    keras = tf.keras
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    base = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(224, 224, 3))
    hidden = keras.layers.Dense(1024, activation="relu")(keras.layers.Flatten()(base.output))
    model = keras.Model(base.input, keras.layers.Dense(CLASSES, activation="softmax")(hidden))
    path = folder / "original.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    del model
    net = Interpreter(model_path=str(path), num_threads=1)
    net.allocate_tensors()
    takes, gives = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    detector = MTCNN()
    mean_bgr = np.array([103.939, 116.779, 123.68], np.float32)

    def name_faces(frame: UInt8Image) -> int:
        found = detector.detect_faces(frame)
        for face in found:
            x, y, width, height = face["box"]
            crop = frame[max(0, y) : y + height, max(0, x) : x + width]
            sized = np.asarray(Image.fromarray(crop).resize((224, 224)), np.float32)
            net.set_tensor(takes, (sized[..., ::-1] - mean_bgr)[None])
            net.invoke()
            int(np.argmax(net.get_tensor(gives)))
        return len(found)

    return name_faces


def timed_ms(work: Callable[[], Any]) -> tuple[float, Any]:
    """Wall milliseconds of a call, and its result."""
    start = time.perf_counter()
    result = work()
    return (time.perf_counter() - start) * 1000, result


def main() -> None:
    """Measure and save."""
    data = test_data()
    if data is None:
        raise SystemExit("set ACTORREC_TEST_DATA to the folder of real photos")
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    with tempfile.TemporaryDirectory() as folder:
        ours, clock = our_recogniser(data, Path(folder) / "store"), NetClock()
        original = original_recogniser(Path(folder))
        measured: list[tuple[float, float, float]] = []
        for index, frame in enumerate([next(frames(data)), *frames(data)]):
            seconds = clock.seconds
            our_ms, (found, _) = timed_ms(lambda frame=frame: ours.recognise(frame))
            nets_ms = (clock.seconds - seconds) * 1000
            their_ms, their_faces = timed_ms(lambda frame=frame: original(frame))
            # A photo can show a passer-by; the first frame warms both sides up.
            if len(found) == their_faces == 3 and index:
                measured.append((our_ms, nets_ms, their_ms))
    ratio = statistics.median(theirs / our for our, _, theirs in measured)
    outside = statistics.median(1 - nets / our for our, nets, _ in measured)
    our, nets, theirs = (statistics.median(row[column] for row in measured) for column in range(3))
    rows = [
        Row(
            "infer, 640×360, 3 faces, 1 thread: against mtcnn package + ResNet50-Flatten-1024",
            "≥ 8× faster at the median",
            f"{ratio:.1f}× ({our:.0f} ms against {theirs:.0f} ms; n = {len(measured)})",
            ratio >= 8,
            COMMAND,
        ),
        Row(
            "the same: time outside the nets",
            "≤ 30 %",
            f"{outside:.0%} (nets {nets:.0f} ms of {our:.0f} ms)",
            outside <= 0.3,
            COMMAND,
        ),
    ]
    report("infer_speed", rows)


if __name__ == "__main__":
    main()
