"""Making a detector by name, from a spec and its files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from actorrec.errors import ConfigError, ModelContractError
from actorrec.faces.haar import HaarDetector
from actorrec.faces.mtcnn import MtcnnDetector
from actorrec.faces.mtcnn_nets import NET_FILES, ONET, RNET, shipped_nets
from actorrec.faces.protocols import FaceDetector
from actorrec.faces.ssd import CAFFE_FILES, ONNX_FILE, SsdDetector
from actorrec.faces.yunet import FILE_NAME, YunetDetector
from actorrec.manifests.nets import DetectorSpec

_DEFAULTS: Final = {
    # The mtcnn package's last threshold is 0.8; on the development photos everything it finds between 0.8 and 0.94
    # is a hand, a text or a leaf (but for one face, which the second look finds).
    "mtcnn": DetectorSpec(name="mtcnn", detector_id="mtcnn-1.0.0", score_threshold=0.9, licence="MIT"),
    "yunet": DetectorSpec(name="yunet", detector_id="yunet-2023mar", score_threshold=0.7, licence="MIT"),
    "ssd": DetectorSpec(name="ssd", detector_id="ssd-res10-300", score_threshold=0.5),
    "haar": DetectorSpec(
        name="haar", detector_id="haar-frontalface-default", score_threshold=0.6, licence="Apache-2.0"
    ),
}
DETECTOR_NAMES: Final = tuple(_DEFAULTS)


def default_detector_spec(name: str) -> DetectorSpec:
    """The settings of a detector where the user gives none; its ``files`` are empty.

    Raises:
        ConfigError: If there is no detector of that name.
    """
    if name not in _DEFAULTS:
        raise ConfigError(f"there is no detector {name!r}", hint=f"one of: {', '.join(DETECTOR_NAMES)}")
    return _DEFAULTS[name]


def detector_files(name: str, path: Path | None = None) -> dict[str, bytes]:
    """The files that a bundle carries for a detector, by the names they have there.

    Args:
        name: ``mtcnn``, ``yunet``, ``ssd`` or ``haar``.
        path: The user's model: for yunet an .onnx; for ssd an .onnx, a .caffemodel or .prototxt with the other beside
            it, or a folder of both; for mtcnn and haar a folder with other nets, or None for the shipped ones.

    Raises:
        ConfigError: If there is no such detector, or a file it needs is missing or unreadable.
    """
    default_detector_spec(name)
    if name == "yunet":
        return {FILE_NAME: _read(_given(name, path))}
    landmark_nets = {net: content for net, content in shipped_nets().items() if net in (RNET, ONET)}
    if name == "ssd":
        return _ssd_files(_given(name, path)) | landmark_nets
    if path is not None:
        return {net: _read(path / net) for net in (NET_FILES if name == "mtcnn" else (RNET, ONET))}
    return shipped_nets() if name == "mtcnn" else landmark_nets


def make_detector(
    spec: DetectorSpec, files: Mapping[str, bytes | Path] | None = None, *, num_threads: int = 1
) -> FaceDetector:
    """A detector ready to use; not thread-safe, so make one per thread.

    Args:
        spec: Which one, and its settings. Where it lists files, those given must have the digests it says.
        files: Its files by the names of ``detector_files``; None for the shipped nets of mtcnn and haar.
        num_threads: CPU threads of its LiteRT nets; OpenCV's own thread count belongs to the process.

    Raises:
        ConfigError: If there is no such detector, or it needs a file that was not given.
        ModelContractError: If a file is not what the spec or the detector says.
        MissingExtraError: If a package it needs is not installed.
    """
    default_detector_spec(spec.name)
    if files is not None:
        _check_digests(spec, files)
    match spec.name:
        case "mtcnn":
            return MtcnnDetector(spec, files, num_threads=num_threads)
        case "haar":
            return HaarDetector(spec, files, num_threads=num_threads)
        case "ssd":
            return SsdDetector(spec, files or {}, num_threads=num_threads)
        case _:
            return YunetDetector(spec, files or {})


def _check_digests(spec: DetectorSpec, files: Mapping[str, bytes | Path]) -> None:
    for name, digest in spec.files.items():
        if name not in files:
            raise ModelContractError(f"the {spec.name} detector lacks its file {name}")
        content = files[name]
        if hashlib.sha256(content if isinstance(content, bytes) else _read(content)).hexdigest() != digest:
            raise ModelContractError(f"{name} of the {spec.name} detector is not the file its digest names")


def _given(name: str, path: Path | None) -> Path:
    if path is None:
        hint = (
            "actorrec models fetch yunet"
            if name == "yunet"
            else "name it with ACTORREC_DETECTOR__PATH or detector.path"
        )
        raise ConfigError(f"the {name} detector needs a model file", hint=hint)
    return path


def _ssd_files(path: Path) -> dict[str, bytes]:
    if path.suffix == ".onnx":
        return {ONNX_FILE: _read(path)}
    if path.is_dir():
        models = sorted(path.glob("*.caffemodel"))
        if len(models) != 1:
            raise ConfigError(f"{path} holds {len(models)} .caffemodel files, not one")
        path = models[0]
    prototxt = path.with_suffix(".prototxt")
    if not prototxt.is_file() and path.parent.is_dir():
        others = sorted(path.parent.glob("*.prototxt"))
        prototxt = others[0] if len(others) == 1 else prototxt
    return {CAFFE_FILES[0]: _read(prototxt), CAFFE_FILES[1]: _read(path.with_suffix(".caffemodel"))}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
