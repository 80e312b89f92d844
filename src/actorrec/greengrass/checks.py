"""A last look before anything is deployed: devices, versions, what fits together, and who may read what."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from actorrec.aws.places import bucket_and_key
from actorrec.aws.regions import bucket_region
from actorrec.config import Config
from actorrec.errors import ConfigError, RemoteError
from actorrec.greengrass.choose import require, role_of
from actorrec.greengrass.component_calls import ComponentCalls, VersionState
from actorrec.greengrass.component_settings import as_object
from actorrec.greengrass.conflicts import refuse_conflicts
from actorrec.greengrass.deploy_plan import DeploymentPlan
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.drafts import MODEL_SUFFIX
from actorrec.greengrass.group import GroupState, some_of
from actorrec.greengrass.token_role import check_token_role
from actorrec.manifests.component import MACHINE_TAG, PREPROCESS_TAG, SCHEMA_TAG, DeployedComponent

_MACHINES: Final = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}
_SERVED: Final = frozenset({"aarch64", "x86_64"})
"""Machines for which there are wheels of all that the program needs."""


def refuse_without_devices(state: GroupState, *, allow_empty: bool = False) -> None:
    """Stop where nobody would receive a deployment.

    Raises:
        ConfigError: If the group has no things.
    """
    if not state.members and not allow_empty:
        raise ConfigError(
            f"the thing group '{state.name}' is empty: nothing was deployed",
            hint="`actorrec devices provision THING` adds one; --allow-empty deploys to those that join later",
        )


def check_plan(plan: DeploymentPlan, state: GroupState, calls: ComponentCalls, config: Config) -> tuple[str, ...]:
    """Look at everything that would make a deployment fail on every device; nothing is changed.

    Args:
        plan: What is to be deployed.
        state: The target.
        calls: Asks.
        config: Names.

    Returns:
        Lines for people: what could not be looked at.

    Raises:
        RemoteError: If a version cannot be deployed, components do not fit each other or the devices, devices may not
            fetch them, or another target asks the same devices for another version.
        ConfigError: If an artifact is in another region.
    """
    name = config.greengrass.component_name
    ours = [each for each in (name, f"{name}{MODEL_SUFFIX}") if each in plan.components]
    with ThreadPoolExecutor(5) as pool:  # each waits for its answers
        conflicts = pool.submit(refuse_conflicts, plan, state, DeploymentCalls(calls.aws))
        found = pool.map(lambda each: require(calls, each, plan.components[each].version), ours)
        asked = pool.map(lambda each: calls.recipe(each, plan.components[each].version) or {}, ours)
        conflicts.result()
        states = dict(zip(ours, found, strict=True))
        recipes = dict(zip(ours, asked, strict=True))
    program, model = states.get(name), states.get(f"{name}{MODEL_SUFFIX}")
    if program is not None:
        _refuse_unfit(state, program, model)
        _refuse_machines(state, program)
        _refuse_other_topic(plan.components[name], program, recipes[name])
    if program is not None and model is not None:
        refuse_unreadable(
            program.tags, model.tags, f"{model.name} {model.version}", f"{program.name} {program.version}"
        )
    uris = [uri for recipe in recipes.values() for uri in _artifacts(recipe)]
    _refuse_other_region(calls, uris)
    untold = check_token_role(calls.aws, token_alias(config), uris) if uris else ""
    return (untold,) if untold else ()


def token_alias(config: Config) -> str:
    """Name of the role alias that ``cloud init`` makes for devices."""
    return f"{config.cloud.stack}-token-exchange"


def refuse_unreadable(program: Mapping[str, str], model: Mapping[str, str], called: str, by: str) -> None:
    """Stop before devices are given a bundle that their program cannot read.

    Args:
        program: Tags of the version of the program.
        model: Tags of the version of the model.
        called: The model, for people.
        by: The program, for people.

    Raises:
        RemoteError: If the bundle's card is of a newer schema, or for another preprocessing.
    """
    hint = "publish the program of this version too, then deploy both: actorrec publish-component"
    reads, has = _number(program.get(SCHEMA_TAG)), _number(model.get(SCHEMA_TAG))
    if reads is not None and has is not None and has > reads:
        raise RemoteError(
            f"{called} has a card of schema {has}, and {by} reads up to {reads}; nothing was deployed", hint=hint
        )
    does, wants = program.get(PREPROCESS_TAG, ""), model.get(PREPROCESS_TAG, "")
    if does and wants and does != wants:
        raise RemoteError(
            f"{called} was made for preprocessing {wants}, and {by} does {does}; nothing was deployed", hint=hint
        )


def _refuse_unfit(state: GroupState, program: VersionState, model: VersionState | None) -> None:
    role = role_of(program)
    if role == "runtime" and state.lite:
        raise RemoteError(
            f"{some_of([device.name for device in state.lite])}: nucleus lite, where {program.name} {program.version} "
            "cannot see its model; nothing was deployed",
            hint="publish both in one: actorrec publish-component --single",
        )
    if role == "single" and model is not None:
        raise RemoteError(
            f"{program.name} {program.version} holds a model itself, {model.name} beside it would not be used",
            hint="deploy a program without a model (--component), or the single component alone",
        )
    if role == "runtime" and model is None:
        raise RemoteError(
            f"{program.name} {program.version} would have no model to run; nothing was deployed",
            hint="publish one: actorrec publish-component",
        )


def _refuse_machines(state: GroupState, program: VersionState) -> None:
    served = {program.tags[MACHINE_TAG]} if program.tags.get(MACHINE_TAG) else _SERVED
    wrong = [d for d in state.devices if d.architecture and _MACHINES.get(d.architecture, d.architecture) not in served]
    if wrong:
        raise RemoteError(
            f"{some_of([device.name for device in wrong])}: {wrong[0].architecture}, for which "
            f"{program.name} {program.version} has nothing to install; nothing was deployed",
            hint=f"it serves {' and '.join(sorted(served))}: 64-bit Raspberry Pi OS is aarch64; "
            "publish without --vendor-wheels for fleets of both kinds",
        )


def _refuse_other_topic(component: DeployedComponent, program: VersionState, recipe: Mapping[str, Any]) -> None:
    """A device would refuse each message to a topic that the access control does not name."""
    merge = as_object(component.merge)
    defaults = recipe.get("ComponentConfiguration", {}).get("DefaultConfiguration", {})
    topic, rights = merge.get("PublishResultsOnTopic"), merge.get("accessControl") or defaults.get("accessControl")
    allowed = set(_resources(rights))
    if topic is not None and rights and not allowed & {topic, "*"}:
        raise ConfigError(
            f"{program.name} {program.version} may not publish to '{topic}'; nothing was deployed",
            hint=f"set cloud.results_topic: {topic}, then `actorrec cloud init` and `actorrec publish-component`: "
            "both name the topic that devices may use",
        )


def _resources(rights: Any) -> Iterator[str]:
    """What an access control names, service by service and policy by policy; people may have written anything."""
    services = rights.values() if isinstance(rights, Mapping) else ()
    policies = [each for service in services if isinstance(service, Mapping) for each in service.values()]
    for policy in policies:
        named = policy.get("resources") if isinstance(policy, Mapping) else None
        yield from (each for each in (named if isinstance(named, list) else ()) if isinstance(each, str))


def _artifacts(recipe: Mapping[str, Any]) -> Iterator[str]:
    """URIs of what devices will fetch, as the service has them."""
    for manifest in recipe.get("Manifests") or ():
        for artifact in manifest.get("Artifacts") or ():
            uri = str(artifact.get("Uri") or artifact.get("URI"))
            if uri.startswith("s3://"):
                yield uri


def _refuse_other_region(calls: ComponentCalls, uris: list[str]) -> None:
    region = calls.account.region
    for bucket in sorted({bucket_and_key(uri)[0] for uri in uris}):
        there = bucket_region(calls.aws, bucket, otherwise=region)
        if there != region:
            raise ConfigError(
                f"the artifacts are in {there}, the deployment would be in {region}: nothing was deployed",
                hint=f"set aws.region: {there}, or publish into a bucket in {region}",
            )


def describe_fleet(state: GroupState) -> Mapping[str, Any]:
    """Who a deployment goes to, for ``--json``."""
    return {
        "things": len(state.members),
        "core_devices": len(state.devices),
        "runtimes": dict(state.runtimes),
        "architectures": dict(state.architectures),
    }


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
