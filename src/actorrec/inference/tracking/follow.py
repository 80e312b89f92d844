"""Faces from one frame to the next without a net: the optical flow of points on each.

Points are followed forth and back (Kalal et al., 2010, "Forward-backward error"), those that do not come back are
dropped, and the others move the face by a similarity transform.
"""

import cmath
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.change import likeness
from actorrec.inference.tracking.grey import Grey, GreyFrame
from actorrec.types import BoundingBox, Face, Landmarks

_GRID: Final = 4
_INNER: Final = 0.8  # of the box's sides: its corners show what is behind the face
_WINDOW_PX: Final = 13
_LEVELS: Final = 3
_ENOUGH: Final = (3, 5, 0.05)  # steps, and px of a step, after which a point is where it is
_REACH_PX: Final = 48  # how far a face may go from one frame to the next
_LARGE_PX: Final = 80  # faces of this size are followed at half of it, in a third of the time
_SMALLEST_PX: Final = 2 * _WINDOW_PX
_COMES_BACK_PX: Final = 1.0
_LEAST_SHARE: Final = 0.4  # of the points
_LEAST_SPREAD: Final = 1e-6
_MOST_ZOOM: Final = 1.25
_MOST_TURN_RAD: Final = 0.5
_PATCH_PX: Final = 24
_LEAST_LIKENESS: Final = 0.8  # of the face before and after; two people in one place are less alike
_LEAST_INSIDE: Final = 0.6  # of the box, in the picture

_STEPS: Final = [_INNER * (step / (_GRID - 1) - 0.5) for step in range(_GRID)]
_GRID_XY: Final = np.array([(x, y) for y in _STEPS for x in _STEPS])

Points = NDArray[np.float32]
"""Shape (P, 2), float32, px."""


def follow_faces(before: GreyFrame, after: GreyFrame, faces: Sequence[Face]) -> list[Face | None]:
    """Where faces of one frame are in a later one.

    Args:
        before: The frame that ``faces`` are in.
        after: A later one of the same size.
        faces: In px of the frame, not of the grey picture.

    Returns:
        Each face moved, box and landmarks, its score as it was; None where it cannot be followed.
    """
    if not faces or before.pixels.shape != after.pixels.shape or min(after.pixels.shape) < _SMALLEST_PX:
        return [None] * len(faces)
    scale = before.scale_xy
    starts = [_points(face) * scale for face in faces]
    smallest_px = min(min(face.box.width_px, face.box.height_px) for face in faces) * float(scale.min())
    times = 2 if smallest_px >= _LARGE_PX else 1
    ends, good = _flow(before.pixels, after.pixels, np.concatenate(starts), times)
    found: list[Face | None] = []
    first = 0
    for face, start in zip(faces, starts, strict=True):
        part = slice(first, first + len(start))
        first += len(start)
        moved = _moved(face, start / scale, ends[part] / scale, good[part])
        found.append(moved if moved is not None and _still_it(before, after, face, moved) else None)
    return found


def _points(face: Face) -> Points:
    """The landmarks and a grid over the inner box."""
    box = face.box
    points = np.empty((len(face.landmarks.points) + len(_GRID_XY), 2), np.float32)
    points[: -len(_GRID_XY)] = face.landmarks.points
    points[-len(_GRID_XY) :] = _GRID_XY * (box.width_px, box.height_px) + _middle(box)
    return points


def _middle(box: BoundingBox) -> tuple[float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2


def _flow(before: Grey, after: Grey, points: Points, times: int) -> tuple[Points, NDArray[np.bool_]]:
    """Where points go, and which of them come back to where they were."""
    import cv2

    height, width = before.shape
    # Only around the points: what lies elsewhere would cost most of the time.
    left, top = (max(0, int(side) - _REACH_PX) for side in points.min(axis=0).tolist())
    right, bottom = (int(side) + _REACH_PX for side in points.max(axis=0).tolist())
    part = (
        slice(top, max(min(bottom, height), top + _SMALLEST_PX)),
        slice(left, max(min(right, width), left + _SMALLEST_PX)),
    )
    old, new = _shrunk(before[part], times), _shrunk(after[part], times)
    if min(old.shape) < _WINDOW_PX:
        return points, np.zeros(len(points), np.bool_)
    starts = ((points - np.array([left, top], np.float32)) / np.float32(times))[:, None]
    size_wh, room = (_WINDOW_PX, _WINDOW_PX), np.zeros_like(starts)
    ends, forth, _ = cv2.calcOpticalFlowPyrLK(
        old, new, starts, room, winSize=size_wh, maxLevel=_LEVELS, criteria=_ENOUGH
    )
    backs, back, _ = cv2.calcOpticalFlowPyrLK(
        new, old, ends, room.copy(), winSize=size_wh, maxLevel=_LEVELS, criteria=_ENOUGH
    )
    missed = (backs - starts)[:, 0]
    good = (forth[:, 0] == 1) & (back[:, 0] == 1) & (_squared(missed) < (_COMES_BACK_PX / times) ** 2)
    return np.asarray(points + (ends - starts)[:, 0] * np.float32(times), np.float32), good


def _squared(steps: Points) -> NDArray[np.float32]:
    return np.asarray(steps[:, 0] ** 2 + steps[:, 1] ** 2, np.float32)


def _shrunk(part: Grey, times: int) -> Grey:
    import cv2

    rows, columns = part.shape[0] // times, part.shape[1] // times
    if times == 1 or min(rows, columns) < 1:
        return np.ascontiguousarray(part)
    whole = part[: rows * times, : columns * times]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)


