"""The connection to a nucleus and what goes over it: its real SDK over a real socket."""

import threading
import time

import pytest

from actorrec.errors import RemoteError
from actorrec.inference.greengrass_ipc import GreengrassIpc
from actorrec.inference.ipc_answers import MAX_IPC_BYTES, NeverTakenError, NotAllowedError
from actorrec.inference.sending.courier import Message, MessageRefusedError
from actorrec.inference.sending.ipc_courier import IotCoreCourier
from nucleus_server import NucleusServer, nucleus
from patience import PATIENCE_S, eventually

__all__ = ["nucleus"]
pytest.importorskip("awsiot")


def messages(count: int, topic: str = "a/b") -> list[Message]:
    return [Message(number, topic, f'{{"n":{number}}}'.encode()) for number in range(count)]


def test_messages_are_taken_in_their_order_and_counted(nucleus: NucleusServer) -> None:
    with GreengrassIpc(timeout_s=PATIENCE_S) as ipc, IotCoreCourier(ipc) as courier:
        left, rounds = messages(40), 0
        while left:
            left = left[courier.deliver(left) :]
            rounds += 1
    assert [payload for _, payload in nucleus.published] == [each.payload for each in messages(40)]
    assert rounds == 3  # sixteen are on their way at once
    assert nucleus.connections == 1


def test_what_comes_before_a_message_that_is_not_taken_counts(nucleus: NucleusServer) -> None:
    first, second, third = messages(3)
    nucleus.invalid = {second.payload}
    with GreengrassIpc(timeout_s=PATIENCE_S) as ipc, IotCoreCourier(ipc) as courier:
        assert courier.deliver([first, second, third]) == 1
        with pytest.raises(MessageRefusedError, match="asked wrongly"):
            courier.deliver([second, third])
        assert courier.deliver([third]) == 1
    assert [payload for _, payload in nucleus.published] == [first.payload, third.payload]


def test_what_follows_a_message_that_waits_for_its_right_is_taken_once(nucleus: NucleusServer) -> None:
    nucleus.allowed = {"a/health"}
    first, last = messages(1)[0], Message(9, "a/b", b"last")
    others = [Message(number, "a/health", str(number).encode()) for number in (3, 4, 5)]
    closed = [Message(number, "a/b", b"more") for number in range(10, 90)]
    with GreengrassIpc(timeout_s=PATIENCE_S) as ipc, IotCoreCourier(ipc) as courier:
        with pytest.raises(NotAllowedError):
            courier.deliver([first])
        for _ in range(3):
            with pytest.raises(NotAllowedError):
                courier.deliver([first, *closed, *others, last])
        assert [payload for _, payload in nucleus.published] == [b"3", b"4", b"5"]
        nucleus.allowed = None
        assert courier.deliver([first, *others, last]) == 4
        assert courier.deliver([last]) == 1
    assert [payload for _, payload in nucleus.published] == [b"3", b"4", b"5", first.payload, b"last"]


def test_a_nucleus_that_fails_or_is_gone_loses_no_message(nucleus: NucleusServer) -> None:
    now_s = 0.0
    with GreengrassIpc(timeout_s=PATIENCE_S, clock=lambda: now_s) as ipc, IotCoreCourier(ipc) as courier:
        nucleus.failing = True
        with pytest.raises(RemoteError, match="ServiceError"):
            courier.deliver(messages(3))
        nucleus.failing = False
        assert courier.deliver(messages(3)) == 3
        nucleus.__exit__()
        with pytest.raises(RemoteError, match="no connection"):
            courier.deliver(messages(3))
        nucleus.__enter__()
        with pytest.raises(RemoteError, match="no connection"):  # within the pause
            courier.deliver(messages(3))
        now_s = 1.0
        assert courier.deliver(messages(3)) == 3


