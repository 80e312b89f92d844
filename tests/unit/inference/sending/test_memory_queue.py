"""What waits in memory is bounded by number and by bytes."""

from actorrec.inference.sending.memory_queue import FIRST_NUMBER, MemoryQueue


def test_the_oldest_give_way_to_more_by_number() -> None:
    queue = MemoryQueue(3, 10**6)
    for number in range(5):
        queue.add("t", b"%d" % number)
    assert [payload for _, payload in queue.messages] == [b"2", b"3", b"4"]
    assert queue.dropped == 2
    assert queue.done(FIRST_NUMBER + 3) == 2
    assert [message.number for message in queue.head(9)] == [FIRST_NUMBER + 4]


def test_the_oldest_give_way_to_more_by_bytes_and_room_comes_back() -> None:
    queue = MemoryQueue(100, 3000)  # of 1,000 bytes and what lies around them
    for _ in range(5):
        queue.add("t", bytes(1000))
    assert (len(queue), queue.dropped) == (2, 3)
    queue.done(FIRST_NUMBER + 4)
    queue.add("t", bytes(2500))
    assert (len(queue), queue.dropped) == (1, 3)
    queue.clear()
    queue.add("t", bytes(2500))
    assert (len(queue), queue.dropped) == (1, 0)
