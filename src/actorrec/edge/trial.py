"""Making variants of a model and trying each on real faces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.edge.answers import Answers, keras_answers, median_ms, tflite_answers
from actorrec.edge.faces import TrialFaces, net_inputs
from actorrec.edge.parity import compare
from actorrec.edge.variants import VariantName, exported, to_tflite
from actorrec.errors import ModelContractError
from actorrec.faces.litert import LiteRtNet
from actorrec.manifests.bundle import VariantReport
from actorrec.manifests.model import Calibration
from actorrec.manifests.nets import EmbedderSpec
from actorrec.progress import Progress
from actorrec.types import Gallery


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What conversions are tried with.

    Attributes:
        model: The end-to-end Keras model.
        spec: How faces are scaled for it.
        faces: To compare on.
        representative: Shape (N, …), float32: inputs for int8 ranges.
        gallery, calibration: What turns embeddings into names.
        max_accuracy_loss: Share of trial faces that may lose their right name.
    """

    model: Any
    spec: EmbedderSpec
    faces: TrialFaces
    representative: NDArray[np.float32]
    gallery: Gallery
    calibration: Calibration
    max_accuracy_loss: float

    def run(self, names: Sequence[VariantName], progress: Progress) -> list[tuple[VariantReport, bytes]]:
        """Convert to each variant, compare it with Keras, and time them all side by side on one thread."""
        inputs = net_inputs(self.faces.crops, self.spec)
        source = keras_answers(self.model, inputs)
        tried: list[tuple[VariantReport, bytes]] = []
        with progress.step("converting", len(names), "variants") as step, exported(self.model) as saved:
            for name in names:
                data = to_tflite(saved, name, self.representative)
                tried.append((self.report(name, data, source, inputs), data))
                step.advance()
        return _timed(tried, inputs)

    def report(self, name: VariantName, data: bytes, source: Answers, inputs: NDArray[np.float32]) -> VariantReport:
        """Compare one converted file with its source; a file that cannot be run is refused, like a wrong one."""
        try:
            found = tflite_answers(LiteRtNet(data, name=name), inputs)
        except ModelContractError as error:
            return VariantReport(name=name, bytes=len(data), refused=error.message)
        parity = compare(source, found, self.gallery, self.calibration)
        loss = accuracy(source, self.faces, self.gallery) - accuracy(found, self.faces, self.gallery)
        problem = parity.problem(name)
        if not problem and loss > self.max_accuracy_loss:
            problem = f"{loss:.1%} of the faces lose their right name, {self.max_accuracy_loss:.1%} may"
        return VariantReport(
            name=name,
            bytes=len(data),
            min_cosine=round(parity.min_cosine, 6) if np.isfinite(parity.min_cosine) else None,
            accuracy_loss=round(loss, 6),
            refused=problem,
        )


def accuracy(answers: Answers, faces: TrialFaces, gallery: Gallery) -> float:
    """Share of faces whose nearest prototype is their own person's."""
    nearest = (answers.embeddings @ gallery.prototypes.T).argmax(axis=1)
    right = sum(gallery.person_ids[row] == person for row, person in zip(nearest, faces.person_ids, strict=True))
    return float(right / len(faces.person_ids))


def _timed(tried: list[tuple[VariantReport, bytes]], inputs: NDArray[np.float32]) -> list[tuple[VariantReport, bytes]]:
    running = [index for index, (report, _) in enumerate(tried) if report.min_cosine is not None]
    nets = [LiteRtNet(tried[index][1], name=tried[index][0].name) for index in running]
    medians = median_ms([_runner(net, inputs) for net in nets])
    timed = list(tried)
    for index, median in zip(running, medians, strict=True):
        report, data = tried[index]
        timed[index] = (report.model_copy(update={"median_ms": round(median, 3)}), data)
    return timed


def _runner(net: LiteRtNet, inputs: NDArray[np.float32]) -> Any:
    return lambda index: net.run(inputs[index % len(inputs)][None])
