"""The real faces that a conversion is tried on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ParityError
from actorrec.manifests.dataset import DatasetManifest, FaceRecord
from actorrec.manifests.nets import EmbedderSpec
from actorrec.recognition.crops import read_crop, recrop
from actorrec.types import UInt8Image
from actorrec.vision.align import FaceTemplate
from actorrec.vision.preprocess import to_net_input

MAX_PARITY_FACES = 400
"""More would only take longer: one wrong name in 400 is below the loss that is allowed."""
REPRESENTATIVE_FACES = 150
"""Faces that int8 conversion takes its ranges from; TensorFlow's guide names 100 to 500."""


@dataclass(frozen=True, slots=True, eq=False)
class TrialFaces:
    """Aligned faces and who they are.

    Attributes:
        crops: Shape (N, S, S, 3), uint8, RGB, on the embedder's template.
        person_ids: N ids.
    """

    crops: UInt8Image
    person_ids: tuple[str, ...]


def trial_faces(
    store: ArtifactStore, dataset: DatasetManifest, spec: EmbedderSpec, people: Sequence[str]
) -> TrialFaces:
    """Faces to compare source and conversion on: the test side, or the training side where there is no other.

    Raises:
        ParityError: If the data set has no face of these people.
    """
    known = set(people)
    of_known = [face for face in dataset.faces if face.person_id in known]
    faces = [face for face in of_known if face.split == "test"] or of_known
    if not faces:
        raise ParityError(f"{dataset.ref} has no face to try the conversion on")
    chosen = _spread(faces, MAX_PARITY_FACES)
    return TrialFaces(_crops(store, dataset, chosen, spec), tuple(face.person_id for face in chosen))


def representative_inputs(store: ArtifactStore, dataset: DatasetManifest, spec: EmbedderSpec) -> NDArray[np.float32]:
    """Inputs of the training side for int8 ranges, shape (N, …) in the net's own layout, float32, scaled."""
    return net_inputs(representative_crops(store, dataset, spec), spec)


def representative_crops(store: ArtifactStore, dataset: DatasetManifest, spec: EmbedderSpec) -> UInt8Image:
    """The same faces as they are before that: shape (N, S, S, 3), uint8, RGB."""
    faces = _spread([face for face in dataset.faces if face.split == "train"], REPRESENTATIVE_FACES)
    return _crops(store, dataset, faces, spec)


def net_inputs(crops: UInt8Image, spec: EmbedderSpec) -> NDArray[np.float32]:
    """Crops, shape (N, S, S, 3) uint8 RGB, as the net of the spec takes them: scaled float32 in its own layout."""
    values = to_net_input(crops, spec.mean, spec.std, spec.colour_order)
    return values if spec.layout == "nhwc" else np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def _spread(faces: Sequence[FaceRecord], most: int) -> list[FaceRecord]:
    """At most ``most`` of them, evenly over the list, so that every person has a part."""
    step = max(1.0, len(faces) / most)
    return [faces[int(index * step)] for index in range(min(most, len(faces)))]


def _crops(
    store: ArtifactStore, dataset: DatasetManifest, faces: Sequence[FaceRecord], spec: EmbedderSpec
) -> UInt8Image:
    template = FaceTemplate(spec.template.name, spec.template.size_px, spec.template.points_px)
    return np.stack([recrop(read_crop(store, dataset, face), face.crop_landmarks, template) for face in faces])
