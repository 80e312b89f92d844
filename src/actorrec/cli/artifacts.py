"""``actorrec artifacts``: what a store holds, whether it is whole, and copies between stores."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.session import Session, printable
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actorrec.artifacts.collection import Garbage
    from actorrec.artifacts.copies import CopyReport
    from actorrec.artifacts.store import ArtifactStore
    from actorrec.manifests.base import Manifest

artifacts_app = typer.Typer(help="List, copy, check and clear out what a store holds.", no_args_is_help=True)
_Reference = Annotated[
    str, typer.Argument(help="kind/key, a key, or the beginning of one; else what was made last.", metavar="[ARTIFACT]")
]


@command(artifacts_app, "ls")
def ls(session: Session) -> None:
    """List the artifacts of a store, the newest first, and what each was made from."""
    from actorrec.artifacts.catalog import last_made, manifests
    from actorrec.artifacts.lineage import KINDS

    found = [
        (last_made(session.store, manifest), manifest)
        for manifest_type in KINDS.values()
        for manifest in manifests(session.store, manifest_type)
    ]
    found.sort(key=lambda item: (item[0], item[1].ref), reverse=True)
    rows = [
        {
            "kind": manifest.kind,
            "key": manifest.key,
            "made_at": made.isoformat(timespec="seconds"),
            "files": len(manifest.files),
            "bytes": _bytes(manifest),
            "made_from": list(manifest.inputs),
        }
        for made, manifest in found
    ]
    cells = [
        (m.kind, m.key, f"{made:%Y-%m-%d %H:%M}", len(m.files), _size(_bytes(m)), ", ".join(m.inputs))
        for made, m in found
    ]
    session.table(f"artifacts of {session.store.uri}", ("kind", "key", "made", "files", "size", "made from"), cells)
    if not rows:
        session.say(f"{session.store.uri} holds no artifacts yet")
    session.result(rows)


@command(artifacts_app, "show")
def show(session: Session, artifact: _Reference = "newest") -> None:
    """Show an artifact: where and how it was made, and everything it came from."""
    from actorrec.artifacts.lineage import find_artifact, trace

    manifest = find_artifact(session.store, artifact)
    lineage = trace(session.store, manifest.inputs)
    by = manifest.produced_by
    code = f"actorrec {by.version}" + (f", commit {by.git_commit[:12]}" if by.git_commit else "")
    lines = [
        ("artifact", manifest.ref),
        ("made", f"{manifest.created_at:%Y-%m-%d %H:%M:%S} UTC by {code}, settings {by.config_hash or 'unknown'}"),
        ("content", manifest.content_digest()),
        ("files", f"{len(manifest.files)}, {_size(_bytes(manifest))}"),
        *_in_the_account(manifest),
        *(("made from", _line(each)) for each in lineage.found),
        *(("made from", f"{ref} (not in this store)") for ref in lineage.missing),
    ]
    session.table(manifest.ref, ("what", "is"), lines)
    session.result(
        {
            "manifest": manifest.model_dump(mode="json"),
            "content_digest": manifest.content_digest(),
            "lineage": [
                {"ref": each.ref, "content_digest": each.content_digest(), "config_hash": each.produced_by.config_hash}
                for each in lineage.found
            ],
            "missing": list(lineage.missing),
        }
    )


def _in_the_account(manifest: "Manifest") -> list[tuple[str, str]]:
    """What a record of an account is about."""
    from actorrec.manifests.component import ComponentManifest, DeploymentManifest

    if isinstance(manifest, ComponentManifest):
        what = f"{manifest.name} {manifest.version} ({manifest.role})"
        return [("component", what), ("ARN", manifest.arn), *(("fetched from", a.uri) for a in manifest.artifacts)]
    if isinstance(manifest, DeploymentManifest):
        parts = (("component", f"{name} {each.version}") for name, each in manifest.components.items())
        return [("deployment", manifest.deployment_id), ("target", manifest.target_arn), *parts]
    return []


@command(artifacts_app, "push")
def push(
    session: Session,
    to: Annotated[str, typer.Option("--to", help="The store that receives it: a folder or URI.")],
    artifact: _Reference = "newest",
) -> None:
    """Copy an artifact and everything it came from to another store; the same again goes on where it was."""
    other = _other(session, to)
    _copied(session, _copy(session, artifact, session.store, other), other)


@command(artifacts_app, "pull")
def pull(
    session: Session,
    source: Annotated[str, typer.Option("--from", help="The store that holds it: a folder or URI.")],
    artifact: _Reference = "newest",
) -> None:
    """Copy an artifact and everything it came from out of another store into this one."""
    _copied(session, _copy(session, artifact, _other(session, source), session.store), session.store)


@command(artifacts_app, "gc")
def gc(
    session: Session,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    keep: Annotated[
        list[str] | None, typer.Option(help="An artifact that stays, with what it came from; repeatable.")
    ] = None,
    unfinished_days: Annotated[
        float, typer.Option(min=0, help="Unfinished work goes once nobody wrote to it for so long.")
    ] = 7.0,
) -> None:
    """Delete what neither the newest artifact of each kind nor anything kept came from, and dead unfinished work."""
    from actorrec.artifacts.collection import collect, find_garbage
    from actorrec.artifacts.lineage import find_artifact

    kept = [find_artifact(session.store, reference).ref for reference in keep or ()]
    garbage = find_garbage(session.store, keep=kept, unfinished_for=timedelta(days=unfinished_days))
    size = _size(sum(each.bytes for each in garbage))
    cells = [(each.ref, each.why, len(each.files), _size(each.bytes)) for each in garbage]
    session.table("may go", ("artifact", "why", "files", "size"), cells)
    deleted: Sequence[Garbage] = []
    if not dry_run and (yes or not garbage or _agreed(f"delete these {len(garbage)} ({size}) for good?")):
        deleted = collect(session.store, garbage, session.progress)
    said = "nothing to delete" if not garbage else f"{len(garbage)} may go ({size}); {len(deleted)} were deleted"
    session.result(
        {
            "garbage": [{"ref": g.ref, "why": g.why, "files": len(g.files), "bytes": g.bytes} for g in garbage],
            "deleted": [each.ref for each in deleted],
        },
        said,
    )


@command(artifacts_app, "verify")
def verify(session: Session) -> None:
    """Read every file and compare size and SHA-256 with its manifest; ends with 4 where something is damaged."""
    from dataclasses import asdict

    from actorrec.artifacts.inspection import damage, inspect

    found = inspect(session.store, session.progress)
    session.table("damaged", ("file", "what is wrong"), found.damaged)
    session.table("no manifest names these files", ("file",), [(name,) for name in found.orphans])
    session.table("not in this store", ("artifact", "was made from"), found.missing_inputs)
    session.table("unfinished work", ("folder",), [(ref,) for ref in found.unfinished])
    error = damage(session.store, found)
    if error is not None and not session.as_json:
        raise error
    line = f"{found.artifacts} artifacts, {found.files} files, {_size(found.bytes)}: all as their manifests say"
    session.result(asdict(found), line)
    if error is not None:
        print(f"error: {printable(error.message)}", file=sys.stderr)
        raise typer.Exit(error.exit_code)


def _other(session: Session, uri: str) -> "ArtifactStore":
    from actorrec.artifacts.uri import open_store

    return open_store(uri, session.settings().aws)


def _copy(session: Session, reference: str, source: "ArtifactStore", target: "ArtifactStore") -> "CopyReport":
    from actorrec.artifacts.copies import copy_with_lineage
    from actorrec.artifacts.lineage import find_artifact

    return copy_with_lineage(find_artifact(source, reference), source, target, session.progress)


def _copied(session: Session, report: "CopyReport", target: "ArtifactStore") -> None:
    from dataclasses import asdict

    rows = [(each.ref, each.sent, each.there, _size(each.bytes)) for each in report.copied]
    session.table(f"to {target.uri}", ("artifact", "files copied", "were there", "size"), rows)
    for ref in report.missing:
        session.say(f"{ref} is not in the store it came from: the copy lacks it too")
    session.result({**asdict(report), "to": target.uri}, f"{report.copied[-1].ref} is in {target.uri}")


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError(
            "whether to delete cannot be asked here", hint="--yes deletes without asking; --dry-run lists"
        )
    return typer.confirm(question, err=True)


def _bytes(manifest: "Manifest") -> int:
    return sum(record.bytes for record in manifest.files)


def _line(manifest: "Manifest") -> str:
    return f"{manifest.ref}, {manifest.created_at:%Y-%m-%d %H:%M}, settings {manifest.produced_by.config_hash or '?'}"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(artifacts_app, name="artifacts")
