"""Where training's faces come from: several downloads at once, and shares of several workers."""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.s3 import S3Store
from actorrec.config import Config
from actorrec.errors import ArtifactError
from actorrec.faces.dlib_resnet29 import shipped_weights
from actorrec.progress import SilentProgress
from actorrec.recognition.configured import configured_embedder
from actorrec.sections import AwsSection, EmbedderSection
from actorrec.training.backbone import open_backbone, scaled
from actorrec.training.crops import CropSource, ViewPlan, cut_faces
from actorrec.training.embeddings import EmbeddingWork, FaceEmbeddings, embed_faces
from actorrec.training.tuning_data import BatchCutter, Share, TuningData
from actorrec.vision.align import ARCFACE_112, DLIB_150
from invented_faces import invented_dataset
from onnx_files import dlib_as_onnx
from patience import PATIENCE_S
from s3_faults import Handler, faulty_s3

pytest.importorskip("keras")
AT_ONCE = 4


class ThreadWorkers:
    """Workers that are threads of this process, for what needs no network."""

    def __init__(self, index: int, count: int, barrier: threading.Barrier, said: dict[int, Any]) -> None:
        self.index, self.count, self.is_chief = index, count, index == 0
        self._barrier, self._said = barrier, said

    def gather(self, rows: NDArray[Any]) -> NDArray[Any]:
        self._said[self.index] = rows
        self._barrier.wait(PATIENCE_S)
        found = np.concatenate([self._said[index] for index in range(self.count)])
        self._barrier.wait(PATIENCE_S)
        return found

    def sum(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        return [self.gather(array[None]).sum(axis=0) for array in arrays]

    def barrier(self) -> None:
        self._barrier.wait(PATIENCE_S)

    def gather_tensor(self, rows: Any) -> Any:
        raise NotImplementedError

    def sum_tensor(self, values: Any) -> Any:
        raise NotImplementedError

    def watched(self) -> AbstractContextManager[None]:
        return nullcontext()


def embedded(store: LocalStore, section: EmbedderSection, photos: tuple[int, ...], count: int) -> list[FaceEmbeddings]:
    dataset = invented_dataset(store, photos)
    barrier, said = threading.Barrier(count), dict[int, Any]()
    found: list[FaceEmbeddings | None] = [None] * count

    def work(index: int) -> None:
        workers = ThreadWorkers(index, count, barrier, said)
        place = EmbeddingWork(CropSource(store, dataset), "model/k/unfinished/learn", SilentProgress(), workers)
        embedder = open_backbone(section, Config().models).embedder()
        found[index] = embed_faces(dataset.faces, ViewPlan(DLIB_150), embedder, place)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [each for each in found if each is not None]


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_brought_net_embeds_shares_as_it_embeds_all(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"net.{kind}"
    shipped = configured_embedder(EmbedderSection())[1].read_bytes()
    path.write_bytes(shipped if kind == "tflite" else dlib_as_onnx(shipped_weights()))
    section = EmbedderSection(path=path, template="dlib-150", licence="CC0")
    store = LocalStore(tmp_path / "store")
    (alone,) = embedded(store, section, (30, 6), 1)
    assert alone.views.shape == (36, 1, 128)
    shared = embedded(store, section, (30, 6), 3)  # of two chunks: one worker has nothing to do
    assert len(shared) == 3
    assert all((each.views == alone.views).all() for each in shared)


def test_nobody_has_no_embeddings(tmp_path: Path) -> None:
    for count in (1, 2):
        found = embedded(LocalStore(tmp_path), EmbedderSection(), (), count)
        assert [each.views.shape for each in found] == [(0, 1, 128)] * count


def test_crops_come_from_s3_several_at_a_time(aws_keys: None, tmp_path: Path) -> None:
    together = threading.Barrier(AT_ONCE)

    def wait_for_others(handler: Handler) -> bool:
        if handler.command == "GET" and "/crops/" in handler.path:
            together.wait(PATIENCE_S)  # one at a time, it breaks, and the answers with it
        return False

    with faulty_s3() as server:
        settings = AwsSection(region="us-east-1", endpoint_url=server.url, cache_dir=tmp_path, attempts=1)
        store = S3Store("bucket", "", settings)
        dataset = invented_dataset(store, (2 * AT_ONCE, 2 * AT_ONCE))
        server.fault = wait_for_others
        crops = cut_faces(dataset.faces, ViewPlan(ARCFACE_112), CropSource(store, dataset))
        server.fault = lambda handler: False
    assert crops.shape == (4 * AT_ONCE, 112, 112, 3)
    local = LocalStore(tmp_path / "local")
    same = cut_faces(dataset.faces, ViewPlan(ARCFACE_112), CropSource(local, invented_dataset(local, (8, 8))))
    assert (crops == same).all()


def test_a_damaged_crop_is_named_and_ends_the_batches(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    dataset = invented_dataset(store, (3, 3))
    for face in dataset.faces:
        path = tmp_path / dataset.ref / face.crop
        path.write_bytes(path.read_bytes()[:-9])
    cutter = cutter_of(store, (3, 3), Share())
    with (
        pytest.raises(ArtifactError, match=r"crops/\w+\.jpg is not the crop"),
        cutter.batches(0, 0) as batches,
    ):
        list(batches)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("input")]


def cutter_of(store: LocalStore, photos: tuple[int, ...], share: Share) -> BatchCutter:
    from actorrec.artifacts.catalog import load_manifest
    from actorrec.manifests.dataset import DatasetManifest

    dataset = load_manifest(store, DatasetManifest, "invented")
    spec = open_backbone(EmbedderSection(), Config().models).spec
    classes = np.repeat(np.arange(len(photos), dtype=np.int32), photos)
    data = TuningData(dataset.faces, classes, CropSource(store, dataset), ViewPlan(DLIB_150))
    return BatchCutter(data, data.fetch(), spec, share)


def test_batches_are_one_views_worth_of_each_draw_and_shares_make_them_whole(tmp_path: Path) -> None:
    store, photos = LocalStore(tmp_path), (4, 4, 4)
    dataset = invented_dataset(store, photos)
    whole = cutter_of(store, photos, Share())
    with whole.batches(7, 1) as batches:
        (batch,) = batches
    (draw,) = whole.data.draws(7, 1)
    crops = whole.data.fetch()
    for row in range(12):
        views = ViewPlan(DLIB_150, 2, int(draw.seeds[row])).cut(crops[draw.faces[row]])
        assert (batch.inputs[row] == scaled(views[draw.views[row]][None], whole.spec)[0]).all()
    assert (batch.classes == whole.data.classes[draw.faces]).all()
    parts = []
    for index in range(5):  # 12 rows as 3, 3, 3, 3 and three times the last one again
        with cutter_of(store, photos, Share(index, 5)).batches(7, 1) as batches:
            (part,) = batches
        assert (part.classes == batch.classes).all()
        parts.append(part.inputs)
    assert [len(part) for part in parts] == [3] * 5
    assert (np.concatenate(parts)[:12] == batch.inputs).all()
    assert len(dataset.faces) == 12
