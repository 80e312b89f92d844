"""Conversion on real faces: what holds is packed, what does not is refused and leaves nothing behind."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from actor_models import trained_actors, trained_on_brought
from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.edge.answers import Answers, keras_answers
from actorrec.edge.convert import convert
from actorrec.edge.faces import net_inputs, representative_inputs, trial_faces
from actorrec.edge.trial import Trial
from actorrec.edge.variants import exported, to_tflite
from actorrec.errors import ModelContractError, ParityError
from actorrec.evaluation.evaluate import evaluate_dataset
from actorrec.evaluation.into_card import score_of
from actorrec.faces.embedders import make_embedder
from actorrec.faces.keras_embedder import load_keras
from actorrec.faces.litert import LiteRtNet
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.model import ModelManifest
from actorrec.progress import SilentProgress
from actorrec.recognition.bundle import open_bundle
from actorrec.recognition.card_score import score_on_test_side
from actorrec.recognition.gallery import gallery_from_bytes
from actorrec.recognition.recogniser import load_recogniser
from actorrec.recognition.stored_bundle import open_stored
from actorrec.sections import EdgeSection
from actorrec.vision.similarity import normalise
from real_faces import model_file

tf = pytest.importorskip("tensorflow")
QUIET = SilentProgress()


def edge(variant: str) -> Config:
    return Config(edge=EdgeSection.model_validate({"variant": variant}))


@pytest.fixture(scope="module")
def trial() -> Trial:
    store, dataset, model = trained_actors()
    return Trial(
        load_keras(store.local_path(file_name(model, model.model_file)), model.ref),
        model.embedder,
        trial_faces(store, dataset, model.embedder, model.classes),
        representative_inputs(store, dataset, model.embedder),
        gallery_from_bytes(store.read_bytes(file_name(model, model.gallery_file))),
        model.calibration,
        0.003,
    )


def copy_of_trained(tmp_path: Path) -> tuple[LocalStore, ModelManifest]:
    store, _, model = trained_actors()
    for kind in ("dataset", "model"):
        shutil.copytree(Path(store.uri) / kind, tmp_path / kind)
    return LocalStore(tmp_path), model


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, ModelManifest, BundleManifest]:
    """A store with a bundle of the dynamic variant, which tests must not change."""
    store, model = copy_of_trained(tmp_path_factory.mktemp("packed"))
    return store, model, convert(model, edge("dynamic"), store=store, progress=QUIET)


def test_auto_measures_every_variant_and_packs_the_best(tmp_path: Path) -> None:
    store, model = copy_of_trained(tmp_path)
    manifest = convert(model, edge("auto"), store=store, progress=QUIET)
    variants = {report.name: report for report in manifest.card.variants}
    assert list(variants) == ["float32", "float16", "dynamic", "int8"]
    assert all(report.median_ms and report.bytes for report in variants.values())
    assert variants["float32"].bytes > 20_000_000  # with all of its weights
    assert min(variants[name].min_cosine or 0 for name in ("float32", "float16")) >= 0.999
    assert min(variants[name].min_cosine or 0 for name in ("dynamic", "int8")) >= 0.99
    [chosen] = [report for report in variants.values() if report.chosen]
    assert not chosen.refused
    assert chosen.accuracy_loss is not None and chosen.accuracy_loss <= 0.003
    path = store.local_path(file_name(manifest, manifest.bundle_file))
    bundle = open_bundle(path)
    assert bundle.card == manifest.card
    assert len(bundle.embedder_file()) == chosen.bytes
    assert set(bundle.detector_files()) == {"onet.tflite", "pnet.tflite", "rnet.tflite"}
    assert path.stat().st_size <= 9_000_000 or chosen.name.startswith("float")
    assert bundle.card.inputs == {model.ref: model.content_digest()}


def test_the_packed_net_names_the_faces_and_another_conversion_agrees(
    packed: tuple[LocalStore, ModelManifest, BundleManifest], tmp_path: Path, trial: Trial
) -> None:
    store, model, manifest = packed
    bundle = open_bundle(store.read_bytes(file_name(manifest, manifest.bundle_file)))
    embedder = make_embedder(bundle.card.embedder, bundle.embedder_file())
    units, _ = normalise(embedder.embed(trial.faces.crops))
    nearest = (units @ bundle.gallery.prototypes.T).argmax(axis=1)
    right = [bundle.gallery.person_ids[i] == who for i, who in zip(nearest, trial.faces.person_ids, strict=True)]
    assert np.mean(right) >= 0.95
    assert convert(model, edge("dynamic"), store=store, progress=QUIET) == manifest
    other, _ = copy_of_trained(tmp_path)
    assert convert(model, edge("dynamic"), store=other, progress=QUIET).content_digest() == manifest.content_digest()


def test_a_model_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    store, model = copy_of_trained(tmp_path)
    path = store.local_path(file_name(model, model.model_file))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelContractError, match=r"another model\.keras"):
        convert(model, edge("dynamic"), store=store, progress=QUIET)
    assert not list(store.names("bundle"))


def test_a_conversion_of_other_weights_is_refused(trial: Trial) -> None:
    other = tf.keras.models.clone_model(trial.model)  # same layers, random weights
    with exported(other) as saved:
        data = to_tflite(saved, "float32", trial.representative)
    inputs = net_inputs(trial.faces.crops, trial.spec)
    source = _answers(trial)
    report = trial.report("float32", data, source, inputs)
    assert "cosine to the source falls" in report.refused


def test_the_silent_trap_of_a_file_without_weights_is_caught(trial: Trial) -> None:
    """Converting a concrete function of a Keras 3 model raises nothing and leaves the weights out."""
    model, shape = trial.model, (1, *trial.model.inputs[0].shape[1:])
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    data = tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert()
    assert len(data) < 1_000_000
    report = trial.report("float32", data, _answers(trial), net_inputs(trial.faces.crops, trial.spec))
    assert report.refused


def _answers(trial: Trial) -> Answers:
    return keras_answers(trial.model, net_inputs(trial.faces.crops, trial.spec))


def test_a_data_set_without_these_people_is_refused() -> None:
    store, _, model = trained_actors()
    with pytest.raises(ParityError, match="no face"):
        convert(model.model_copy(update={"classes": ["nobody"]}), edge("int8"), store=store, progress=QUIET)
    assert not list(store.names("bundle"))


def test_a_brought_net_travels_as_it_is() -> None:
    store, _, model = trained_on_brought()
    manifest = convert(model, Config(), store=store, progress=QUIET)
    bundle = open_bundle(store.read_bytes(file_name(manifest, manifest.bundle_file)))
    assert bundle.embedder_file() == model_file("MobileFaceNet.tflite").read_bytes()
    assert [report.name for report in bundle.card.variants] == ["as-brought"]
    assert bundle.card.head_file == "head.tflite"
    head = LiteRtNet(bundle.files["head.tflite"], name="head")
    outputs = head.run(normalise(np.ones((1, 192), np.float32))[0])
    assert outputs["probabilities"].shape == (1, len(model.classes))
    assert outputs["probabilities"].sum() == pytest.approx(1, abs=1e-5)


def test_the_card_is_scored_on_the_faces_that_were_kept_back(
    packed: tuple[LocalStore, ModelManifest, BundleManifest],
) -> None:
    """As ``evaluate`` measures them; measured again it is the same, and without a test side there is none."""
    (store, model, manifest), dataset = packed, trained_actors()[1]
    score, bundle = manifest.card.evaluation, open_stored(store, manifest)
    report = evaluate_dataset(load_recogniser(bundle, num_threads=1), dataset, store=store)
    assert score is not None and score == score_of(report)
    assert score.top1.n == sum(face.split == "test" for face in dataset.faces) and score.top1.value >= 0.95
    assert score.fpir is None and score.target_fpir == model.calibration.target_fpir
    assert score_on_test_side(bundle, dataset, store=store, progress=QUIET) == score
    learned = dataset.model_copy(update={"faces": [face for face in dataset.faces if face.split == "train"]})
    assert score_on_test_side(bundle, learned, store=store, progress=QUIET) is None
