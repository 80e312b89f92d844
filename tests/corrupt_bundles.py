"""Bundles that must not run, each wrong in one way, made from a good one; what a refusal of each must say."""

import hashlib
import io
import json
import os
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from actorrec.manifests.bundle import BundleCard, KnownAnswer
from actorrec.manifests.dataset import Person
from actorrec.recognition.bundle import CARD_NAME
from actorrec.recognition.bundle_zip import MAX_TOTAL_BYTES
from actorrec.recognition.gallery import gallery_to_bytes
from actorrec.recognition.known_answer import known_answer
from small_bundles import made_up_gallery, with_digests
from small_bundles import small_bundle as _small_bundle

Files = dict[str, bytes]
Put = Callable[[Path], object]


@cache
def _whole() -> tuple[BundleCard, Files]:
    return _small_bundle()


def small_bundle() -> tuple[BundleCard, Files]:
    """A card and files of the caller's own."""
    card, files = _whole()
    return card, dict(files)


def _packed(card: BundleCard | bytes, files: Files) -> bytes:
    return _zip_of({CARD_NAME: card if isinstance(card, bytes) else card.model_dump_json().encode(), **files})


def _zip_of(files: Files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return out.getvalue()


def _good() -> bytes:
    card, files = small_bundle()
    return _packed(with_digests(card, files), files)


def _file(make: Callable[[], bytes]) -> Put:
    """Put bytes there as a deployment does: whole, by a new file of that name."""

    def put(path: Path) -> None:
        beside = path.with_name(f".{path.name}.new")
        beside.write_bytes(make())
        beside.replace(path)

    return put


def _parts(change: Callable[[dict[str, Any], Files], object], **changes: Any) -> Put:
    """Change fields of the card and files; the digests are right again."""

    def make() -> bytes:
        card, files = small_bundle()
        fields: dict[str, Any] = {"self_test": _answer(), **changes}
        change(fields, files)
        return _packed(with_digests(card.model_copy(update=fields), files), files)

    return _file(make)


def _card(change: Callable[[dict[str, Any]], object]) -> Put:
    """Change the card's JSON itself."""

    def make() -> bytes:
        card, files = small_bundle()
        content = json.loads(with_digests(card, files).model_dump_json())
        change(content)
        return _packed(json.dumps(content).encode(), files)

    return _file(make)


def _zip_with(entry: zipfile.ZipInfo, data: bytes = b"x") -> bytes:
    out = io.BytesIO(_good())
    with warnings.catch_warnings(), zipfile.ZipFile(out, "a") as target:
        warnings.simplefilter("ignore")  # of a name that is there already
        target.writestr(entry, data)
    return out.getvalue()


def _link_entry() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("link")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


def _bomb() -> bytes:
    """Its directory promises 3 GiB."""
    data = bytearray(_good())
    directory = int.from_bytes(data[-6:-2], "little")
    data[directory + 24 : directory + 28] = struct.pack("<I", 3 << 30)
    return bytes(data)


def _flipped() -> bytes:
    data = bytearray(_good())
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


def _embedder(change: Callable[[bytearray], object]) -> Put:
    def changed(fields: dict[str, Any], files: Files) -> None:
        data = bytearray(files["embedder.tflite"])
        change(data)
        files["embedder.tflite"] = bytes(data)

    return _parts(changed)


@cache
def _answer() -> KnownAnswer:
    answer = known_answer(*small_bundle())
    assert answer is not None
    return answer


def _nan_weights(data: bytearray) -> None:
    """What is no number comes through to the end, or is cut to zero on its way: it depends on the kernels."""
    part = _largest_constant(data, np.float32)
    data[part] = b"\xff" * (part.stop - part.start)  # a float with all bits set is no number


def _other_weights(data: bytearray) -> None:
    part = _largest_constant(data, np.int8)
    data[part] = bytes(data[part])[::-1]


def _largest_constant(data: bytearray, dtype: type) -> slice:
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(model_content=bytes(data))
    net.allocate_tensors()
    typed = [detail["index"] for detail in net.get_tensor_details() if detail["dtype"] == dtype]
    held = [constant for index in typed if len(set(constant := _values(net, index))) > 50 and constant in data]
    known = max(held, key=len)
    start = data.index(known)
    return slice(start, start + len(known))


def _values(net: Any, index: int) -> bytes:
    """What a tensor holds; of one that is computed, whatever lies in its memory."""
    try:
        return bytes(net.get_tensor(index).tobytes())
    except ValueError:
        return b""


def _cut(data: bytearray) -> None:
    del data[len(data) // 3 :]


def _noise(data: bytearray) -> None:
    data[8:] = np.random.default_rng(1).bytes(len(data) - 8)


def _nan_gallery(fields: dict[str, Any], files: Files) -> None:
    gallery = made_up_gallery()
    gallery.prototypes[0, 0] = np.nan
    files["gallery.npz"] = gallery_to_bytes(gallery)


def _swapped_detector(fields: dict[str, Any], files: Files) -> None:
    files["pnet.tflite"], files["onet.tflite"] = files["onet.tflite"], files["pnet.tflite"]
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in small_bundle()[0].detector.files}
    fields["detector"] = _detector(files=digests)


def _detector(**changes: Any) -> Any:
    return small_bundle()[0].detector.model_copy(update=changes)


def _spec(**changes: Any) -> Any:
    return small_bundle()[0].embedder.model_copy(update=changes)


def _narrow(fields: dict[str, Any], files: Files) -> None:
    fields["embedder"] = _spec(dim=64)
    files["gallery.npz"] = gallery_to_bytes(made_up_gallery(dim=64))


def _answer_of_another(fields: dict[str, Any], files: Files) -> None:
    answer = _answer()
    turned = [[-number for number in row[::-1]] for row in answer.numbers]
    fields["self_test"] = answer.model_copy(update={"numbers": turned})


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _huge(path: Path) -> None:
    """Almost all of it a hole: it takes no room."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as out:
        out.truncate(MAX_TOTAL_BYTES + 1)
    beside.replace(path)


def _gallery(**changes: Any) -> Callable[[dict[str, Any], Files], object]:
    return lambda fields, files: files.update({"gallery.npz": gallery_to_bytes(made_up_gallery(**changes))})


def _nothing(fields: dict[str, Any], files: Files) -> None:
    """The card alone is changed."""


CORRUPT: Final[dict[str, tuple[Put, str]]] = {
    "empty": (_file(lambda: b""), "not a readable zip"),
    "no-zip": (_file(lambda: b"<html>not found</html>" * 100), "not a readable zip"),
    "cut": (_file(lambda: _good()[:-2000]), "not a readable zip"),
    "flipped-bit": (_file(_flipped), "damaged|wrong digest"),
    "climbing-name": (_file(lambda: _zip_with(zipfile.ZipInfo("../../etc/cron.d/x"))), "unsafe name"),
    "link-inside": (_file(lambda: _zip_with(_link_entry())), "not a plain file"),
    "name-twice": (_file(lambda: _zip_with(zipfile.ZipInfo("gallery.npz"))), "two entries"),
    "bomb": (_file(_bomb), "unpack to more"),
    "many-entries": (_file(lambda: _packed(b"{}", {f"f{n}": b"" for n in range(80)})), "81 entries"),
    "huge": (_huge, "more than"),
    "folder": (_folder, "no regular file"),
    "pipe": (_pipe, "no regular file"),
    "no-card": (_file(lambda: _zip_of(small_bundle()[1])), "no card.json"),
    "huge-card": (_file(lambda: _packed(b'{"schema_version": 1, "x": "' + b"x" * (9 << 20) + b'"}', {})), "more than"),
    "deep-card": (_file(lambda: _packed(b"[" * 100_000, {})), "no schema version"),
    "schema-of-the-future": (_card(lambda card: card.update(schema_version=99)), "schema version 99"),
    "unknown-key": (_card(lambda card: card.update(surprise=1)), "surprise"),
    "preprocessing-of-the-future": (_parts(_nothing, embedder=_spec(preprocess_version=2)), "preprocessing 2"),
    "wrong-digest": (_card(lambda card: card["files"].update({"rnet.tflite": "0" * 64})), "wrong digest"),
    "no-gallery": (_file(lambda: _without("gallery.npz")), "lacks gallery.npz"),
    "unlisted-file": (_file(lambda: _zip_with(zipfile.ZipInfo("extra.bin"))), "unlisted extra.bin"),
    "gallery-of-another": (_parts(_gallery(model_id="other-net")), "gallery made by other-net"),
    "gallery-of-another-width": (_parts(_gallery(dim=64)), "gallery of width 64"),
    "gallery-without-numbers": (_parts(_nan_gallery), "not finite unit vectors"),
    "gallery-that-is-none": (
        _parts(lambda fields, files: files.update({"gallery.npz": b"PK none"})),
        "gallery cannot be read",
    ),
    "people-of-another": (_parts(_nothing, people=[Person(person_id="Eve", name="Eve")]), "people that its gallery"),
    "labels-without-output": (_parts(_nothing, classes=["Ada", "Bea", "Cy"]), "no output named"),
    "embedder-cut": (_embedder(_cut), "crashed|not a TensorFlow Lite model|cannot run"),
    "embedder-of-noise": (_embedder(_noise), "crashed|not a TensorFlow Lite model|cannot run"),
    "embedder-without-numbers": (_embedder(_nan_weights), "no finite vector|does not give here"),
    "embedder-with-other-weights": (_embedder(_other_weights), "does not give here"),
    "embedder-of-another-width": (_parts(_narrow), "64"),
    "embedder-in-keras": (
        _parts(lambda fields, files: files.update({"embedder.tflite": b"PK\x03\x04 a .keras file"})),
        "no .tflite or .onnx",
    ),
    "scale-of-zero": (_parts(_nothing, embedder=_spec(std=(0.0, 0.0, 0.0))), "self-test failed"),
    "detector-swapped": (_parts(_swapped_detector), "pnet|onet|self-test failed"),
    "detector-unknown": (_parts(_nothing, detector=_detector(name="retina")), "no detector 'retina'"),
    "answer-of-another": (_parts(_answer_of_another), "does not give here"),
}
"""Name → what puts it at a path, and what a refusal says (a regular expression)."""


def _without(name: str) -> bytes:
    card, files = small_bundle()
    card = with_digests(card, files)
    del files[name]
    return _packed(card, files)
