"""Licences through the whole chain: refused, insisted on, on record everywhere, and credited in the end."""

import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from actor_models import FEW, QUICK, actors_dataset
from actorrec.artifacts.catalog import commit_manifest, file_name, manifests
from actorrec.artifacts.local import LocalStore
from actorrec.cli.evaluate import register as register_evaluate
from actorrec.cli.sbom import register as register_sbom
from actorrec.cli.train import register as register_train
from actorrec.config import Config
from actorrec.edge.convert import convert
from actorrec.enrolment.enrol import enrol
from actorrec.enrolment.people import forget
from actorrec.errors import DataError
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.model import ModelManifest
from actorrec.progress import SilentProgress
from actorrec.rights.restricted import refuse_restricted
from actorrec.sections import EdgeSection, RightsSection
from actorrec.training.train import train
from real_faces import data_dir

pytest.importorskip("keras")

QUIET = SilentProgress()
PEOPLE = FEW[:3]
PLAIN = Config(training=QUICK, edge=EdgeSection(variant="dynamic"))
INSISTING = PLAIN.model_copy(update={"rights": RightsSection(allow_restricted=True)})
PAGE = "https://commons.example/wiki/File:{}.jpg"
RESTRICTED = {"unknown": 2, "CC BY-NC 2.0": 1}


def scraped(store: LocalStore) -> DatasetManifest:
    """The actors' data set with licences as if scraped: two unknown, one NC, one the user's own, the others free."""
    plain = actors_dataset(store, PEOPLE)
    licences = ["unknown", "CC BY-NC 2.0", "user-supplied", "unknown"]
    licences += ["CC BY-SA 4.0"] * (len(plain.images) - len(licences))
    images = [
        image.model_copy(update={"licence": licence, "author": f"Author {index}", "page": PAGE.format(index)})
        for index, (image, licence) in enumerate(zip(plain.images, licences, strict=True))
    ]
    shutil.copytree(store.local_path(f"{plain.ref}/manifest.json").parent, Path(store.uri) / "dataset" / "scraped")
    (Path(store.uri) / "dataset" / "scraped" / "manifest.json").unlink()
    return commit_manifest(store, plain.model_copy(update={"key": "scraped", "images": images}))


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="actorrec-tests-")


@cache
def chain() -> tuple[LocalStore, DatasetManifest, ModelManifest, BundleManifest]:
    """Data set, model and bundle, made once; tests must not change them."""
    store = LocalStore(Path(_folder().name))
    dataset = scraped(store)
    model = train(dataset, INSISTING, store=store, progress=QUIET)
    return store, dataset, model, convert(model, PLAIN, store=store, progress=QUIET)


def run(*arguments: object, code: int = 0) -> str:
    app = typer.Typer()
    for register in (register_sbom, register_evaluate, register_train):
        register(app)
    settings = {f"ACTORREC_TRAINING__{key.upper()}": str(value) for key, value in QUICK.model_dump().items()}
    done = CliRunner().invoke(app, [*map(str, arguments)], env=settings)
    assert done.exit_code == code, done.output
    return done.stdout


def sbom(*arguments: object) -> Any:
    return json.loads(run("sbom", *arguments, "--json"))


def test_training_is_refused_before_anything_is_written_even_where_such_a_model_exists() -> None:
    store, dataset, _, _ = chain()
    before = sorted(store.names("model"))
    with pytest.raises(DataError) as caught:
        train(dataset, PLAIN, store=store, progress=QUIET)
    assert (
        "3 pictures whose licence is restricted or unknown: 2 × 'unknown', 1 × 'CC BY-NC 2.0'" in caught.value.message
    )
    assert "Adriana Lima" in caught.value.message
    assert sorted(store.names("model")) == before


def test_the_command_says_what_to_do_and_takes_the_switch() -> None:
    store, dataset, model, _ = chain()
    refused = json.loads(run("train", dataset.ref, "--store", store.uri, "--json", code=1))
    assert "3 pictures" in refused["error"] and "--allow-restricted" in refused["hint"]
    trained = json.loads(run("train", dataset.ref, "--store", store.uri, "--json", "--allow-restricted"))
    assert (trained["model"], trained["restricted"]) == (model.ref, RESTRICTED)


def test_model_bundle_and_changed_bundles_keep_the_record(tmp_path: Path) -> None:
    store, dataset, model, bundle = chain()
    assert model.restricted == RESTRICTED == bundle.card.restricted
    free = len(dataset.images) - 4
    stated = [f"{free} pictures: CC BY-SA 4.0", "2 pictures: unknown", "1 picture: CC BY-NC 2.0"]
    assert model.licences[1:] == [*stated, "1 picture: user-supplied"]
    assert set(model.licences) < set(bundle.card.licences)
    copy = LocalStore(tmp_path / "store")
    shutil.copytree(store.uri, copy.uri)
    photos = sorted((data_dir() / "actors" / "Will_Smith").glob("*.jpg"))[:2]
    enrolled = enrol(copy, PLAIN, {"Will Smith": photos}, progress=QUIET).manifest
    forgotten = forget(copy, PLAIN, PEOPLE[0]).manifest
    for changed in (enrolled, forgotten):
        assert changed.card.restricted == RESTRICTED and changed.card.licences == bundle.card.licences


