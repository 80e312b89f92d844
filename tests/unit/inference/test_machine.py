"""What a machine says of itself, from files as Linux has them."""

import os
import sys
from pathlib import Path

import pytest

from actorrec.inference.machine import (
    Machine,
    MachineState,
    free_bytes,
    memory_bytes,
    temperature_c,
    throttled_words,
)
from patience import PATIENCE_S


def zone(folder: Path, number: int, kind: str, temp: str) -> None:
    made = folder / "class" / "thermal" / f"thermal_zone{number}"
    made.mkdir(parents=True)
    (made / "type").write_text(kind + "\n")
    (made / "temp").write_text(temp + "\n")


def firmware(folder: Path, bits: str, soc: str = "soc") -> None:
    made = folder / "devices" / "platform" / soc / f"{soc}:firmware"
    made.mkdir(parents=True)
    (made / "get_throttled").write_text(bits)


def program(folder: Path, script: str) -> Path:
    """A ``vcgencmd`` that writes down each time that it is asked."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    path = bin_folder / "vcgencmd"
    path.write_text(f"#!/bin/sh\necho asked >> {folder}/asked\n{script}\n")
    path.chmod(0o755)
    return bin_folder


def asked(folder: Path) -> int:
    path = folder / "asked"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture(autouse=True)
def _no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_a_raspberry_pi(tmp_path: Path) -> None:
    zone(tmp_path, 0, "cpu-thermal", "48312")
    firmware(tmp_path, "50005\n")
    state = Machine(tmp_path).state()
    assert state.temperature_c == 48.3
    assert state.throttled == ("under-voltage", "throttled")


def test_a_machine_without_any_of_it(tmp_path: Path) -> None:
    state = Machine(tmp_path).state()
    assert state == MachineState(state.memory_bytes, None, ())


def test_the_zone_of_the_processor_is_taken_whatever_its_number(tmp_path: Path) -> None:
    zone(tmp_path, 0, "acpitz", "27800")
    zone(tmp_path, 1, "iwlwifi_1", "55000")
    zone(tmp_path, 2, "x86_pkg_temp", "41000")
    assert temperature_c(tmp_path) == 41.0


def test_the_mainboard_is_better_than_nothing_and_a_radio_is_not(tmp_path: Path) -> None:
    zone(tmp_path, 0, "iwlwifi_1", "55000")
    assert temperature_c(tmp_path) is None
    zone(tmp_path, 1, "acpitz", "27800")
    assert temperature_c(tmp_path) == 27.8


@pytest.mark.parametrize("temp", ["", "hot", "999999999", "-274000", "4" * 500])
def test_a_temperature_that_cannot_be_is_none(tmp_path: Path, temp: str) -> None:
    zone(tmp_path, 0, "cpu-thermal", temp)
    assert temperature_c(tmp_path) is None


def test_a_sensor_that_fails_leaves_it_to_the_next(tmp_path: Path) -> None:
    zone(tmp_path, 0, "cpu-thermal", "")
    zone(tmp_path, 1, "soc-thermal", "39900")
    assert temperature_c(tmp_path) == 39.9


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0x0, ()),
        (0x1, ("under-voltage",)),
        (0x2, ("frequency capped",)),
        (0x4, ("throttled",)),
        (0x8, ("soft temperature limit",)),
        (0x50000, ("under-voltage since boot", "throttled since boot")),
        (0xA0000, ("frequency capped since boot", "soft temperature limit since boot")),
        (0xF000F, ("under-voltage", "frequency capped", "throttled", "soft temperature limit")),
        (0x80001, ("under-voltage", "soft temperature limit since boot")),
        (0xFFF0, ()),
    ],
)
def test_bits_become_words(bits: int, words: tuple[str, ...]) -> None:
    assert throttled_words(bits) == words


@pytest.mark.parametrize("soc", ["soc", "soc@107c000000"])
@pytest.mark.parametrize("written", ["4\n", "0x4\n"])
def test_the_file_of_any_board(tmp_path: Path, soc: str, written: str) -> None:
    firmware(tmp_path, written, soc)
    assert Machine(tmp_path, PATIENCE_S).state().throttled == ("throttled",)


@pytest.mark.parametrize("written", ["", "none", "-1", "0x", "fffffffff", "4 5"])
def test_a_file_that_says_something_else_says_nothing(tmp_path: Path, written: str) -> None:
    firmware(tmp_path, written)
    assert Machine(tmp_path, PATIENCE_S).state().throttled == ()


def test_the_program_is_asked_once_for_each_state(tmp_path: Path) -> None:
    program(tmp_path, "echo throttled=0x80008")
    machine = Machine(tmp_path, PATIENCE_S)
    assert machine.state().throttled == ("soft temperature limit",)
    assert asked(tmp_path) == 1
    machine.state()
    assert asked(tmp_path) == 2


def test_the_file_is_not_touched_where_the_program_answers(tmp_path: Path) -> None:
    program(tmp_path, "echo throttled=0x0")
    firmware(tmp_path, "4")
    assert Machine(tmp_path, PATIENCE_S).state().throttled == ()


def test_a_program_that_may_not_ask_leaves_it_to_the_file(tmp_path: Path) -> None:
    program(tmp_path, "echo VCHI initialization failed; exit 255")
    firmware(tmp_path, "1")
    assert Machine(tmp_path, PATIENCE_S).state().throttled == ("under-voltage",)


def test_a_program_that_does_not_answer_is_not_asked_again(tmp_path: Path) -> None:
    program(tmp_path, "exec /bin/sleep 300")
    firmware(tmp_path, "2")
    machine = Machine(tmp_path)
    assert machine.state().throttled == machine.state().throttled == ("frequency capped",)
    assert asked(tmp_path) <= 1  # it may be ended before it has written that down


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_memory_of_this_program() -> None:
    held = memory_bytes()
    assert held is not None and 2**20 < held < 2**40


def test_room_on_the_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    room = free_bytes(tmp_path / "a" / "b")
    there = os.statvfs(tmp_path)
    assert room is not None
    assert abs(room - there.f_bavail * there.f_frsize) < 2**30


def test_a_file_in_the_way_has_no_room(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert free_bytes(tmp_path / "file" / "below") is None
