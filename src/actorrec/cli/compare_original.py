"""``actorrec compare-original``: the original design's figures, and what they are on a leak-free split."""

from pathlib import Path
from typing import Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.options import DatasetArgument, EpochsOption, WeightsOption
from actorrec.cli.session import Session


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "compare-original")
    def compare_original(
        session: Session,
        dataset: DatasetArgument = "newest",
        out: Annotated[Path, typer.Option(help="Folder for the picture and the numbers.")] = Path("original"),
        epochs: EpochsOption = None,
        weights: WeightsOption = None,
    ) -> None:
        """Draw the original design's accuracy, with and without dropout, on its own split and on a leak-free one."""
        from actorrec.artifacts.catalog import load_manifest
        from actorrec.manifests.dataset import DatasetManifest
        from actorrec.training.compare_original import compare_original as compare

        config = session.settings({"training.epochs": epochs, "embedder.weights": weights})
        chosen = load_manifest(session.store, DatasetManifest, dataset)
        result = compare(chosen, config, store=session.store, out_dir=out, progress=session.progress)
        session.result(result, f"wrote {out}")
