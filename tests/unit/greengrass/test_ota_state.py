"""The log of updates over the air: what entries say together, and that two writers never overtake each other."""

import itertools
import os
import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.errors import ArtifactError
from actorrec.greengrass.ota_state import OtaLog, OtaState, folded
from actorrec.manifests.ota import (
    Claimed,
    Known,
    Landed,
    OtaEntry,
    Promoted,
    Published,
    Refused,
    RolledBack,
    Started,
    Superseded,
    Trying,
    Unusable,
)
from landed_models import landed, place, sha

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def told(*entries: tuple[type[Any], dict[str, Any]]) -> list[OtaEntry]:
    return [kind(seq=number + 1, at=NOW, **fields) for number, (kind, fields) in enumerate(entries)]


def land(name: str, day: float = 1) -> tuple[type[Any], dict[str, Any]]:
    return Landed, {"object": place(name), "model": landed(name, day)}


def claim(name: str, version: str) -> tuple[type[Any], dict[str, Any]]:
    return Claimed, {"content": sha(name), "component": "c.Model", "version": version}


def test_nothing_says_nothing() -> None:
    assert folded([]) == OtaState()


def test_a_model_goes_all_the_way() -> None:
    entries = told(
        land("a"), claim("a", "1.0.1"), (Published, {"content": sha("a")}), (Trying, {"content": sha("a")}),
        (Started, {"content": sha("a"), "deployment_id": "d1"}),
        (Promoted, {"content": sha("a"), "deployment_id": "d2"}),
    )  # fmt: skip
    stages = [folded(entries[:count]).candidates[sha("a")].stage for count in range(1, 7)]
    assert stages == ["waiting", "claimed", "published", "trying", "started", "promoted"]
    state = folded(entries)
    assert (state.seq, state.under_way, state.waiting) == (6, None, ())
    assert state.candidates[sha("a")].deployment_id == "d1" and state.candidates[sha("a")].version == "1.0.1"
    assert folded(entries[:5]).under_way == state.candidates[sha("a")].__class__(
        landed("a", 1), place("a"), NOW, "started", "c.Model", "1.0.1", "d1"
    )


def test_it_is_known_since_when_a_model_is_where_it_is() -> None:
    entries = told(land("a"), claim("a", "1.0.1"), (Trying, {"content": sha("a")}))
    moved = [each.model_copy(update={"at": NOW + timedelta(hours=each.seq)}) for each in entries]
    since = [folded(moved[:count]).candidates[sha("a")].since for count in (1, 2, 3)]
    assert since == [NOW + timedelta(hours=hours) for hours in (1, 2, 3)]


@pytest.mark.parametrize(
    "end",
    [
        (Refused, {"reason": "no"}), (Superseded, {"by": sha("z")}), (Promoted, {}), (RolledBack, {"reason": "bad"}),
    ],
)  # fmt: skip
def test_what_has_ended_stays_as_it_ended(end: tuple[type[Any], dict[str, Any]]) -> None:
    ended = told(land("a"), (end[0], {"content": sha("a"), **end[1]}))
    after = told(land("a"), (end[0], {"content": sha("a"), **end[1]}), land("a", 9), claim("a", "9.9.9"))
    assert folded(after).candidates == folded(ended).candidates
    assert not folded(after).under_way and not folded(after).waiting


def test_the_newest_waits_first_and_the_same_content_counts_once() -> None:
    state = folded(
        told(
            land("old", 1), land("new", 3), land("mid", 2), (Landed, {"object": place("x"), "model": landed("mid", 2)})
        )
    )
    assert [each.model.content for each in state.waiting] == [sha("new"), sha("mid"), sha("old")]
    assert state.objects == {place(name).one for name in ("old", "new", "mid", "x")}


def test_objects_without_a_bundle_and_models_that_did_not_come_over_the_air_are_remembered() -> None:
    state = folded(
        told((Unusable, {"object": place("junk"), "reason": "no zip"}), (Known, {"model": landed("live", 0)}))
    )
    assert state.objects == {place("junk").one} and state.models == {sha("live"): landed("live", 0)}
    assert not state.candidates and state.by_hand == state.models and state.tried == (landed("live", 0),)


def test_the_order_in_which_entries_are_read_does_not_matter() -> None:
    entries = told(land("a"), land("b", 2), claim("b", "1.0.1"), (Superseded, {"content": sha("a"), "by": sha("b")}))
    for order in itertools.permutations(entries):
        assert folded(order) == folded(entries)


