"""Which embedder for which spec and file."""

from pathlib import Path

from actorrec.errors import ModelContractError
from actorrec.faces import dlib_resnet29
from actorrec.faces.net_embedder import EmbedderNet, NetEmbedder
from actorrec.faces.protocols import Embedder
from actorrec.faces.tflite_embedder import TfliteNet
from actorrec.manifests.nets import EmbedderSpec

DEFAULT_SPEC = dlib_resnet29.SPEC


def make_embedder(spec: EmbedderSpec, file: bytes | Path | None, *, num_threads: int = 1) -> Embedder:
    """Open an embedder.

    Args:
        spec: What the net expects and gives.
        file: The net as a file or its bytes; None for the shipped one.
        num_threads: Threads of one run.

    Raises:
        ModelContractError: If the file is not the net that the spec describes.
    """
    if file is None:
        if spec.model_id != DEFAULT_SPEC.model_id:
            raise ModelContractError(f"no net is shipped for {spec.model_id}")
        file = dlib_resnet29.shipped_tflite()
    net: EmbedderNet = TfliteNet(file, spec.model_id, num_threads)
    return NetEmbedder(net, spec)
