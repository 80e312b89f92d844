import sys
import threading
import time
import traceback

import pytest

from actorrec.training.ahead import ahead, input_threads


def test_results_come_in_order_whoever_is_first() -> None:
    first_may_end = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            first_may_end.wait(60)
        else:
            first_may_end.set()
        return item * item

    with ahead(work, range(20), threads=2, depth=3) as results:
        assert list(results) == [item * item for item in range(20)]


def test_no_more_are_taken_than_may_wait() -> None:
    taken: list[int] = []

    def items() -> object:
        for item in range(100):
            taken.append(item)
            yield item

    with ahead(lambda item: item, items(), threads=2, depth=3) as results:  # type: ignore[arg-type, var-annotated]
        assert next(results) == 0
        assert len(taken) == 4
        assert next(results) == 1
        assert len(taken) == 5


def test_an_error_comes_where_its_result_is_asked_for() -> None:
    with ahead(lambda item: 1 // (2 - item), range(4), threads=1, depth=3) as results:
        assert next(results) == 0
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)


def functions_of(thread: int) -> list[str]:
    """Names of the functions that a thread is in."""
    return [each.name for each in traceback.extract_stack(sys._current_frames()[thread])]


def test_an_interrupt_ends_the_threads_and_what_has_not_begun_is_not_begun() -> None:
    begun: list[int] = []
    here = threading.get_ident()

    def work(item: int) -> int:
        begun.append(item)
        while item and "shutdown" not in functions_of(here):  # until the pool waits for what has begun
            time.sleep(0.005)
        return item

    with pytest.raises(KeyboardInterrupt), ahead(work, range(50), threads=1, depth=10) as results:
        next(results)
        raise KeyboardInterrupt
    assert len(begun) <= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("input")]


def test_there_is_a_thread_on_every_machine() -> None:
    assert 1 <= input_threads() <= 8
