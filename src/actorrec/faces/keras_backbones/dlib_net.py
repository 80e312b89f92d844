"""dlib's face ResNet-29 as a Keras functional model, with each affine folded into its convolution."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.faces.keras_runtime import import_keras

if TYPE_CHECKING:
    import keras

INPUT_PX: Final = 150
DIM: Final = 128
# (filters, strides of the residual blocks), in order from the input: the net dlib calls anet_type in its
# example dnn_face_recognition_ex.cpp (public domain weights, Boost licence for dlib itself).
_LEVELS: Final = ((32, (1, 1, 1)), (64, (2, 1, 1, 1)), (128, (2, 1, 1)), (256, (2, 1, 1)), (256, (2,)))


@dataclass(frozen=True, slots=True)
class ConvShape:
    """One convolution of the net: its layer name, square kernel side px, channels and stride."""

    name: str
    kernel_px: int
    channels_in: int
    channels_out: int
    stride: int


def conv_shapes() -> Iterator[ConvShape]:
    """Yield the 29 convolutions in the order in which both dlib and Keras run them."""
    yield ConvShape("conv_00", 7, 3, 32, 2)
    index, channels_in = 1, 32
    for filters, strides in _LEVELS:
        for stride in strides:
            yield ConvShape(f"conv_{index:02d}", 3, channels_in, filters, stride)
            yield ConvShape(f"conv_{index + 1:02d}", 3, filters, filters, 1)
            index, channels_in = index + 2, filters


def weight_shapes() -> dict[str, tuple[int, ...]]:
    """Name → shape of every weight array: ``conv_NN_kernel`` (h, w, in, out), ``conv_NN_bias``, ``dense_kernel``."""
    shapes: dict[str, tuple[int, ...]] = {}
    for conv in conv_shapes():
        shapes[f"{conv.name}_kernel"] = (conv.kernel_px, conv.kernel_px, conv.channels_in, conv.channels_out)
        shapes[f"{conv.name}_bias"] = (conv.channels_out,)
    shapes["dense_kernel"] = (_LEVELS[-1][0], DIM)
    return shapes


def build(weights: dict[str, NDArray[Any]] | None) -> "keras.Model":
    """Build the net.

    Args:
        weights: Arrays named and shaped as ``weight_shapes`` says, any float type; None leaves random ones.

    Returns:
        Maps (N, 150, 150, 3) float32 RGB, scaled as the spec says, to (N, 128) float32, not normalised.

    Raises:
        ModelContractError: If an array is missing, unknown or of another shape.
        MissingExtraError: If Keras is not installed.
    """
    keras = import_keras()
    inputs = keras.Input((INPUT_PX, INPUT_PX, 3), name="crops")
    shapes = conv_shapes()
    x = _conv(inputs, next(shapes), relu=True)
    x = keras.layers.MaxPooling2D(3, 2, name="pool_00")(x)
    for first in shapes:
        x = _residual(x, first, next(shapes))
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    outputs = keras.layers.Dense(DIM, use_bias=False, name="dense")(x)
    model = keras.Model(inputs, outputs, name="dlib_resnet29")
    if weights is not None:
        _assign(model, weights)
    return model


def _conv(x: Any, shape: ConvShape, *, relu: bool) -> Any:
    import keras

    # dlib pads a convolution by half its kernel only where the stride is 1.
    padding = "same" if shape.stride == 1 else "valid"
    activation = "relu" if relu else None
    layer = keras.layers.Conv2D(
        shape.channels_out, shape.kernel_px, shape.stride, padding, activation=activation, name=shape.name
    )
    return layer(x)


def _residual(x: Any, first: ConvShape, second: ConvShape) -> Any:
    """relu(conv(conv(x)) + shortcut), the smaller side padded with zeros at bottom, right and in channels."""
    import keras

    branch = _conv(_conv(x, first, relu=True), second, relu=False)
    shortcut = x if first.stride == 1 else keras.layers.AveragePooling2D(2)(x)
    side = max(branch.shape[1], shortcut.shape[1])
    added = keras.layers.Add()(
        [_zero_pad(branch, side, second.channels_out), _zero_pad(shortcut, side, branch.shape[3])]
    )
    return keras.layers.ReLU()(added)


def _zero_pad(x: Any, side: int, channels: int) -> Any:
    import keras

    missing_px, missing_channels = side - x.shape[1], channels - x.shape[3]
    if missing_px == 0 and missing_channels == 0:
        return x
    return keras.ops.pad(x, ((0, 0), (0, missing_px), (0, missing_px), (0, missing_channels)))


def _assign(model: "keras.Model", weights: dict[str, NDArray[Any]]) -> None:
    expected = weight_shapes()
    found = {name: array.shape for name, array in weights.items()}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        name = wrong[0]
        raise ModelContractError(
            f"dlib-resnet29 weights: '{name}' should be {expected.get(name)}, found {found.get(name)}",
            hint="use the weights that tools/make_dlib_resnet29.py writes",
        )
    for conv in conv_shapes():
        arrays = [weights[f"{conv.name}_kernel"], weights[f"{conv.name}_bias"]]
        model.get_layer(conv.name).set_weights([array.astype(np.float32) for array in arrays])
    model.get_layer("dense").set_weights([weights["dense_kernel"].astype(np.float32)])
