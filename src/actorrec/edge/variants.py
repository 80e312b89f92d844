"""Keras to TensorFlow Lite, four ways."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import TemporaryFileError
from actorrec.faces.keras_runtime import import_keras, import_tensorflow, stderr_closed

VariantName = Literal["float32", "float16", "dynamic", "int8"]
VARIANTS: Final[tuple[VariantName, ...]] = ("float32", "float16", "dynamic", "int8")
FLOAT_VARIANTS: Final = frozenset({"float32", "float16"})


@contextmanager
def exported(model: Any) -> Iterator[Path]:
    """The model as a SavedModel for one item a run; gone at the end.

    ``Model.export`` is used because converting a concrete function of a Keras 3 model, or saving a ``tf.Module``
    around one, silently leaves the weights out. A batch of one fixes every shape, which XNNPACK needs to take all
    of the graph.

    Raises:
        TemporaryFileError: If the temporary folder cannot take it.
    """
    keras = import_keras()
    tf = import_tensorflow()
    only = model.inputs[0]
    inputs = keras.Input(batch_shape=(1, *only.shape[1:]), name=only.name)
    single = keras.Model(inputs, model(inputs, training=False), name="device")
    with TemporaryDirectory() as folder:
        try:
            with stderr_closed():
                single.export(folder, format="tf_saved_model", verbose=False)
        except (tf.errors.OpError, OSError) as error:
            # TensorFlow's "{{node …}} path; No space left on device [Op:SaveV2]": the middle is for people.
            raise TemporaryFileError(folder, str(error).rpartition("; ")[2].partition(" [Op")[0]) from None
        yield Path(folder)


def to_tflite(saved_model: Path, variant: VariantName, representative: NDArray[np.float32]) -> bytes:
    """Convert. Inputs and outputs stay float32 in every variant.

    Args:
        saved_model: From ``exported``.
        variant: ``float16`` and ``dynamic`` shrink weights alone, ``int8`` also the activations.
        representative: Shape (N, …), float32: inputs that int8 takes its ranges from.
    """
    tf = import_tensorflow()
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=["serving_default"])
    if variant != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if variant == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if variant == "int8":
        converter.representative_dataset = lambda: ([item[None]] for item in representative)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    with stderr_closed():  # the converter reports on file descriptor 2
        converted: bytes = converter.convert()
    return converted
