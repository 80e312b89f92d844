"""What a canary goes by: which deployment is the trial, and what those that try are set up with."""

import json
from datetime import UTC, datetime, timedelta

from actorrec.greengrass.canary_names import BACK, PURPOSE_TAG, TRIAL, CanaryNames
from actorrec.greengrass.canary_sets import same_set, with_shadow
from actorrec.greengrass.canary_state import CanaryState
from actorrec.greengrass.deployments import Deployment
from actorrec.greengrass.group import GroupState
from actorrec.manifests.component import DeployedComponent

START, NAME = datetime(2026, 11, 23, 8, tzinfo=UTC), "com.example.ActorRecognizer"


def side(name: str, revision: int, minutes: int, purpose: str = "") -> GroupState:
    arn = f"arn:aws:iot:us-east-1:123456789012:thinggroup/{name}"
    tags = {PURPOSE_TAG: purpose} if purpose else {}
    made = Deployment(
        id=f"{name}-{revision}", name=name, target_arn=arn, status="ACTIVE", revision=revision,
        created_at=START + timedelta(minutes=minutes), latest=True, tags=tags,
    )  # fmt: skip
    return GroupState(name, arn, ("pi-1",), (), made)


def test_what_was_asked_last_is_the_trial_whatever_its_number() -> None:
    group, names = side("pis", 9, 0), CanaryNames.of("pis")
    state = CanaryState(names, group, part=side(names.part, 6, 10, BACK), ring=side(names.ring, 2, 20, TRIAL))
    assert state.mode == "ring" and state.trial is not None
    over = CanaryState(names, group, part=side(names.part, 6, 10, TRIAL), ring=side(names.ring, 2, 20, BACK))
    assert (over.trial, over.mode, over.target, over.tried) == (None, None, None, None)


def test_a_second_bundle_changes_one_key_and_nothing_else() -> None:
    merge = json.dumps({"ImageDirectory": "/srv", "Shadow": "off"})
    before = {NAME: DeployedComponent(version="1.0.0", merge=merge), "other": DeployedComponent(version="2.0.0")}
    after = with_shadow(before, NAME, "previous")
    assert json.loads(after[NAME].merge) == {"ImageDirectory": "/srv", "Shadow": "previous"}
    assert after["other"] == before["other"] and same_set(before, after, NAME)
    assert json.loads(before[NAME].merge)["Shadow"] == "off"
    assert with_shadow({}, NAME, "previous") == {}
