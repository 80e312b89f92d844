"""Input that is made ready in other threads while the net is busy."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_MOST_THREADS: Final = 8


def input_threads() -> int:
    """Threads that cut faces: as many as this process has cores, eight at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_THREADS, cores)


@contextmanager
def ahead(work: Callable[[T], R], items: Iterable[T], *, threads: int, depth: int) -> Iterator[Iterator[R]]:
    """Results of ``work``, in the order of the items, made in threads before they are asked for.

    Args:
        work: Called once for each item; its error is raised where its result is asked for.
        items: Taken one by one.
        threads: How many work at once.
        depth: How many results may wait, so that memory is bounded.

    Returns:
        A context, for its end, by an error or Ctrl-C too, ends the threads: what has not begun is not begun.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="input") as pool:
        under_way: deque[Future[R]] = deque()

        def results() -> Iterator[R]:
            for item in items:
                under_way.append(pool.submit(work, item))
                if len(under_way) > depth:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()

        try:
            yield results()
        finally:
            for waiting in under_way:
                waiting.cancel()
