"""Real faces for tests: a few people of the development data, aligned from YuNet's five points."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from actorrec.types import Landmarks, UInt8Image
from actorrec.vision.align import FaceTemplate, align_face


@dataclass(frozen=True, slots=True, eq=False)
class FaceSample:
    person: str
    pixels: UInt8Image
    landmarks: Landmarks

    def crop(self, template: FaceTemplate) -> UInt8Image:
        return align_face(self.pixels, self.landmarks, template)


def data_dir() -> Path:
    """The folder that ACTORREC_TEST_DATA names, or a skip."""
    named = os.environ.get("ACTORREC_TEST_DATA")
    if not named:
        pytest.skip("ACTORREC_TEST_DATA is not set: no real photos")
    return Path(named)


def model_file(name: str) -> Path:
    """A model that lies beside the test data, or a skip."""
    path = data_dir().parent / "models" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


@cache
def face_samples(people: int = 12, photos: int = 3) -> tuple[FaceSample, ...]:
    """The first photos of the first people of lfw_dev/people in which YuNet finds a face."""
    import cv2

    detector = cv2.FaceDetectorYN.create(str(model_file("face_detection_yunet_2023mar.onnx")), "", (250, 250), 0.8)
    samples: list[FaceSample] = []
    for folder in sorted((data_dir() / "lfw_dev" / "people").iterdir())[:people]:
        for path in sorted(folder.glob("*.jpg"))[:photos]:
            bgr = cv2.imread(str(path))
            assert bgr is not None, path
            detector.setInputSize((bgr.shape[1], bgr.shape[0]))
            found = detector.detect(bgr)[1]
            if found is not None:
                points = np.asarray(found[0, 4:14], np.float32).reshape(5, 2)
                samples.append(FaceSample(folder.name, np.ascontiguousarray(bgr[..., ::-1]), Landmarks(points)))
    return tuple(samples)


def crops_of(samples: tuple[FaceSample, ...], template: FaceTemplate) -> UInt8Image:
    """Shape (N, S, S, 3), uint8, RGB."""
    return np.stack([sample.crop(template) for sample in samples])
