"""Two good bundles are kept, whole or not at all, whatever happens."""

import errno
import fcntl
import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from actorrec.errors import ArtifactError
from actorrec.inference.bundle_shelf import BundleShelf

TESTS = Path(__file__).parents[2]


def bundle(folder: Path, content: str) -> tuple[Path, str]:
    path = folder / f"{content}.zip"
    path.write_text(content * 1000)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def shelf(tmp_path: Path) -> BundleShelf:
    return BundleShelf(tmp_path / "work" / "bundles")


def test_an_empty_shelf_has_nothing(shelf: BundleShelf) -> None:
    assert shelf.other_than("00" * 32) is None


def test_the_previous_is_the_one_before_the_one_that_runs(shelf: BundleShelf, tmp_path: Path) -> None:
    a, b, c = (bundle(tmp_path, name) for name in "abc")
    shelf.keep(*a)
    assert shelf.other_than(a[1]) is None
    assert (shelf.other_than(b[1]) or Path()).read_bytes() == a[0].read_bytes()  # b runs, and is not yet known good
    shelf.keep(*b)
    shelf.keep(*b)
    assert (shelf.other_than(b[1]) or Path()).name == f"{a[1]}.zip"
    shelf.keep(*c)
    assert (shelf.other_than(c[1]) or Path()).name == f"{b[1]}.zip"
    assert names(tmp_path / "work/bundles") == {"lock", "shelf.json", "current.zip", f"{b[1]}.zip", f"{c[1]}.zip"}


def test_going_back_turns_the_two_round(shelf: BundleShelf, tmp_path: Path) -> None:
    a, b = bundle(tmp_path, "a"), bundle(tmp_path, "b")
    shelf.keep(*a)
    shelf.keep(*b)
    shelf.keep(*a)
    assert (shelf.other_than(a[1]) or Path()).name == f"{b[1]}.zip"


def test_a_damaged_bundle_is_not_brought_back_and_is_kept_anew(shelf: BundleShelf, tmp_path: Path) -> None:
    a, b = bundle(tmp_path, "a"), bundle(tmp_path, "b")
    shelf.keep(*a)
    stored = tmp_path / "work/bundles" / f"{a[1]}.zip"
    stored.write_bytes(stored.read_bytes()[:-1])
    assert shelf.other_than(b[1]) is None
    shelf.keep(*a)
    assert shelf.other_than(b[1]) == stored


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"current": "../../etc/passwd"}', b'{"current": 7}'])
def test_a_damaged_list_is_an_empty_shelf_that_fills_again(shelf: BundleShelf, tmp_path: Path, content: bytes) -> None:
    a, b = bundle(tmp_path, "a"), bundle(tmp_path, "b")
    shelf.keep(*a)
    (tmp_path / "work/bundles/shelf.json").write_bytes(content)
    assert shelf.other_than(b[1]) is None
    shelf.keep(*b)
    assert names(tmp_path / "work/bundles") == {"lock", "shelf.json", "current.zip", f"{b[1]}.zip"}


def test_files_of_others_are_left_alone(shelf: BundleShelf, tmp_path: Path) -> None:
    folder = tmp_path / "work/bundles"
    folder.mkdir(parents=True)
    (folder / "mine.zip").write_bytes(b"")
    shelf.keep(*bundle(tmp_path, "a"))
    assert "mine.zip" in names(folder)


def test_a_bundle_that_was_changed_meanwhile_is_not_kept(shelf: BundleShelf, tmp_path: Path) -> None:
    a, (b, of_b) = bundle(tmp_path, "a"), bundle(tmp_path, "b")
    shelf.keep(*a)
    b.write_bytes(b"something else")
    with pytest.raises(ArtifactError, match="changed while it ran"):
        shelf.keep(b, of_b)
    assert shelf.other_than(of_b) is not None
    assert names(tmp_path / "work/bundles") == {"lock", "shelf.json", "current.zip", f"{a[1]}.zip"}