def _moved(face: Face, start: Points, end: Points, good: NDArray[np.bool_]) -> Face | None:
    """The face after the similarity transform that the good points agree on; None where they do not."""
    least = max(4, round(_LEAST_SHARE * len(start)))
    before, after = _complex(start), _complex(end)
    for _ in range(2):  # once with all, once without those that go their own way
        count = int(np.count_nonzero(good))
        if count < least:
            return None
        some_before, some_after = before[good], after[good]
        from_z, to_z = complex(some_before.sum()) / count, complex(some_after.sum()) / count
        some_before -= from_z
        spread = float(np.vdot(some_before, some_before).real)
        if spread < _LEAST_SPREAD:
            return None
        turn = complex(np.vdot(some_before, some_after)) / spread  # scale · e^{i·angle}, as in Umeyama (1991)
        shift = to_z - turn * from_z
        missed = np.abs(turn * before + shift - after)
        good &= missed <= max(1.0, 2.5 * float(np.sort(missed[good])[count // 2]))
        if np.count_nonzero(good) == count:  # none does
            break
    zoom = abs(turn)
    if np.count_nonzero(good) < least or not 1 / _MOST_ZOOM < zoom < _MOST_ZOOM:
        return None
    if abs(cmath.phase(turn)) > _MOST_TURN_RAD:
        return None
    box = face.box
    middle, half = turn * complex(*_middle(box)) + shift, complex(box.width_px, box.height_px) / 2 * zoom
    corners, others = middle - half, middle + half
    landmarks = (turn * _complex(face.landmarks.points) + shift).astype(np.complex64)
    return Face(
        BoundingBox(corners.real, corners.imag, others.real, others.imag),
        Landmarks(landmarks.view(np.float32).reshape(-1, 2)),
        face.score,
    )


def _complex(points: Points) -> NDArray[np.complex128]:
    """Shape (P,): x + iy."""
    return np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0]


def _still_it(before: GreyFrame, after: GreyFrame, face: Face, moved: Face) -> bool:
    return (
        _inside(after, moved.box) >= _LEAST_INSIDE
        and likeness(_patch(before, face.box), _patch(after, moved.box)) >= _LEAST_LIKENESS
    )


def _inside(frame: GreyFrame, box: BoundingBox) -> float:
    height, width = frame.pixels.shape
    right, bottom = width / float(frame.scale_xy[0]), height / float(frame.scale_xy[1])
    seen = BoundingBox(max(0.0, box.x1), max(0.0, box.y1), min(right, box.x2), min(bottom, box.y2))
    if seen.width_px <= 0 or seen.height_px <= 0:
        return 0.0
    return seen.area_px / max(box.area_px, 1e-6)


def _patch(frame: GreyFrame, box: BoundingBox) -> NDArray[np.float32]:
    import cv2

    across, down = (float(each) for each in frame.scale_xy)
    height, width = frame.pixels.shape
    size_wh = (min(width, max(2, round(box.width_px * across))), min(height, max(2, round(box.height_px * down))))
    centre = ((box.x1 + box.x2) / 2 * across - 0.5, (box.y1 + box.y2) / 2 * down - 0.5)
    cut = np.asarray(cv2.getRectSubPix(frame.pixels, size_wh, centre), np.uint8)
    if min(size_wh) >= 3 * _PATCH_PX:  # halving first takes half the time
        cut = _shrunk(cut, 2)
    return np.asarray(cv2.resize(cut, (_PATCH_PX, _PATCH_PX), interpolation=cv2.INTER_AREA), np.float32)
