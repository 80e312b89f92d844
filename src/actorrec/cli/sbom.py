"""``actorrec sbom``: who made the pictures and nets something consists of, and under which licences."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.session import Session, printable, write_json

if TYPE_CHECKING:
    from actorrec.recognition.bundle import Bundle
    from actorrec.rights.attribution import Attribution


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "sbom")
    def sbom(
        session: Session,
        what: Annotated[
            str,
            typer.Argument(
                help="Any artifact of the store, or a bundle.zip; else what was made last.",
                metavar="[ARTIFACT]",
            ),
        ] = "newest",
        out: Annotated[
            Path | None, typer.Option(help="Write it to this file instead of to stdout.", show_default=False)
        ] = None,
        spdx: Annotated[bool, typer.Option("--spdx", help="As an SPDX 2.3 document (JSON) for other tools.")] = False,
    ) -> None:
        """List authors, sources and licences of the pictures and nets something was made from, as credits to paste."""
        from actorrec.artifacts.whole_file import ensure_writable, write_whole
        from actorrec.rights.credits import credits_text
        from actorrec.rights.spdx import spdx_document

        if out is not None:
            ensure_writable(out)
        found = _attribution(session, what)
        document = spdx_document(found) if spdx else found.model_dump(mode="json")
        lines = [] if spdx or session.as_json else [printable(line) for line in credits_text(found)]
        if out is not None:
            text = "\n".join(lines) or json.dumps(document, ensure_ascii=False, indent=1)
            write_whole(out, f"{text}\n".encode())
            summary = {"path": str(out), "subject": found.subject, "pictures": len(found.pictures)}
            line = f"wrote {out}: {len(found.pictures)} pictures of {found.subject}"
            session.result(summary | {"missing": found.missing}, line)
        elif lines:
            print("\n".join(lines))
        else:
            write_json(document)


def _attribution(session: Session, what: str) -> "Attribution":
    from actorrec.artifacts.lineage import KINDS, RECORDS, find_artifact, trace
    from actorrec.cli.bundles import chosen_bundle
    from actorrec.manifests.bundle import BundleManifest
    from actorrec.rights.attribution import attribution

    if Path(what).suffix == ".zip":
        return _of_bundle(session, Path(what).name, chosen_bundle(session, what))
    made = [kind for kind in KINDS if kind not in RECORDS]
    manifest = find_artifact(session.store, what, among=made if what == "newest" else tuple(KINDS))
    lineage = trace(session.store, manifest.inputs)
    nearest = (manifest, *lineage.found) if manifest.kind in ("bundle", *RECORDS) else ()
    bundle = next((each for each in nearest if isinstance(each, BundleManifest)), None)
    if bundle is not None:
        return _of_bundle(session, manifest.ref, chosen_bundle(session, bundle.ref))
    return attribution(manifest.ref, manifest, made_from=lineage.found, missing=lineage.missing)


def _of_bundle(session: Session, name: str, bundle: "Bundle") -> "Attribution":
    from actorrec.artifacts.catalog import manifests
    from actorrec.artifacts.lineage import trace
    from actorrec.manifests.images import ImagesManifest
    from actorrec.rights.attribution import attribution

    gallery, lineage = bundle.gallery, trace(session.store, bundle.card.inputs)
    enrolled = [
        (gallery.person_ids[row], source)
        for row, source in zip(gallery.photo_person, gallery.photo_sources, strict=True)
    ]
    return attribution(
        name,
        bundle.card,
        made_from=lineage.found,
        missing=lineage.missing,
        enrolled=enrolled,
        scraped=manifests(session.store, ImagesManifest),
    )
