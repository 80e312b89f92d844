"""The two seams: what finds faces and what turns an aligned face into a vector."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.nets import EmbedderSpec
from actorrec.types import Face, UInt8Image


class FaceDetector(Protocol):
    """Finds faces. One contract suite (tests/contract/test_detectors.py) runs over every implementation."""

    @property
    def detector_id(self) -> str:
        """Stable name of the detector and its weights."""
        ...

    def detect(self, pixels: UInt8Image) -> list[Face]:
        """Find every face of a picture.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB; any size from 1×1 up.

        Returns:
            Faces in px of ``pixels``, highest score first; empty when there is none.
        """
        ...


class Embedder(Protocol):
    """Turns aligned faces into vectors."""

    @property
    def spec(self) -> EmbedderSpec:
        """What the net expects and gives."""
        ...

    def embed(self, crops: UInt8Image) -> NDArray[np.float32]:
        """Embed aligned faces.

        Args:
            crops: Shape (N, S, S, 3), uint8, RGB, aligned to the spec's template; N may be 0.

        Returns:
            Shape (N, D), float32, as the net gives them (not normalised).
        """
        ...
