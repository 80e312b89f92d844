"""Many at once: order, bounds and errors."""

import threading
import time
from collections.abc import Iterator

import pytest

from actorrec.artifacts.bulk import in_parallel


def test_results_come_in_order_and_items_are_taken_as_they_are_needed() -> None:
    taken = [0]

    def items() -> Iterator[int]:
        for number in range(200):
            taken[0] += 1
            yield number

    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * 2

    results = in_parallel(work, items(), 4)
    assert next(results) == 0 and taken[0] <= 16
    assert list(results) == [number * 2 for number in range(1, 200)]
    assert list(in_parallel(work, [], 4)) == []


def test_the_first_error_ends_it_and_little_more_is_begun() -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            begun.append(number)
        if number == 5:
            raise ValueError("five")
        time.sleep(0.01)
        return number

    with pytest.raises(ValueError, match="five"):
        list(in_parallel(work, range(1000), 4))
    assert len(begun) < 40
