"""``model.tar.gz`` of a job: what is taken out of it, and everything that is refused."""

import gzip
import io
import json
import subprocess
import sys
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from actorrec.artifacts import trained as reading
from actorrec.artifacts.trained import Trained, unpack_trained
from actorrec.errors import ArtifactError, ModelContractError
from trained_archives import BUNDLE, MODEL_FILES, contents, entry, made_bundle, made_model, packed, record

MODEL = made_model({"dataset/abcdabcdabcdabcd": "0" * 64})
WHOLE = contents(MODEL, made_bundle(MODEL))


def unpack(folder: Path, data: bytes) -> Trained:
    (folder / "model.tar.gz").write_bytes(data)
    (folder / "out").mkdir()
    return unpack_trained(folder / "model.tar.gz", folder / "out")


def refused(folder: Path, data: bytes, said: str) -> None:
    with pytest.raises(ModelContractError, match=said) as caught:
        unpack(folder, data)
    assert caught.value.message.startswith("model.tar.gz ") and caught.value.hint
    outside = {path for path in folder.iterdir() if path.name not in ("model.tar.gz", "out")}
    assert not outside, "nothing is written anywhere else"
    assert sum(path.stat().st_size for path in (folder / "out").iterdir()) <= sum(map(len, WHOLE.values()))


@pytest.mark.parametrize("prefix", ["", "./"])
def test_model_and_bundle_come_out_and_the_rest_stays(tmp_path: Path, prefix: str) -> None:
    found = unpack(tmp_path, packed(WHOLE, prefix=prefix))
    assert found.model == MODEL and found.bundle == made_bundle(MODEL)
    assert {name: path.read_bytes() for name, path in found.files.items()} == {
        f"model/{MODEL.key}/model.keras": MODEL_FILES["model.keras"],
        f"model/{MODEL.key}/gallery.npz": MODEL_FILES["gallery.npz"],
        "bundle/fedcba9876543210/bundle.zip": BUNDLE,
    }
    assert set(found.ignored) == {"metrics.json", "1/saved_model.pb", "1/variables/variables.index"}
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_model_without_a_bundle_is_a_model(tmp_path: Path) -> None:
    found = unpack(tmp_path, packed(contents(MODEL, None)))
    assert found.bundle is None and len(found.files) == 2


def test_folders_and_long_names_are_no_harm(tmp_path: Path) -> None:
    folders = [(entry(name, tarfile.DIRTYPE), b"") for name in (".", "./", "1", "./1/variables/")]
    found = unpack(tmp_path, packed(WHOLE, [*folders, (entry("1/" + "x" * 300), b"long")]))
    assert found.model == MODEL


@pytest.mark.parametrize("name", ["/etc/passwd", "../out", "a/../../b", "a\\b", "a//b", "./../x", "..", "x" * 500])
def test_names_that_climb_are_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, packed(WHOLE, [(entry(name), b"evil")]), "unsafe name")


def test_a_name_that_ends_early_for_the_system_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, packed(WHOLE, [(entry("x", pax_headers={"path": "1/x\0.pb"}), b"evil")]), "unsafe name")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "manifest.json"), (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""), (tarfile.FIFOTYPE, ""), (tarfile.GNUTYPE_SPARSE, ""),
    ],
)  # fmt: skip
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    refused(tmp_path, packed(WHOLE, [(entry("strange", kind, linkname=target), b"")]), "not a plain file")


def test_a_link_in_place_of_the_model_is_refused(tmp_path: Path) -> None:
    files = {name: data for name, data in WHOLE.items() if name != "model.keras"}
    refused(tmp_path, packed(files, [(entry("model.keras", tarfile.SYMTYPE, linkname="/etc/hosts"), b"")]), "plain")


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, packed(WHOLE, [(entry("./model.keras"), b"the second")]), "two files named 'model.keras'")


@pytest.mark.parametrize("name", ["model.keras", "bundle.zip"])
def test_a_file_that_was_changed_is_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, packed({**WHOLE, name: WHOLE[name][::-1]}), f"{name} that was changed")
    (tmp_path / "again").mkdir()
    refused(tmp_path / "again", packed({**WHOLE, name: WHOLE[name] + b"x"}), "its manifest says")


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, packed({k: v for k, v in WHOLE.items() if k != "gallery.npz"}), "lacks gallery.npz")


