"""Bundles whose net also gives probabilities: labels must fit it, and forgetting takes its head away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actorrec.artifacts.catalog import commit_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.artifacts.uri import open_store
from actorrec.config import Config
from actorrec.enrolment.people import forget, merge, rename
from actorrec.errors import ModelContractError
from actorrec.faces.dlib_resnet29 import shipped_tflite
from actorrec.faces.litert import LiteRtNet
from actorrec.manifests.bundle import BundleManifest
from actorrec.recognition.bundle import write_bundle
from actorrec.recognition.gallery import gallery_to_bytes, without_person
from actorrec.recognition.stored_bundle import open_stored
from small_bundles import PEOPLE, made_up_gallery, small_bundle

CONFIG = Config()


@pytest.fixture(scope="module")
def end_to_end_net() -> Iterator[bytes]:
    """A small net with the outputs ``embedding`` (128) and ``probabilities`` (3), made by TensorFlow."""
    tf = pytest.importorskip("tensorflow")
    keras = tf.keras
    pixels = keras.Input((150, 150, 3))
    embedding = keras.layers.Dense(128, name="e")(keras.layers.AveragePooling2D(50)(pixels)[:, 0, 0])
    outputs = {"embedding": embedding, "probabilities": keras.layers.Dense(3, activation="softmax")(embedding)}
    yield tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, outputs)).convert()


def committed(store: ArtifactStore, folder: Path, net: bytes, *, model_id: str | None = None) -> BundleManifest:
    card, files = small_bundle(classes=list(reversed(PEOPLE)))
    if model_id is not None:
        card = card.model_copy(update={"embedder": card.embedder.model_copy(update={"model_id": model_id})})
        files["gallery.npz"] = gallery_to_bytes(made_up_gallery(model_id=model_id))
    card = write_bundle(folder / "b.zip", card, files | {"embedder.tflite": net})
    record = store.put_file("bundle/0123456789abcdef/bundle.zip", folder / "b.zip")
    return commit_manifest(store, BundleManifest(key="0123456789abcdef", files=[record], card=card))


def outputs(store: ArtifactStore, manifest: BundleManifest) -> tuple[str, ...]:
    return LiteRtNet(open_stored(store, manifest).embedder_file(), name="net").output_names


def test_labels_of_another_number_than_the_net_has_classes(tmp_path: Path, end_to_end_net: bytes) -> None:
    card, files = small_bundle(classes=["Ada", "Bea"])
    files["gallery.npz"] = gallery_to_bytes(without_person(made_up_gallery(), "Cy"))
    card = card.model_copy(update={"people": card.people[:2]})
    with pytest.raises(ModelContractError, match="2 labels for a net with 3 classes"):
        write_bundle(tmp_path / "b.zip", card, files | {"embedder.tflite": end_to_end_net})


def test_forgetting_puts_the_shipped_net_in_the_place_of_one_with_a_head(tmp_path: Path, end_to_end_net: bytes) -> None:
    store = open_store(str(tmp_path / "store"))
    base = committed(store, tmp_path, end_to_end_net)
    assert outputs(store, base) == ("embedding", "probabilities")
    report = forget(store, CONFIG, "Bea", base=base)
    assert report.manifest.card.classes is None
    assert open_stored(store, report.manifest).embedder_file() == shipped_tflite().read_bytes()
    assert not report.head_remains


def test_a_net_that_cannot_be_replaced_is_said_to_keep_its_head(tmp_path: Path, end_to_end_net: bytes) -> None:
    store = open_store(str(tmp_path / "store"))
    base = committed(store, tmp_path, end_to_end_net, model_id="fine-tuned")
    report = forget(store, CONFIG, "Bea", base=base)
    assert report.head_remains
    assert report.manifest.card.classes is None


def test_renaming_keeps_the_labels_and_merging_drops_them(tmp_path: Path, end_to_end_net: bytes) -> None:
    store = open_store(str(tmp_path / "store"))
    base = committed(store, tmp_path, end_to_end_net)
    renamed = rename(store, CONFIG, "Bea", "Beatrice", base=base)
    assert renamed.card.classes == ["Cy", "Beatrice", "Ada"]
    assert merge(store, CONFIG, "Beatrice", "Ada", base=renamed).card.classes is None
