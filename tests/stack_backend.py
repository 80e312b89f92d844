"""CloudFormation of moto with what it gets wrong about our stack put right; a program of its own, for ``stack_server``.

moto 5.2 makes a stack by a change set without outputs and names in it what a condition leaves out, cannot delete what
it made for IoT, and knows neither thing groups, rules of IoT nor policies of buckets as parts of a stack. (A policy is
not kept: moto would obey it without its conditions.)
"""

import logging
import sys

from moto.cloudformation import models as stacks
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.iot.models import FakePolicy, FakeRoleAlias, iot_backends
from moto.server import ThreadedMotoServer

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


class TopicRule(CloudFormationModel):
    __module__ = "moto.iot.models"

    def __init__(self, name):
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_name_type():
        return "RuleName"

    @staticmethod
    def cloudformation_type():
        return "AWS::IoT::TopicRule"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        properties = cloudformation_json["Properties"]
        payload = properties["TopicRulePayload"]
        (s3,) = [{k[0].lower() + k[1:]: v for k, v in each["S3"].items()} for each in payload["Actions"]]
        iot_backends[account_id][region_name].create_topic_rule(
            properties["RuleName"],
            sql=payload["Sql"],
            actions=[{"s3": s3}],
            description=payload["Description"],
            rule_disabled=False,
            error_action={},
            aws_iot_sql_version=payload["AwsIotSqlVersion"],
        )
        return cls(properties["RuleName"])

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        iot_backends[account_id][region_name].delete_topic_rule(resource_name)


FakePolicy.physical_resource_id = property(lambda self: self.name)
FakeRoleAlias.physical_resource_id = property(lambda self: self.role_alias)


def delete_policy(self, account_id, region_name):
    self.versions = self.versions[-1:]
    iot_backends[account_id][region_name].delete_policy(self.name)


def delete_alias(self, account_id, region_name):
    iot_backends[account_id][region_name].delete_role_alias(self.role_alias)


FakePolicy.delete, FakeRoleAlias.delete = delete_policy, delete_alias


def held(template, parameters):
    """Names of the resources whose conditions are met."""
    values = {name: str(about.get("Default", "")) for name, about in template.get("Parameters", {}).items()}
    values |= parameters

    def decided(condition):
        match condition:
            case {"Fn::Not": [inner]}:
                return not decided(inner)
            case {"Fn::Equals": [left, right]}:
                return plain(left) == plain(right)
        raise AssertionError(condition)

    def plain(value):
        return values[value["Ref"]] if isinstance(value, dict) else value

    resources = template.get("Resources", {}).items()
    conditions = template.get("Conditions", {})
    return {n for n, r in resources if "Condition" not in r or decided(conditions[r["Condition"]])}


diff_of_templates = parsing.ResourceMap.build_resource_diff


def build_resource_diff(self, other_template, parameters=None):
    before = held(self._template, self.input_parameters)
    after = held(other_template, parameters or self.coming)
    changed = diff_of_templates(self, other_template, parameters or self.coming)["Modify"]
    return {
        "Add": [name for name in other_template["Resources"] if name in after - before],
        "Modify": [name for name in dict.fromkeys(changed) if name in before & after],
        "Remove": [name for name in self._resource_json_map if name in before - after],
    }


def diff(self):
    self.stack.resource_map.coming = self.parameters
    return diff_of_change_set(self)


diff_of_change_set = stacks.ChangeSet.diff
stacks.ChangeSet.diff = diff
parsing.ResourceMap.build_resource_diff = build_resource_diff
execute = stacks.CloudFormationBackend.execute_change_set


def execute_with_outputs(self, change_set_name, stack_name=None):
    change_set = self.describe_change_set(change_set_name)
    execute(self, change_set_name, stack_name)
    stack = change_set.stack
    stack._parse_template()
    stack.parameters = change_set.parameters
    gone = stack.template_dict["Resources"].keys() - held(stack.template_dict, change_set.parameters)
    for name in gone & stack.resource_map._parsed_resources.keys():
        del stack.resource_map._parsed_resources[name]
    stack.output_map = stack._create_output_map()


stacks.CloudFormationBackend.execute_change_set = execute_with_outputs
stacks.Stack.stack_resources = property(lambda self: [r for r in self.resource_map.values() if r is not None])
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://{}:{}".format(*server.get_host_and_port()), flush=True)
sys.stdin.read()
server.stop()
