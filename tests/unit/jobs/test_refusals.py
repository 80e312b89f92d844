"""What AWS would refuse, refused before anything is sent, by the names of the settings."""

from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.jobs.machines import disk_key, has_own_disks
from actorrec.jobs.refusals import refuse_impossible, refuse_impossible_training, tags


def config(training: dict[str, Any] | None = None, kms_key: str | None = None, **remote: Any) -> Config:
    return Config.model_validate({"remote": remote, "training": training or {}, "aws": {"kms_key": kms_key}})


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (config(spot=True, keep_alive_s=60), ("remote.spot", "remote.keep_alive_s")),
        (config(spot=True, max_hours=4, max_wait_hours=3.9), ("remote.max_wait_hours 3.9", "remote.max_hours 4")),
        (config({"preset": "original"}, instances=2), ("training.preset original", "not on 2")),
        (config(subnets=("subnet-1",)), ("remote.security_groups is empty",)),
        (config(security_groups=("sg-1",)), ("remote.subnets is empty",)),
        (config(subnets=("subnet-1",), security_groups=tuple(f"sg-{n}" for n in range(6))), ("at most 5",)),
        (config(subnets=tuple(f"subnet-{n}" for n in range(17)), security_groups=("sg-1",)), ("at most 16",)),
        (config(subnets=("vpc-1",), security_groups=("sg-1",)), ("remote.subnets", "'vpc-1'")),
        (config(subnets=("subnet-1",), security_groups=("sg-1 ",)), ("remote.security_groups", "'sg-1 '")),
        (config(isolated=True), ("remote.isolated", "remote.image_uri")),
        (config(kms_key="my key"), ("aws.kms_key", "'my key'")),
        (Config.model_validate({"embedder": {"name": "nonsense"}}), ("no embedder 'nonsense'",)),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(asked: Config, names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        refuse_impossible_training(asked)
    assert not [name for name in names if name not in caught.value.message], caught.value.message
    assert "\n" not in caught.value.in_full


@pytest.mark.parametrize(
    "asked",
    [
        config(),
        config(spot=True, max_hours=4, max_wait_hours=4),
        config(max_hours=4, max_wait_hours=1),  # means nothing without spot
        config({"preset": "original"}),
        config(subnets=("subnet-0a",), security_groups=("sg-0a",)),
        config(isolated=True, image_uri="mine:1"),
        config(kms_key="alias/mine"),
        Config.model_validate({"embedder": {"name": "sface"}}),
        Config.model_validate({"embedder": {"name": "resnet50"}}),
        Config.model_validate({"embedder": {"name": "mine", "path": "mine.onnx"}}),
        config(kms_key="arn:aws:kms:eu-west-1:123456789012:key/12-ab"),
    ],
)
def test_what_goes_together_passes(asked: Config) -> None:
    refuse_impossible_training(asked)


def test_a_job_that_is_no_training_may_use_what_only_training_may_not() -> None:
    refuse_impossible(config({"preset": "original"}, spot=True, keep_alive_s=60, instances=3))


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "key",
        "=value",
        "a=b\nc",
        "k" * 129 + "=v",
        "k=" + "v" * 257,
        "aws:x=1",
        "AWS:x=1",
        "actorrec:dataset=1",
        "a=é<b>",
    ],
)
def test_a_malformed_tag_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"remote\.tags"):
        tags((entry,), {})


def test_tags_are_ours_then_the_users_and_each_once() -> None:
    assert tags(("größe=a b+c=d", "e="), {"actorrec:x": "1"}) == [
        {"Key": "actorrec:x", "Value": "1"}, {"Key": "größe", "Value": "a b+c=d"}, {"Key": "e", "Value": ""},
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="twice"):
        tags(("a=1", "a=2"), {})
    assert len(tags([f"k{n}=v" for n in range(49)], {"actorrec:x": "1"})) == 50
    with pytest.raises(ConfigError, match="50 tags"):
        tags([f"k{n}=v" for n in range(50)], {"actorrec:x": "1"})


@pytest.mark.parametrize(
    ("kind", "own"),
    [("ml.g4dn.xlarge", True), ("ml.g5.xlarge", True), ("ml.g6e.xlarge", True), ("ml.g7.2xlarge", True),
     ("ml.p4d.24xlarge", True), ("ml.p4de.24xlarge", True), ("ml.p5en.48xlarge", True), ("ml.p6-b200.48xlarge", True),
     ("ml.p6e-gb200.36xlarge", True), ("ml.p3dn.24xlarge", True), ("ml.r5d.large", True), ("ml.p3.2xlarge", False),
     ("ml.p2.xlarge", False), ("ml.c5.xlarge", False), ("ml.c5n.xlarge", False), ("ml.m5.xlarge", False),
     ("ml.m7i-flex.large", False), ("ml.r5.large", False), ("ml.t3.medium", False)],
)  # fmt: skip
def test_machines_with_disks_of_their_own(kind: str, own: bool) -> None:
    assert has_own_disks(kind) is own


@pytest.mark.parametrize("key", ["alias/mine", "arn:aws:kms:eu-west-1:123456789012:alias/mine"])
def test_an_alias_is_no_key_of_a_disk(key: str) -> None:
    with pytest.raises(ConfigError, match=r"is an alias: the disk of ml\.c5\.xlarge takes a key by its id or ARN"):
        disk_key("ml.c5.xlarge", key)
    assert disk_key("ml.g5.xlarge", key) == {}  # which encrypts its own
    assert disk_key("ml.c5.xlarge", "12-ab") == {"VolumeKmsKeyId": "12-ab"}


@pytest.mark.parametrize(
    ("section", "values", "file"),
    [
        ("detector", {"name": "yunet"}, {"path": "mine.onnx"}),
        ("embedder", {"name": "sface"}, {"path": "mine.onnx"}),
        ("embedder", {"name": "mobilenet_v2"}, {"weights": "mine.keras"}),
    ],
)
def test_a_machine_without_a_network_fetches_no_net(section: str, values: dict[str, str], file: dict[str, str]) -> None:
    away = config(isolated=True, image_uri="mine:1").model_dump()
    with pytest.raises(ConfigError, match=f"the {section} {values['name']} would have to be fetched") as caught:
        refuse_impossible_training(Config.model_validate({**away, section: values}))
    assert f"{section}.{next(iter(file))}" in caught.value.hint
    refuse_impossible_training(Config.model_validate({**away, section: values | file}))
    refuse_impossible_training(Config.model_validate({section: values}))
