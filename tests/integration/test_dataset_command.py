"""``build-dataset`` at the command line: what may be named, and what is told of decisions and licences."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.review_log import ReviewLog
from actorrec.cli.app import app
from actorrec.manifests.review import PictureRef
from scraped_sets import scraped_set


def run(*arguments: str | Path, cwd: Path) -> Result:
    with chdir(cwd):
        line = ["build-dataset", *map(str, arguments), "--store", "store"]
        return CliRunner().invoke(app, line, env={"COLUMNS": "300"})


@pytest.fixture
def work(test_data: Path, tmp_path: Path) -> Path:
    """A folder with a store that holds one scraped set, and a folder of own photos."""
    actors = test_data / "actors"
    pictures = {("Q1", "Will Smith"): sorted((actors / "Will_Smith").glob("*.jpg"))[:4]}
    scraped_set(LocalStore(tmp_path / "store"), pictures)
    (tmp_path / "own" / "Mel_Gibson").mkdir(parents=True)
    for path in sorted((actors / "Mel_Gibson").glob("*.jpg"))[:4]:
        shutil.copy(path, tmp_path / "own" / "Mel_Gibson")
    return tmp_path


def test_scraped_and_own_photos_are_named_and_decisions_told(work: Path) -> None:
    alone = json.loads(run("--json", cwd=work).stdout)
    assert (alone["people"], alone["photos"], alone["decisions"]) == (1, 4, 0)
    assert json.loads(run("images/abcd", "--json", cwd=work).stdout)["dataset"] == alone["dataset"]
    both = json.loads(run("images", "own", "--json", cwd=work).stdout)
    assert (both["people"], both["photos"]) == (2, 8)
    manifest = json.loads((work / "store" / both["dataset"] / "manifest.json").read_text())
    first = manifest["images"][0]
    ref = PictureRef(image_sha256=first["sha256"], given_person_id=first["person_id"])
    ReviewLog(LocalStore(work / "store")).append("drop", pictures=[ref])
    told = run("images", "own", cwd=work)
    assert told.exit_code == 0, told.stderr
    assert "photos that a reviewer decided on: 1" in told.stdout and "reviewed" in told.stdout


def test_a_damaged_records_file_is_one_line_and_a_hint(work: Path) -> None:
    (work / "own" / "Mel_Gibson" / "images.jsonl").write_text('{"file": "x"}\n')
    done = run("own", cwd=work)
    assert done.exit_code == 1
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: ") and "images.jsonl:1" in error and hint.startswith("hint: ")


def test_nothing_to_build_from_says_so(work: Path) -> None:
    shutil.rmtree(work / "store")
    done = run(cwd=work)
    assert done.exit_code == 1 and "actorrec scrape" in done.stderr, done.stderr


def test_what_was_left_out_on_purpose_is_counted_and_not_to_be_looked_at(work: Path, test_data: Path) -> None:
    dunst = sorted((test_data / "actors" / "Kirsten_Dunst").glob("*.jpg"))[:2]
    scraped_set(LocalStore(work / "store"), {("Q2", "Kirsten Dunst"): dunst}, key="closed", licence="CC BY-NC 2.0")
    done = run("images/closed", "own", "--free-only", cwd=work)
    assert done.exit_code == 0, done.stderr
    assert "restricted-licence" in done.stdout and "look at these" not in done.stdout
    assert "no face of them is left, so not in the set: Kirsten_Dunst_Q2" in done.stdout
