"""The original's dataset.npz: there and back, and nothing in it is ever run."""

import io
import pickle
import shutil
import tempfile
import zipfile
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from actorrec.dataset.npz import export_npz, import_npz
from actorrec.errors import ArtifactError, DataError
from actorrec.progress import SilentProgress, Step


def save(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, **arrays)
    return path


FACES = np.random.default_rng(0).integers(0, 255, (4, 160, 160, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def exported(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("npz")
    for person in ("Adam_Brody", "Will_Smith"):
        (root / "photos" / person).mkdir(parents=True)
        for path in sorted((test_data / "actors" / person).glob("*.jpg"))[:6]:
            shutil.copy(path, root / "photos" / person)
    store = LocalStore(root / "store")
    manifest = build_dataset([root / "photos"], Config(), store=store)
    export_npz(manifest, store, root / "dataset.npz")
    return root / "dataset.npz"


def test_export_is_what_the_original_reads(exported: Path) -> None:
    with np.load(exported, allow_pickle=False) as arrays:
        assert arrays["arr_0"].shape == (12, 160, 160, 3)
        assert arrays["arr_0"].dtype == np.uint8
        assert Counter(arrays["arr_1"].tolist()) == {"Adam_Brody": 6, "Will_Smith": 6}


class Watching(SilentProgress):
    """Sees what lies in a folder each time something begins."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, [list[Path]()]

    def step(self, title: str, total: int | None, unit: str = "") -> "AbstractContextManager[Step]":
        self.seen.append(list(self.folder.iterdir()))
        return super().step(title, total, unit)


def test_import_finds_the_faces_again(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    watching = Watching(tmp_path / "tmp")
    manifest = import_npz(exported, Config(), store=LocalStore(tmp_path), progress=watching)
    assert len(watching.seen) > 2 and not any(watching.seen), "a kill would leave the faces there"
    assert Counter(face.person_id for face in manifest.faces) == {"Adam_Brody": 6, "Will_Smith": 6}
    assert min(face.score for face in manifest.faces) > 0.5  # found, not assumed
    assert min(face.agreement or 0 for face in manifest.faces) > 0.9
    again = import_npz(exported, Config(), store=LocalStore(tmp_path))
    assert again == manifest


def test_byte_names_and_small_crops_work(exported: Path, tmp_path: Path) -> None:
    with np.load(exported, allow_pickle=False) as arrays:
        small, names = arrays["arr_0"][:, ::2, ::2], arrays["arr_1"].astype("S")
    manifest = import_npz(save(tmp_path / "b.npz", arr_0=small, arr_1=names), Config(), store=LocalStore(tmp_path))
    assert len(manifest.faces) == 12


class Trap:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('a pickle was loaded')",))


@pytest.mark.parametrize("trapped", ["arr_0", "arr_1"])
def test_python_objects_are_never_loaded(trapped: str, tmp_path: Path) -> None:
    objects = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (4,)}
    np.lib.format.write_array_header_1_0(objects, header)
    objects.write(pickle.dumps([Trap()]))
    path = save(tmp_path / "bad.npz", **{"arr_0": FACES, "arr_1": np.array(list("abcd"))})
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "trap.npz", "w") as new:
        for name in old.namelist():
            new.writestr(name, objects.getvalue() if name == f"{trapped}.npy" else old.read(name))
    with pytest.raises(DataError, match="Python objects") as caught:
        import_npz(tmp_path / "trap.npz", Config(), store=LocalStore(tmp_path))
    assert "allow_pickle=True" in caught.value.hint


def _bad_files(folder: Path) -> dict[str, Path]:
    names = np.array(["a", "a", "b", "b"])
    lying = folder / "lying.npz"
    with zipfile.ZipFile(lying, "w") as archive:
        array = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            array, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 4096, 4096, 3)}
        )
        archive.writestr("arr_0.npy", array.getvalue() + bytes(1000))
        text = io.BytesIO()
        np.save(text, np.array(["a"]))
        archive.writestr("arr_1.npy", text.getvalue())
    (folder / "text.npz").write_text("not a zip")
    (folder / "cut.npz").write_bytes(save(folder / "whole.npz", arr_0=FACES, arr_1=names).read_bytes()[:5000])
    return {
        "no .npz": folder / "text.npz",
        "no .npz file": folder / "cut.npz",
        "cannot read": folder / "missing.npz",
        "lacks arr_1": save(folder / "one.npz", arr_0=FACES),
        "4 faces but 2 names": save(folder / "count.npz", arr_0=FACES, arr_1=names[:2]),
        "must be uint8": save(folder / "float.npz", arr_0=FACES.astype(np.float32), arr_1=names),
        "must be text": save(folder / "ids.npz", arr_0=FACES, arr_1=np.arange(4)),
        "size its header says": lying,
        "names nobody": save(folder / "nobody.npz", arr_0=FACES, arr_1=np.array(["a", "", "b", "b"])),
        "holds no faces": save(folder / "none.npz", arr_0=FACES[:0], arr_1=names[:0]),
    }


def test_bad_files_are_told_apart(tmp_path: Path) -> None:
    for message, path in _bad_files(tmp_path).items():
        with pytest.raises(DataError, match=message):
            import_npz(path, Config(), store=LocalStore(tmp_path / "store"))


def test_an_export_that_cannot_be_written_leaves_the_old_one(exported: Path, tmp_path: Path) -> None:
    store = LocalStore(exported.parent / "store")
    manifest = build_dataset([exported.parent / "photos"], Config(), store=store)
    (tmp_path / "a file").write_text("not a folder")
    with pytest.raises(ArtifactError, match="cannot write"):
        export_npz(manifest, store, tmp_path / "a file" / "x.npz")
