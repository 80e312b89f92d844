"""Kills, full disks and two commands at once: the same command again gives the data set of an undisturbed run."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from actorrec.artifacts.catalog import manifests
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from actorrec.errors import ArtifactError
from actorrec.manifests.base import FileRecord
from actorrec.manifests.dataset import DatasetManifest
from actorrec.progress import SilentProgress
from patience import PATIENCE_S

COMMAND = """
import os, signal, sys
from pathlib import Path
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from actorrec.errors import ActorRecError
if sys.argv[3:]:
    wanted, name, left = sys.argv[3], sys.argv[4], [int(sys.argv[5])]
    def die(event, arguments):  # Python tells of a change on the disk right before it
        if event == wanted and any(name in str(each) for each in arguments):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(die)
try:
    manifest = build_dataset([Path(sys.argv[1])], Config(), store=LocalStore(Path(sys.argv[2])))
except ActorRecError as error:
    print(type(error).__name__, error.message)
    sys.exit(error.exit_code)
print(manifest.content_digest())
"""


@pytest.fixture(scope="module")
def photos(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    for person in ("Mel_Gibson", "Tobey_Maguire", "Will_Smith"):
        (root / person).mkdir()
        for path in sorted((test_data / "actors" / person).glob("*.jpg"))[:12]:
            shutil.copy(path, root / person)
    return root


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of an undisturbed run."""
    root = tmp_path_factory.mktemp("store")
    build_dataset([photos], Config(), store=LocalStore(root))
    return root


@pytest.fixture(scope="module")
def undisturbed(whole: Path) -> str:
    (manifest,) = manifests(LocalStore(whole), DatasetManifest)
    return manifest.content_digest()


def run(photos: Path, store: Path, *dies_before: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", COMMAND, str(photos), str(store), *dies_before]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def everything_in(store: Path) -> list[str]:
    """Every file and folder, hidden ones too."""
    return sorted(path.relative_to(store).as_posix() for path in store.rglob("*"))


# Which kind of change, of what, and the how many-th. Each run goes on where the one before was killed: in its second
# batch, among the crops, at the manifest, and with what is to go after it.
KILLS = [
    ("os.rename", "/unfinished/", "2"),
    ("open", "/crops/", "5"),
    ("fcntl.flock", "", "20"),
    ("os.rename", ".jpg", "30"),
    ("os.link", "/manifest.json", "1"),
    ("os.remove", ".npz", "2"),
    ("os.rmdir", "/unfinished", "1"),
]


def test_killed_at_every_step_it_goes_on_and_leaves_nothing_behind(
    photos: Path, whole: Path, undisturbed: str, tmp_path: Path
) -> None:
    for change in KILLS:
        process = run(photos, tmp_path, *change)
        _, error = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == -signal.SIGKILL, (change, error)
    out, error = run(photos, tmp_path).communicate(timeout=PATIENCE_S)
    assert (out.strip(), error) == (undisturbed, "")
    assert everything_in(tmp_path) == everything_in(whole)


class KillingProgress(SilentProgress):
    """Stops like Ctrl-C after some pictures."""

    def __init__(self, after: int) -> None:
        self.left = after

    def step(self, title: str, total: int | None, unit: str = "") -> "AbstractContextManager[KillingProgress]":
        del total, unit
        return _Counting(self) if title == "finding faces" else super().step(title, None)  # type: ignore[return-value]


class _Counting:
    def __init__(self, progress: KillingProgress) -> None:
        self._progress = progress

    def __enter__(self) -> "_Counting":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def advance(self, amount: int = 1) -> None:
        self._progress.left -= amount
        if self._progress.left < 0:
            raise KeyboardInterrupt

    def measure(self, **values: float) -> None:
        del values


def test_ctrl_c_loses_nothing_that_was_done(photos: Path, undisturbed: str, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        build_dataset([photos], Config(), store=store, progress=KillingProgress(10))
    counted = KillingProgress(1000)
    manifest = build_dataset([photos], Config(), store=store, progress=counted)
    assert manifest.content_digest() == undisturbed
    kept_work = KillingProgress(10)
    with pytest.raises(KeyboardInterrupt):  # another store: a fresh start would stop again at the tenth
        build_dataset([photos], Config(), store=LocalStore(tmp_path / "other"), progress=kept_work)


class FullDisk(LocalStore):
    """A store whose disk is full from the n-th write on."""

    def __init__(self, root: Path, writes: int) -> None:
        super().__init__(root)
        self.writes = writes

    def put_bytes(self, name: str, data: bytes) -> FileRecord:
        self._use()
        return super().put_bytes(name, data)

    def commit(self, name: str, data: bytes) -> bool:
        self._use()
        return super().commit(name, data)

    def _use(self) -> None:
        self.writes -= 1
        if self.writes < 0:
            raise ArtifactError("cannot write: No space left on device")


def test_a_full_disk_at_any_write_is_an_artifact_error_and_resumable(
    photos: Path, undisturbed: str, tmp_path: Path
) -> None:
    for writes in (0, 1, 2, 5, 20, 37):  # each goes on from what the one before could write
        with pytest.raises(ArtifactError, match="No space"):
            build_dataset([photos], Config(), store=FullDisk(tmp_path, writes))
        assert not list(tmp_path.rglob("manifest.json"))
    assert build_dataset([photos], Config(), store=LocalStore(tmp_path)).content_digest() == undisturbed


# Inside the program itself: no code of Python runs between fork and exec.
SMALL_FILES = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that a write fails instead of the process
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
"""


def test_a_disk_that_refuses_large_files_is_an_artifact_error(photos: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SMALL_FILES + COMMAND, str(photos), str(tmp_path)],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()[0]) == (4, "ArtifactError"), done
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob(".partial-*"))


def test_two_commands_at_once_make_one_data_set(photos: Path, undisturbed: str, tmp_path: Path) -> None:
    both = [run(photos, tmp_path), run(photos, tmp_path)]
    for process in both:
        out, error = process.communicate(timeout=PATIENCE_S)
        assert out.strip() == undisturbed, error
    assert len(list(tmp_path.rglob("manifest.json"))) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_store_is_an_artifact_error(photos: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ArtifactError):
            build_dataset([photos], Config(), store=LocalStore(tmp_path / "store"))
    finally:
        tmp_path.chmod(0o700)