def test_without_a_manifest_it_is_no_model_of_ours(tmp_path: Path) -> None:
    refused(tmp_path, packed({k: v for k, v in WHOLE.items() if k != "manifest.json"}), "has no manifest.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no JSON"), (b"\xff\xfe", "no JSON"), (b"[" * 100_000, "no JSON"), (b"[]", "does not understand"),
        (b'{"kind": "model", "key": "abcd"}', "does not understand"),
        (MODEL.model_dump_json().replace('"kind":"model"', '"kind":"model","more":1').encode(), "more: Extra inputs"),
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: bytes, said: str) -> None:
    refused(tmp_path, packed({**WHOLE, "manifest.json": text}), said)


def test_manifests_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    other = made_model({}, metrics={"epochs": 4.0})
    cases = {
        "not made from its model": contents(MODEL, made_bundle(other)),
        "names other files": contents(MODEL, made_bundle(MODEL, files=[record("x.zip", BUNDLE)])),
        "names a file twice": contents(made_model({}, files=MODEL.files * 2), None),
        "as one of its own": contents(made_model({}, files=[record("manifest.json", b"")]), None),
    }
    for number, (said, files) in enumerate(cases.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        refused(folder, packed(files), said)


def test_a_file_that_claims_to_be_small_in_the_manifest_is_not_written(tmp_path: Path) -> None:
    files = {**WHOLE, "model.keras": bytes(20 << 20)}
    refused(tmp_path, packed(files), "its manifest says 800")


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {
        f"more than {reading.MAX_ENTRIES} entries": packed({f"x{n}": b"" for n in range(reading.MAX_ENTRIES + 1)}),
        "would unpack to more": _claiming(reading.MAX_TOTAL_BYTES + 1),
        "manifest.json of": packed({"manifest.json": bytes(reading.MAX_MANIFEST_BYTES + 1)}),
        "headers of more": gzip.compress(_huge_header(200 << 20), 1),
    }
    tracemalloc.start()
    for number, (said, data) in enumerate(cases.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        tracemalloc.reset_peak()
        refused(folder, data, said)
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
    tracemalloc.stop()


def _claiming(size: int) -> bytes:
    """A tar whose one file says that it is so large."""
    return gzip.compress(entry("big", size=size).tobuf(tarfile.GNU_FORMAT) + bytes(10240))


def _huge_header(size: int) -> bytes:
    """A tar whose first entry is a header about the next one, and fills the memory."""
    return entry("pax", tarfile.XHDTYPE, size=size).tobuf(tarfile.USTAR_FORMAT) + bytes(size)


def test_headers_of_headers_do_not_break_the_stack(tmp_path: Path) -> None:
    one = entry("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=2).tobuf(tarfile.GNU_FORMAT) + b"x\0".ljust(512, b"\0")
    with pytest.raises(ModelContractError):
        unpack(tmp_path, gzip.compress(one * 5000 + bytes(1024)))


def test_every_cut_is_seen(tmp_path: Path) -> None:
    data = packed(WHOLE)  # its last bytes are padding, after which no file comes
    for number, length in enumerate(range(0, len(data) - 64, max(1, len(data) // 40))):
        folder = tmp_path / str(number)
        folder.mkdir()
        refused(folder, data[:length], "damaged or cut|lacks|has no")


def test_every_changed_byte_is_seen_or_harmless(tmp_path: Path) -> None:
    data = packed(WHOLE)
    for number, place in enumerate(range(0, len(data), max(1, len(data) // 60))):
        folder = tmp_path / str(number)
        folder.mkdir()
        changed = bytearray(data)
        changed[place] ^= 0x55
        try:
            found = unpack(folder, bytes(changed))
        except ModelContractError:
            continue
        assert found.model == MODEL  # a byte of gzip's own header


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", bytes(range(256)) * 8, gzip.compress(b"", mtime=0), gzip.compress(b"x" * 999, mtime=0)]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    refused(tmp_path, data, "damaged or cut|has no manifest.json")


def test_a_disk_that_takes_no_more_is_said(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(packed(WHOLE))
    with pytest.raises(ArtifactError, match="cannot unpack"):
        unpack_trained(tmp_path / "model.tar.gz", tmp_path / "no such folder")


def test_it_needs_neither_tensorflow_nor_an_account(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(packed(WHOLE))
    (tmp_path / "out").mkdir()
    code = (
        "import sys; from pathlib import Path; from actorrec.artifacts.trained import unpack_trained\n"
        "unpack_trained(Path('a.tar.gz'), Path('out'))\n"
        "import json; print(json.dumps([n for n in ('tensorflow', 'keras', 'boto3', 'cv2') if n in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []


def test_a_gzip_of_gzips_is_read_as_one(tmp_path: Path) -> None:
    plain = io.BytesIO(gzip.decompress(packed(WHOLE))).getvalue()
    found = unpack(tmp_path, gzip.compress(plain[:5000]) + gzip.compress(plain[5000:]))
    assert found.model == MODEL
