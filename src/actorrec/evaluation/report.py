"""An evaluation as one HTML file that needs nothing else: no script, no font, no request."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from actorrec.artifacts.whole_file import write_whole
from actorrec.evaluation.plots import all_plots
from actorrec.evaluation.summarise import trade_off
from actorrec.manifests.evaluation import EvaluationReport, PictureOutcome
from actorrec.manifests.model import Rate

_STYLE: Final = """
:root{--ink:#1a202c;--soft:#4a5568;--line:#e2e8f0;--card:#f7fafc;--good:#276749;--bad:#9b2c2c}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;color:var(--ink);
max-width:1080px;margin:0 auto;padding:32px 24px 64px;background:#fff}
h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:40px 0 10px;padding-top:16px;border-top:1px solid var(--line)}
p{margin:6px 0;max-width:78ch}.soft{color:var(--soft)}.small{font-size:13px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:20px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px}
.card b{display:block;font-size:25px;line-height:1.25;font-variant-numeric:tabular-nums}
.card span{font-size:12.5px;color:var(--soft);display:block}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:20px}
figure{margin:0}figure.wide{grid-column:1/-1}figure img{max-width:100%;height:auto}
figcaption{font-size:13px;color:var(--soft)}figcaption b{color:var(--ink)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{text-align:right;padding:5px 10px;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums;
vertical-align:top}
th{font-weight:600;color:var(--soft);white-space:nowrap}th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}
td.text{text-align:left;overflow-wrap:anywhere}.bad{color:var(--bad)}.good{color:var(--good)}
@media(max-width:520px){.plots{grid-template-columns:1fr}}
@media print{h2{break-after:avoid}figure{break-inside:avoid}}
"""
_WHY: Final = {
    "no-face": "no face found",
    "unreadable": "the file cannot be read",
    "another-person": "nearest to another person",
    "not-named": "right person, not sure enough for a name",
}


def write_report(report: EvaluationReport, path: Path) -> None:
    """Write the report.

    Args:
        report: What to show.
        path: The HTML file; its folder is made where it is missing.

    Raises:
        MissingExtraError: If matplotlib is not installed.
        ArtifactError: If it cannot be written; an older one is left as it was.
    """
    write_whole(path, report_html(report).encode("utf-8", "replace"))


def report_html(report: EvaluationReport) -> str:
    """The page; every name in it is escaped."""
    sections = [
        _head(report),
        _cards(report),
        _method(report),
        "<h2>Pictures of the scores</h2>",
        _plots(report),
        _people(report),
        _misses(report),
        _false_names(report),
        _foot(report),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>actorrec evaluation</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(section for section in sections if section)
        + "\n</body></html>\n"
    )


def _head(report: EvaluationReport) -> str:
    return (
        f"<h1>How well the names are right</h1><p class='soft'>{escape(report.model_id)} with "
        f"{escape(report.detector_id)}, {report.people_known} people known. Measured on {escape(report.measured_on)}, "
        f"{report.created_at:%d %B %Y, %H:%M} UTC.</p>"
    )


def _cards(report: EvaluationReport) -> str:
    target = f"{report.calibration.target_fpir:.2%}".replace(".00%", "%")
    macro = report.macro_f1
    cards = [
        _card("Top-1", report.top1, "nearest person is right"),
        f"<div class='card'><span>Macro-F1</span><b>{macro.value:.1%}</b><span>{macro.low:.1%} to {macro.high:.1%}, "
        f"{macro.people} people, n = {macro.n}</span><span>each person counts the same</span></div>",
        _card("Named right (TPIR)", report.tpir, "known people given their name"),
        _card("Given another's name", report.wrong_names, "known people"),
    ]
    if report.fpir is not None:
        cards.append(_card("Strangers named (FPIR)", report.fpir, f"target: at most {target}"))
    return f"<div class='cards'>{''.join(cards)}</div>"


def _card(title: str, rate: Rate, note: str) -> str:
    return (
        f"<div class='card'><span>{escape(title)}</span><b>{rate.value:.1%}</b>"
        f"<span>{rate.low:.1%} to {rate.high:.1%}, n = {rate.n}</span><span>{escape(note)}</span></div>"
    )


def _method(report: EvaluationReport) -> str:
    calibration = report.calibration
    how = (
        "identities held back from the gallery" if calibration.method == "held-back" else "a model of how scores spread"
    )
    lines = [
        f"A face gets a name from a decision score of {calibration.threshold:.4f} on. That threshold comes from {how}, "
        f"never on the pictures measured here, for a false-naming rate of {calibration.target_fpir:.2%}. "
        f"{escape(calibration.note[:1].upper() + calibration.note[1:])}.",
        f"{escape(report.face_rule)} A picture without a face, or that cannot be read, counts as wrong. "
        "Ranges are 95 % intervals (Wilson; for macro-F1 a bootstrap over each person's pictures).",
    ]
    if report.tpir_afterwards is not None:
        lines.append(
            f"A threshold chosen afterwards on these very strangers would name {report.tpir_afterwards:.1%} of the "
            f"known at {calibration.target_fpir:.2%}; figures elsewhere are often made so."
        )
    if report.calibration_error is not None:
        lines.append(
            f"Confidence is off by {report.calibration_error:.3f} on average (expected calibration error, as many "
            "known faces as strangers)."
        )
    if report.unknown_people:
        names = escape(", ".join(report.unknown_people))
        lines.append(f"Not in the gallery, so counted as strangers: {names}.")
    if report.unlisted:
        folders = escape(", ".join(report.unlisted))
        lines.append(f"<b>{len(report.unlisted)} folders could not be listed and are not measured</b>: {folders}.")
    if report.restricted:
        counts = escape(", ".join(f"{count} × {licence}" for licence, count in report.restricted.items()))
        lines.append(
            f"<b>Learned from pictures whose licence is restricted or unknown</b>, as the user insisted: {counts}."
        )
    return "".join(f"<p class='small'>{line}</p>" for line in lines)


def _plots(report: EvaluationReport) -> str:
    figures = []
    for title, caption, png in all_plots(report, trade_off(report.outcomes)):
        wide = " class='wide'" if title in ("Scores", "Who got which name") else ""
        data = base64.b64encode(png).decode("ascii")
        figures.append(
            f"<figure{wide}><figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption>"
            f"<img alt='{escape(title)}' src='data:image/png;base64,{data}'></figure>"
        )
    return f"<div class='plots'>{''.join(figures)}</div>"


def _people(report: EvaluationReport) -> str:
    if not report.people:
        return ""
    rows = [
        [
            escape(report.shown(row.person_id)), str(row.photos), str(row.right), str(row.named_right),
            str(row.no_face), f"{row.precision:.1%}", f"{row.recall:.1%}", f"{row.f1:.1%}",
        ]
        for row in report.people
    ]  # fmt: skip
    heads = ("person", "photos", "nearest right", "named right", "no face", "precision", "recall", "F1")
    return "<h2>Each person</h2>" + _table(heads, rows)


def _misses(report: EvaluationReport) -> str:
    misses = report.misses
    if not misses:
        return "<h2>Missed</h2><p class='good'>Every picture of a known person got its name.</p>"
    rows = [
        [
            escape(outcome.source),
            escape(report.shown(outcome.actual)),
            _why(outcome),
            escape(report.shown(outcome.best_id)),
            *_sure(outcome),
        ]
        for outcome in sorted(misses, key=lambda each: (each.miss or "", each.source))
    ]
    heads = ("picture", "shows", "why", "nearest", "score", "confidence")
    return f"<h2>Missed: {len(misses)} pictures of known people</h2>" + _table(heads, rows, text_columns=4)


def _false_names(report: EvaluationReport) -> str:
    if report.fpir is None:
        return ""
    named = sorted(report.false_names, key=lambda each: -(each.confidence or 0))
    if not named:
        return "<h2>Strangers given a name</h2><p class='good'>None.</p>"
    rows = [[escape(outcome.source), escape(report.shown(outcome.named)), *_sure(outcome)] for outcome in named]
    title = f"<h2>Strangers given a name: {len(named)} of {report.fpir.n}</h2>"
    return title + _table(("picture", "named", "score", "confidence"), rows, text_columns=2)


def _foot(report: EvaluationReport) -> str:
    return (
        "<p class='small soft' style='margin-top:40px'>A name is a guess with a stated confidence, never proof of "
        f"identity. actorrec {escape(report.produced_by.version)}.</p>"
    )


def _why(outcome: PictureOutcome) -> str:
    return _WHY.get(outcome.miss or "", "")


def _sure(outcome: PictureOutcome) -> tuple[str, str]:
    score = "" if outcome.score is None else f"{outcome.score:.4f}"
    return score, "" if outcome.confidence is None else f"{outcome.confidence:.2f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: int = 1) -> str:
    """A table of cells that are HTML already; the first ``text_columns`` are set to the left."""

    def cell(tag: str, index: int, text: str) -> str:
        return f"<{tag}{' class=text style=text-align:left' if 0 < index < text_columns else ''}>{text}</{tag}>"

    head = "".join(cell("th", index, escape(text)) for index, text in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(cell("td", index, text) for index, text in enumerate(row)) + "</tr>" for row in rows
    )
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
