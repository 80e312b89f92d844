"""What making a device known is going to do, from what is there."""

from dataclasses import replace
from pathlib import Path

import pytest

from actorrec.errors import ActorRecError, ConfigError, RemoteError
from actorrec.greengrass.device_folder import DeviceRecord
from actorrec.greengrass.provision_plan import (
    Found,
    Wanted,
    alias_of,
    check_thing_name,
    plan_provision,
    policies_of,
    resumes,
)

ID = "ab" * 32
ARN = f"arn:aws:iot:us-east-1:123456789012:cert/{ID}"
WANTED = Wanted("pi-1", "pis", "actorrec", Path("pi-1"))
NOTHING = Found(
    region="us-east-1", thing=False, certificates=(), groups=(), group="static", policies=("p",), missing=(), alias="a",
    has_alias=True, data_endpoint="x-ats.iot.us-east-1.amazonaws.com",
    credential_endpoint="x.credentials.iot.us-east-1.amazonaws.com",
)  # fmt: skip
RECORD = DeviceRecord(
    thing="pi-1", region="us-east-1", group="pis", certificate_id=ID, certificate_arn=ARN, policies=["p"],
    role_alias="a", data_endpoint="d", credential_endpoint="c",
)  # fmt: skip
DONE = replace(
    NOTHING, thing=True, certificates=(ARN,), groups=("pis",), record=RECORD, key=True, status="ACTIVE", attached=("p",)
)


def steps(found: Found, wanted: Wanted = WANTED) -> list[str]:
    return [f"{action.verb} {action.type}" for action in plan_provision(wanted, found)]


def refusal(found: Found, wanted: Wanted = WANTED) -> ActorRecError:
    with pytest.raises(ActorRecError) as caught:
        plan_provision(wanted, found)
    return caught.value


def test_a_new_device_gets_everything_and_may_connect_last() -> None:
    assert steps(NOTHING) == [
        "create thing", "create certificate", "attach policy", "attach certificate", "join thing group", "write files",
        "activate certificate",
    ]  # fmt: skip


def test_what_is_done_is_not_done_again() -> None:
    assert steps(DONE) == [
        "reuse thing", "reuse certificate", "reuse policy", "reuse thing group", "write files",
    ]  # fmt: skip
    assert resumes(WANTED, DONE)


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (replace(DONE, attached=()), ["attach policy"]),
        (replace(DONE, certificates=(), status="INACTIVE"), ["attach certificate", "activate certificate"]),
        (replace(DONE, groups=("other",)), ["join thing group"]),
        (replace(DONE, status="INACTIVE"), ["activate certificate"]),
        (replace(DONE, policies=("p", "q")), ["attach policy"]),
    ],
)
def test_what_a_killed_run_left_open_is_done(found: Found, left: list[str]) -> None:
    assert [step for step in steps(found) if not step.startswith(("reuse", "write"))] == left


def test_a_certificate_that_nobody_has_the_key_of_goes_first() -> None:
    lost = replace(NOTHING, thing=True, record=RECORD, status="INACTIVE")
    assert steps(lost)[0] == "delete certificate" and "create certificate" in steps(lost)
    in_use = replace(lost, certificates=(ARN,))  # its key may be on a device
    assert isinstance(refusal(in_use), ConfigError)
    assert "delete certificate" not in steps(replace(lost, status="ACTIVE"))


@pytest.mark.parametrize(
    "found",
    [
        replace(DONE, record=None),
        replace(DONE, record=RECORD.model_copy(update={"thing": "pi-2"})),
        replace(DONE, record=RECORD.model_copy(update={"region": "eu-west-1"})),
        replace(DONE, status=None),
    ],
)
def test_a_key_that_does_not_belong_here_is_not_touched(found: Found) -> None:
    error = refusal(found)
    assert isinstance(error, ConfigError) and "holds a private key already" in error.message
    assert "create certificate" in steps(found, replace(WANTED, new_certificate=True))


def test_a_second_certificate_is_asked_for_by_name() -> None:
    elsewhere = replace(NOTHING, thing=True, certificates=(ARN,))
    assert "--new-certificate" in refusal(elsewhere).hint
    assert "create certificate" in steps(elsewhere, replace(WANTED, new_certificate=True))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (replace(NOTHING, group=None), "no thing group 'pis' in us-east-1"),
        (replace(NOTHING, group="dynamic"), "dynamic"),
        (replace(NOTHING, missing=("p",)), "no policy 'p'"),
        (replace(NOTHING, has_alias=False), "no role alias 'a'"),
        (replace(NOTHING, data_endpoint='x"\nroot: y'), "no usable address"),
        (replace(NOTHING, credential_endpoint=""), "no usable address"),
        (replace(NOTHING, policies=("p\nq",)), "no usable policy"),
    ],
)
def test_what_is_missing_or_cannot_be_is_refused(found: Found, said: str) -> None:
    error = refusal(found)
    assert isinstance(error, RemoteError) and said in error.message and error.hint


def test_names_are_the_stacks_or_as_it_would_have_named_them() -> None:
    assert policies_of(WANTED, {}) == ("actorrec-core-device",)
    assert policies_of(replace(WANTED, clients=True), {"DevicePolicy": "d"}) == ("d", "actorrec-core-of-clients")
    assert alias_of(WANTED, {}) == "actorrec-token-exchange" and alias_of(WANTED, {"RoleAlias": "r"}) == "r"


@pytest.mark.parametrize("name", ["a", "Pi_1-x", "x" * 128])
def test_good_names(name: str) -> None:
    check_thing_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a/b", "ü", "x" * 129, "a\n", "../up", "-x", "_x"])
def test_bad_names(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name"):
        check_thing_name(name)
