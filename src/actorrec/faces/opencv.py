"""What the detectors that run in OpenCV share: importing it, and reading the user's model files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actorrec.errors import ConfigError, MissingExtraError


def import_cv2() -> Any:
    """OpenCV, imported on first use.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("edge", "opencv-python-headless") from error
    return cv2


def file_bytes(detector: str, files: Mapping[str, bytes | Path], name: str) -> bytes:
    """One of a detector's files.

    Raises:
        ConfigError: If it was not given or cannot be read.
    """
    if name not in files:
        raise ConfigError(f"the {detector} detector needs the file {name}", hint=f"actorrec models fetch {detector}")
    content = files[name]
    if isinstance(content, bytes):
        return content
    try:
        return content.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {content}: {error.strerror}") from error
