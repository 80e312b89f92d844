"""Who tries something first, and by which way it reaches them alone."""

import pytest

from actorrec.errors import ConfigError
from actorrec.greengrass.canary_members import choice, shortlist
from actorrec.greengrass.canary_names import CanaryNames
from actorrec.greengrass.deployments import CLASSIC, LITE, CoreDevice


def known(
    *names: str, runtime: str = CLASSIC, status: str = "HEALTHY", version: str = "2.14.0"
) -> dict[str, CoreDevice]:
    return {name: CoreDevice(name, status, runtime, "aarch64", version=version) for name in names}


FLEET = [f"pi-{number:03d}" for number in range(200)]


@pytest.mark.parametrize(("wanted", "many"), [("1%", 2), ("5%", 10), ("99%", 198)])
def test_a_share_of_the_group(wanted: str, many: int) -> None:
    chosen = shortlist("pis", wanted, FLEET, known(*FLEET))
    assert len(chosen) == len(set(chosen)) == many
    assert list(chosen) == sorted(chosen)
    assert chosen == shortlist("pis", wanted, FLEET, known(*FLEET))


@pytest.mark.parametrize(("things", "wanted", "many"), [(1, "1%", 1), (3, "10%", 1), (30, "5%", 2), (20, "12%", 2)])
def test_at_least_one_and_to_the_nearest(things: int, wanted: str, many: int) -> None:
    assert len(shortlist("pis", wanted, FLEET[:things], known(*FLEET))) == many


def test_the_choice_is_spread_and_differs_between_groups() -> None:
    chosen = shortlist("pis", "10%", FLEET, known(*FLEET))
    halves = [sum(name < "pi-100" for name in chosen), sum(name >= "pi-100" for name in chosen)]
    assert min(halves) >= 4
    assert chosen != shortlist("doors", "10%", FLEET, known(*FLEET))


def test_healthy_devices_go_first_then_those_with_the_java_nucleus() -> None:
    devices = known(*FLEET[:2], status="UNHEALTHY") | known(*FLEET[2:6], runtime=LITE) | known(*FLEET[6:10])
    assert set(shortlist("pis", "40%", FLEET[:10], devices)) == set(FLEET[6:10])
    assert set(shortlist("pis", "80%", FLEET[:10], devices)) == set(FLEET[2:10])


def test_a_retry_takes_the_same_devices_whatever_became_of_them() -> None:
    before = shortlist("pis", "10%", FLEET, known(*FLEET))
    now = known(*FLEET) | known(*before, status="UNHEALTHY")
    assert shortlist("pis", "10%", FLEET, now, before) == before
    assert set(before) < set(shortlist("pis", "20%", FLEET, now, before))


def test_devices_that_never_reported_try_nothing() -> None:
    assert shortlist("pis", "50%", FLEET[:4], known(FLEET[3])) == (FLEET[3],)
    with pytest.raises(ConfigError, match="ever reported"):
        shortlist("pis", "50%", FLEET[:4], {})


@pytest.mark.parametrize("share", ["0%", "100%", "101%", "-5%", "5.5%", "%", "5 %", "１0%"])
def test_what_is_no_share_is_told_from_an_unknown_device(share: str) -> None:
    with pytest.raises(ConfigError, match="is no share of a group") as raised:
        shortlist("pis", share, FLEET, known(*FLEET))
    assert "1% to 99%" in raised.value.hint


def test_one_device_by_name() -> None:
    assert shortlist("pis", "pi-007", FLEET, known("pi-007")) == ("pi-007",)
    with pytest.raises(ConfigError, match="'pi-007' has never reported"):
        shortlist("pis", "pi-007", FLEET, {})
    with pytest.raises(ConfigError, match="'pi-999' is not in the thing group 'pis'") as raised:
        shortlist("pis", "pi-999", FLEET, known(*FLEET))
    assert "pi-000" in raised.value.hint
    with pytest.raises(ConfigError, match="is empty"):
        shortlist("pis", "5%", [], {})


@pytest.mark.parametrize(
    ("devices", "mode", "why"),
    [
        (known("a", "b", version="2.9.0"), "part", "every one"),
        (known("a") | known("b", version="2.10.3"), "part", "every one"),
        (known("a") | known("b", version="2.8.1"), "ring", "b runs nucleus 2.8.1"),
        (known("a") | known("b", runtime=LITE, version="2.16.0"), "ring", "b runs nucleus lite"),
        (known("a"), "ring", "b has never reported"),
        (known("a") | known("b", version=""), "ring", "unknown version"),
        (known("a") | known("b", version="0.0.0-SNAPSHOT"), "ring", "older"),
    ],
)
def test_the_way_follows_from_what_the_devices_can(devices: dict[str, CoreDevice], mode: str, why: str) -> None:
    found = choice(["b", "a"], devices)
    assert (found.mode, found.devices) == (mode, ("a", "b"))
    assert why in found.why


def test_names_of_what_belongs_to_a_canary_fit_and_differ() -> None:
    names = CanaryNames.of("pis")
    assert (names.part, names.ring, names.chosen) == ("pis-canary", "pis-canary-ring", "pis-canary-chosen")
    long = [CanaryNames.of("x" * 127 + end) for end in "ab"]
    every = [name for each in long for name in (each.part, each.ring, each.chosen)]
    assert len(set(every)) == 6
    assert max(map(len, every)) <= 128