def test_a_right_that_is_missing_is_waited_for_but_not_for_ever(nucleus: NucleusServer) -> None:
    now_s = 0.0
    nucleus.allowed = {"a/health"}
    (other,) = messages(1, "a/health")
    with (
        GreengrassIpc(timeout_s=PATIENCE_S) as ipc,
        IotCoreCourier(ipc, patience_s=600, clock=lambda: now_s) as courier,
    ):
        with pytest.raises(RemoteError, match="does not allow"):
            courier.deliver(messages(1))
        now_s = 599.0
        with pytest.raises(RemoteError, match="does not allow"):
            courier.deliver(messages(1))
        now_s = 600.0
        with pytest.raises(MessageRefusedError, match="accessControl must name"):
            courier.deliver(messages(1))
        assert courier.deliver([other, *messages(2)[1:]]) == 1
        nucleus.allowed = None  # a deployment put it right
        assert courier.deliver(messages(1)) == 1
        nucleus.allowed = set()
        now_s = 700.0  # the patience begins anew
        with pytest.raises(RemoteError):
            courier.deliver(messages(1))


def test_a_message_that_lite_would_end_the_connection_for_is_refused_and_the_longest_is_taken(
    nucleus: NucleusServer,
) -> None:
    topic = "ml/tflite/image-classification"
    with GreengrassIpc(timeout_s=PATIENCE_S) as ipc, IotCoreCourier(ipc) as courier:
        longest = next(size for size in range(8000, 0, -1) if fits(topic, size))
        assert longest > 7000
        assert courier.deliver([Message(1, topic, b"x" * longest)]) == 1  # the server refuses 10,000 bytes, too
        assert ipc.publish_all([(topic, b"x" * longest)], locally=True) == [None]
        too_long = Message(2, topic, b"x" * (longest + 3))
        assert courier.deliver([Message(3, topic, b"{}"), too_long]) == 1
        with pytest.raises(MessageRefusedError, match="longer than what a nucleus takes"):
            courier.deliver([too_long])
        (failure,) = ipc.publish_all([(topic, too_long.payload)], locally=True)
        assert isinstance(failure, NeverTakenError)
    assert nucleus.connections == 1
    assert MAX_IPC_BYTES == 10_000


def fits(topic: str, size: int) -> bool:
    from actorrec.inference.ipc_answers import check_fits

    try:
        check_fits(topic, b"x" * size)
    except NeverTakenError:
        return False
    return True


def test_several_threads_share_one_connection_also_when_it_is_lost(nucleus: NucleusServer) -> None:
    with GreengrassIpc(timeout_s=PATIENCE_S, clock=lambda: time.monotonic() * 20) as ipc:
        done, failed = [0], [0]
        stop = threading.Event()

        def work(number: int) -> None:
            while not stop.is_set():
                try:
                    ipc.publish_all([(f"t/{number}", b"{}")] * 3)
                    ipc.publish_all([(f"t/{number}", b"{}")], locally=True)
                    ipc.configuration()
                    done[0] += 1
                except RemoteError:
                    failed[0] += 1
                    time.sleep(0.001)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            before = done[0]
            eventually(lambda before=before: done[0] > before + 20)  # type: ignore[misc]
            nucleus.__exit__()
            nucleus.__enter__()
        before = done[0]
        eventually(lambda: done[0] > before + 20)
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert failed[0]
    assert nucleus.connections <= 1 + 3 * 2  # one for all of them after each loss, or one that met its end


def test_a_change_of_the_configuration_is_told_at_once_and_again_after_a_reconnect(nucleus: NucleusServer) -> None:
    changed = threading.Event()
    now_s = 0.0
    with GreengrassIpc(timeout_s=PATIENCE_S, clock=lambda: now_s) as ipc:
        ipc.watch_configuration(changed.set)
        assert changed.is_set()  # it may have changed before the watch began
        changed.clear()
        nucleus.configure(InferenceInterval="2")
        assert changed.wait(PATIENCE_S)
        assert ipc.configuration() == {"InferenceInterval": "2"}
        changed.clear()
        ipc.watch_configuration(changed.set)
        assert len(nucleus.subscribed) == 1
        assert not changed.is_set()
        nucleus.__exit__()
        nucleus.__enter__()
        with pytest.raises(RemoteError):
            ipc.configuration()
        now_s = 1.0
        assert ipc.configuration() == {"InferenceInterval": "2"}
        assert changed.is_set()
        changed.clear()
        nucleus.configure(InferenceInterval="3")
        assert changed.wait(PATIENCE_S)


