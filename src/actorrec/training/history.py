"""What happened epoch by epoch, as numbers and as a picture."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from actorrec.errors import MissingExtraError


@dataclass(frozen=True, slots=True)
class History:
    """Loss and accuracy after each epoch; the validation lists are empty where nothing was set aside."""

    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    val_loss: tuple[float, ...] = ()
    val_accuracy: tuple[float, ...] = ()

    @classmethod
    def of_epochs(cls, measures: Sequence[Mapping[str, float]]) -> Self:
        """From the measures of each epoch; rounded, so that the last bit of a sum does not make two runs differ."""
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        return cls(*(tuple(round(row[name], 6) for row in measures if name in row) for name in names))

    @property
    def best_epoch(self) -> int:
        """Epochs (from 1) after which the validation loss was least; all of them where there was none."""
        return 1 + min(range(len(self.val_loss)), key=self.val_loss.__getitem__) if self.val_loss else len(self.loss)

    def to_json(self) -> bytes:
        return json.dumps({**asdict(self), "best_epoch": self.best_epoch}, indent=1).encode()


def history_png(history: History, title: str) -> bytes:
    """Draw loss and accuracy over epochs, as a PNG whose bytes depend on the numbers alone."""
    figure = new_figure(9.0, 3.6)
    left, right = figure.subplots(1, 2)
    draw_curve(left, history.loss, history.val_loss, "loss")
    draw_curve(right, history.accuracy, history.val_accuracy, "accuracy")
    right.set_ylim(0, 1.02)
    figure.suptitle(title)
    return figure_png(figure)


def draw_curve(axes: Any, learned: tuple[float, ...], validated: tuple[float, ...], what: str) -> None:
    """Draw one quantity over epochs, counted from 1."""
    axes.plot(range(1, len(learned) + 1), learned, label="training")
    if validated:
        # Dashed, so that the other line shows through where both are the same.
        axes.plot(range(1, len(validated) + 1), validated, linestyle="--", label="validation")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch")
    axes.set_ylabel(what)
    axes.legend(loc="best")  # said, so that a slow machine is no warning
    axes.grid(alpha=0.3)


def new_figure(width_in: float, height_in: float) -> Any:
    """A figure on the Agg canvas, without matplotlib's global state.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("train", "matplotlib") from error
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def figure_png(figure: Any) -> bytes:
    """The figure as PNG, without the note of which version drew it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()
