"""The chain of commands without paths: each takes the newest of the store; a rerun does nothing."""

import json
from pathlib import Path

import pytest

from .conftest import EXAMPLES, ROOT, Ran, actorrec

pytest.importorskip("tensorflow", reason="the train extra is not installed")

TINY = ROOT / "configs" / "tiny.yaml"


def run(folder: Path, *arguments: object) -> Ran:
    return actorrec(*arguments, "--config", TINY, cwd=folder)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Ran]]:
    """A folder in which the whole chain ran, and what each command said."""
    folder = tmp_path_factory.mktemp("chain")
    said = {}
    for name, *rest in (("build-dataset", EXAMPLES / "people"), ("train",), ("convert-tflite",)):
        said[name] = run(folder, name, *rest, "--json")
        assert said[name].code == 0, said[name].stderr
    return folder, said


def test_the_chain_ends_in_names(chain: tuple[Path, dict[str, Ran]]) -> None:
    folder, said = chain
    assert said["train"].json["people"] == 5
    assert said["convert-tflite"].json["bytes"] <= 9_000_000
    named = run(folder, "infer", EXAMPLES / "group.jpg", "--json")
    assert named.code == 0, named.stderr
    names = [face["name"] for face in named.json["faces"]]
    assert sorted(filter(None, names)) == ["Albert Einstein", "Grace Hopper", "Hedy Lamarr", "Nikola Tesla"]
    assert names.count(None) == 1


def test_a_rerun_finds_its_output_and_changes_nothing(chain: tuple[Path, dict[str, Ran]]) -> None:
    folder, said = chain
    store = folder / "actorrec-store"
    before = {
        path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file() and ".locks" not in path.parts
    }
    for name, *rest in (("build-dataset", EXAMPLES / "people"), ("train",), ("convert-tflite",)):
        again = run(folder, name, *rest, "--json")
        assert again.code == 0, again.stderr
        assert again.json["content_digest"] == said[name].json["content_digest"]
    after = {
        path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file() and ".locks" not in path.parts
    }
    assert after == before


def test_another_store_gets_the_same_content(chain: tuple[Path, dict[str, Ran]], tmp_path: Path) -> None:
    _, said = chain
    for name, *rest in (("build-dataset", EXAMPLES / "people"), ("train",), ("convert-tflite",)):
        again = run(tmp_path, name, *rest, "--json")
        assert again.json["content_digest"] == said[name].json["content_digest"], name


def test_a_trained_bundle_takes_new_people(chain: tuple[Path, dict[str, Ran]]) -> None:
    folder, _ = chain
    stranger = EXAMPLES / "strangers/Eileen_Collins.jpg"
    assert run(folder, "enroll", "Eileen Collins", stranger).code == 0
    assert "Eileen Collins" in run(folder, "infer", stranger).stdout
    assert run(folder, "forget", "Eileen Collins", "--everywhere").code == 0
    assert "Eileen Collins 9" not in run(folder, "infer", stranger).stdout


def test_lineage_leads_back_to_the_data(chain: tuple[Path, dict[str, Ran]]) -> None:
    folder, said = chain
    store = folder / "actorrec-store"
    bundle = json.loads((store / said["convert-tflite"].json["bundle"] / "manifest.json").read_text())
    model = said["train"].json
    dataset = said["build-dataset"].json
    assert bundle["inputs"][model["model"]] == model["content_digest"]
    trained = json.loads((store / model["model"] / "manifest.json").read_text())
    assert trained["inputs"][dataset["dataset"]] == dataset["content_digest"]
