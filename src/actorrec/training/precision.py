"""Float16 where a GPU is fast with it, float32 where numbers are kept."""

from typing import Any, Final, Literal

from actorrec.faces.keras_runtime import import_keras, import_tensorflow
from actorrec.sections import TrainingSection

MIXED: Final = "mixed_float16"


def precision_of(settings: TrainingSection) -> Literal["float32", "mixed_float16"]:
    """What the setting means on this machine: ``auto`` is mixed where there is a GPU."""
    if settings.precision != "auto":
        return settings.precision
    return MIXED if import_tensorflow().config.list_physical_devices("GPU") else "float32"


def in_mixed_precision(net: Any) -> Any:
    """A copy that computes in float16 and keeps its weights in float32; they may be put back with ``set_weights``."""
    keras = import_keras()

    def mixed(layer: Any) -> Any:
        config = layer.get_config()
        # Operations such as padding are no layers, and compute in what they are given.
        if isinstance(layer, keras.layers.Layer) and not isinstance(layer, keras.layers.InputLayer):
            config["dtype"] = MIXED
        return type(layer).from_config(config)

    copy = keras.models.clone_model(net, clone_function=mixed, recursive=True)
    copy.set_weights(net.get_weights())
    copy.trainable = True
    return copy
