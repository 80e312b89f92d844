"""Decoding: odd pictures come out as people see them, bad files as an ItemError with a stable reason."""

import io
import os
import re
import socket
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from actorrec.errors import ItemError
from actorrec.types import UInt8Image
from actorrec.vision.decode import decode_picture, read_bytes, read_picture
from bad_pictures import ODD_BUT_GOOD, bad_files, encoded, png_bomb, rotated_by_exif, truncated
from explored import examples

LIMIT = 1_000_000


def reason_of(data: bytes, max_pixels: int = LIMIT) -> str:
    with pytest.raises(ItemError) as caught:
        decode_picture(data, max_pixels=max_pixels)
    return caught.value.reason


@pytest.mark.parametrize("name", sorted(ODD_BUT_GOOD))
def test_odd_pictures_come_out_upright_in_rgb(name: str, gradient: UInt8Image) -> None:
    decoded = decode_picture(ODD_BUT_GOOD[name](gradient), max_pixels=LIMIT)
    assert decoded.pixels.shape == gradient.shape
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.flags.c_contiguous
    wanted = gradient.astype(int)
    if name in ("grey.jpg", "16-bit.png"):
        weights = [0.299, 0.587, 0.114] if name == "grey.jpg" else [1 / 3] * 3
        wanted = np.repeat((gradient @ weights)[:, :, None], 3, axis=2).astype(int)
    middle = np.s_[10:, 10:]  # the alpha picture is see-through in its corner
    tolerance = {"palette.png": 30, "animated.gif": 30}.get(name, 8)
    assert np.abs(decoded.pixels[middle] - wanted[middle]).mean() < tolerance


def test_transparency_is_laid_on_white(gradient: UInt8Image) -> None:
    decoded = decode_picture(ODD_BUT_GOOD["alpha.png"](gradient), max_pixels=LIMIT)
    assert (decoded.pixels[:8, :8] == 255).all()
    assert (decoded.pixels[8:, 8:] == gradient[8:, 8:]).all()


def test_half_transparency_is_mixed_with_white() -> None:
    rgba = np.full((20, 30, 4), (100, 0, 200, 128), np.uint8)
    pixels = decode_picture(encoded(rgba, "PNG"), max_pixels=LIMIT).pixels
    # 100·128/255 + 255·127/255 = 177.2; 0 + 127; 200·128/255 + 127 = 227.4
    assert pixels[0, 0].tolist() == [177, 127, 227]


def test_sixteen_bits_keep_the_high_byte() -> None:
    samples = np.full((20, 30), 0x12FF, np.uint16)
    assert (decode_picture(encoded(samples, "PNG"), max_pixels=LIMIT).pixels == 0x12).all()


@pytest.mark.parametrize("kind", ["rgba", "grey16", "palette"])
def test_a_large_picture_costs_little_more_than_its_pixels(kind: str) -> None:
    grey = (np.arange(2000 * 4000, dtype=np.uint32) % 65_521).astype(np.uint16).reshape(2000, 4000)
    whole = {
        "rgba": lambda: Image.fromarray(np.repeat((grey >> 8).astype(np.uint8)[:, :, None], 4, axis=2), "RGBA"),
        "grey16": lambda: Image.fromarray(grey),
        "palette": lambda: Image.fromarray((grey >> 8).astype(np.uint8)).convert("P"),
    }[kind]()
    out = io.BytesIO()
    whole.save(out, "PNG", compress_level=1, **({"transparency": 3} if kind == "palette" else {}))
    tracemalloc.start()
    try:
        pixels = decode_picture(out.getvalue(), max_pixels=10_000_000).pixels
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * pixels.nbytes + out.tell()
    part = io.BytesIO()
    whole.crop((0, 1500, 4000, 1510)).save(part, "PNG", **({"transparency": 3} if kind == "palette" else {}))
    assert (pixels[1500:1510] == decode_picture(part.getvalue(), max_pixels=10_000_000).pixels).all()


def test_the_first_frame_counts_and_frames_are_told(gradient: UInt8Image) -> None:
    decoded = decode_picture(ODD_BUT_GOOD["animated.gif"](gradient), max_pixels=LIMIT)
    assert (decoded.format, decoded.frames) == ("GIF", 2)
    assert decoded.pixels.max() > 100


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_exif_orientation_is_applied(orientation: int, gradient: UInt8Image) -> None:
    decoded = decode_picture(rotated_by_exif(gradient, orientation), max_pixels=LIMIT)
    assert decoded.orientation == orientation
    assert decoded.pixels.shape == gradient.shape
    assert np.abs(decoded.pixels.astype(int) - gradient).mean() < 8


def test_bad_files_have_stable_reasons(gradient: UInt8Image) -> None:
    for name, (data, reasons) in bad_files(np.kron(gradient, np.ones((8, 8, 1), np.uint8))).items():
        assert reason_of(data) in reasons, name


