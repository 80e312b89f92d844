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
from actorrec.cli.session import Session
from actorrec.cli.threshold import threshold_line

if TYPE_CHECKING:
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
    ) -> None:
        """Learn the people of a data set: embeddings once, a cosine head, a gallery, a calibrated threshold."""
        from actorrec.artifacts.catalog import load_manifest
        from actorrec.manifests.dataset import DatasetManifest
        from actorrec.training.train import train as train_model

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
            }
        )
        chosen = load_manifest(session.store, DatasetManifest, dataset)
        _tell(session, train_model(chosen, config, store=session.store, progress=session.progress))


def _tell(session: Session, model: "ModelManifest") -> None:
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
