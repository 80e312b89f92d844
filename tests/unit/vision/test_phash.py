"""Hashes and prints: alike for copies, apart for others, on real photos."""

import numpy as np
import pytest

from actorrec.types import UInt8Image
from actorrec.vision.align import CANONICAL_272
from actorrec.vision.decode import decode_picture
from actorrec.vision.phash import (
    PRINT_SIDE_PX,
    coarse_vector,
    face_print,
    hash_distance_bits,
    perceptual_hashes,
    registered_correlation,
    texture,
)
from bad_pictures import encoded
from real_faces import face_samples


def test_distance_counts_bits() -> None:
    assert hash_distance_bits(0b1011, 0b0010) == 2
    assert hash_distance_bits(2**64 - 1, 0) == 64


def test_the_mirrored_hash_is_the_hash_of_the_mirror(gradient: UInt8Image) -> None:
    pixels = np.kron(gradient, np.ones((8, 8, 1), np.uint8))
    plain, mirrored = perceptual_hashes(pixels)
    of_mirror = perceptual_hashes(np.ascontiguousarray(pixels[:, ::-1]))
    assert hash_distance_bits(mirrored, of_mirror[0]) <= 2
    assert hash_distance_bits(plain, of_mirror[1]) <= 2
    assert 0 <= plain < 2**64


def test_a_flat_picture_is_no_error() -> None:
    flat = np.full((30, 50, 3), 7, np.uint8)
    assert perceptual_hashes(flat)
    crop = np.zeros((272, 272, 3), np.uint8)
    assert not coarse_vector(face_print(crop)).any()
    assert not texture(face_print(crop)).vector.any()
    assert registered_correlation(texture(face_print(crop)), texture(face_print(crop))) == -1.0


def test_saving_again_moves_few_bits_and_another_photo_many() -> None:
    samples = face_samples(6, 1)
    hashes = [perceptual_hashes(sample.pixels)[0] for sample in samples]
    for sample, before in zip(samples, hashes, strict=True):
        again = decode_picture(encoded(sample.pixels, "JPEG", quality=30), max_pixels=10**6).pixels
        assert hash_distance_bits(perceptual_hashes(again)[0], before) <= 4
    apart = [hash_distance_bits(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(apart) >= 10


def test_registration_finds_a_copy_that_is_off_by_a_few_pixels() -> None:
    from actorrec.vision.align import warp

    samples = face_samples(6, 1)
    prints = [face_print(sample.crop(CANONICAL_272)) for sample in samples]
    assert prints[0].shape == (PRINT_SIDE_PX, PRINT_SIDE_PX)
    for sample, before in zip(samples, prints, strict=True):
        # 3 % larger, 2° turned, 4 px aside: what two detections of one face differ by.
        angle = np.radians(2)
        turn = 1.03 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        moved = warp(sample.crop(CANONICAL_272), np.column_stack([turn, [4 - 5, -4]]), 272)
        assert registered_correlation(texture(before), texture(face_print(moved))) > 0.85
    others = [registered_correlation(texture(a), texture(b)) for i, a in enumerate(prints) for b in prints[:i]]
    assert max(others) < 0.75


@pytest.mark.parametrize("make", [coarse_vector, lambda print_: texture(print_).vector])
def test_vectors_have_mean_zero_and_length_one(make) -> None:  # type: ignore[no-untyped-def]
    vector = make(face_print(face_samples(1, 1)[0].crop(CANONICAL_272)))
    assert abs(float(vector.mean())) < 1e-4
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
