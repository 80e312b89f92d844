"""Share of a fine-tuning step in which the device waits for its input.

    ACTORREC_TEST_DATA=DIR python benchmarks/gpu_wait.py [--cpu] [--faces 2000] [--people 50] [--steps 40]

Fine-tuning of the default backbone on real face crops, as `actorrec train --fine-tune` does it: batches of 32, cut in
threads while the net learns. Waiting is the time between the end of a step and the arrival of the next batch; each
step is waited for, so that what is left is the device's own time. Without a GPU there is nothing to report; ``--cpu``
measures this machine's cores all the same, which share their time with the threads that cut.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.faces.keras_runtime import import_tensorflow
from actorrec.manifests.dataset import DatasetManifest
from actorrec.training.backbone import open_backbone
from actorrec.training.crops import CropSource, ViewPlan
from actorrec.training.measure import class_indices
from actorrec.training.precision import precision_of
from actorrec.training.tuner import Tuner
from actorrec.training.tuning_data import BatchCutter, Share, TuningData
from actorrec.training.workers import ALONE
from actorrec.vision.align import FaceTemplate
from rows import Row, report, test_data
from training_speed import make_dataset, photos_of

GOAL = 0.10
WARM_UP_STEPS = 5


def seconds_of_steps(dataset: DatasetManifest, store: LocalStore, steps: int) -> tuple[list[float], list[float]]:
    """Seconds of waiting for each batch and of learning from it, the first ones left out."""
    config = Config()
    backbone = open_backbone(config.embedder, config.models)
    record = backbone.spec.template
    plan = ViewPlan(FaceTemplate(record.name, record.size_px, record.points_px))
    people = sorted({face.person_id for face in dataset.faces})
    classes = class_indices([face.person_id for face in dataset.faces], people)
    data = TuningData(dataset.faces, classes, CropSource(store, dataset), plan)
    tuner = Tuner(backbone, data.people, config.training, ALONE)
    waits: list[float] = []
    works: list[float] = []
    with BatchCutter(data, data.fetch(), backbone.spec, Share()).batches(0, 0) as batches:
        for _ in range(min(steps + WARM_UP_STEPS, data.steps)):
            start = time.perf_counter()
            batch = next(batches)
            there = time.perf_counter()
            float(tuner.learn_batch(batch))
            waits.append(there - start)
            works.append(time.perf_counter() - there)
    return waits[WARM_UP_STEPS:], works[WARM_UP_STEPS:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cpu", action="store_true", help="measure without a GPU")
    parser.add_argument("--faces", type=int, default=2000)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    tf = import_tensorflow()
    gpus, data = tf.config.list_physical_devices("GPU"), test_data()
    what, target = "share of a fine-tuning step in which the GPU waits for its input", f"≤ {GOAL:.0%}"
    command = "python benchmarks/gpu_wait.py"
    if not gpus and not arguments.cpu:
        report("gpu_wait", [Row(what, target, "skipped: no GPU", None, command)])
        return
    if data is None:
        report("gpu_wait", [Row(what, target, "not measured: no ACTORREC_TEST_DATA", None, command)])
        return
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder))
        dataset = make_dataset(store, photos_of(data, arguments.people), arguments.faces)
        waits, works = seconds_of_steps(dataset, store, arguments.steps)
    share = sum(waits) / (sum(waits) + sum(works))
    device = tf.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else "CPU"
    measured = (
        f"{share:.1%} of {1000 * float(np.mean(waits) + np.mean(works)):.0f} ms on {device}, "
        f"{precision_of(Config().training)}, n = {len(waits)} steps"
    )
    if gpus:
        report("gpu_wait", [Row(what, target, measured, share <= GOAL, command)])
    else:
        report("gpu_wait", [Row(what.replace("GPU", "CPU"), "", measured, None, f"{command} --cpu")])


if __name__ == "__main__":
    main()
