"""Look at every picture once, on all cores, keeping what is done."""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from actorrec.dataset.candidates import Examined, Looked
from actorrec.dataset.photos import Photo
from actorrec.dataset.workcache import WorkCache
from actorrec.progress import Progress

Looker = Callable[[Photo], Looked]
"""Looks at one photo; used by one thread alone."""


def worker_count(wanted: int) -> int:
    """``wanted`` threads, or as many as this process may use cores for 0."""
    if wanted:
        return wanted
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def look_at_all(
    photos: Iterable[Photo], make_looker: Callable[[], Looker], cache: WorkCache, workers: int, progress: Progress
) -> dict[str, Examined]:
    """Look at each distinct picture that the cache does not hold yet.

    Args:
        photos: Those with a SHA-256; copies of one file are looked at once.
        make_looker: Called once in each worker thread.
        cache: Gets every result; flushed on the way out, also at Ctrl-C.
        workers: Threads.

    Returns:
        SHA-256 of a picture → what it holds.
    """
    done = cache.load()
    distinct = {photo.sha256: photo for photo in photos if photo.sha256 is not None}
    waiting = [photo for sha256, photo in distinct.items() if sha256 not in done]
    local = threading.local()

    def look(photo: Photo) -> Looked:
        if not hasattr(local, "looker"):
            local.looker = make_looker()
        result: Looked = local.looker(photo)
        return result

    import cv2  # noqa: F401 (threads that import it at the same moment find half of it)

    with progress.step("finding faces", len(distinct), "photos") as step:
        step.advance(len(distinct) - len(waiting))
        with ThreadPoolExecutor(workers) as pool:
            try:
                for examined, pictures in _in_flight(pool, look, waiting, 4 * workers):
                    cache.add(examined, pictures)
                    done[examined.sha256] = examined
                    step.advance()
            except KeyboardInterrupt:
                cache.flush()  # what was finished is not lost
                raise
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        cache.flush()
    return done


def _in_flight(pool: ThreadPoolExecutor, look: Looker, photos: list[Photo], limit: int) -> Iterable[Looked]:
    """Results as they come, with at most ``limit`` pictures handed out, so that memory stays bounded."""
    running: set[Future[Looked]] = set()
    for photo in photos:
        running.add(pool.submit(look, photo))
        if len(running) >= limit:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    while running:
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            yield future.result()
