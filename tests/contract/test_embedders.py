"""One suite over every embedder: the shipped one, its Keras form, and brought nets of each format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actorrec.faces import dlib_resnet29
from actorrec.faces.embedders import DEFAULT_SPEC, embedder_of_model, make_embedder, spec_for_file
from actorrec.faces.protocols import Embedder
from actorrec.types import UInt8Image
from actorrec.vision.align import FaceTemplate
from actorrec.vision.similarity import cosine_similarity, normalise
from onnx_files import dlib_as_onnx
from real_faces import crops_of, face_samples, model_file


def shipped(folder: Path) -> Embedder:
    return make_embedder(DEFAULT_SPEC, None)


def shipped_two_threads_from_bytes(folder: Path) -> Embedder:
    return make_embedder(DEFAULT_SPEC, dlib_resnet29.shipped_tflite().read_bytes(), num_threads=2)


def backbone(folder: Path) -> Embedder:
    from actorrec.faces.keras_backbones import build_backbone

    return embedder_of_model(*build_backbone("dlib-resnet29"))


def brought_tflite_of_batch_two(folder: Path) -> Embedder:
    return brought(model_file("MobileFaceNet.tflite"), "arcface-112", (127.5,) * 3, (127.5,) * 3)


def brought_onnx(folder: Path) -> Embedder:
    path = folder / "net.onnx"
    path.write_bytes(dlib_as_onnx(dlib_resnet29.shipped_weights()))
    return brought(path, "dlib-150", DEFAULT_SPEC.mean, DEFAULT_SPEC.std)


def brought_keras(folder: Path) -> Embedder:
    from actorrec.faces.keras_backbones import build_backbone

    build_backbone("dlib-resnet29")[0].save(folder / "net.keras")
    return brought(folder / "net.keras", "dlib-150", DEFAULT_SPEC.mean, DEFAULT_SPEC.std)


def brought(path: Path, template: str, mean: tuple[float, ...], std: tuple[float, ...]) -> Embedder:
    spec = spec_for_file(path, template=template, mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))
    return make_embedder(spec, path)


MAKERS = [
    shipped,
    shipped_two_threads_from_bytes,
    backbone,
    brought_tflite_of_batch_two,
    brought_onnx,
    brought_keras,
]
OF_KERAS = (backbone, brought_keras)


@pytest.fixture(scope="module", params=MAKERS, ids=[maker.__name__ for maker in MAKERS])
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    make: Callable[[Path], Embedder] = request.param
    if make in OF_KERAS:
        pytest.importorskip("tensorflow", reason="a Keras net runs where TensorFlow is installed")
    return make(tmp_path_factory.mktemp("embedder"))


def template_of(embedder: Embedder) -> FaceTemplate:
    record = embedder.spec.template
    return FaceTemplate(record.name, record.size_px, record.points_px)


@pytest.fixture(scope="module")
def crops(embedder: Embedder) -> UInt8Image:
    return crops_of(face_samples(), template_of(embedder))


def test_no_faces_give_no_rows(embedder: Embedder) -> None:
    size_px = embedder.spec.template.size_px
    found = embedder.embed(np.empty((0, size_px, size_px, 3), np.uint8))
    assert found.shape == (0, embedder.spec.dim)
    assert found.dtype == np.float32


def test_rows_are_raw_finite_and_as_wide_as_the_spec_says(embedder: Embedder, crops: UInt8Image) -> None:
    found = embedder.embed(crops)
    assert found.shape == (len(crops), embedder.spec.dim)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() > 0.05  # not normalised


def test_many_are_the_singles_in_order(embedder: Embedder, crops: UInt8Image) -> None:
    together = embedder.embed(crops)
    singles = np.concatenate([embedder.embed(crops[i : i + 1]) for i in range(0, len(crops), 5)])
    assert np.allclose(singles, together[::5], atol=1e-4)
    assert np.ptp(together, axis=0).max() > 0.1  # the rows do differ


def test_the_same_faces_give_the_same_numbers(embedder: Embedder, crops: UInt8Image) -> None:
    assert np.array_equal(embedder.embed(crops[:3]), embedder.embed(crops[:3]))


def test_what_it_gave_does_not_change_with_the_next_run(embedder: Embedder, crops: UInt8Image) -> None:
    first = embedder.embed(crops[:1])
    kept = first.copy()
    embedder.embed(crops[1:2])
    assert np.array_equal(first, kept)


def test_crops_that_are_not_contiguous_are_taken(embedder: Embedder, crops: UInt8Image) -> None:
    mirrored = crops[:2, :, ::-1]
    assert np.array_equal(embedder.embed(mirrored), embedder.embed(np.ascontiguousarray(mirrored)))


@pytest.mark.parametrize("shape", [(2, 96, 80, 3), (96, 96, 3), (1, 96, 96, 1)])
def test_another_shape_is_refused_with_both_shapes(embedder: Embedder, shape: tuple[int, ...]) -> None:
    size_px = embedder.spec.template.size_px
    with pytest.raises(ValueError, match=rf"\(N, {size_px}, {size_px}, 3\).*\({', '.join(map(str, shape))}\)"):
        embedder.embed(np.zeros(shape, np.uint8))


def test_floats_are_refused(embedder: Embedder) -> None:
    size_px = embedder.spec.template.size_px
    with pytest.raises(ValueError, match="float32"):
        embedder.embed(np.zeros((1, size_px, size_px, 3), np.float32))  # type: ignore[arg-type]


def test_a_mirrored_face_is_more_alike_than_any_other_person(embedder: Embedder, crops: UInt8Image) -> None:
    people = np.array([sample.person for sample in face_samples()])
    plain, mirrored = (normalise(embedder.embed(each))[0] for each in (crops, crops[:, :, ::-1]))
    others = np.where(people[:, None] != people[None], cosine_similarity(plain, plain), -1)
    assert (np.sum(plain * mirrored, axis=1) > others.max(axis=1)).all()


def test_one_persons_photos_are_more_alike_than_two_peoples(embedder: Embedder, crops: UInt8Image) -> None:
    people = np.array([sample.person for sample in face_samples()])
    vectors = normalise(embedder.embed(crops))[0]
    similarity = cosine_similarity(vectors, vectors)
    same = (people[:, None] == people[None]) & ~np.eye(len(people), dtype=bool)
    assert np.median(similarity[same]) > np.quantile(similarity[people[:, None] != people[None]], 0.99)


def test_batches_past_any_nets_own_keep_their_order(embedder: Embedder, crops: UInt8Image) -> None:
    order = np.arange(67) % len(crops)
    assert np.allclose(embedder.embed(crops[order]), embedder.embed(crops)[order], atol=1e-4)
