"""``actorrec train``: a data set becomes a model that says who, and how sure."""

from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.nets import net_flags
from actorrec.cli.options import (
    DatasetArgument,
    EmbedderOption,
    EpochsOption,
    SeedOption,
    TargetFpirOption,
    WeightsOption,
)
from actorrec.cli.remote_options import (
    OPTION_OF,
    DetachOption,
    DryRunOption,
    ImageOption,
    InstancesOption,
    InstanceTypeOption,
    MaxCostOption,
    MaxHoursOption,
    RoleOption,
)
from actorrec.cli.session import Session
from actorrec.cli.threshold import threshold_line
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.manifests.dataset import DatasetManifest
    from actorrec.manifests.model import ModelManifest

BatchOption = Annotated[int | None, typer.Option("--batch-size", help="Faces a step.", show_default=False)]
_RATES = {
    "top1_gallery": "nearest person of the gallery is right",
    "top1_probabilities": "most probable person is right",
    "random_split_top1_gallery": "nearest person of the gallery is right, on its random split",
    "random_split_top1_probabilities": "most probable person is right, on its random split",
}


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "train")
    def train(
        session: Session,
        dataset: DatasetArgument = "newest",
        epochs: EpochsOption = None,
        batch_size: BatchOption = None,
        dropout: Annotated[float | None, typer.Option(help="Before the last layer.", show_default=False)] = None,
        seed: SeedOption = None,
        fine_tune: Annotated[bool | None, typer.Option("--fine-tune", help="Also train the backbone.")] = None,
        loss: Annotated[
            str | None, typer.Option(help="Of --fine-tune: cosine, contrastive or triplet.", show_default=False)
        ] = None,
        embedder: EmbedderOption = None,
        weights: WeightsOption = None,
        target_fpir: TargetFpirOption = None,
        allow_restricted: Annotated[
            bool | None,
            typer.Option("--allow-restricted", help="Also learn from pictures whose licence is restricted or unknown."),
        ] = None,
        remote: Annotated[
            bool, typer.Option("--remote", help="Train on SageMaker; all that follow go with it.")
        ] = False,
        dry_run: DryRunOption = False,
        detach: DetachOption = False,
        instance_type: InstanceTypeOption = None,
        instances: InstancesOption = None,
        max_hours: MaxHoursOption = None,
        max_cost: MaxCostOption = None,
        spot: Annotated[
            bool | None, typer.Option("--spot", help="Spare machines: cheaper, may be interrupted, go on.")
        ] = None,
        image_uri: ImageOption = None,
        framework_version: Annotated[str | None, typer.Option(help="Of TensorFlow, in AWS's image.")] = None,
        py_version: Annotated[str | None, typer.Option(help="Of that image: py312.")] = None,
        role: RoleOption = None,
        output_path: Annotated[str | None, typer.Option(help="s3://… for what the job leaves.")] = None,
        hyperparameter: Annotated[
            list[str] | None, typer.Option(metavar="K=V", help="A setting of the training; repeatable.")
        ] = None,
        via: Annotated[str, typer.Option(help="Submit with boto3, or with the sagemaker package: sdk.")] = "boto3",
    ) -> None:
        """Learn the people of a data set: embeddings once, a cosine head, a gallery, a calibrated threshold."""
        from actorrec.artifacts.catalog import load_manifest
        from actorrec.cli.train_remote import (
            hyperparameter_flags,
            plan_of,
            refuse_without_remote,
            tell_limit,
            train_remotely,
        )
        from actorrec.manifests.dataset import DatasetManifest

        cloud_flags = {
            "remote.instance_type": instance_type,
            "remote.instances": instances,
            "remote.max_hours": max_hours,
            "remote.max_cost_usd": max_cost,
            "remote.spot": spot,
            "remote.image_uri": image_uri,
            "remote.framework_version": framework_version,
            "remote.py_version": py_version,
            "remote.role": role,
            "remote.output_path": output_path,
        }
        if not remote:
            refuse_without_remote(
                {
                    "--dry-run": dry_run,
                    "--detach": detach,
                    "--via": via != "boto3",
                    "--hyperparameter": hyperparameter,
                    **{OPTION_OF[name]: value for name, value in cloud_flags.items()},
                }
            )
        if image_uri is not None and (framework_version or py_version):
            raise ConfigError("--image-uri excludes --framework-version and --py-version: they choose one of AWS's")
        if via not in ("boto3", "sdk"):
            raise ConfigError(f"--via {via}: it is boto3 or sdk")
        config = session.settings(
            {
                "training.epochs": epochs,
                "training.batch_size": batch_size,
                "training.dropout": dropout,
                "training.seed": seed,
                "training.fine_tune": fine_tune,
                "training.fine_tune_loss": loss,
                **net_flags(embedder=embedder),
                "embedder.weights": weights,
                "calibration.target_fpir": target_fpir,
                "rights.allow_restricted": allow_restricted,
                **cloud_flags,
                **hyperparameter_flags(hyperparameter or []),
            }
        )
        chosen = load_manifest(session.store, DatasetManifest, dataset)
        if dry_run:
            plan = plan_of(session, chosen, config)
            tell_limit(session, plan, config)
            session.result(plan.as_json(), "a dry run: nothing was sent or started")
        elif remote:
            model = train_remotely(session, chosen, config, detach=detach, via=via)
            if model is not None:
                tell_model(session, model)
        else:
            tell_model(session, _train_here(session, chosen, config))


def _train_here(session: Session, dataset: "DatasetManifest", config: "Config") -> "ModelManifest":
    from actorrec.training.train import train as train_model

    model = train_model(dataset, config, store=session.store, progress=session.progress)
    assert model is not None  # a machine alone is its own chief
    return model


def tell_model(session: Session, model: "ModelManifest") -> None:
    """How good a model is, for people; what it is, as the result."""
    rows = [
        (_RATES.get(name, name), f"{rate.value:.1%}", rate.n, f"{rate.low:.1%} to {rate.high:.1%}")
        for name, rate in model.rates.items()
    ]
    session.table("measured on photos kept for testing", ("what", "rate", "n", "95 % interval"), rows)
    calibration = model.calibration
    session.say(threshold_line(calibration))
    if model.restricted:
        told = ", ".join(f"{count} × '{licence}'" for licence, count in model.restricted.items())
        session.say(f"on record, as their licence is restricted or unknown: pictures {told}")
    summary = {
        "model": model.ref,
        "content_digest": model.content_digest(),
        "people": len(model.people),
        "rates": {name: rate.model_dump() for name, rate in model.rates.items()},
        "metrics": model.metrics,
        "calibration": calibration.model_dump(),
        "restricted": model.restricted,
    }
    session.result(summary, f"{model.ref}: knows {len(model.people)} people")
