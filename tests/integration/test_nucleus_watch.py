"""What the nucleus is asked beside messages never keeps the asker waiting."""

import pytest

from actorrec.errors import RemoteError
from actorrec.inference.greengrass_ipc import GreengrassIpc
from actorrec.inference.nucleus_watch import NucleusWatch
from actorrec.inference.troubles import Troubles
from nucleus_server import NucleusServer, nucleus
from patience import eventually

__all__ = ["nucleus"]
pytest.importorskip("awsiot")
NEVER_S = 600.0


def read(watch: NucleusWatch) -> object:
    try:
        return watch.configuration()
    except RemoteError:
        return None


def test_what_is_asked_never_waits_and_comes_when_it_is_there(nucleus: NucleusServer) -> None:
    taken: list[bytes] = []
    with (
        GreengrassIpc(timeout_s=NEVER_S) as ipc,
        NucleusWatch(ipc, Troubles(lambda _: None)) as watch,
    ):
        eventually(watch.read_anew)
        assert watch.configuration() == {"InferenceInterval": "1"}
        assert not watch.read_anew()
        nucleus.configure(InferenceInterval="2")  # told, not asked
        eventually(lambda: watch.read_anew() and watch.configuration() == {"InferenceInterval": "2"})
        watch.take_requests("a/request", lambda _, payload: taken.append(payload))
        nucleus.waited_for("a/request")
        watch.take_requests("b/request", lambda _, payload: taken.append(payload))
        eventually(lambda: {topic for topic, _, _ in nucleus.subscribed} == {"", "b/request"})
        nucleus.silent = True
        for number in range(100):
            watch.ask()
            watch.take_requests(f"{number}/request", lambda _, payload: taken.append(payload))
            assert watch.configuration() == {"InferenceInterval": "2"}


def test_what_could_not_be_read_or_taken_is_told_and_tried_again(nucleus: NucleusServer) -> None:
    said: list[str] = []
    nucleus.failing = True
    with GreengrassIpc() as ipc, NucleusWatch(ipc, Troubles(said.append)) as watch:
        watch.take_requests("a/request", lambda *_: None)
        eventually(lambda: said)
        with pytest.raises(RemoteError, match="ServiceError"):
            watch.configuration()
        nucleus.failing = False
        watch.ask()
        eventually(lambda: said[1:])
        eventually(lambda: read(watch) == {"InferenceInterval": "1"})
        nucleus.waited_for("", "a/request")
    assert "requests of client devices: the nucleus refused to take messages of a/request" in said[0]
    assert said[1:] == ["requests of client devices: in order again"]
