"""A brought ``.tflite`` or ``.onnx`` embedder: it travels as it is, and only its head is converted."""

from pathlib import PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.store import ArtifactStore
from actorrec.edge.answers import Answers, keras_answers, median_ms, tflite_answers
from actorrec.edge.faces import TrialFaces
from actorrec.edge.packed import Packed
from actorrec.edge.parity import compare, refuse
from actorrec.edge.variants import exported, to_tflite
from actorrec.edge.verified import verified_file
from actorrec.faces.embedders import make_embedder
from actorrec.faces.keras_embedder import load_keras
from actorrec.faces.litert import LiteRtNet
from actorrec.manifests.bundle import VariantReport
from actorrec.manifests.model import ModelManifest
from actorrec.recognition.gallery import gallery_from_bytes
from actorrec.vision.similarity import normalise

_FORM: Final = "as-brought"


def pack_brought(model: ModelManifest, faces: TrialFaces, store: ArtifactStore) -> Packed:
    """Copy the net, convert the head, and compare both with what training used.

    Raises:
        ModelContractError: If a file in the store is not the one that training wrote.
        ParityError: If its runtime, or the converted head, gives other answers than training saw.
    """
    assert model.embedder_file is not None
    net = verified_file(store, model, model.embedder_file).read_bytes()
    units = _embed(model, net, faces)
    head = load_keras(verified_file(store, model, model.model_file), model.ref)
    with exported(head) as saved:
        converted = to_tflite(saved, "float32", units)
    source = keras_answers(head, units)
    found = tflite_answers(LiteRtNet(converted, name="head.tflite"), units)
    gallery = gallery_from_bytes(verified_file(store, model, model.gallery_file).read_bytes())
    # The bundle's net on the trial faces against Keras on the same: the head passes its input on as `embedding`.
    parity = compare(Answers(units, source.probabilities), found, gallery, model.calibration)
    if problem := parity.problem(_FORM):
        raise refuse(_FORM, problem)
    name = f"embedder{PurePosixPath(model.embedder_file).suffix}"
    embedder = make_embedder(model.embedder, net, num_threads=1)
    [median] = median_ms([lambda index: embedder.embed(faces.crops[index % len(faces.crops)][None])])
    report = VariantReport(
        name=_FORM,
        bytes=len(net),
        median_ms=round(median, 3),
        min_cosine=round(parity.min_cosine, 6),
        accuracy_loss=0.0,
        chosen=True,
    )
    return Packed({name: net, "head.tflite": converted}, name, "head.tflite", [report])


def _embed(model: ModelManifest, net: bytes, faces: TrialFaces) -> NDArray[np.float32]:
    """Unit embeddings by the net's own runtime, which must not depend on its number of threads."""
    units = [
        normalise(make_embedder(model.embedder, net, num_threads=threads).embed(faces.crops))[0] for threads in (1, 2)
    ]
    least = float(np.min(np.sum(units[0] * units[1], axis=1)))
    if not least >= 0.9999:  # also when it is not a number
        raise refuse(_FORM, f"the net does not repeat its own answers (cosine {least:.4f})")
    return units[0]
