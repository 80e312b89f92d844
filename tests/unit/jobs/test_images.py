"""Which image: by region, version and kind of machine; refused with what would serve instead."""

import re
from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.jobs.images import ACCOUNTS, image_uri


def config(**remote: Any) -> Config:
    return Config.model_validate({"remote": remote})


@pytest.mark.parametrize(
    ("region", "start"),
    [
        ("us-east-1", "763104351884.dkr.ecr.us-east-1.amazonaws.com/"),
        ("me-south-1", "217643126080.dkr.ecr.me-south-1.amazonaws.com/"),
        ("us-gov-west-1", "442386744353.dkr.ecr.us-gov-west-1.amazonaws.com/"),
        ("cn-north-1", "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/"),
        ("eusc-de-east-1", "204133271717.dkr.ecr.eusc-de-east-1.amazonaws.eu/"),
    ],
)
def test_regions_have_accounts_and_domains_of_their_own(region: str, start: str) -> None:
    assert image_uri(config(), region) == f"{start}tensorflow-training:2.21.0-gpu-py312"


def test_every_region_makes_an_address_that_sagemaker_takes() -> None:
    for region in ACCOUNTS:
        uri = image_uri(config(), region)
        assert re.fullmatch(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.(com|com\.cn|eu)/[a-z-]+:[\w.-]+", uri)
        assert len(uri) <= 255


@pytest.mark.parametrize(
    ("kind", "processor"),
    [("ml.c5.xlarge", "cpu"), ("ml.m7i-flex.large", "cpu"), ("ml.r5d.large", "cpu"), ("ml.t3.medium", "cpu"),
     ("ml.g4dn.xlarge", "gpu"), ("ml.g6e.xlarge", "gpu"), ("ml.p3.2xlarge", "gpu"), ("ml.p6-b200.48xlarge", "gpu")],
)  # fmt: skip
def test_the_machine_says_whether_it_is_the_image_for_a_gpu(kind: str, processor: str) -> None:
    assert f"-{processor}-" in image_uri(config(instance_type=kind), "us-east-1")
    assert f"-{processor}-" in image_uri(config(), "us-east-1", kind)


def test_an_image_of_the_users_own_goes_before_everything() -> None:
    own = config(image_uri="1.dkr.ecr.x.amazonaws.com/mine@sha256:ab", framework_version="9.9", py_version="py310")
    assert image_uri(own, "mars-north-1") == "1.dkr.ecr.x.amazonaws.com/mine@sha256:ab"


@pytest.mark.parametrize(
    ("remote", "region", "says", "hints"),
    [
        ({}, "mars-north-1", "mars-north-1", "remote.image_uri"),
        ({"instance_type": "ml.trn1.2xlarge"}, "us-east-1", "ml.trn1.2xlarge", "ml.g5.xlarge"),
        ({"instance_type": "ml.inf2.xlarge", "image_uri": "x"}, "us-east-1", "ml.inf2.xlarge", "ml.c5.xlarge"),
        ({"framework_version": "2.18.0", "py_version": "py310"}, "us-east-1", "needs Python 3.11", "2.21.0 with py312"),
        ({"framework_version": "2.99.0"}, "us-east-1", "2.99.0 with py312", "remote.image_uri"),
        ({"py_version": "py311"}, "us-east-1", "2.21.0 with py311", "2.19.0 with py312"),
    ],
)
def test_what_has_no_image_is_refused_with_what_would_serve(
    remote: dict[str, Any], region: str, says: str, hints: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        image_uri(config(**remote), region)
    assert says in caught.value.message
    assert hints in caught.value.hint


def test_an_older_image_that_is_known_serves() -> None:
    assert image_uri(config(framework_version="2.19.0"), "eu-west-1").endswith(":2.19.0-gpu-py312")
