"""``actorrec train --remote``: the same training on a machine of SageMaker."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actorrec.cli.session import Session
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.jobs.plans import JobPlan
    from actorrec.manifests.dataset import DatasetManifest
    from actorrec.manifests.model import ModelManifest


def refuse_without_remote(given: Mapping[str, object]) -> None:
    """Options of remote training mean nothing here; to ignore them would train, silently, on this machine.

    Raises:
        ConfigError: If one of them was given.
    """
    named = [option for option, value in given.items() if value not in (None, False, [], ())]
    if named:
        raise ConfigError(f"{named[0]} is an option of --remote", hint="add --remote, or leave it out")


def hyperparameter_flags(pairs: Sequence[str]) -> dict[str, Any]:
    """``K=V`` as settings: a name without a section is one of ``training``.

    Raises:
        ConfigError: If one has no '=', or names a section that does not travel with a job.
    """
    from actorrec.config import setting_value
    from actorrec.manifests.jobs import HYPERPARAMETER_SECTIONS

    flags: dict[str, Any] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        name = name.strip().replace("-", "_")
        name = name if "." in name else f"training.{name}"
        if not separator or not text.strip() or name.endswith("."):
            raise ConfigError(f"--hyperparameter {pair}: it is written NAME=VALUE, as in epochs=20")
        section = name.partition(".")[0]
        if section not in HYPERPARAMETER_SECTIONS:
            raise ConfigError(
                f"--hyperparameter {pair}: the section '{section}' does not travel with a job",
                hint=f"those that do: {', '.join(HYPERPARAMETER_SECTIONS)}",
            )
        flags[name] = setting_value(name, text.strip())
        if flags[name] is None:
            raise ConfigError(f"--hyperparameter {pair}: nothing is no value", hint="leave it out for the default")
    return flags


def plan_of(session: Session, dataset: "DatasetManifest", config: "Config") -> "JobPlan":
    """The plan, told to people; nothing is sent."""
    from actorrec.home import cache_folder
    from actorrec.jobs.sourcedir import build_sourcedir
    from actorrec.jobs.training import plan_training

    code = build_sourcedir(cache_folder("jobs"))
    plan = plan_training(dataset, config, code=code, now=datetime.now(UTC), suffix=secrets.token_hex(2))
    tell_plan(session, plan)
    return plan


def train_remotely(
    session: Session, dataset: "DatasetManifest", config: "Config", *, detach: bool, via: str
) -> "ModelManifest | None":
    """Plan, submit, follow, and bring the model back; None where it goes on without us.

    Raises:
        ConfigError: If settings are wrong, still placeholders, or the cost may be more than allowed.
        DataError: If pictures may not be learned from.
        TrainingError: If there are fewer than two people to learn.
        RemoteError: If AWS refuses or cannot be reached.
        JobError: If the job failed or was stopped.
    """
    from actorrec.artifacts.catalog import again, find_manifest
    from actorrec.aws.places import refuse_placeholders
    from actorrec.cli.following import follow_and_bring_back
    from actorrec.jobs.prices import refuse_above_limit
    from actorrec.jobs.sdk import refuse_without_sdk
    from actorrec.manifests.model import ModelManifest
    from actorrec.training.train import model_key, people_to_learn

    refuse_placeholders(config)
    people_to_learn(dataset)  # a machine would be paid for to say that there is nobody
    plan = plan_of(session, dataset, config)
    found = find_manifest(session.store, ModelManifest, model_key(dataset, config))
    if found is not None:
        session.say(f"{found.ref} is already there for this data set and these settings; no job was started")
        return again(session.store, found)
    if via == "sdk":
        refuse_without_sdk(plan)
    refuse_above_limit(plan.cost, config.remote.max_cost_usd)
    with session.store.lock(f"jobs/{plan.work}"):  # of two commands at once, the second finds the job of the first
        name = _started(session, plan, config, via)
    if detach:
        line = f"{name} is under way; come back with: actorrec jobs attach {name}"
        session.result({"job": name, "attach": f"actorrec jobs attach {name}"}, line)
        return None
    session.say("Ctrl-C asks whether to stop the job or to leave it running; the same command comes back to it")
    return follow_and_bring_back(session, session.aws, name, config)[0]


def _started(session: Session, plan: "JobPlan", config: "Config", via: str) -> str:
    """Name of the job: one of the very same work that is under way or left its model, else a new one."""
    from actorrec.jobs.bring_back import has_model
    from actorrec.jobs.earlier import find_earlier

    earlier = find_earlier(session.aws, plan)
    if earlier is not None:
        name, has_ended = earlier
        if not has_ended or has_model(session.aws, name):
            session.say(f"{name} {'did' if has_ended else 'does'} the same work; no other job is started")
            return name
    start_job(session, plan, config, via=via)
    session.say(f"{plan.name} was started")
    return plan.name


def start_job(session: Session, plan: "JobPlan", config: "Config", *, via: str = "boto3") -> None:
    """Upload what the plan says, then start the job."""
    from actorrec.artifacts.uri import open_store
    from actorrec.aws.places import CloudPlace
    from actorrec.jobs.submit import submit, upload

    cloud = open_store(CloudPlace.of(config).store_uri, config.aws)
    if via == "sdk":
        from actorrec.jobs.sdk import submit_with_sdk

        upload(plan, session.aws, source=session.store, target=cloud, config=config, progress=session.progress)
        submit_with_sdk(plan, session.aws)
        return
    submit(plan, session.aws, source=session.store, target=cloud, config=config, progress=session.progress)


def tell_plan(session: Session, plan: "JobPlan") -> None:
    """The plan as tables: what goes up, where it runs, what it may cost."""
    rows = [(each.what, each.files, f"{each.bytes / 1e6:.1f} MB", each.uri) for each in plan.uploads]
    session.table("goes to S3, unless it is there", ("what", "files", "size", "to"), rows)
    facts = [(key, value) for key, value in _facts(plan).items() if value]
    session.table("the job", ("", ""), [*facts, *_settings(plan)])
    session.say(plan.cost.note)


def tell_limit(session: Session, plan: "JobPlan", config: "Config") -> None:
    """Of a dry run: that a real one would be refused for what it may cost."""
    from actorrec.jobs.prices import refuse_above_limit

    try:
        refuse_above_limit(plan.cost, config.remote.max_cost_usd)
    except ConfigError as error:
        session.say(f"without --dry-run: {error.in_full}")


def _settings(plan: "JobPlan") -> list[tuple[str, str]]:
    """Hyperparameters that are not as a fresh configuration has them."""
    from actorrec.config import Config
    from actorrec.jobs.hyperparameters import settings_parameters

    usual = settings_parameters(Config(), "")
    given = plan.request.get("HyperParameters", {})
    named = {key: value for key, value in given.items() if not key.startswith("sagemaker_")}
    return sorted((key, value) for key, value in named.items() if usual.get(key) != value)


def _output(request: Mapping[str, Any]) -> str:
    of_processing = request.get("ProcessingOutputConfig", {}).get("Outputs", [{}])
    uri: str = of_processing[0].get("S3Output", {}).get("S3Uri", "")
    return uri or str(request.get("OutputDataConfig", {}).get("S3OutputPath", ""))


def _facts(plan: "JobPlan") -> dict[str, object]:
    request, cost = plan.request, plan.cost
    image = request.get("AlgorithmSpecification", {}).get("TrainingImage") or request.get("AppSpecification", {}).get(
        "ImageUri"
    )
    bound = "not known" if cost.bound_usd is None else f"at most {cost.bound_usd:.2f} USD (estimate, {cost.as_of})"
    return {
        "name": plan.name,
        "machines": f"{cost.instances} × {cost.instance_type}, at most {cost.max_hours:g} h each",
        "cost": bound,
        "image": image,
        "role": request["RoleArn"],
        "spot": "yes, goes on from its checkpoints" if request.get("EnableManagedSpotTraining") else "",
        "output": _output(request),
        "checkpoints": request.get("CheckpointConfig", {}).get("S3Uri", ""),
    }