def test_a_full_disk_is_told_and_what_was_kept_is_as_it_was(tmp_path: Path) -> None:
    a, b = bundle(tmp_path, "a"), bundle(tmp_path, "b")
    shelf = BundleShelf(tmp_path / "bundles")
    shelf.keep(*a)
    # A file system that takes no more, as a limit on the size of files: signal and limit are of a process of its own.
    program = f"""
import resource, signal
from pathlib import Path
from actorrec.errors import ArtifactError
from actorrec.inference.bundle_shelf import BundleShelf
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    BundleShelf(Path({str(tmp_path / "bundles")!r})).keep(Path({str(b[0])!r}), {b[1]!r})
except ArtifactError as error:
    print(error.in_full)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "the bundle cannot be kept in" in done.stdout
    assert names(tmp_path / "bundles") == {"lock", "shelf.json", "current.zip", f"{a[1]}.zip"}
    assert shelf.other_than(b[1]) is not None


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot be kept"):
        BundleShelf(tmp_path / "file" / "bundles").keep(*bundle(tmp_path, "a"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "bundles").mkdir(mode=0o500)
    with pytest.raises(ArtifactError, match=os.strerror(errno.EACCES)):
        BundleShelf(tmp_path / "bundles").keep(*bundle(tmp_path, "a"))


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_group_of_the_folder_may_read_what_is_kept_whatever_the_umask_says(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "bundles"
    folder.mkdir(mode=0o2700)
    folder.chmod(0o2700)  # as root gives it to a group
    a = bundle(tmp_path, "a")
    before = os.umask(umask)
    try:
        BundleShelf(folder).keep(*a)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o2750
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.name != "lock"} == {
        f"{a[1]}.zip": 0o640,
        "current.zip": 0o640,
        "shelf.json": 0o640,
    }


def test_the_current_one_has_a_name_that_stays(shelf: BundleShelf, tmp_path: Path) -> None:
    a, b = bundle(tmp_path, "a"), bundle(tmp_path, "b")
    shelf.keep(*a)
    assert shelf.current.read_bytes() == a[0].read_bytes()
    shelf.keep(*b)
    assert (shelf.current.read_bytes(), str(shelf.current.readlink())) == (b[0].read_bytes(), f"{b[1]}.zip")
    shelf.current.unlink()
    (tmp_path / "work/bundles/.partial-current").write_bytes(b"of a program that was killed")
    shelf.keep(*b)
    assert str(shelf.current.readlink()) == f"{b[1]}.zip"
    (tmp_path / "work").rename(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere/bundles/current.zip").read_bytes() == b[0].read_bytes()


def test_two_programs_do_not_change_it_at_once(shelf: BundleShelf, tmp_path: Path) -> None:
    a, b = bundle(tmp_path, "a"), bundle(tmp_path, "b")
    shelf.keep(*a)
    with (tmp_path / "work/bundles/lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ArtifactError, match="cannot be kept"):
            shelf.keep(*b)
    shelf.keep(*b)


def test_what_killed_programs_left_goes_before_anything_is_kept(shelf: BundleShelf, tmp_path: Path) -> None:
    bundles = tmp_path / "work/bundles"
    bundles.mkdir(parents=True)
    for name in (".partial-bundle", ".partial-current", ".partial-0123456789ab"):
        (bundles / name).touch()
    with pytest.raises(ArtifactError, match="was changed"):
        shelf.keep(bundle(tmp_path, "a")[0], "00" * 32)
    assert names(bundles) == {"lock"}


KILLED_AT = """
import hashlib, os, stat, sys
from pathlib import Path
from actorrec.inference.bundle_shelf import BundleShelf
from killed_at import killed_at
folder, bundles = Path(sys.argv[1]), [(Path(name), digest) for name, digest in zip(sys.argv[2::2], sys.argv[3::2])]
os.umask(0o077)
at, killed = 0, True
while killed:
    shelf = BundleShelf(folder / str(at))
    shelf.keep(*bundles[0])
    shelf.keep(*bundles[1])
    killed = killed_at(at, lambda: shelf.keep(*bundles[2]))
    zips = (folder / str(at)).glob("?" * 64 + ".zip")
    there = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in zips}
    assert all(name == digest for name, digest in there.items()), there
    assert {shelf.other_than(bundles[2][1]).stem, shelf.current.resolve().stem} <= there.keys()
    shelf.keep(*bundles[2])
    left = [path for path in (folder / str(at)).iterdir() if path.name != "lock"]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in left}
    names = f"{bundles[1][1]}.zip", f"{bundles[2][1]}.zip", "current.zip", "shelf.json"
    assert modes == dict.fromkeys(names, 0o640), modes
    at += 1
print(at)
"""


def test_a_program_killed_at_any_change_leaves_whole_bundles_and_the_next_one_ends_alike(tmp_path: Path) -> None:
    three = [str(each) for name in "abc" for each in bundle(tmp_path, name)]
    line = [sys.executable, "-c", KILLED_AT, str(tmp_path / "shelves"), *three]
    environ = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(line, capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
