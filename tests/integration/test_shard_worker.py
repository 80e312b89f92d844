"""The program inside a processing job, on folders laid out as SageMaker lays them out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset, find_built
from actorrec.dataset.desk_listing import DeskListing, list_for_job
from actorrec.dataset.merge import merge_shards
from actorrec.dataset.worker import main
from actorrec.errors import ArtifactError
from actorrec.progress import SilentProgress
from patience import PATIENCE_S

EXAMPLES = Path(__file__).parents[2] / "examples" / "people"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    shutil.copytree(EXAMPLES, root, dirs_exist_ok=True)
    shutil.copy(root / "Hans_Gude" / "portrait.jpg", root / "Hans_Gude" / "again.jpg")
    (root / "Hans_Gude" / "gone.jpg").symlink_to("nowhere")
    return root


@pytest.fixture(scope="module")
def desk(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> DeskListing:
    store = LocalStore(tmp_path_factory.mktemp("empty"))
    return list_for_job([photos], Config(), store=store, in_cloud=False, progress=SilentProgress())


def machine(root: Path, desk: DeskListing, host: int, hosts: int) -> Path:
    """``/opt/ml`` of one of several machines."""
    names = [f"algo-{number}" for number in range(1, hosts + 1)]
    (root / "config").mkdir(parents=True)
    told = {"current_host": names[host - 1], "hosts": sorted(names, reverse=True)}
    (root / "config" / "resourceconfig.json").write_text(json.dumps(told))
    for folder in ("listing", "pictures/jobs/photos"):
        (root / "processing" / "input" / folder).mkdir(parents=True)
    (root / "processing" / "input" / "listing" / "given.json").write_text(desk.listing.model_dump_json())
    for sha256 in sorted(desk.paths)[host - 1 :: hosts]:
        shutil.copy(desk.paths[sha256], root / "processing" / "input" / "pictures" / "jobs" / "photos" / sha256)
    return root


@pytest.mark.parametrize("folders", ["", "photos", "my prefix/jobs/photos"])
def test_pictures_are_found_however_deep_they_lie(folders: str, desk: DeskListing, tmp_path: Path) -> None:
    root = machine(tmp_path / "ml", desk, 1, 1)
    pictures = root / "processing" / "input" / "pictures"
    brought = (pictures / "jobs" / "photos").rename(tmp_path / "brought")
    (pictures / "jobs").rmdir()
    shutil.copytree(brought, pictures / folders, dirs_exist_ok=True)
    (pictures / "more").mkdir()  # somebody else's, of the same name
    shutil.copy(next(brought.iterdir()), pictures / "more")
    assert main(["--ml-root", str(root)]) == 0
    source = LocalStore(root / "processing" / "output" / "shards")
    assert len(merge_shards([], Config(), store=LocalStore(tmp_path / "s"), source=source).images) == 7


def message(root: Path) -> str:
    return (root / "output" / "message").read_text()


def test_what_the_machines_leave_is_one_store_that_can_be_merged(
    photos: Path, desk: DeskListing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    together = tmp_path / "shards"
    for host in (11, *range(1, 11)):  # more machines than pictures: some have nothing to do
        root = machine(tmp_path / str(host), desk, host, 11)
        assert main(["--ml-root", str(root)]) == 0
        output = root / "processing" / "output" / "shards"
        assert {path.name for path in output.iterdir()} == {"shard"}, "nothing else goes to S3"
        assert f"share {host}/11" in message(root)
        shutil.copytree(output, together, dirs_exist_ok=True)
    store, alone = LocalStore(tmp_path / "store"), LocalStore(tmp_path / "alone")
    assert find_built(desk.given, Config(), store=store) is None
    merged = merge_shards([], Config(), store=store, source=LocalStore(together))
    one = build_dataset([photos], Config(), store=alone)
    assert (merged.key, merged.content_digest()) == (one.key, one.content_digest())
    assert find_built(desk.given, Config(), store=store) == merged


def test_what_is_taken_down_stays_on_the_desk(photos: Path, desk: DeskListing, tmp_path: Path) -> None:
    listed = tmp_path / "takedown.txt"
    listed.write_text("person Grace Hopper\n")
    config, store = Config.model_validate({"rights": {"takedown": str(listed)}}), LocalStore(tmp_path / "s")
    less = list_for_job([photos], config, store=store, in_cloud=False, progress=SilentProgress())
    gone = {path.parent.name for sha256, path in desk.paths.items() if sha256 not in less.paths}
    assert gone == {"Grace_Hopper"} and len(less.listing.photos) == len(desk.listing.photos)
    root = machine(tmp_path / "ml", less, 1, 1)
    assert main(["--ml-root", str(root)]) == 0
    merged = merge_shards([], config, store=store, source=LocalStore(root / "processing" / "output" / "shards"))
    one = build_dataset([photos], config, store=LocalStore(tmp_path / "alone"))
    assert (merged.key, merged.content_digest()) == (one.key, one.content_digest())


def test_pictures_that_no_machine_had_are_told_by_the_merge(desk: DeskListing, tmp_path: Path) -> None:
    root = machine(tmp_path / "ml", desk, 1, 1)
    next((root / "processing" / "input" / "pictures" / "jobs" / "photos").iterdir()).unlink()
    assert main(["--ml-root", str(root)]) == 0
    with pytest.raises(ArtifactError, match=r"of 7 pictures are in no share"):
        source = LocalStore(root / "processing" / "output" / "shards")
        merge_shards([], Config(), store=LocalStore(tmp_path / "s"), source=source)


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("config/resourceconfig.json", None, "cannot read"),
        ("config/resourceconfig.json", "{}", "does not say which machine"),
        ("config/resourceconfig.json", '{"hosts": ["algo-1"], "current_host": "algo-2"}', "does not say which machine"),
        ("processing/input/listing/given.json", None, "cannot read"),
        ("processing/input/listing/given.json", '{"photos": [], "more": 1}', "more: Extra inputs"),
    ],
)
def test_what_is_missing_or_not_understood_is_left_as_a_message(
    file: str, content: str | None, complaint: str, desk: DeskListing, tmp_path: Path
) -> None:
    root = machine(tmp_path / "ml", desk, 1, 1)
    (root / file).unlink() if content is None else (root / file).write_text(content)
    assert main(["--ml-root", str(root)]) == 4
    assert complaint in message(root) and len(message(root)) <= 1024
    assert not (root / "processing" / "output").exists()


def test_a_picture_that_is_not_what_was_sent_fails_the_job(desk: DeskListing, tmp_path: Path) -> None:
    root = machine(tmp_path / "ml", desk, 1, 1)
    next((root / "processing" / "input" / "pictures" / "jobs" / "photos").iterdir()).write_bytes(b"something else")
    assert main(["--ml-root", str(root)]) == 4
    assert "is not what was sent" in message(root)


def test_a_wrong_setting_ends_as_a_command_does(desk: DeskListing, tmp_path: Path) -> None:
    root = machine(tmp_path / "ml", desk, 1, 1)
    program = [sys.executable, "-c", "import sys; from actorrec.dataset.worker import main; sys.exit(main())"]
    environ = {**os.environ, "ACTORREC_DETECTOR__NAME": "nobody"}
    done = subprocess.run(
        [*program, "--ml-root", str(root)], env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 2 and "detector.name" in message(root) and "Traceback" not in done.stderr
