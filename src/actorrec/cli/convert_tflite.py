"""``actorrec convert-tflite``: a trained model becomes a small bundle for a device."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.manifests.bundle import BundleManifest


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "convert-tflite")
    def convert_tflite(
        session: Session,
        model: Annotated[str, typer.Argument(help="A model of the store.", metavar="[MODEL]")] = "newest",
        variant: Annotated[
            str | None,
            typer.Option(help="auto, float32, float16, dynamic or int8; auto measures each here.", show_default=False),
        ] = None,
        out: Annotated[Path | None, typer.Option(help="Also copy bundle.zip here.", show_default=False)] = None,
    ) -> None:
        """Convert, prove that the answers stayed the same on real faces, and write bundle.zip."""
        from actorrec.artifacts.catalog import load_manifest
        from actorrec.artifacts.whole_file import ensure_writable
        from actorrec.edge.convert import convert
        from actorrec.manifests.model import ModelManifest

        target = out / "bundle.zip" if out is not None and out.is_dir() else out
        if target is not None:
            ensure_writable(target)
        config = session.settings({"edge.variant": variant})
        chosen = load_manifest(session.store, ModelManifest, model)
        bundle = convert(chosen, config, store=session.store, progress=session.progress)
        if target is not None:
            copy_bundle(session, bundle, target)
        _tell(session, bundle)


def copy_bundle(session: Session, bundle: "BundleManifest", target: Path) -> None:
    """Copy a bundle's zip out of the store."""
    import shutil

    from actorrec.artifacts.catalog import file_name
    from actorrec.artifacts.whole_file import write_whole

    with session.store.local_path(file_name(bundle, bundle.bundle_file)).open("rb") as source:
        write_whole(target, lambda out: shutil.copyfileobj(source, out))
    session.say(f"wrote {target}")


def _tell(session: Session, bundle: "BundleManifest") -> None:
    rows = [
        (
            ("→ " if report.chosen else "  ") + report.name,
            f"{report.bytes / 1e6:.1f} MB",
            "" if report.median_ms is None else f"{report.median_ms:.1f} ms",
            "" if report.min_cosine is None else f"{report.min_cosine:.4f}",
            "" if report.accuracy_loss is None else f"{report.accuracy_loss:.2%}",
            report.refused,
        )
        for report in bundle.card.variants
    ]
    columns = ("variant", "size", "a face, one thread", "least cosine", "top-1 lost", "refused because")
    session.table("embedder", columns, rows)
    score = bundle.card.evaluation
    if score is not None:
        session.say(
            f"on {score.measured_on}: nearest person right {score.top1.value:.1%}, named right {score.tpir.value:.1%}"
        )
    size_bytes = sum(record.bytes for record in bundle.files if record.name == bundle.bundle_file)
    summary = {
        "bundle": bundle.ref,
        "content_digest": bundle.content_digest(),
        "people": len(bundle.card.people),
        "bytes": size_bytes,
        "variants": [report.model_dump() for report in bundle.card.variants],
        "evaluation": None if score is None else score.model_dump(),
    }
    session.result(summary, f"{bundle.ref}: {len(bundle.card.people)} people in {size_bytes / 1e6:.1f} MB")
