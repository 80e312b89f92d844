"""Zips that mean harm, one way at a time."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorrec.errors import ModelContractError
from actorrec.recognition import bundle_zip
from actorrec.recognition.bundle import CARD_NAME, open_bundle
from actorrec.recognition.bundle_zip import HostileZip, write_zip
from small_bundles import small_bundle, with_digests


def zip_of(*entries: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as target:
        for name, data in entries:
            target.writestr(name, data)
    return out.getvalue()


def refused(data: bytes, message: str) -> None:
    with pytest.raises(ModelContractError, match=message):
        HostileZip(data, name="b.zip").read("a")


@pytest.mark.parametrize(
    "name",
    ["../a", "/etc/a", "a/../../b", "a//b", "./a", "a/.", "", "C:/a", "a\\b", "..\\a", "\\\\host\\a", "a/"],
)
def test_names_that_climb_out(name: str) -> None:
    # The name goes in behind zipfile's back, which would tidy some of them.
    entry = zipfile.ZipInfo("x" * max(1, len(name)))
    data = zip_of((entry, b"1"))
    data = data.replace(entry.filename.encode(), name.encode() or b"\0")
    refused(data, "unsafe name")


def test_a_name_cut_by_a_nul_byte() -> None:
    refused(zip_of(("a#../b", b"1")).replace(b"a#../b", b"a\0../b"), "unsafe name")


def test_two_entries_of_one_name() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zip_of(("a", b"1"), ("a", b"2"))
    refused(data, "two entries named 'a'")


def test_a_symbolic_link() -> None:
    entry = zipfile.ZipInfo("a")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    refused(zip_of((entry, b"/etc/passwd")), "not a plain file")


def test_an_encrypted_entry() -> None:
    data = bytearray(zip_of(("a", b"1")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    refused(bytes(data), "encrypted")


def test_a_compression_that_is_not_ours() -> None:
    refused(zip_of(("a", b"1"), compression=zipfile.ZIP_BZIP2), "compression")


def test_too_many_entries() -> None:
    refused(zip_of(*((f"f{index}", b"") for index in range(65))), "65 entries")


def test_an_honest_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_zip, "MAX_TOTAL_BYTES", 1 << 20)
    refused(zip_of(("a", bytes(2 << 20)), compression=zipfile.ZIP_DEFLATED), "unpack to more than")


@pytest.mark.parametrize("declared", [1, 10, (8 << 20) - 1])
def test_a_bomb_that_lies_about_its_size(declared: int) -> None:
    data = bytearray(zip_of(("a", bytes(8 << 20)), compression=zipfile.ZIP_DEFLATED))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, declared)
    struct.pack_into("<I", data, 22, declared)
    refused(bytes(data), "damaged|not of the size")


def test_a_large_card_is_not_read() -> None:
    data = zip_of((CARD_NAME, b" " * (9 << 20)), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelContractError, match="more than 8,388,608"):
        open_bundle(data)


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip" * 100, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_bundle(data: bytes) -> None:
    with pytest.raises(ModelContractError, match="the bundle"):
        open_bundle(data, name="b.zip")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelContractError, match="No such file"):
        open_bundle(tmp_path / "missing.zip")
    with pytest.raises(ModelContractError, match="directory"):
        open_bundle(tmp_path)


def test_a_bundle_cut_short_is_refused_wherever_it_is_cut() -> None:
    card, files = small_bundle()
    out = io.BytesIO()
    write_zip(out, {CARD_NAME: with_digests(card, files).model_dump_json().encode(), **files})
    whole = out.getvalue()
    for share in (0.001, 0.5, 0.999, 1 - 1 / len(whole)):
        with pytest.raises(ModelContractError):
            open_bundle(whole[: int(len(whole) * share)])


@given(st.data())
def test_a_changed_byte_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    whole = bytearray(zip_of(("a", b"some content"), ("b/c", b"more"), compression=zipfile.ZIP_DEFLATED))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        with HostileZip(bytes(whole), name="b.zip") as archive:
            for name in archive.names:
                assert archive.read(name) in (b"some content", b"more")
    except ModelContractError:
        pass
