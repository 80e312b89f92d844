"""What this machine and a container of SageMaker agree on: channels, hyperparameters, files of the archive."""

from typing import Final

CHANNEL_TRAIN: Final = "train"
"""Channel with the data set: a folder with ``manifest.json`` and its files, or one ``dataset.npz``."""
CHANNEL_NETS: Final = "nets"
"""Channel with nets of the user's own (``embedder.path``, ``embedder.weights``, ``detector.path``), by file name."""

HYPERPARAMETER_SECTIONS: Final = ("embedder", "detector", "training", "calibration", "edge")
"""Sections that travel, each set key as ``section.key`` → JSON text. ``rights.allow_restricted`` travels too."""
NET_SETTINGS: Final = ("embedder.path", "embedder.weights", "detector.path")
"""Settings that may name a file; in a container they hold the file's name inside ``CHANNEL_NETS``."""
DATASET_PARAMETER: Final = "dataset"
"""Hyperparameter: ``dataset/KEY`` that the channel must hold."""

TRAINING_PROGRAM: Final = "train.py"
"""Script at the top of ``sourcedir.tar.gz``; it calls ``actorrec.training.entrypoint``."""

# Inside /opt/ml/model, and so inside model.tar.gz, beside the model's own files under their own names:
MODEL_MANIFEST: Final = "manifest.json"
BUNDLE_MANIFEST: Final = "bundle.json"
BUNDLE_FILE: Final = "bundle.zip"
SAVED_MODEL: Final = "1"
"""Folder of the SavedModel: a version number, as TensorFlow Serving wants it."""
METRICS_FILE: Final = "metrics.json"

METRIC_LINE: Final = "metrics:"
"""Beginning of a log line that carries measures: ``metrics: epoch=3 loss=0.41 val_loss=0.5``."""
METRIC_NAMES: Final = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "faces_per_s")
