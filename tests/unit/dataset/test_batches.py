"""Batches come back as they were, or are refused whole: no damage gets out as anything but one kind of error."""

import io
import random
import zipfile

import numpy as np
import pytest
from made_faces import candidate, person_vectors, picture

from actorrec.dataset.batches import DamagedBatchError, pack, unpack
from actorrec.dataset.candidates import Examined, Looked, Pictures

VECTORS = person_vectors(3, 0)
TWO_FACES = picture("a" * 64, candidate(VECTORS[0]), candidate(VECTORS[1], 60))
BATCH: list[Looked] = [
    (
        picture("a" * 64, candidate(VECTORS[0]), candidate(VECTORS[1], 60)),
        Pictures((b"c1", b"c22"), (b"t", b"tt"), b"p"),
    ),
    (Examined("b" * 64, reason="empty", detail="the file is empty"), Pictures()),
    (picture("c" * 64), Pictures(preview=b"whole")),
]


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes], **options: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_an_empty_batch_and_a_batch_without_faces() -> None:
    assert list(unpack(pack([]), with_pictures=True)) == []
    only = BATCH[1:]
    assert [(e.sha256, e.reason, p) for e, p in unpack(pack(only), with_pictures=True)] == [
        ("b" * 64, "empty", Pictures()),
        ("c" * 64, "", Pictures(preview=b"whole")),
    ]


def test_what_goes_in_comes_out() -> None:
    back = list(unpack(pack(BATCH), with_pictures=True))
    assert [pictures for _, pictures in back] == [pictures for _, pictures in BATCH]
    for (one, _), (other, _) in zip(back, BATCH, strict=True):
        assert (one.sha256, one.phash, one.width_px, one.reason) == (
            other.sha256, other.phash, other.width_px, other.reason,
        )  # fmt: skip
        for face, given in zip(one.faces, other.faces, strict=True):
            assert (face.box, face.score, face.quality) == (given.box, given.score, given.quality)
            assert np.array_equal(face.vector, given.vector) and face.vector.dtype == np.float32
    assert [pictures for _, pictures in unpack(pack(BATCH), with_pictures=False)] == [Pictures()] * 3


def test_no_damage_gets_out_as_another_error() -> None:
    """Cut, flipped and overwritten at random: a whole batch with what a picture says changed is not our concern."""
    seed = random.randrange(10**6)
    rng, data, refused = random.Random(seed), pack(BATCH), 0
    for _ in range(1500):
        spoiled = bytearray(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data)
        for _ in range(rng.randint(1, 8)):
            if spoiled:
                spoiled[rng.randrange(len(spoiled))] = rng.randrange(256)
        try:
            list(unpack(bytes(spoiled), with_pictures=True))
        except DamagedBatchError:
            refused += 1
        except BaseException as error:
            raise AssertionError(seed) from error
    assert refused > 1200, seed


def header(shape: str, descr: str = "<f4") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "vectors",
    [
        header("(9000000000000, 64)"),
        header("(2, 9000000000000)"),
        header("(-1, 64)"),
        header("(2, 64, 1)"),
        header("(2, 64)", "|O"),
        header("(2, 64)", ">f4") + bytes(512),
        header("(2, 64)").replace(b"False", b"True,") + bytes(512),
        header("__import__('os')") + bytes(512),
        b"\x93NUMPY\x02\x00" + header("(2, 64)")[8:] + bytes(512),
        b"",
    ],
)  # fmt: skip
def test_a_header_that_lies_is_refused_before_memory_is_taken(vectors: bytes) -> None:
    with pytest.raises(DamagedBatchError, match="vectors has another"):
        unpack(zipped({**members(pack(BATCH)), "vectors.npy": vectors}), with_pictures=False)


def test_what_unpacks_to_more_than_it_weighs_is_refused() -> None:
    files = members(pack(BATCH))
    files["crops.npy"] = header("(50000000,)", "|u1") + bytes(50_000_000)
    bomb = zipped(files, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1_000_000
    with pytest.raises(DamagedBatchError, match="is compressed"):
        unpack(bomb, with_pictures=True)


@pytest.mark.parametrize("ends", [[2**62, -(2**63)], [-1, 5], [5, 2], [2, 6], [2, 4], [5]])
def test_ends_that_are_none_are_refused(ends: list[int]) -> None:
    files = members(pack(BATCH))
    files["crops_ends.npy"] = header(f"({len(ends)},)", "<i8") + np.array(ends, "<i8").tobytes()
    with pytest.raises(DamagedBatchError, match="crops"):
        unpack(zipped(files), with_pictures=False)