def test_an_entry_is_added_only_after_all_that_was_known(tmp_path: Path) -> None:
    mine, theirs = (OtaLog(LocalStore(tmp_path), "pis") for _ in range(2))
    [first] = told(land("a"))
    assert mine.add(first) and not theirs.add(first.model_copy(update={"at": datetime.now(UTC)}))
    assert theirs.state() == mine.state() == folded([first])
    assert OtaLog(LocalStore(tmp_path), "others").state() == OtaState()


def test_a_log_that_is_begun_anew_is_read_anew(tmp_path: Path) -> None:
    store, path = LocalStore(tmp_path), tmp_path / "ota/pis/log/00000001.json"
    log, [first], [other] = OtaLog(store, "pis"), told(land("a")), told(land("b"))
    assert log.add(first) and log.state() == folded([first])
    written = path.stat()
    store.delete("ota/pis/log/00000001.json")
    assert log.state() == OtaState()
    assert OtaLog(store, "pis").add(other)
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))  # S3 dates to the second
    assert log.state() == folded([other])


class Counting(LocalStore):
    """A store that keeps the names of what was read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: list[str] = []

    def read_bytes(self, name: str) -> bytes:
        self.read.append(name)
        return super().read_bytes(name)


def many(count: int, first: int = 1) -> list[OtaEntry]:
    return told(*[land(f"{number}", number) for number in range(first, first + count)])


def test_of_many_entries_a_copy_is_read_and_of_it_only_what_still_holds(tmp_path: Path) -> None:
    entries, store = many(203), Counting(tmp_path)
    for entry in entries[:201]:
        assert OtaLog(store, "pis").add(entry)
    assert OtaLog(store, "pis").state() == folded(entries[:201]) and len(store.read) == 202
    for entry in entries[201:]:
        OtaLog(store, "pis").add(entry)
    store.read.clear()
    log = OtaLog(store, "pis")
    assert log.state() == folded(entries)
    assert sorted(store.read) == ["ota/pis/log/00000202.json", "ota/pis/log/00000203.json", "ota/pis/together.json"]
    store.read.clear()
    assert log.state() == folded(entries) and not store.read
    for entry in entries:  # begun anew: what the copy has is another log
        store.delete(f"ota/pis/log/{entry.seq:08d}.json")
    assert OtaLog(store, "pis").state() == OtaState()
    for entry in (others := many(202, first=1000)):
        OtaLog(store, "pis").add(entry)
    assert OtaLog(store, "pis").state() == folded(others)


@pytest.mark.parametrize("how", ["damaged", "shifted", "empty", "newer"])
def test_a_copy_that_is_no_copy_is_left_alone(tmp_path: Path, how: str) -> None:
    entries, store = many(201), Counting(tmp_path)
    for entry in entries:
        OtaLog(store, "pis").add(entry)
    OtaLog(store, "pis").state()
    text = store.read_bytes("ota/pis/together.json")
    bad = {"damaged": text[:-9], "shifted": text.replace(b'"seq":1,', b'"seq":2,', 1), "empty": b"",
           "newer": text.replace(b'"landed"', b'"exploded"')}[how]  # fmt: skip
    assert bad != text
    store.put_bytes("ota/pis/together.json", bad)
    store.read.clear()
    assert OtaLog(store, "pis").state() == folded(entries)
    assert len(store.read) == (2 if how == "shifted" else 202)


def test_every_one_of_many_writers_decides_on_all_that_was_decided_before(tmp_path: Path) -> None:
    """Each of eight writers adds ten numbers, each one more than the last that it saw."""

    def write(seed: int) -> None:
        log, left, chance = OtaLog(LocalStore(tmp_path), "pis"), 10, random.Random(seed)
        while left:
            state = log.state()
            entry = Landed(
                seq=state.seq + 1, at=NOW, object=place(f"{seed}/{left}"), model=landed(f"{len(state.candidates)}", 1)
            )
            left -= log.add(entry)
            chance.random()

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = OtaLog(LocalStore(tmp_path), "pis").state()
    assert state.seq == 80 and len(state.objects) == 80
    assert set(state.candidates) == {sha(str(number)) for number in range(80)}


def test_what_is_no_entry_is_told_and_other_files_are_left_alone(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put_bytes("ota/pis/log/notes.txt", b"mine")
    assert OtaLog(store, "pis").state() == OtaState()
    store.put_bytes("ota/pis/log/00000001.json", b'{"action": "exploded", "seq": 1}')
    with pytest.raises(ArtifactError, match=r"00000001\.json is no entry") as told_:
        OtaLog(store, "pis").state()
    assert "make lambda" in told_.value.hint
    store.put_bytes("ota/pis/log/00000001.json", told(land("a"), land("b"))[1].model_dump_json().encode())
    with pytest.raises(ArtifactError, match="says that it is number 2"):
        OtaLog(store, "pis").state()
