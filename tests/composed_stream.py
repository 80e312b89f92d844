"""A film of known truth, made of photos: who is in view, where and when.

Every photo's main face is cut out and moved smoothly (pan, zoom, roll, brightness, blur), laid on a background without
faces, with a camera's noise and JPEG compression. The same photos, appearances and seed give the same frames.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from actorrec.faces.protocols import FaceDetector
from actorrec.types import BoundingBox, Frame, UInt8Image
from actorrec.vision.main_face import main_face

WIDTH_PX, HEIGHT_PX = 640, 360
FPS = 10.0
PLACES = {"left": (0.25, 0.5), "middle": (0.5, 0.5), "right": (0.75, 0.5)}
_MARGIN = 0.6  # of a face's longer side, on each side


class Truth(NamedTuple):
    """A face in a frame: who (None for a stranger), where, and in which appearance."""

    person_id: str | None
    box: BoundingBox
    appearance: int


@dataclass(frozen=True, slots=True)
class Appearance:
    """Somebody in view for a while.

    Attributes:
        person_id: None for a stranger.
        photos: Of one person; shown in turn, cut from one to the next every ``photo_s``.
        start_s, seconds: When.
        place: Of ``PLACES``.
        face_px: Longer side of the face's box.
        calm: Part of the usual movement; 0 is a still face (the camera's noise stays).
        scene: Which background; that of whoever came last is shown.
    """

    person_id: str | None
    photos: tuple[Path, ...]
    start_s: float
    seconds: float
    place: str = "middle"
    face_px: float = 110.0
    photo_s: float = 2.0
    calm: float = 1.0
    scene: int = 0


class _Cut(NamedTuple):
    pixels: UInt8Image
    face: BoundingBox


class PhotoCuts:
    """Main faces of photos, cut out with a margin.

    Args:
        detector: Finds the faces.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._cuts: dict[Path, _Cut | None] = {}

    def usable(self, photo: Path) -> bool:
        """Whether a face was found in a photo."""
        return self._cut(photo) is not None

    def cut(self, photo: Path) -> _Cut:
        found = self._cut(photo)
        assert found is not None, f"no face in {photo}"
        return found

    def _cut(self, photo: Path) -> _Cut | None:
        if photo not in self._cuts:
            bgr = cv2.imread(str(photo))
            assert bgr is not None, photo
            rgb = np.ascontiguousarray(bgr[..., ::-1])
            face = main_face(self._detector.detect(rgb), rgb.shape[:2])
            self._cuts[photo] = None if face is None else _cut_out(rgb, face.box)
        return self._cuts[photo]


def _cut_out(rgb: UInt8Image, box: BoundingBox) -> _Cut:
    side = max(box.width_px, box.height_px)
    pad = round(side * (_MARGIN + 0.5))
    wide = cv2.copyMakeBorder(rgb, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    x, y = (box.x1 + box.x2) / 2 + pad, (box.y1 + box.y2) / 2 + pad
    left, top = max(0, round(x - pad)), max(0, round(y - pad))
    pixels = np.ascontiguousarray(wide[top : top + 2 * pad, left : left + 2 * pad])
    inner = BoundingBox(box.x1 + pad - left, box.y1 + pad - top, box.x2 + pad - left, box.y2 + pad - top)
    return _Cut(pixels, inner)


class ComposedStream:
    """The film.

    Args:
        appearances: Who and when; at most one in a place at a time.
        cuts: Where faces come from.
        seed: Of all movement and noise.
        fps: Frames a second.
        seconds: Length; until the last appearance ends by default.
    """

    def __init__(
        self,
        appearances: Sequence[Appearance],
        cuts: PhotoCuts,
        *,
        seed: int = 0,
        fps: float = FPS,
        seconds: float | None = None,
    ) -> None:
        self.appearances, self.fps = tuple(appearances), fps
        self.seconds = max(each.start_s + each.seconds for each in appearances) if seconds is None else seconds
        self._cuts, self._seed = cuts, seed

    def __iter__(self) -> Iterator[tuple[Frame, list[Truth]]]:
        """Frames and who is in them; a new start each time."""
        noise = _Noise(self._seed)
        moves = [_Movement(np.random.default_rng((self._seed, index))) for index in range(len(self.appearances))]
        scene = self.appearances[0].scene if self.appearances else 0
        background = _background(self._seed, scene)
        for index in range(round(self.seconds * self.fps)):
            time_s = index / self.fps
            present = [n for n, each in enumerate(self.appearances) if _on(each, time_s)]
            if present and self.appearances[present[-1]].scene != scene:
                scene = self.appearances[present[-1]].scene
                background = _background(self._seed, scene)
            canvas = background.copy()
            truth = [self._show(canvas, number, time_s, moves[number]) for number in present]
            yield Frame(noise.camera(canvas), "composed", index, time_s), truth

    def write(self, path: Path) -> list[list[Truth]]:
        """Write the film (``.avi`` as MJPG, else as mp4v); the truth of each frame."""
        codec = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
        film = cv2.VideoWriter(str(path), codec, self.fps, (WIDTH_PX, HEIGHT_PX))
        assert film.isOpened(), path
        truths = []
        for frame, truth in self:
            film.write(np.ascontiguousarray(frame.pixels[..., ::-1]))
            truths.append(truth)
        film.release()
        return truths

    def _show(self, canvas: UInt8Image, number: int, time_s: float, move: "_Movement") -> Truth:
        who = self.appearances[number]
        since_s = time_s - who.start_s
        photo = who.photos[int(since_s / who.photo_s) % len(who.photos)]
        return Truth(who.person_id, move.draw(canvas, self._cuts.cut(photo), who, since_s), number)


class _Movement:
    """Slow waves of random height, speed and phase."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._waves = rng.uniform([[0.3], [0.1], [0.0]], [[1.0], [0.45], [2 * np.pi]], (3, 6))

    def _now(self, time_s: float, calm: float) -> list[float]:
        height, hertz, phase = self._waves
        return (calm * height * np.sin(2 * np.pi * hertz * time_s + phase)).tolist()  # type: ignore[no-any-return]

    def draw(self, canvas: UInt8Image, cut: _Cut, who: Appearance, time_s: float) -> BoundingBox:
        right, down, zoom, roll, gain, blur = self._now(time_s, who.calm)
        box, (height, width) = cut.face, cut.pixels.shape[:2]
        scale = who.face_px / max(box.width_px, box.height_px) * (1 + 0.15 * zoom)
        across, along = PLACES[who.place]
        middle = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2])
        target = np.array([across * WIDTH_PX + 25 * right, along * HEIGHT_PX + 18 * down])
        matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), 10 * roll, scale)
        matrix[:, 2] += target - middle
        pixels = cut.pixels
        # A pixel of the film covers several of a large photo: without this, shrinking makes false edges.
        sigma = max(0.0, 0.5 * (1 / scale - 1)) + max(0.0, 1.3 * blur) / scale
        if sigma > 0.2:
            pixels = cv2.GaussianBlur(pixels, (0, 0), sigma).astype(np.uint8)
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ matrix[:, :2].T + matrix[:, 2]
        left, top = np.clip(corners.min(axis=0), 0, (WIDTH_PX - 1, HEIGHT_PX - 1)).astype(int).tolist()
        right, bottom = np.clip(np.ceil(corners.max(axis=0)), (left + 1, top + 1), (WIDTH_PX, HEIGHT_PX)).astype(int)
        matrix[:, 2] -= (left, top)
        size_wh = (int(right) - left, int(bottom) - top)
        warped = cv2.warpAffine(pixels, matrix, size_wh, flags=cv2.INTER_LINEAR)
        edge = max(2, round(min(height, width) * 0.04))
        mask = np.zeros((height, width), np.float32)
        mask[edge:-edge, edge:-edge] = 1
        alpha = cv2.warpAffine(cv2.blur(mask, (edge, edge)), matrix, size_wh)[..., None]
        lit = np.clip(warped * np.float32(1 + 0.25 * gain), 0, 255)
        part = canvas[top : int(bottom), left : int(right)]
        part[:] = (part * (1 - alpha) + lit * alpha).astype(np.uint8)
        half_x, half_y = box.width_px * scale / 2, box.height_px * scale / 2
        return BoundingBox(
            float(target[0] - half_x), float(target[1] - half_y), float(target[0] + half_x), float(target[1] + half_y)
        )


def _on(each: Appearance, time_s: float) -> bool:
    return each.start_s <= time_s + 1e-9 < each.start_s + each.seconds


def _background(seed: int, scene: int) -> UInt8Image:
    """Soft blots of colour: nothing that looks like a face."""
    rng = np.random.default_rng((seed, 7919, scene))
    small: NDArray[np.float32] = rng.uniform(30, 200, (6, 10, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


class _Noise:
    """A sensor's noise and JPEG compression; new noise for every frame would cost more than all the rest."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._noise = np.rint(self._rng.normal(0, 3.0, (HEIGHT_PX, WIDTH_PX, 3))).astype(np.int16)

    def camera(self, canvas: UInt8Image) -> UInt8Image:
        down, right = self._rng.integers(0, (HEIGHT_PX, WIDTH_PX)).tolist()
        noisy = cv2.add(canvas.astype(np.int16), np.roll(self._noise, (down, right), (0, 1)))
        done, packed = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])
        assert done
        return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def play(
    people: Mapping[str, Sequence[Path]],
    strangers: Sequence[Path],
    *,
    seed: int = 0,
    usable: Callable[[Path], bool] = lambda _: True,
) -> list[Appearance]:
    """A plot in which everybody appears once, for 3 to 8 s: alone or by twos, with cuts, breaks and empty stretches.

    Args:
        people: Photos of each known person; up to four are cut into one appearance.
        strangers: One photo each.
        seed: Of order, lengths and places.
        usable: Photos for which this is false are left out.
    """
    rng = np.random.default_rng((seed, 1))
    cast: list[tuple[str | None, tuple[Path, ...]]] = []
    for person, photos in people.items():
        good = [photo for photo in photos if usable(photo)]
        if good:
            cast.append((person, tuple(good[: int(rng.integers(1, 5))])))
    cast += [(None, (photo,)) for photo in strangers if usable(photo)]
    order = [cast[index] for index in rng.permutation(len(cast))]
    plot: list[Appearance] = []
    time_s, scene = 1.0, 0
    while order:
        together = 2 if len(order) > 1 and rng.random() < 0.35 else 1
        places = ("left", "right") if together == 2 else (str(rng.choice(list(PLACES))),)
        ends: list[float] = []
        scene += int(rng.random() < 0.5)  # else another face stands before the same background
        for place in places:
            person, photos = order.pop()
            start_s, seconds = time_s + 0.1 * int(rng.integers(0, 10)) * len(ends), 0.1 * int(rng.integers(30, 81))
            face_px, photo_s = float(rng.uniform(70, 150)), float(rng.uniform(1.0, 2.5))
            plot.append(Appearance(person, photos, start_s, seconds, place, face_px, photo_s, scene=scene))
            ends.append(start_s + seconds)
        # Half of the cuts are hard: the next face stands there in the very next frame.
        time_s = round(max(ends) + (0.0 if rng.random() < 0.5 else 0.1 * int(rng.integers(5, 30))), 3)
    return plot
