"""Component versions of the fake Greengrass."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from greengrass_recipes import parsed, uris, version_key, with_digests
from greengrass_wire import page
from greengrass_world import ACCOUNT, World
from job_logs import RefusalError

STEPS: Final = ("REQUESTED", "INITIATED", "DEPLOYABLE")


@dataclass
class ComponentVersion:
    """A version as the service keeps it.

    Attributes:
        states: What is still to come, the present first.
        errors: Why it is FAILED: by artifact.
    """

    arn: str
    name: str
    version: str
    recipe: dict[str, Any]
    tags: dict[str, str]
    states: list[str]
    errors: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)

    @property
    def status(self) -> dict[str, Any]:
        """As the service tells it."""
        told: dict[str, Any] = {"componentState": self.states[0], "vendorGuidance": "ACTIVE"}
        if self.states[0] == "FAILED":
            told |= {"message": "Failed to validate component artifacts", "errors": self.errors}
        return told


class Components:
    """The operations."""

    def __init__(self, world: World) -> None:
        self.world = world

    def create_component_version(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A version is REQUESTED; whether its artifacts can be read shows later."""
        if ("inlineRecipe" in given) == ("lambdaFunction" in given):
            raise RefusalError("ValidationException", "Specify either inlineRecipe or lambdaFunction, but not both.")
        if "inlineRecipe" not in given:
            raise RefusalError("ValidationException", "Lambda components are not supported here.")
        body = parsed(given["inlineRecipe"])
        name, version = body["ComponentName"], body["ComponentVersion"]
        arn = f"arn:aws:greengrass:{self.world.region}:{ACCOUNT}:components:{name}:versions:{version}"
        told = self.world.repeated("component", given, lambda: self._new(arn, body, dict(given.get("tags", {}))))
        return told | {"creationTimestamp": self.world.components[arn].created}

    def _new(self, arn: str, body: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
        name, version = body["ComponentName"], body["ComponentVersion"]
        if arn in self.world.components:
            raise RefusalError("ConflictException", f"Component [{name} : {version}] for account [{ACCOUNT}] already "
                               f"exists with state: [{self.world.components[arn].states[0]}]")  # fmt: skip
        digests, errors = self._digests(body)
        states = ["REQUESTED", "FAILED"] if errors else list(self.world.component_steps)
        made = ComponentVersion(arn, name, version, with_digests(body, digests), tags, states, errors)
        self.world.components[arn] = made
        return {"arn": arn, "componentName": name, "componentVersion": version, "status": made.status}

    def _digests(self, body: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        digests, errors = {}, {}
        for uri in uris(body):
            content = self.world.read_object(uri)
            if isinstance(content, str):
                errors[uri] = content
            else:
                digests[uri] = base64.b64encode(hashlib.sha256(content).digest()).decode()
        return digests, errors

    def describe_component(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its state; it lives on by one step."""
        found = self._find(given["arn"])
        told = {
            "arn": found.arn, "componentName": found.name, "componentVersion": found.version, "status": found.status,
            "creationTimestamp": found.created, "tags": found.tags, "platforms": _platforms(found.recipe),
            "publisher": found.recipe.get("ComponentPublisher", ""),
            "description": found.recipe.get("ComponentDescription", ""),
        }  # fmt: skip
        found.states = found.states[1:] or found.states
        return told

    def get_component(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its recipe, digests filled in."""
        import yaml

        found, form = self._find(given["arn"]), given.get("recipeOutputFormat", "JSON")
        text = json.dumps(found.recipe) if form == "JSON" else yaml.safe_dump(found.recipe, sort_keys=False)
        return {
            "recipeOutputFormat": form, "recipe": base64.b64encode(text.encode()).decode(), "tags": found.tags
        }  # fmt: skip

    def delete_component(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Gone from the cloud; devices keep what they have."""
        del self.world.components[self._find(given["arn"]).arn]
        return {}

    def list_component_versions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Newest first."""
        name = given["arn"].rpartition(":components:")[2]
        found = [each for each in self.world.components.values() if each.name == name]
        if given["arn"].split(":")[4] == "aws":
            listed = [
                (name, version, f"{given['arn']}:versions:{version}") for version in self.world.public.get(name, ())
            ]
        else:
            listed = [(name, each.version, each.arn) for each in found]
        if not listed:
            raise RefusalError(
                "ResourceNotFoundException", f"Component [{name}] for account [{ACCOUNT}] does not exist"
            )
        listed.sort(key=lambda each: version_key(each[1]), reverse=True)
        told = [{"componentName": name, "componentVersion": version, "arn": arn} for name, version, arn in listed]
        return page(told, given, "componentVersions")

    def list_components(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The latest version of each."""
        if given.get("scope", "PRIVATE") == "PUBLIC":
            told = [_latest(f"arn:aws:greengrass:{self.world.region}:aws:components:{name}", name, versions[-1], 0.0)
                    for name, versions in sorted(self.world.public.items())]  # fmt: skip
            return page(told, given, "components")
        newest: dict[str, ComponentVersion] = {}
        for each in sorted(self.world.components.values(), key=lambda each: version_key(each.version)):
            newest[each.name] = each
        told = [_latest(each.arn.rpartition(":versions:")[0], name, each.version, each.created, each.recipe)
                for name, each in sorted(newest.items())]  # fmt: skip
        return page(told, given, "components")

    def list_tags_for_resource(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Of a version, a deployment or a core device."""
        return {"tags": self._tags(given["resourceArn"])}

    def tag_resource(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """More tags."""
        self._tags(given["resourceArn"]).update(given["tags"])
        return {}

    def untag_resource(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fewer tags."""
        for key in given["tagKeys"]:
            self._tags(given["resourceArn"]).pop(key, None)
        return {}

    def _tags(self, arn: str) -> dict[str, str]:
        if ":deployments:" in arn and (deployment := self.world.deployments.get(arn.rpartition(":")[2])):
            return deployment.tags
        if ":coreDevices:" in arn and (device := self.world.devices.get(arn.rpartition(":")[2])):
            return device.tags
        return self._find(arn).tags

    def _find(self, arn: str) -> ComponentVersion:
        if (found := self.world.components.get(arn)) is None:
            name, _, version = arn.rpartition(":components:")[2].partition(":versions:")
            raise RefusalError(
                "ResourceNotFoundException", f"Component [{name} : {version}] for account [{ACCOUNT}] does not exist"
            )
        return found


def _latest(
    arn: str, name: str, version: str, created: float, recipe: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    latest = {"arn": f"{arn}:versions:{version}", "componentVersion": version, "creationTimestamp": created,
              "publisher": (recipe or {}).get("ComponentPublisher", "AWS") or "-"}  # fmt: skip
    return {"arn": arn, "componentName": name, "latestVersion": latest | {"platforms": _platforms(recipe or {})}}


def _platforms(recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    platforms = [manifest.get("Platform", {}) for manifest in recipe.get("Manifests", [])]
    return [{"name": str(number + 1), "attributes": {key: str(value) for key, value in platform.items()
                                                     if re.fullmatch(r"\S+", str(value))}}
            for number, platform in enumerate(platforms)]  # fmt: skip