def test_what_is_on_record_is_refused_again_before_it_is_passed_on() -> None:
    _, _, _, bundle = chain()
    with pytest.raises(DataError, match="3 pictures"):
        refuse_restricted(bundle.card.restricted, allow=False, what=bundle.ref)
    refuse_restricted(bundle.card.restricted, allow=True, what=bundle.ref)


def test_the_switch_alone_makes_no_other_model(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    dataset = actors_dataset(store, PEOPLE[:2])
    model = train(dataset, PLAIN, store=store, progress=QUIET)
    assert model.restricted == {}
    assert train(dataset, INSISTING, store=store, progress=QUIET) == model
    assert len(list(manifests(store, ModelManifest))) == 1


def test_sbom_follows_a_bundle_back_to_every_picture() -> None:
    store, dataset, model, bundle = chain()
    found = sbom(bundle.ref, "--store", store.uri)
    assert found["subject"] == bundle.ref and found["missing"] == []
    assert found["made_from"] == [model.ref, dataset.ref]
    assert found["restricted"] == RESTRICTED
    assert found["classes"] == {"free": len(dataset.images) - 4, "unknown": 2, "restricted": 1, "user-supplied": 1}
    by_file = {picture["file"]: picture for picture in found["pictures"]}
    assert set(by_file) == {image.path for image in dataset.images} and len(by_file) == len(found["pictures"])
    for image in dataset.images:
        credit = by_file[image.path]
        assert (credit["author"], credit["page"], credit["sha256"]) == (image.author, image.page, image.sha256)
    assert [net["role"] for net in found["nets"]] == ["detector", "embedder"]
    same = sbom(model.ref, "--store", store.uri)["pictures"]
    assert same == found["pictures"] == sbom("dataset/scraped", "--store", store.uri)["pictures"]


def test_sbom_lists_what_was_enrolled_as_the_users_own(tmp_path: Path) -> None:
    store, dataset, _, _ = chain()
    shutil.copytree(store.uri, tmp_path / "store")
    photo = sorted((data_dir() / "actors" / "Will_Smith").glob("*.jpg"))[0]
    enrol(LocalStore(tmp_path / "store"), PLAIN, {"Will Smith": [photo]}, progress=QUIET)
    found = sbom("--store", tmp_path / "store")
    assert found["subject"].startswith("bundle/") and len(found["pictures"]) == len(dataset.images) + 1
    (own,) = [picture for picture in found["pictures"] if picture["person"] == "Will Smith"]
    assert own["licence"] == "user-supplied" and own["file"] == f"Will_Smith/{photo.name}" and own["sha256"] is None


def test_sbom_of_a_card_alone_says_what_is_missing(tmp_path: Path) -> None:
    store, _, model, bundle = chain()
    shutil.copy(store.local_path(file_name(bundle, bundle.bundle_file)), tmp_path / "bundle.zip")
    elsewhere = ("--store", tmp_path / "empty")
    found = sbom(tmp_path / "bundle.zip", *elsewhere)
    assert found["missing"] == [model.ref] and found["pictures"] == [] and found["restricted"] == RESTRICTED
    text = run("sbom", tmp_path / "bundle.zip", *elsewhere)
    assert "NOT COMPLETE" in text and "2 pictures: unknown" in text and "RESTRICTED OR UNKNOWN" in text


def test_the_text_has_what_needs_care_first_and_goes_to_a_file(tmp_path: Path) -> None:
    store, _, model, _ = chain()
    out = tmp_path / "deep" / "CREDITS.txt"
    assert run("sbom", model.ref, "--store", store.uri, "--out", out).startswith(f"wrote {out}")
    lines = out.read_text(encoding="utf-8").splitlines()
    care = lines.index("RESTRICTED OR UNKNOWN: 3 pictures that may need permission to be used or shown")
    assert f"{PAGE.format(0)} — Author 0 — unknown" in lines[care + 1] + lines[care + 2] + lines[care + 3]
    assert care < lines.index("Licences") < lines.index("Nets") < lines.index("Pictures")
    assert f"  {PAGE.format(4)} — Author 4 — CC BY-SA 4.0" in lines


def test_the_evaluation_shows_what_was_insisted_on(tmp_path: Path) -> None:
    store, _, model, bundle = chain()
    for ref in (model.ref, bundle.ref):
        report = tmp_path / "report.html"
        summary = json.loads(run("evaluate", ref, "--store", store.uri, "--report", report, "--json"))
        assert summary["restricted"] == RESTRICTED
        page = report.read_text(encoding="utf-8")
        assert "2 × unknown, 1 × CC BY-NC 2.0" in page and "<td>Adriana Lima</td>" in page