def test_a_watch_that_the_nucleus_ended_is_taken_up_again_when_the_configuration_is_read(
    nucleus: NucleusServer,
) -> None:
    changed = threading.Event()
    with GreengrassIpc(timeout_s=PATIENCE_S) as ipc:
        ipc.watch_configuration(changed.set)
        nucleus.end_streams()
        eventually(lambda: ipc.configuration() and nucleus.subscribed)
        changed.clear()
        nucleus.configure(InferenceInterval="3")
        assert changed.wait(PATIENCE_S)
    assert nucleus.connections == 1


def test_a_nucleus_that_does_not_know_the_watch_is_only_asked(nucleus: NucleusServer) -> None:
    nucleus.unknown = {"SubscribeToConfigurationUpdate"}
    with GreengrassIpc(timeout_s=PATIENCE_S) as ipc:
        ipc.watch_configuration(lambda: None)
        for _ in range(5):
            assert ipc.configuration() == {"InferenceInterval": "1"}
        assert nucleus.connections == 1
        nucleus.unknown = set()
        ipc.configuration()
        assert len(nucleus.subscribed) == 1


def test_a_nucleus_that_ends_the_connection_at_the_watch_still_serves(nucleus: NucleusServer) -> None:
    nucleus.deaf_to = {"SubscribeToConfigurationUpdate"}
    now_s = 0.0
    with GreengrassIpc(timeout_s=PATIENCE_S, clock=lambda: now_s) as ipc:
        ipc.watch_configuration(lambda: None)
        for _ in range(3):
            now_s += 100
            try:
                ipc.publish("a", b"{}")
                break
            except RemoteError:
                pass
        assert ipc.configuration() == {"InferenceInterval": "1"}
        ipc.publish("a", b"{}")


def test_messages_of_a_topic_are_taken_in_their_order_and_after_a_reconnect(nucleus: NucleusServer) -> None:
    taken: list[tuple[str, bytes]] = []
    now_s = 0.0
    with GreengrassIpc(timeout_s=PATIENCE_S, clock=lambda: now_s) as ipc:
        ipc.subscribe_to_topic("a/request", lambda topic, payload: taken.append((topic, payload)))
        ipc.subscribe_to_topic("a/request", lambda topic, payload: taken.append((topic, payload)))
        for number in range(200):
            nucleus.send("a/request", str(number).encode())
        nucleus.send("a/other", b"x")
        eventually(lambda: len(taken) >= 200)
        assert taken == [("a/request", str(number).encode()) for number in range(200)]
        nucleus.__exit__()
        nucleus.__enter__()
        with pytest.raises(RemoteError):
            ipc.publish("a", b"{}")
        now_s = 1.0
        ipc.publish("a", b"{}")
        nucleus.send("a/request", b"again")
        eventually(lambda: taken[-1] == ("a/request", b"again"))
        ipc.unsubscribe_from_topic("a/request")
        eventually(lambda: not nucleus.subscribed)
        ipc.unsubscribe_from_topic("a/request")


def test_a_topic_that_may_not_be_taken_is_told_and_can_be_tried_again(nucleus: NucleusServer) -> None:
    nucleus.allowed = {"a"}
    taken: list[bytes] = []
    with GreengrassIpc(timeout_s=PATIENCE_S) as ipc:
        with pytest.raises(NotAllowedError, match=r"take messages of a/request"):
            ipc.subscribe_to_topic("a/request", lambda _, payload: taken.append(payload))
        ipc.publish("a", b"{}")
        nucleus.allowed = {"a", "a/request"}
        ipc.subscribe_to_topic("a/request", lambda _, payload: taken.append(payload))
        nucleus.send("a/request", b"1")
        eventually(lambda: taken == [b"1"])
    assert nucleus.connections == 1


def test_a_watch_waits_for_a_nucleus_that_is_not_there_yet(nucleus: NucleusServer) -> None:
    nucleus.__exit__()
    now_s, changed, taken = 0.0, threading.Event(), list[bytes]()
    with GreengrassIpc(timeout_s=PATIENCE_S, clock=lambda: now_s) as ipc:
        ipc.watch_configuration(changed.set)
        with pytest.raises(RemoteError, match="no connection"):
            ipc.subscribe_to_topic("a/request", lambda _, payload: taken.append(payload))
        nucleus.__enter__()
        now_s = 1.0
        ipc.publish("a", b"{}")
        assert changed.is_set()
        nucleus.send("a/request", b"1")
        eventually(lambda: taken == [b"1"])
