"""``actorrec evaluate``: how often the names are right, and how often strangers get one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.options import TargetFpirOption
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.manifests.bundle import BundleCard, BundleManifest
    from actorrec.manifests.evaluation import EvaluationReport
    from actorrec.manifests.model import ModelManifest, Rate
    from actorrec.recognition.bundle import Bundle
    from actorrec.recognition.recogniser import Recogniser


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "evaluate")
    def evaluate(
        session: Session,
        what: Annotated[
            str,
            typer.Argument(
                help="A model or bundle of the store, or a bundle.zip; the newest bundle, else the newest model.",
                metavar="[MODEL|BUNDLE]",
            ),
        ] = "newest",
        photos: Annotated[
            Path | None,
            typer.Option(help="A folder per person, not learned from; else what was kept back.", show_default=False),
        ] = None,
        unknowns: Annotated[
            Path | None, typer.Option(help="Pictures of people who must stay unknown.", show_default=False)
        ] = None,
        report: Annotated[Path, typer.Option(help="The HTML report.")] = Path("report.html"),
        target_fpir: TargetFpirOption = None,
        into_card: Annotated[
            bool, typer.Option("--into-card", help="Also commit a copy of the bundle whose card holds the score.")
        ] = False,
        out: Annotated[
            Path | None, typer.Option(help="With --into-card: also copy that bundle.zip here.", show_default=False)
        ] = None,
    ) -> None:
        """Measure on photos that were not learned from, and on strangers; writes one self-contained HTML report."""
        from actorrec.artifacts.whole_file import ensure_writable
        from actorrec.evaluation.evaluate import evaluate as evaluate_photos
        from actorrec.evaluation.report import write_report

        target = out / "bundle.zip" if out is not None and out.is_dir() else out
        for path in (report, target):
            if path is not None:
                ensure_writable(path)
        _refuse(into_card, out, target_fpir)
        config = session.settings({"calibration.target_fpir": target_fpir})
        subject = _card_subject(session, what) if into_card else _subject(session, config, what)
        recogniser, made = subject.recogniser, subject.made
        if photos is not None:
            found = evaluate_photos(recogniser, photos, unknowns, target_fpir=target_fpir, progress=session.progress)
        else:
            dataset_ref = _dataset_of(session, made.inputs)
            found = _on_what_was_kept_back(session, recogniser, dataset_ref, unknowns, target_fpir)
        found = found.model_copy(update={"restricted": made.restricted})
        write_report(found, report)
        scored = _into_card(session, subject, found, target) if into_card else None
        _tell(session, found, report, scored)


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """What is measured, and what is on record of it; ``bundle`` and ``base`` where its card may get the score."""

    recogniser: "Recogniser"
    made: "BundleCard | ModelManifest"
    bundle: "Bundle | None" = None
    base: "BundleManifest | None" = None


def _refuse(into_card: bool, out: Path | None, target_fpir: float | None) -> None:
    from actorrec.errors import ConfigError

    if out is not None and not into_card:
        raise ConfigError("--out is of the bundle that --into-card makes", hint="give --into-card too")
    if into_card and target_fpir is not None:
        raise ConfigError(
            "a card holds the score at the bundle's own threshold: --into-card goes without --target-fpir",
            hint="to ship another rate, make the bundle with it: actorrec train --target-fpir",
        )


def _subject(session: Session, config: "Config", what: str) -> _Subject:
    from actorrec.artifacts.catalog import load_manifest, manifests
    from actorrec.cli.bundles import chosen_bundle
    from actorrec.manifests.bundle import BundleManifest
    from actorrec.manifests.model import ModelManifest
    from actorrec.recognition.model_loader import recogniser_from_model
    from actorrec.recognition.recogniser import load_recogniser

    is_file = Path(what).suffix == ".zip"
    newest_is_bundle = what == "newest" and any(True for _ in manifests(session.store, BundleManifest))
    if is_file or newest_is_bundle or what.startswith("bundle/"):
        bundle = chosen_bundle(session, what)
        return _Subject(load_recogniser(bundle, num_threads=config.inference.threads), bundle.card)
    model = load_manifest(session.store, ModelManifest, what)
    return _Subject(recogniser_from_model(session.store, model, config), model)


def _card_subject(session: Session, what: str) -> _Subject:
    """A bundle, on one thread: sums of several may round otherwise, and its score is to be the same everywhere."""
    from actorrec.artifacts.catalog import manifests
    from actorrec.artifacts.digest import file_sha256
    from actorrec.cli.bundles import bundle_with_record
    from actorrec.manifests.bundle import BundleManifest
    from actorrec.recognition.recogniser import load_recogniser

    bundle, base = bundle_with_record(session, what)
    if base is None:  # a file: perhaps it was copied out of this store
        digest, stored = file_sha256(Path(what)), manifests(session.store, BundleManifest)
        base = next((each for each in stored if each.digests.get(each.bundle_file) == digest), None)
    return _Subject(load_recogniser(bundle, num_threads=1), bundle.card, bundle, base)


def _into_card(
    session: Session, subject: _Subject, report: "EvaluationReport", target: Path | None
) -> "BundleManifest":
    from actorrec.cli.convert_tflite import copy_bundle
    from actorrec.evaluation.into_card import score_of, with_score

    assert subject.bundle is not None
    config = session.loaded.config
    scored = with_score(subject.bundle, subject.base, score_of(report), store=session.store, config=config)
    if target is not None:
        copy_bundle(session, scored, target)
    return scored


def _dataset_of(session: Session, inputs: dict[str, str]) -> str | None:
    """Follow the inputs back to a data set."""
    from actorrec.artifacts.lineage import trace

    return next((each.ref for each in trace(session.store, inputs).found if each.kind == "dataset"), None)


def _on_what_was_kept_back(
    session: Session, recogniser: "Recogniser", dataset_ref: str | None, unknowns: Path | None, fpir: float | None
) -> "EvaluationReport":
    from actorrec.artifacts.catalog import load_manifest
    from actorrec.errors import ConfigError
    from actorrec.evaluation.evaluate import evaluate_dataset
    from actorrec.manifests.dataset import DatasetManifest

    if dataset_ref is None:
        raise ConfigError(
            "it was not trained from a data set of this store, so no photos were kept back to measure on",
            hint="name photos not learned from: --photos DIR",
        )
    dataset = load_manifest(session.store, DatasetManifest, dataset_ref)
    return evaluate_dataset(
        recogniser, dataset, unknowns, store=session.store, target_fpir=fpir, progress=session.progress
    )


def _tell(session: Session, found: "EvaluationReport", report: Path, scored: "BundleManifest | None") -> None:
    rows = [("nearest person is right (top-1)", *_rate(found.top1))]
    f1 = found.macro_f1
    rows.append(("macro-F1", f"{f1.value:.1%}", str(f1.n), f"{f1.low:.1%} to {f1.high:.1%}"))
    rows.append(("known people named right", *_rate(found.tpir)))
    rows.append(("known people given another's name", *_rate(found.wrong_names)))
    if found.fpir is not None:
        rows.append((f"strangers named (asked for {found.calibration.target_fpir:.1%})", *_rate(found.fpir)))
    session.table("measured", ("what", "rate", "n", "95 % interval"), rows)
    misses = [(miss.source, miss.miss or "", found.shown(miss.best_id)) for miss in found.misses]
    session.table("misses", ("picture", "why", "nearest"), misses[:40])
    named = [(outcome.source, found.shown(outcome.named)) for outcome in found.false_names]
    session.table("strangers named", ("picture", "as"), named[:40])
    if found.unknown_people:
        session.say("not known, so counted as strangers: " + ", ".join(found.unknown_people))
    if found.unlisted:
        session.say(f"{len(found.unlisted)} folders cannot be listed, so not measured: " + ", ".join(found.unlisted))
    summary = found.model_dump(mode="json", exclude={"outcomes"})
    summary["misses"] = [outcome.model_dump(mode="json") for outcome in found.misses]
    summary["false_names"] = [outcome.model_dump(mode="json") for outcome in found.false_names]
    summary["report"] = str(report)
    summary["bundle"] = None if scored is None else scored.ref
    made = "" if scored is None else f"; the score is in the card of {scored.ref}"
    session.result(summary, f"wrote {report}{made}")


def _rate(rate: "Rate") -> tuple[str, str, str]:
    return f"{rate.value:.1%}", str(rate.n), f"{rate.low:.1%} to {rate.high:.1%}"
