"""Policies of IAM and IoT, decided as AWS decides them; and the template of the stack with its parameters put in."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

ACCOUNT = "123456789012"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": None,
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "actorrec",
    "AWS::URLSuffix": "amazonaws.com",
}


def stack_template() -> dict[str, Any]:
    """The template of the stack as JSON would say it."""
    from cfnlint.decode import cfn_yaml

    from actorrec.cloud.template import template_text

    return dict(plain(cfn_yaml.loads(template_text())))


def people_statements(name: str, **filled: str) -> list[dict[str, Any]]:
    """Statements of a policy for people, with its words in capitals filled in."""
    from actorrec.cloud.template import template_path

    text = (template_path().parent / name).read_text()
    names = {"ACCOUNT": ACCOUNT, "REGION": "us-east-1", "STACK": "actorrec", **filled}
    for word in sorted(names, key=len, reverse=True):
        text = text.replace(word, names[word])
    return list(json.loads(text)["Statement"])


class Filled:
    """A template as CloudFormation sees it: functions replaced by what they give, conditions decided.

    Args:
        template: As JSON would say it: ``{"Fn::Sub": …}``.
        parameters: Those that are not defaults.
    """

    def __init__(self, template: dict[str, Any], parameters: Mapping[str, str]) -> None:
        self._template = template
        assert parameters.keys() <= template["Parameters"].keys()
        defaults = {name: str(about["Default"]) for name, about in template["Parameters"].items()}
        self._values: dict[str, Any] = {**defaults, **parameters, **_PSEUDO}
        self._values["Bucket"] = self._values["BucketName"] or "actorrec-bucket-made-up"
        self._values["TokenExchangeAlias"] = "actorrec-token-exchange"
        self._values |= {"OtaFunction": "actorrec-OtaFunction-1", "OtaLogs": "/actorrec/actorrec/ota"}
        self.resources: dict[str, dict[str, Any]] = {
            name: self._fill(resource["Properties"])
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or self._holds(resource["Condition"])
        }

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Of a role's one policy."""
        (policy,) = self.resources[role]["Policies"]
        return list(policy["PolicyDocument"]["Statement"])

    def output(self, name: str) -> str:
        return str(self._fill(self._template["Outputs"][name]["Value"]))

    def _fill(self, node: Any) -> Any:
        match node:
            case {"Ref": name}:
                return self._values[name]
            case {"Fn::If": [condition, yes, no]}:
                return self._fill(yes if self._holds(condition) else no)
            case {"Fn::Sub": [text, more]}:
                return self._sub(text, {key: self._fill(value) for key, value in more.items()})
            case {"Fn::Sub": text}:
                return self._sub(text, {})
            case {"Fn::Join": [between, parts]}:
                return between.join(self._fill(parts))
            case {"Fn::Split": [between, text]}:
                return self._fill(text).split(between)
            case {"Fn::GetAtt": name}:
                return self._attribute(name if isinstance(name, str) else ".".join(name))
            case dict():
                filled = {key: self._fill(value) for key, value in node.items()}
                return {key: value for key, value in filled.items() if value is not None}
            case list():
                return [value for value in map(self._fill, node) if value is not None]
            case _:
                return node

    def _holds(self, condition: Any) -> bool:
        match condition:
            case str():
                return self._holds(self._template["Conditions"][condition])
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::Equals": [left, right]}:
                return bool(self._fill(left) == self._fill(right))
        raise AssertionError(f"not known: {condition}")

    def _sub(self, text: str, more: Mapping[str, str]) -> str:
        values = {**self._values, **more}
        return re.sub(r"\$\{(!?)([^}]+)\}", lambda m: f"${{{m[2]}}}" if m[1] else str(values[m[2]]), text)

    def _attribute(self, name: str) -> str:
        iot, iam = f"arn:aws:iot:us-east-1:{ACCOUNT}", f"arn:aws:iam::{ACCOUNT}"
        return {
            "Bucket.Arn": f"arn:aws:s3:::{self._values['Bucket']}",
            "SageMakerRole.Arn": f"{iam}:role/actorrec-SageMakerRole-1",
            "TokenExchangeRole.Arn": f"{iam}:role/actorrec-TokenExchangeRole-1",
            "EventsRole.Arn": f"{iam}:role/actorrec-EventsRole-1",
            "OtaRole.Arn": f"{iam}:role/actorrec-OtaRole-1",
            "OtaLogs.Arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/actorrec/actorrec/ota:*",
            "OtaFunction.Arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:actorrec-OtaFunction-1",
            "ModelLanded.Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/actorrec-ModelLanded-1",
            "GoOn.Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/actorrec-GoOn-1",
            "TokenExchangeAlias.RoleAliasArn": f"{iot}:rolealias/actorrec-token-exchange",
        }[name]


def allowed(
    statements: list[dict[str, Any]], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether a policy allows an action: an explicit denial wins, and what nobody allows is denied."""
    given = context or {}
    effects = {s["Effect"] for s in statements if _applies(s, action, resource, given)}
    return "Allow" in effects and "Deny" not in effects


def denied(statements: list[dict[str, Any]], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether a policy denies an action, whoever else allows it."""
    return any(s["Effect"] == "Deny" and _applies(s, action, resource, context) for s in statements)


def granted(statements: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every action, resource and condition that is allowed."""
    for statement in statements:
        if statement["Effect"] == "Allow":
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield action, resource, statement.get("Condition", {})


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def plain(node: Any) -> Any:
    """What a reader of templates gives, as plain lists and dictionaries."""
    return json.loads(json.dumps(node))


def _applies(statement: dict[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    return (
        any(_like(pattern.lower(), action.lower()) for pattern in as_list(statement["Action"]))
        and any(_like(_with_variables(pattern, context), resource) for pattern in as_list(statement["Resource"]))
        and all(
            _condition(operator, key, as_list(wanted), context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _with_variables(pattern: str, context: Mapping[str, str]) -> str:
    """A variable that is not known matches nothing."""
    return re.sub(r"\$\{([^}]+)\}", lambda m: context.get(m[1], "\0"), pattern)


def _condition(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    if key not in context:
        return operator.endswith("IfExists")
    value = context[key]
    match operator.removesuffix("IfExists"):
        case "StringEquals" | "Bool":
            return value in wanted
        case "StringLike":
            return any(_like(pattern, value) for pattern in wanted)
        case "NumericLessThan":
            return any(float(value) < float(limit) for limit in wanted)
    raise AssertionError(f"not known: {operator}")


def _like(pattern: str, value: str) -> bool:
    parts = re.split(r"([*?])", pattern)
    regex = "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regex, value, re.DOTALL) is not None
