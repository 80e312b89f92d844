"""Nets named on the command line: by a registered name, or as a file of the user's."""

from pathlib import Path
from typing import Any


def net_flags(*, detector: str | None = None, embedder: str | None = None) -> dict[str, Any]:
    """Settings for ``--detector`` and ``--embedder``; an embedder may be a file."""
    flags: dict[str, Any] = {"detector.name": detector}
    if embedder is not None and Path(embedder).suffix in (".tflite", ".onnx", ".keras"):
        flags["embedder.path"] = embedder
    else:
        flags["embedder.name"] = embedder
    return flags
