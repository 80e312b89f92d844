"""An embedder over any net: the one preprocessing, batches of bounded size, and the checks they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.manifests.nets import EmbedderSpec
from actorrec.types import UInt8Image
from actorrec.vision.preprocess import PREPROCESS_VERSION, to_net_input

AxisOrder = Literal["nhwc", "nchw"]


@dataclass(frozen=True, slots=True)
class SquareInput:
    """A net's input as its file states it.

    Attributes:
        batch: Most faces a run takes.
        side_px: Side of the square picture.
        layout: Axis order.
        fixed_batch: A run takes exactly ``batch`` faces, as some files insist.
    """

    batch: int
    side_px: int
    layout: AxisOrder
    fixed_batch: bool

    @classmethod
    def parse(cls, shape: Sequence[int | None], name: str, *, open_batch: int = 1) -> Self:
        """Read it off an input's shape, where None or a number below 1 is an open axis.

        Args:
            shape: Four axes.
            name: How errors call the net.
            open_batch: Faces a run shall take where the file leaves that open.

        Raises:
            ModelContractError: If it is not one square picture of three channels and a stated side.
        """
        axes = [axis or -1 for axis in shape]
        layout: AxisOrder = "nchw" if len(axes) == 4 and axes[1] == 3 else "nhwc"
        square = axes[2:] if layout == "nchw" else axes[1:3]
        if len(axes) != 4 or 3 not in (axes[1], axes[3]) or square[0] != square[1] or square[0] < 1:
            found = ", ".join("?" if axis < 1 else str(axis) for axis in axes)
            raise ModelContractError(
                f"{name}: expected an input of shape (N, S, S, 3) or (N, 3, S, S), found ({found})",
                hint="an embedder takes one aligned face; is this a net of another kind?",
            )
        return cls(axes[0] if axes[0] > 0 else open_batch, square[0], layout, axes[0] > 0)

    def arrange(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring n ≤ ``batch`` faces, shape (n, S, S, 3), to the net's own shape; the last fills up a fixed batch."""
        if self.fixed_batch and len(inputs) < self.batch:
            inputs = np.concatenate([inputs, np.repeat(inputs[-1:], self.batch - len(inputs), axis=0)])
        return inputs if self.layout == "nhwc" else np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))


class EmbedderNet(Protocol):
    """What a runtime (LiteRT, OpenCV, Keras) has to offer."""

    @property
    def input(self) -> SquareInput:
        """What it takes."""
        ...

    def run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the net.

        Args:
            inputs: Shape (n, S, S, 3) whatever the layout, float32, scaled, 1 ≤ n ≤ ``input.batch``.

        Returns:
            Shape (n, D), float32, the caller's own.
        """
        ...


class NetEmbedder:
    """Embeds aligned faces with one net; not safe for use by two threads at once.

    Args:
        net: The runtime.
        spec: What the net expects and gives.

    Raises:
        ModelContractError: If the net's input size or axis order is not the spec's, or the spec asks for
            a preprocessing that this version does not have.
    """

    def __init__(self, net: EmbedderNet, spec: EmbedderSpec) -> None:
        if spec.preprocess_version != PREPROCESS_VERSION:
            raise ModelContractError(
                f"{spec.model_id}: made for preprocessing {spec.preprocess_version}, this is {PREPROCESS_VERSION}",
                hint="use the version of actorrec that made it, or make it again",
            )
        expected, found = (spec.template.size_px, spec.layout), (net.input.side_px, net.input.layout)
        if expected != found:
            raise ModelContractError(
                f"{spec.model_id}: expected an input of {expected[0]} px, {expected[1]}, "
                f"found {found[0]} px, {found[1]}"
            )
        self._net, self._spec = net, spec

    @property
    def spec(self) -> EmbedderSpec:
        """What the net expects and gives."""
        return self._spec

    def embed(self, crops: UInt8Image) -> NDArray[np.float32]:
        """Embed aligned faces.

        Args:
            crops: Shape (N, S, S, 3), uint8, RGB, aligned to the spec's template; N may be 0.

        Returns:
            Shape (N, D), float32, as the net gives them (not normalised).

        Raises:
            ValueError: If the crops are of another size or type (the message gives both).
            ModelContractError: If the net gives another width than the spec says.
        """
        spec, size_px = self._spec, self._spec.template.size_px
        if crops.ndim != 4 or crops.shape[1:] != (size_px, size_px, 3) or crops.dtype != np.uint8:
            raise ValueError(
                f"{spec.model_id} takes crops of shape (N, {size_px}, {size_px}, 3), uint8, "
                f"got {crops.shape}, {crops.dtype}"
            )
        embeddings = np.empty((len(crops), spec.dim), np.float32)
        for start in range(0, len(crops), self._net.input.batch):
            part = crops[start : start + self._net.input.batch]
            vectors = self._net.run(to_net_input(part, spec.mean, spec.std, spec.colour_order))
            if vectors.shape != (len(part), spec.dim):
                raise ModelContractError(
                    f"{spec.model_id}: expected embeddings {(len(part), spec.dim)}, found {vectors.shape}"
                )
            embeddings[start : start + len(part)] = vectors
        return embeddings
