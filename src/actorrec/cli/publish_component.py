"""``actorrec publish-component``: a bundle, and what runs it, as components that a fleet can be given."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from actorrec.cli.command import command
from actorrec.cli.publish_public import public_drafts, tell_public
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actorrec.config import Config
    from actorrec.greengrass.components import BundleFile, RuntimePart
    from actorrec.greengrass.drafts import ComponentDraft
    from actorrec.greengrass.publish_plan import PublishPlan
    from actorrec.manifests.bundle import BundleManifest
    from actorrec.manifests.component import ComponentManifest


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "publish-component")
    def publish_component(
        session: Session,
        bundle: Annotated[
            str, typer.Argument(help="A bundle of the store, or a bundle.zip.", metavar="[BUNDLE]")
        ] = "newest",
        component_name: Annotated[
            str | None,
            typer.Option("--component-name", help="Of the runtime; the model's is NAME.Model.", show_default=False),
        ] = None,
        version: Annotated[
            str, typer.Option("--version", help="auto or X.Y.Z: for what is not published yet.", metavar="VERSION")
        ] = "auto",
        single: Annotated[
            bool, typer.Option("--single", help="Program and bundle in one component, for nucleus lite.")
        ] = False,
        flavor: Annotated[
            Literal["own", "public"],
            typer.Option(
                "--flavor", help="own: our program. public: a net for AWS's public TensorFlow Lite component."
            ),
        ] = "own",
        vendor_wheels: Annotated[
            str | None,
            typer.Option(
                "--vendor-wheels",
                metavar="PLATFORM",
                help="Put the wheels of linux_aarch64 or linux_x86_64 inside: devices install without a network.",
                show_default=False,
            ),
        ] = None,
        recipe_format: Annotated[
            Literal["json", "yaml"], typer.Option("--recipe-format", help="In which recipes are sent.")
        ] = "json",
        allow_restricted: Annotated[
            bool | None,
            typer.Option(
                "--allow-restricted",
                help="Also ship what was learned from pictures, or nets, of a restricted or unknown licence.",
                show_default=False,
            ),
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Show the plan; nothing is sent, no account is needed.")
        ] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    ) -> None:
        """Publish a bundle as components of AWS IoT Greengrass; the same content is not published twice."""
        from actorrec.greengrass.known_versions import remembered_versions
        from actorrec.greengrass.publish_plan import plan_publish, refuse_malformed

        refuse_malformed(version)  # before hundreds of megabytes of wheels are fetched
        config = session.settings(
            {"greengrass.component_name": component_name, "rights.allow_restricted": allow_restricted}
        )
        chosen, inputs = _chosen(session, bundle, config)
        if flavor == "public":
            own = {"--single": single, "--vendor-wheels": vendor_wheels, "--component-name": component_name}
            drafts = public_drafts(session, config, chosen, version=version, own=own)
        else:
            drafts = _drafts(session, config, chosen, single=single, vendor=vendor_wheels)
        if dry_run:
            plan = plan_publish(drafts, remembered_versions(session.store), version=version, form=recipe_format)
            _tell_plan(session, plan)
            session.result(plan.as_json() | tell_public(session, config, plan))
            return
        _publish(session, config, drafts, inputs, version=version, form=recipe_format, yes=yes)


def _chosen(session: Session, reference: str, config: "Config") -> "tuple[BundleFile, dict[str, str]]":
    """The bundle that was named, once it may be shipped, and what its components are made from."""
    from actorrec.artifacts.catalog import file_name
    from actorrec.artifacts.digest import file_sha256
    from actorrec.cli.bundles import bundle_with_record
    from actorrec.greengrass.components import BundleFile
    from actorrec.greengrass.refusals import refuse_unfit

    opened, record = bundle_with_record(session, reference)
    refuse_unfit(opened.card, config, name=record.ref if record is not None else opened.name)
    path = (
        Path(reference) if record is None else session.store.local_path(file_name(record, record.bundle_file))
    ).resolve()
    file = BundleFile(file_sha256(path), path.stat().st_size, opened.card, path)
    return file, _inputs(session, file, record)


def _inputs(session: Session, file: "BundleFile", record: "BundleManifest | None") -> dict[str, str]:
    """What a component of this bundle is on record as made from; of a file, the store may hold the very same."""
    from actorrec.artifacts.catalog import manifests
    from actorrec.manifests.bundle import BundleManifest

    if record is None:
        held = (each for each in manifests(session.store, BundleManifest) if file.sha256 in each.digests.values())
        record = next(held, None)
    return dict(file.card.inputs) if record is None else {record.ref: record.content_digest()}


def _drafts(
    session: Session, config: "Config", bundle: "BundleFile", *, single: bool, vendor: str | None
) -> "tuple[ComponentDraft, ...]":
    from actorrec.greengrass.components import model_draft, runtime_draft, single_draft
    from actorrec.greengrass.publish import artifact_uris

    name, uri_of = config.greengrass.component_name, artifact_uris(config)
    runtime = _runtime(session, config, vendor)
    if single:
        return (single_draft(name, runtime, bundle, uri_of),)
    return (model_draft(name, bundle, uri_of), runtime_draft(name, runtime, uri_of))


def _runtime(session: Session, config: "Config", vendor: str | None) -> "RuntimePart":
    """The program, built from this installation."""
    from actorrec.greengrass.recipe import default_configuration
    from actorrec.greengrass.runtime_archive import build_runtime, runtime_part
    from actorrec.home import cache_folder

    section = config.greengrass
    archive = build_runtime(
        cache_folder("greengrass"),
        platform=vendor,
        pythons=section.vendor_pythons,
        defaults=default_configuration(config),
        progress=session.progress,
    )
    return runtime_part(archive, section.install_timeout_s)


def _publish(
    session: Session,
    config: "Config",
    drafts: "Sequence[ComponentDraft]",
    inputs: "Mapping[str, str]",
    *,
    version: str,
    form: Literal["json", "yaml"],
    yes: bool,
) -> None:
    """Look at what is there, show the plan, ask, and carry it out."""
    from actorrec.artifacts.uri import open_store
    from actorrec.aws.places import CloudPlace
    from actorrec.cli.cloud_desk import TerminalDesk
    from actorrec.config import provenance
    from actorrec.greengrass.component_calls import ComponentCalls
    from actorrec.greengrass.known_versions import look_up
    from actorrec.greengrass.publish import Publishing, execute, held_artifacts, refuse_unreachable
    from actorrec.greengrass.publish_plan import plan_publish

    calls = ComponentCalls(session.aws, config.greengrass.poll_s)
    refuse_unreachable(calls, config)
    target = open_store(CloudPlace.of(config).store_uri, config.aws)
    known = look_up(calls, drafts, session.store, version)
    plan = plan_publish(drafts, known, version=version, form=form)
    plan = plan_publish(drafts, known, version=version, form=form, held=held_artifacts(plan, target))
    _tell_plan(session, plan)
    if plan.changes and not TerminalDesk(session, yes).agrees("publish these?"):
        session.result(plan.as_json() | {"published": [], "done": False}, "nothing was changed")
        return
    at = Publishing(calls, target, session.store, session.progress, inputs, provenance(config))
    _tell_published(session, config, plan, execute(plan, at))


def _tell_plan(session: Session, plan: "PublishPlan") -> None:
    rows = [
        (
            action.verb,
            action.what,
            f"{action.bytes / 1e6:.1f} MB" if action.verb in ("upload", "keep") else "",
            action.why,
        )
        for action in plan.actions
    ]
    session.table("what will be done", ("what", "name", "size", "why"), rows)


def _tell_published(
    session: Session, config: "Config", plan: "PublishPlan", published: "Sequence[ComponentManifest]"
) -> None:
    session.table(
        "published", ("component", "version", "role", "ARN"), [(m.name, m.version, m.role, m.arn) for m in published]
    )
    summary: dict[str, Any] = {
        "published": [
            {"name": m.name, "version": m.version, "role": m.role, "arn": m.arn, "artifact": m.ref} for m in published
        ],
        "done": True,
    }
    named = " and ".join(f"{m.name} {m.version}" for m in published)
    what = "can be deployed" if plan.changes else "can be deployed: published already, nothing had to change"
    summary |= tell_public(session, config, plan)
    own = published[0].flavor == "own"
    session.result(plan.as_json() | summary, f"{named} {what}" + "; next: actorrec deploy" * own)
