"""The pictures of a report, as PNG bytes."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from actorrec.errors import MissingExtraError
from actorrec.evaluation.metrics import DetCurve, confusion_counts
from actorrec.manifests.evaluation import EvaluationReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREY, _INK = "#2b6cb0", "#c05621", "#a0aec0", "#2d3748"
UNKNOWN: Final = "unknown"
NO_FACE: Final = "no face"
_FEWEST_BARS: Final = 20
_MOST_CELLS: Final = 60  # a confusion matrix of more people than this cannot be read


def score_histograms(report: EvaluationReport) -> bytes:
    """Decision scores of the rightly nearest, of the wrongly nearest and of strangers, with the threshold."""
    scored = [outcome for outcome in report.outcomes if outcome.score is not None]
    groups = (
        ("known, nearest person right", _BLUE, [o.score for o in scored if o.right]),
        ("known, nearest person wrong", _INK, [o.score for o in scored if o.actual is not None and not o.right]),
        ("strangers", _ORANGE, [o.score for o in scored if o.actual is None]),
    )
    figure, axes = _figure(7.2, 3.4)
    values = [o.score for o in scored if o.score is not None] or [0.0, 1.0]
    bins = np.linspace(min(values) - 1e-3, max(values) + 1e-3, 46)
    for label, colour, scores in groups:
        if len(scores) >= _FEWEST_BARS:
            weights = np.full(len(scores), 100 / len(scores))
            axes.hist(scores, bins, weights=weights, color=colour, alpha=0.65, label=f"{label} ({len(scores)})")
        elif scores:  # a handful of faces as bars of a percentage would tower over everything
            axes.plot(scores, np.full(len(scores), 0.3), "|", color=colour, ms=14, label=f"{label} ({len(scores)})")
    axes.axvline(report.calibration.threshold, color=_INK, linestyle="--", linewidth=1.2, label="threshold")
    axes.set(xlabel="decision score", ylabel="% of the group")
    axes.legend(frameon=False, fontsize=8, loc="best")  # said, so that a slow machine is no warning
    return _png(figure)


def det_plot(curve: DetCurve, at: tuple[float, float]) -> bytes:
    """Strangers named against known people not named, both on logarithmic axes.

    Args:
        curve: The trade-off.
        at: False-naming rate and miss rate of the threshold in use.
    """
    figure, axes = _figure(4.6, 3.9)
    floor = 5e-4  # where a rate of zero is drawn
    axes.plot(np.maximum(curve.fpir, floor), np.maximum(curve.fnir, floor), color=_BLUE, drawstyle="steps-post")
    axes.plot(max(at[0], floor), max(at[1], floor), "o", color=_ORANGE, label="threshold in use")
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(floor, 1),
        ylim=(floor, 1.2),
        xlabel="strangers named (FPIR)",
        ylabel="known not named (FNIR)",
    )
    axes.grid(True, which="both", color="#e2e8f0", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8, loc="best")  # said, so that a slow machine is no warning
    return _png(figure)


def confusion_plot(report: EvaluationReport) -> bytes | None:
    """Who got which name; None with more people than can be read.

    Rows are who a picture shows (strangers last), columns the name that was given (``unknown`` and ``no face`` last).
    """
    known = [row.person_id for row in report.people]
    actual = [outcome.actual or "strangers" for outcome in report.outcomes]
    answers = [NO_FACE if outcome.problem else outcome.named or UNKNOWN for outcome in report.outcomes]
    rows = known + (["strangers"] if "strangers" in actual else [])
    given = {name for name in answers if name not in (UNKNOWN, NO_FACE)}
    columns = [*sorted(given.union(known)), UNKNOWN, NO_FACE]
    if len(columns) > _MOST_CELLS or not rows:
        return None
    counts = confusion_counts(actual, answers)
    share = np.zeros((len(rows), len(columns)))
    side = max(3.2, 0.22 * len(columns) + 1.6)
    figure, axes = _figure(side + 0.6, max(2.6, 0.22 * len(rows) + 1.8))
    for (person, answer), count in counts.items():
        row, column = rows.index(person), columns.index(answer)
        share[row, column] = count / actual.count(person)
        shade = "white" if share[row, column] > 0.5 else _INK
        axes.text(column, row, str(count), ha="center", va="center", fontsize=6, color=shade)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), [_short(report.shown(name)) for name in columns], rotation=90, fontsize=6)
    axes.set_yticks(range(len(rows)), [_short(report.shown(name)) for name in rows], fontsize=6)
    axes.set(xlabel="name given", ylabel="person shown")
    return _png(figure)


def reliability_plot(report: EvaluationReport) -> bytes | None:
    """Stated confidence against the share that was right; None without strangers."""
    if not report.reliability:
        return None
    figure, axes = _figure(4.6, 3.9)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
    sure = [row.mean_confidence for row in report.reliability]
    right = [row.share_right for row in report.reliability]
    axes.plot(sure, right, color=_BLUE, linewidth=1)
    axes.scatter(sure, right, s=[12 + 60 * row.count / len(report.outcomes) for row in report.reliability], color=_BLUE)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="stated confidence", ylabel="share right")
    return _png(figure)


def _short(name: str) -> str:
    # A dollar sign would start a formula.
    return (name if len(name) <= 22 else name[:21] + "…").replace("$", r"\$").replace("\n", " ")


def _figure(width_in: float, height_in: float) -> tuple["Figure", Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("train", "matplotlib") from error
    figure = Figure(figsize=(width_in, height_in), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def _png(figure: "Figure") -> bytes:
    import warnings

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # Names in scripts that matplotlib's font lacks are drawn as boxes in the matrix; the tables have them right.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def all_plots(report: EvaluationReport, curve: DetCurve) -> Sequence[tuple[str, str, bytes]]:
    """Every picture that the report's data allow: title, caption, PNG bytes."""
    found: list[tuple[str, str, bytes | None]] = [
        ("Scores", "What each face scored against its nearest person; right of the line it gets the name.",
         score_histograms(report)),
    ]  # fmt: skip
    if report.fpir is not None:
        at = (report.fpir.value, 1 - report.tpir.value)
        found.append(("Trade-off (DET)", "What every other threshold would have done.", det_plot(curve, at)))
        found.append(
            ("Confidence", "A stated 0.9 should be right nine times in ten; as many known faces as strangers.",
             reliability_plot(report))
        )  # fmt: skip
    found.append(("Who got which name", "Shade is the share of the row.", confusion_plot(report)))
    return [(title, caption, png) for title, caption, png in found if png is not None]
