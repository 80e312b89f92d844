"""The original's two figures, accuracy with and without dropout, beside the same on a split that does not leak."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.store import ArtifactStore
from actorrec.artifacts.whole_file import ensure_writable, write_whole
from actorrec.config import Config
from actorrec.errors import TrainingError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.progress import Progress
from actorrec.sections import TrainingSection
from actorrec.training.crops import CropSource
from actorrec.training.history import History, draw_curve, figure_png, new_figure
from actorrec.training.original import OriginalDesign, open_original, stratified_split
from actorrec.training.original_net import feature_table, fit

EPOCHS: Final = 10
BATCH_SIZE: Final = 10
DROPOUT: Final = 0.5
"""Where the settings name none."""
SPLITS: Final = {"random": "random 80/20, as the original", "leak-free": "leak-free: no near-copy on both sides"}


def compare_original(
    dataset: DatasetManifest, config: Config, *, store: ArtifactStore, out_dir: Path, progress: Progress
) -> dict[str, Any]:
    """Train the original design four times: with and without dropout, on its own split and on the leak-free one.

    Args:
        dataset: Its ``split`` is the leak-free one.
        config: ``training`` counts where it was set; what was not is the original's (10 epochs, batches of 10).
        store: Holds the crops.
        out_dir: Receives ``original.png`` (2 × 2 panels) and ``original.json``.
        progress: Told of every epoch.

    Returns:
        What ``original.json`` holds: per split and dropout the history, and the sizes of the splits.

    Raises:
        TrainingError: If there are fewer than two people, or nobody is on the test side.
    """
    settings = original_settings(config.training)
    people = sorted({face.person_id for face in dataset.faces if face.split == "train"})
    if len(people) < 2:
        raise TrainingError(f"{dataset.ref} has fewer than two people to tell apart")
    ensure_writable(out_dir / "original.json")
    design = open_original(dataset, people, config)
    splits = {"random": stratified_split(design.classes), "leak-free": _leak_free(design)}
    dropouts = (0.0, settings.dropout or DROPOUT)
    source = CropSource(store, dataset)
    histories: dict[str, dict[float, History]] = {name: {} for name in splits}
    with feature_table(design.features, design.faces, design.classes, source, design.spec) as (table, fill):
        fill(design.plan, progress)
        for name, held_out in splits.items():
            for dropout in dropouts:
                histories[name][dropout] = fit(table, held_out, settings, dropout=dropout, progress=progress)[1]
    report = {
        "dataset": dataset.ref,
        "weights": config.embedder.weights,
        "people": len(people),
        "faces_held_out": {name: int(held_out.sum()) for name, held_out in splits.items()},
        "faces": len(design.faces),
        "runs": {
            name: {f"dropout {dropout:g}": asdict(history) for dropout, history in of_split.items()}
            for name, of_split in histories.items()
        },
    }
    _write(out_dir, report, figure_png(_figure(histories)))
    return report


def original_settings(training: TrainingSection) -> TrainingSection:
    """The settings with the original's epochs and batch where the user named none."""
    defaults = {"epochs": EPOCHS, "batch_size": BATCH_SIZE}
    unset = {key: value for key, value in defaults.items() if key not in training.model_fields_set}
    return training.model_copy(update=unset)


def _leak_free(design: OriginalDesign) -> NDArray[np.bool_]:
    held_out = np.array([face.split == "test" for face in design.faces], bool)
    if not held_out.any():
        raise TrainingError("the data set has no test side to compare on", hint="give people more photos")
    return held_out


def _figure(histories: dict[str, dict[float, History]]) -> Any:
    figure = new_figure(10.0, 7.0)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for column, (split, of_split) in enumerate(histories.items()):
        for row, (dropout, history) in enumerate(of_split.items()):
            axes = panels[row][column]
            draw_curve(axes, history.accuracy, history.val_accuracy, "accuracy")
            axes.set_title(f"{SPLITS[split]}\n{f'dropout {dropout:g}' if dropout else 'without dropout'}", fontsize=10)
            axes.set_ylim(0, 1.02)
    return figure


def _write(out_dir: Path, report: dict[str, Any], picture: bytes) -> None:
    write_whole(out_dir / "original.json", (json.dumps(report, indent=1) + "\n").encode())
    write_whole(out_dir / "original.png", picture)
