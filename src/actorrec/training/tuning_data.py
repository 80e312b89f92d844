"""What fine-tuning learns from: balanced batches of one view of each face, drawn anew every epoch."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.dataset import FaceRecord
from actorrec.manifests.nets import EmbedderSpec
from actorrec.progress import Step
from actorrec.training.ahead import ahead, input_threads
from actorrec.training.backbone import scaled
from actorrec.training.crops import CropSource, FetchedCrop, ViewPlan

PEOPLE_A_BATCH, FACES_A_PERSON = 8, 4
"""32 faces: every batch holds pairs to compare, and dlib's activations stay under 1 GB."""
_JITTERS: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The faces of one batch, and which view of each.

    Attributes:
        faces: Shape (B,), index of each face.
        seeds: Shape (B,), what its views come from.
        views: Shape (B,), which of them it is.
    """

    faces: NDArray[np.int64]
    seeds: NDArray[np.int64]
    views: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A worker's part of a batch.

    Attributes:
        inputs: Shape (R, …), float32: this worker's rows, scaled as the net wants them. The last workers' last rows
            are the batch's last one again where the batch cannot be shared evenly.
        classes: Shape (B,), int32, of the whole batch.
    """

    inputs: NDArray[np.float32]
    classes: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class TuningData:
    """What the backbone learns from.

    Attributes:
        faces: The training side.
        classes: Shape (F,), int32.
        source: Where the crops are.
        plan: Which views are drawn from; one at random each time a face comes up.
    """

    faces: Sequence[FaceRecord]
    classes: NDArray[np.int32]
    source: CropSource
    plan: ViewPlan

    @property
    def people(self) -> int:
        return int(self.classes.max()) + 1

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return math.ceil(len(self.faces) / (PEOPLE_A_BATCH * FACES_A_PERSON))

    def draws(self, seed: int, epoch: int) -> Iterator[Draw]:
        """Batches of PEOPLE × FACES, each person as likely; the same seed and epoch give the same ones."""
        rng = np.random.default_rng([seed, epoch])
        members = [np.flatnonzero(self.classes == c) for c in range(self.people)]
        views = replace(self.plan, jitters=_JITTERS).count
        for _ in range(self.steps):
            people = rng.choice(len(members), min(PEOPLE_A_BATCH, len(members)), replace=False)
            chosen = np.concatenate(
                [rng.choice(members[p], FACES_A_PERSON, replace=len(members[p]) < FACES_A_PERSON) for p in people]
            )
            drawn = np.array([(rng.integers(2**62), rng.integers(views)) for _ in chosen], np.int64)
            yield Draw(chosen, drawn[:, 0], drawn[:, 1])

    def fetch(self, step: Step | None = None) -> list[FetchedCrop]:
        """Bring every crop to this machine."""
        return self.source.fetch(self.faces, step)


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """The rows of every batch that one of several workers embeds."""

    index: int = 0
    count: int = 1

    def rows(self, batch_size: int) -> NDArray[np.int64]:
        """Which rows; as many for every worker, the last row again where there are not enough."""
        each = -(-batch_size // self.count)
        return np.minimum(np.arange(self.index * each, (self.index + 1) * each), batch_size - 1)


@dataclass(frozen=True, slots=True, eq=False)
class BatchCutter:
    """Turns draws into what the net takes."""

    data: TuningData
    crops: Sequence[FetchedCrop]
    spec: EmbedderSpec
    share: Share

    @contextmanager
    def batches(self, seed: int, epoch: int) -> Iterator[Iterator[Batch]]:
        """The batches of an epoch in order, cut in threads while the net learns from those before."""
        threads = input_threads()
        with ahead(self._cut, self.data.draws(seed, epoch), threads=threads, depth=threads + 1) as cut:
            yield cut

    def _cut(self, draw: Draw) -> Batch:
        rows = self.share.rows(len(draw.faces))
        pixels = np.stack([self._crop(draw, int(row)) for row in rows])
        return Batch(scaled(pixels, self.spec), self.data.classes[draw.faces])

    def _crop(self, draw: Draw, row: int) -> NDArray[np.uint8]:
        plan = replace(self.data.plan, jitters=_JITTERS, seed=int(draw.seeds[row]))
        return plan.cut_one(self.crops[draw.faces[row]], int(draw.views[row]))
