"""Taking the head out of a bundle: its weights are prototypes of the people it was trained on."""

from dataclasses import replace

from actorrec.faces.dlib_resnet29 import shipped_tflite
from actorrec.faces.embedders import DEFAULT_SPEC
from actorrec.faces.litert import LiteRtNet
from actorrec.recognition.bundle import Bundle
from actorrec.recognition.bundle_contract import PROBABILITIES


def without_labels(bundle: Bundle) -> tuple[Bundle, bool]:
    """The same bundle without a head, as far as that can be.

    A head that is a file of its own is left out. One inside an end-to-end net goes with the net, if its embedder is
    the shipped one, which then takes its place; another net keeps it.

    Returns:
        The bundle, and whether nothing of the head is left in it.
    """
    card, files = bundle.card, dict(bundle.files)
    if card.head_file is not None:
        del files[card.head_file]
    changes: dict[str, object] = {"classes": None, "head_file": None}
    inside = card.embedder_file.endswith(".tflite") and PROBABILITIES in _outputs(bundle)
    replaceable = card.embedder.model_id == DEFAULT_SPEC.model_id
    if inside and replaceable:
        files[card.embedder_file] = shipped_tflite().read_bytes()
        changes["variants"] = []
    return replace(bundle, card=card.model_copy(update=changes), files=files), not inside or replaceable


def _outputs(bundle: Bundle) -> tuple[str, ...]:
    return LiteRtNet(bundle.embedder_file(), name=bundle.name).output_names