def test_a_heic_picture_without_its_decoder_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    with pytest.raises(ItemError) as caught:
        decode_picture(bad_files(np.zeros((8, 8, 3), np.uint8))["photo.heic"][0], max_pixels=LIMIT)
    assert caught.value.reason == "heic-support-missing"
    assert "actorrec[heic]" in caught.value.hint


def test_too_many_pixels_are_refused_before_decoding(gradient: UInt8Image) -> None:
    assert reason_of(encoded(gradient, "PNG"), max_pixels=40 * 24 - 1) == "too-large"
    assert decode_picture(encoded(gradient, "PNG"), max_pixels=40 * 24).pixels.shape == (24, 40, 3)


@pytest.mark.parametrize("side", [10_000, 15_000, 60_000])  # below, at and above Pillow's own warning and error
def test_bombs_cost_no_memory(side: int) -> None:
    assert reason_of(png_bomb(side, side), max_pixels=80_000_000) == "too-large"


def test_an_unknown_but_real_format_is_not_a_picture(gradient: UInt8Image) -> None:
    assert reason_of(encoded(gradient, "PPM")) == "not-a-picture"  # allowed formats alone are parsed


def test_a_missing_tail_is_truncated(gradient: UInt8Image) -> None:
    big = np.kron(gradient, np.ones((8, 8, 1), np.uint8))
    assert reason_of(truncated(big)) == "truncated"


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_bytes_never_raise_anything_else(data: st.DataObject, gradient: UInt8Image) -> None:
    name = data.draw(st.sampled_from(["turned.jpg", "alpha.png", "animated.gif", "picture.tiff", "picture.webp"]))
    raw = bytearray(ODD_BUT_GOOD[name](gradient))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = decode_picture(bytes(raw), max_pixels=LIMIT)
    except ItemError as error:
        assert re.fullmatch(r"[a-z-]+", error.reason)
    else:
        assert decoded.pixels.dtype == np.uint8


def test_reading_refuses_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for name, reason in (("pipe.jpg", "not-a-file"), ("folder.jpg", "not-a-file"), ("missing.jpg", "unreadable")):
        with pytest.raises(ItemError) as caught:
            read_bytes(tmp_path / name, max_bytes=100)
        assert caught.value.reason == reason, name


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files as Linux shows them")
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_refused_does_not_stay_open(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "a.jpg")
    with pytest.raises(ItemError):
        read_bytes(tmp_path / "a.jpg", max_bytes=100)
    left = {os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()}
    assert str(tmp_path / "a.jpg") not in left


def test_reading_refuses_devices_and_sockets(tmp_path: Path) -> None:
    with pytest.raises(ItemError) as caught:
        read_bytes(Path("/dev/zero"), max_bytes=100)
    assert caught.value.reason == "not-a-file"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.jpg"))
        with pytest.raises(ItemError):
            read_bytes(tmp_path / "s.jpg", max_bytes=100)


def test_reading_refuses_too_many_bytes(tmp_path: Path, gradient: UInt8Image) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(gradient, "PNG"))
    size = path.stat().st_size
    assert read_picture(path, max_bytes=size, max_pixels=LIMIT).pixels.shape == (24, 40, 3)
    with pytest.raises(ItemError) as caught:
        read_picture(path, max_bytes=size - 1, max_pixels=LIMIT)
    assert caught.value.reason == "too-large"


def large(gradient: UInt8Image) -> UInt8Image:
    return np.asarray(Image.fromarray(gradient).resize((1600, 1200), Image.Resampling.BICUBIC), np.uint8)


@pytest.mark.parametrize(
    ("enough_px", "shape"), [(1300, (1200, 1600)), (500, (600, 800)), (200, (300, 400)), (1, (150, 200))]
)
def test_a_large_jpeg_is_decoded_no_larger_than_is_enough(
    enough_px: int, shape: tuple[int, int], gradient: UInt8Image
) -> None:
    whole = large(gradient)
    picture = decode_picture(encoded(whole, "JPEG", quality=95), max_pixels=LIMIT * 100, enough_px=enough_px)
    assert picture.pixels.shape == (*shape, 3) and picture.size_wh == (1600, 1200)
    wanted = np.asarray(Image.fromarray(whole).resize(shape[::-1], Image.Resampling.BOX), np.int16)
    assert np.abs(picture.pixels - wanted).mean() < 3


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_a_jpeg_that_ends_early_is_truncated_at_any_size(progressive: bool, share: float, gradient: UInt8Image) -> None:
    data = encoded(large(gradient), "JPEG", quality=95, progressive=progressive)
    with pytest.raises(ItemError) as caught:
        decode_picture(data[: int(len(data) * share)], max_pixels=LIMIT * 100, enough_px=200)
    assert caught.value.reason == "truncated"


def test_the_size_is_that_of_the_upright_picture(gradient: UInt8Image) -> None:
    picture = decode_picture(rotated_by_exif(large(gradient)), max_pixels=LIMIT * 100, enough_px=200)
    assert picture.size_wh == (1600, 1200) and picture.pixels.shape == (300, 400, 3)
