"""CloudFormation on loopback: moto with what it gets wrong about our stack put right."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from s3_servers import FAKE_KEYS

SERVICES = ("cloudformation", "iam", "iot", "s3", "sts")

# moto 5.2 makes a stack by a change set without outputs, cannot delete what it made for IoT, and knows neither thing
# groups nor policies of buckets as parts of a stack. (A policy is not kept: moto would obey it without its conditions.)
_SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
from moto.cloudformation import models as stacks, parsing
from moto.core.common_models import CloudFormationModel
from moto.iot.models import FakePolicy, FakeRoleAlias, iot_backends

logging.getLogger("werkzeug").setLevel(logging.ERROR)

class ThingGroup(CloudFormationModel):
    __module__ = "moto.iot.models"

    def __init__(self, name):
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_name_type():
        return "ThingGroupName"

    @staticmethod
    def cloudformation_type():
        return "AWS::IoT::ThingGroup"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        name = cloudformation_json["Properties"]["ThingGroupName"]
        iot_backends[account_id][region_name].create_thing_group(name, None, {})
        return cls(name)

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        iot_backends[account_id][region_name].delete_thing_group(resource_name)

class BucketPolicy(CloudFormationModel):
    __module__ = "moto.s3.models"

    def __init__(self, name):
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_name_type():
        return "Bucket"

    @staticmethod
    def cloudformation_type():
        return "AWS::S3::BucketPolicy"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        return cls(cloudformation_json["Properties"]["Bucket"])

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        pass

FakePolicy.physical_resource_id = property(lambda self: self.name)
FakeRoleAlias.physical_resource_id = property(lambda self: self.role_alias)

def delete_policy(self, account_id, region_name):
    self.versions = self.versions[-1:]
    iot_backends[account_id][region_name].delete_policy(self.name)

def delete_alias(self, account_id, region_name):
    iot_backends[account_id][region_name].delete_role_alias(self.role_alias)

FakePolicy.delete, FakeRoleAlias.delete = delete_policy, delete_alias
execute = stacks.CloudFormationBackend.execute_change_set

def execute_with_outputs(self, change_set_name, stack_name=None):
    change_set = self.describe_change_set(change_set_name)
    execute(self, change_set_name, stack_name)
    stack = change_set.stack
    stack._parse_template()
    stack.parameters = change_set.parameters
    stack.output_map = stack._create_output_map()

stacks.CloudFormationBackend.execute_change_set = execute_with_outputs
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def stack_server() -> Iterator[str]:
    """Address of an account; ``clear`` empties it."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": None}
    command = [sys.executable, "-W", "ignore", "-c", _SERVER]
    with subprocess.Popen(command, env={**os.environ, **FAKE_KEYS}, text=True, **pipes) as server:
        try:
            assert server.stdout is not None and server.stdin is not None
            url = server.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), "the server did not start"
            yield url
        finally:
            server.stdin.close()
            server.wait(20)


def clear(url: str) -> None:
    """Make it an account that holds nothing."""
    with urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST"), timeout=20) as answer:
        assert answer.status == 200


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every service of AWS that the cloud commands use, for this process and those it starts."""
    for service in SERVICES:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service.upper()}", url)
