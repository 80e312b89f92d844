"""Files that a dying card or a power cut harmed: never an exception, never a message that nobody wrote."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from actorrec.inference.sending.rescue import put_aside
from actorrec.inference.sending.spool import Spool
from actorrec.inference.sending.spool_file import SpoolFile
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import SpoolSection

BOUNDS = SpoolSection()
COUNT = 120


def body(number: int) -> bytes:
    return b"<%06d>" % number * (20 + number % 3 * 400)


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file and its log as a kill leaves them: a part of the messages is in the one, a part in the other."""
    folder = tmp_path_factory.mktemp("torn")
    live, copy = folder / "live", folder / "copy"
    copy.mkdir()
    with Spool(live, "mqtt", BOUNDS, Troubles(lambda _: None)) as spool:
        for number in range(COUNT // 2):
            spool.add("t", body(number))
    with Spool(live, "mqtt", BOUNDS, Troubles(lambda _: None)) as spool:
        for number in range(COUNT // 2, COUNT):
            spool.add("t", body(number))
        for path in live.iterdir():
            shutil.copy(path, copy)
    assert sorted(path.name for path in copy.iterdir()) == ["mqtt.sqlite3", "mqtt.sqlite3-wal"]
    return copy


def drained(folder: Path, troubles: Troubles) -> list[bytes]:
    """All that comes out, while new messages come in."""
    found: list[bytes] = []
    with Spool(folder, "mqtt", BOUNDS, troubles) as spool:
        spool.add("t", b"new")
        while batch := spool.head(13):
            found += [message.payload for message in batch]
            spool.done(batch[-1].number)
        spool.add("t", b"newer")
        found += [message.payload for message in spool.head(10)]
        assert spool.health("x").durable, troubles.lines
    return found


def test_the_copy_is_whole(torn: Path, tmp_path: Path) -> None:
    shutil.copytree(torn, tmp_path / "s")
    said: list[str] = []
    assert drained(tmp_path / "s", Troubles(said.append)) == [*map(body, range(COUNT)), b"new", b"newer"]
    assert said == []


@pytest.mark.parametrize("kind", ["bits", "zeros", "short", "noise"])
@pytest.mark.parametrize("end", ["", "-wal"], ids=["file", "log"])
def test_harm_at_random_places(kind: str, end: str, torn: Path, tmp_path: Path) -> None:
    written = {*map(body, range(COUNT)), b"new", b"newer"}
    least = COUNT
    for seed in range(4):
        dice, folder = random.Random(f"{kind}{end}{seed}"), tmp_path / str(seed)
        shutil.copytree(torn, folder)
        path = folder / f"mqtt.sqlite3{end}"
        path.write_bytes(harmed(path.read_bytes(), kind, dice))
        found = drained(folder, Troubles(lambda _: None))
        assert set(found) <= written
        assert {b"new", b"newer"} <= set(found)
        assert len(found) == len(set(found))
        least = min(least, len(found))
        shutil.rmtree(folder)
    assert least < COUNT + 2 or kind == "bits"  # the harm was some


def harmed(data: bytes, kind: str, dice: random.Random) -> bytes:
    changed, at = bytearray(data), dice.randrange(len(data))
    if kind == "short":
        return data[:at]
    if kind == "bits":
        for _ in range(3):
            changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    else:
        length = min(4096, len(data) - at)
        changed[at : at + length] = dice.randbytes(length) if kind == "noise" else bytes(length)
    return bytes(changed)


def test_a_page_in_the_middle_is_lost_and_the_rest_is_saved(torn: Path, tmp_path: Path) -> None:
    shutil.copytree(torn, tmp_path / "s")
    path = tmp_path / "s" / "mqtt.sqlite3"
    (tmp_path / "s" / "mqtt.sqlite3-wal").unlink()
    data = bytearray(path.read_bytes())
    # The page of a message in the middle, no matter which: its body is found, and the whole page is made noise.
    page = data.index(body(30)[:60]) // 4096
    data[page * 4096 : (page + 1) * 4096] = random.Random(1).randbytes(4096)
    path.write_bytes(bytes(data))
    said: list[str] = []
    found = drained(tmp_path / "s", Troubles(said.append))
    assert body(0) in found
    assert body(COUNT // 2 - 1) in found
    assert len(found) > COUNT // 2 - 12
    assert any("damaged" in line or "came to harm" in line for line in said)


def test_a_flipped_bit_in_a_message_drops_that_message_and_counts_it(torn: Path, tmp_path: Path) -> None:
    shutil.copytree(torn, tmp_path / "s")
    path = tmp_path / "s" / "mqtt.sqlite3"
    data = bytearray(path.read_bytes())
    data[data.index(b"<000030>" * 4) + 3] ^= 1
    path.write_bytes(bytes(data))
    said: list[str] = []
    found = drained(tmp_path / "s", Troubles(said.append))
    assert found == [*(body(number) for number in range(COUNT) if number != 30), b"new", b"newer"]
    assert "1 messages came to harm" in said[0]
    with Spool(tmp_path / "s", "mqtt", BOUNDS, Troubles(said.append)) as spool:
        assert spool.health("x").dropped == 1


@pytest.mark.parametrize("kind", ["text", "other program", "later version", "trigger", "figures"])
def test_a_file_that_is_no_queue_is_put_aside(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mqtt.sqlite3"
    with Spool(tmp_path, "mqtt", BOUNDS, Troubles(lambda _: None)) as spool:
        spool.add("t", b"old")
    if kind == "text":
        path.write_text("no database at all, " * 500)
    else:
        statement = {
            "other program": "PRAGMA application_id=7",
            "later version": "PRAGMA user_version=2",
            "trigger": "CREATE TRIGGER evil AFTER INSERT ON waiting BEGIN DELETE FROM waiting; END",
            "figures": "UPDATE counts SET dropped = 'many'",
        }[kind]
        db = sqlite3.connect(path)
        db.execute(statement)
        db.commit()
        db.close()
    said: list[str] = []
    found = drained(tmp_path, Troubles(said.append))
    assert found == ([] if kind == "text" else [b"old"]) + [b"new", b"newer"]
    assert "put aside" in said[0]
    assert (tmp_path / "mqtt.sqlite3.aside").exists()


def test_one_file_is_put_aside_at_most(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / "mqtt.sqlite3").write_bytes(b"%d" % number * 5000)
        drained(tmp_path, Troubles(lambda _: None))
    assert (tmp_path / "mqtt.sqlite3.aside").read_bytes() == b"2" * 5000
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("begun", ["named", "log left", "half"])
def test_a_program_that_is_killed_as_it_saves_what_is_left_begins_anew_and_loses_nothing(
    begun: str, torn: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "s"
    shutil.copytree(torn, folder)
    path = folder / "mqtt.sqlite3"
    put_aside(path)
    if begun == "log left":  # killed between the file's name and that of its log
        path.with_name("mqtt.sqlite3.harmed-wal").rename(folder / "mqtt.sqlite3-wal")
    if begun == "half":
        with SpoolFile(path, BOUNDS.max_messages, BOUNDS.max_bytes) as half:
            half.add([("t", body(number)) for number in range(30)])
            shutil.copytree(folder, tmp_path / "killed")
        folder = tmp_path / "killed"
    said: list[str] = []
    assert drained(folder, Troubles(said.append)) == [*map(body, range(COUNT)), b"new", b"newer"]
    assert f"{COUNT} messages were saved" in said[0]
    assert sorted(each.name for each in folder.iterdir()) == ["mqtt.sqlite3", "mqtt.sqlite3.aside"]


def test_a_damaged_file_that_cannot_be_opened_for_the_moment_is_saved_later(torn: Path, tmp_path: Path) -> None:
    shutil.copytree(torn, tmp_path / "s")
    put_aside(tmp_path / "s" / "mqtt.sqlite3")
    now_s, said = [0.0], list[str]()
    with closing(sqlite3.connect(tmp_path / "s" / "mqtt.sqlite3.harmed", isolation_level=None)) as looking:
        looking.execute("PRAGMA locking_mode=EXCLUSIVE")
        looking.execute("BEGIN IMMEDIATE")  # somebody who looks what is in it
        with Spool(tmp_path / "s", "mqtt", BOUNDS, Troubles(said.append), clock=lambda: now_s[0]) as spool:
            spool.add("t", b"new")
            assert [message.payload for message in spool.head(10)] == [b"new"] and not spool.health("x").durable
            looking.close()
            now_s[0] += 60
            assert [message.payload for message in spool.head(COUNT + 1)] == [*map(body, range(COUNT)), b"new"]
            assert spool.health("x").durable
