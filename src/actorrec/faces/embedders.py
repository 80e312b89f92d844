"""Which embedder for which spec and file; and the spec of a net that a user brings."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from actorrec.errors import ConfigError, ModelContractError
from actorrec.faces import dlib_resnet29
from actorrec.faces.net_embedder import EmbedderNet, NetEmbedder
from actorrec.faces.protocols import Embedder
from actorrec.manifests.nets import EmbedderSpec, TemplateRecord, Triple
from actorrec.vision.align import TEMPLATES, FaceTemplate

DEFAULT_SPEC: Final = dlib_resnet29.SPEC

FileFormat = Literal["tflite", "onnx", "keras"]


def make_embedder(spec: EmbedderSpec, file: bytes | Path | None, *, num_threads: int = 1) -> Embedder:
    """Open an embedder: .tflite with LiteRT, .onnx with OpenCV, .keras with Keras; told apart by their content.

    Args:
        spec: What the net expects and gives.
        file: The net as a file or its bytes; None for the shipped one.
        num_threads: Threads of one run; OpenCV's are set for the whole process, Keras keeps its own.

    Raises:
        ModelContractError: If the file is not the net that the spec describes.
        MissingExtraError: If the packages that run it are not installed.
    """
    if file is None:
        if spec.model_id != DEFAULT_SPEC.model_id:
            raise ModelContractError(f"no net for {spec.model_id} is shipped", hint=f"shipped: {DEFAULT_SPEC.model_id}")
        file = dlib_resnet29.shipped_tflite()
    return NetEmbedder(_open_net(file, spec.model_id, num_threads), spec)


def embedder_of_model(model: Any, spec: EmbedderSpec) -> Embedder:
    """Wrap a Keras model that maps scaled faces to embeddings (``keras_backbones.build_backbone``)."""
    from actorrec.faces.keras_embedder import KerasNet

    return NetEmbedder(KerasNet(model, spec.model_id), spec)


def spec_for_file(
    path: Path,
    *,
    template: str | Sequence[tuple[float, float]],
    mean: Triple,
    std: Triple,
    colour_order: Literal["rgb", "bgr"] = "rgb",
    licence: str = "unknown",
) -> EmbedderSpec:
    """Describe a net that a user brings; size, axis order and width are read from the file, then tried once.

    Args:
        path: A .tflite, .onnx or .keras file.
        template: A name in ``align.TEMPLATES``, scaled to the net's input; or five (x, y) in px of that input.
        mean, std: (x − mean) / std per channel on the 0–255 scale, in the net's channel order.
        colour_order: Channel order of the net's input.
        licence: What the user knows of the licence of the weights.

    Returns:
        The spec; its ``model_id`` is the file's name and the first 12 hex digits of its SHA-256.

    Raises:
        ConfigError: If the file cannot be read, or the template or ``std`` is wrong.
        ModelContractError: If the file is not an embedder.
    """
    if 0 in std:
        raise ConfigError(f"std must not hold a zero: {std}")
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"cannot read the embedder {path}: {error.strerror}") from None
    net = _open_net(path, path.name, 1)
    size_px = net.input.side_px
    dim = net.run(np.zeros((1, size_px, size_px, 3), np.float32)).shape[1]
    if not 2 <= dim <= 65536:
        raise ModelContractError(f"{path.name}: expected an embedding of 2 to 65536 numbers, found {dim}")
    return EmbedderSpec(
        model_id=f"{_slug(path.stem)}-{digest[:12]}",
        template=template_record(template, size_px),
        mean=mean,
        std=std,
        colour_order=colour_order,
        layout=net.input.layout,
        dim=dim,
        licence=licence,
    )


def template_record(template: str | Sequence[tuple[float, float]], size_px: int) -> TemplateRecord:
    """Spell out a template at a net's input size.

    Args:
        template: A name in ``align.TEMPLATES``, scaled to ``size_px``; or five (x, y) in px.

    Raises:
        ConfigError: If there is no such template, it is not five points, or the size is not 16 to 1024 px.
    """
    if not 16 <= size_px <= 1024:
        raise ConfigError(f"a face template is 16 to 1024 px wide, not {size_px}")
    if not isinstance(template, str):
        if len(template) != 5 or any(len(point) != 2 for point in template):
            raise ConfigError(f"a template is five (x, y) points, not {template!r}")
        return _record(FaceTemplate(f"custom@{size_px}", size_px, tuple((float(x), float(y)) for x, y in template)))
    known = TEMPLATES.get(template)
    if known is None:
        raise ConfigError(f"there is no template '{template}'", hint=f"one of {', '.join(TEMPLATES)}, or five points")
    if known.size_px == size_px:
        return _record(known)
    scale = size_px / known.size_px
    points = tuple((round(x * scale, 3), round(y * scale, 3)) for x, y in known.points_px)
    return _record(FaceTemplate(f"{known.name}@{size_px}", size_px, points))


def _record(template: FaceTemplate) -> TemplateRecord:
    return TemplateRecord.model_validate(
        {"name": template.name, "size_px": template.size_px, "points_px": template.points_px}
    )


def _open_net(file: bytes | Path, name: str, num_threads: int) -> EmbedderNet:
    kind = _file_format(file, name)
    if kind == "tflite":
        from actorrec.faces.tflite_embedder import TfliteNet

        return TfliteNet(file, name, num_threads)
    if kind == "keras":
        from actorrec.faces.keras_embedder import KerasNet, load_keras

        return KerasNet(load_keras(file, name), name)
    from actorrec.faces.onnx_embedder import OnnxNet

    return OnnxNet(file, name, num_threads)


def _file_format(file: bytes | Path, name: str) -> FileFormat:
    """Tell by content: TFLite has its identifier at byte 4, .keras is a zip, ONNX opens with its version field."""
    try:
        head = file[:8] if isinstance(file, bytes) else _head(file)
    except OSError as error:
        raise ModelContractError(f"{name}: cannot read {file!r}: {error.strerror}") from None
    if head[4:8] == b"TFL3":
        return "tflite"
    if head[:4] == b"PK\x03\x04":
        return "keras"
    if head[:1] == b"\x08":
        return "onnx"
    raise ModelContractError(f"{name}: expected a .tflite, .onnx or .keras net, found a file that starts with {head!r}")


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(8)


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40] or "net"
