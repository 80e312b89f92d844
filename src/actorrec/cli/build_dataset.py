"""``actorrec build-dataset``: scraped sets and folders of photos become a clean, leak-free face data set."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.build_remote import build_remotely
from actorrec.cli.build_shards import make_shard
from actorrec.cli.build_shards import merge as merge_
from actorrec.cli.command import command
from actorrec.cli.nets import net_flags
from actorrec.cli.options import DetectorOption, SeedOption
from actorrec.cli.remote_options import (
    DetachOption,
    DryRunOption,
    InstancesOption,
    InstanceTypeOption,
    MaxCostOption,
    MaxHoursOption,
)
from actorrec.cli.session import Session
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.manifests.dataset import DatasetManifest, ImageRecord


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "build-dataset")
    def build_dataset(
        session: Session,
        photos: Annotated[
            list[Path] | None,
            typer.Argument(
                help="Folders with a folder per person; images/KEY for a scraped set; or one dataset.npz. "
                "Nothing: the newest scraped set.",
                show_default=False,
            ),
        ] = None,
        detector: DetectorOption = None,
        seed: SeedOption = None,
        test_share: Annotated[
            float | None, typer.Option(help="Share of each person's photos kept for testing.")
        ] = None,
        wrong_person: Annotated[
            str | None, typer.Option(help="What to do with a face unlike the person's others: drop, flag or keep.")
        ] = None,
        free_only: Annotated[
            bool, typer.Option("--free-only", help="Leave out scraped pictures whose licence is restricted or unknown.")
        ] = False,
        export_npz: Annotated[
            Path | None, typer.Option(help="Also write the faces as arr_0 and the names as arr_1.")
        ] = None,
        shard: Annotated[
            str | None,
            typer.Option(metavar="I/N", help="Only look at share I of N, for --merge.", show_default=False),
        ] = None,
        merge: Annotated[
            bool, typer.Option("--merge", help="Make the data set of shares; names shares or runs, not photos.")
        ] = False,
        source: Annotated[
            str | None,
            typer.Option("--from", metavar="STORE", help="Of --merge: the store with the shares.", show_default=False),
        ] = None,
        remote: Annotated[
            bool, typer.Option("--remote", help="Look at the photos on machines of SageMaker, then merge here.")
        ] = False,
        instances: InstancesOption = None,
        instance_type: InstanceTypeOption = None,
        max_hours: MaxHoursOption = None,
        max_cost: MaxCostOption = None,
        dry_run: DryRunOption = False,
        detach: DetachOption = False,
    ) -> None:
        """Find, choose, align and clean the faces; split them so that no near-copy lies on both sides."""
        config = session.settings(
            {
                **net_flags(detector=detector),
                "dataset.seed": seed,
                "dataset.test_share": test_share,
                "dataset.wrong_person": wrong_person,
                "dataset.free_only": free_only or None,
                "remote.instances": instances,
                "remote.dataset_instance_type": instance_type,
                "remote.max_hours": max_hours,
                "remote.max_cost_usd": max_cost,
            }
        )
        way = _way({"--shard": shard, "--merge": merge, "--remote": remote})
        _refuse_stray({"--from": source}, way == "--merge", "it goes with --merge: the store that holds the shares")
        _refuse_stray({"--export-npz": export_npz}, way != "--shard", "a share is no data set: export when you merge")
        of_remote = {
            "--instances": instances,
            "--instance-type": instance_type,
            "--max-hours": max_hours,
            "--max-cost": max_cost,
            "--dry-run": dry_run,
            "--detach": detach,
        }
        _refuse_stray(of_remote, remote, "it goes with --remote")
        if export_npz is not None:
            from actorrec.artifacts.whole_file import ensure_writable

            ensure_writable(export_npz)
        if shard is not None:
            make_shard(session, photos or [], shard, config)
            return
        manifest: DatasetManifest | None
        if remote:
            manifest = build_remotely(session, photos or [], config, dry_run=dry_run, detach=detach)
        else:
            manifest = merge_(session, photos or [], source, config) if merge else _build(session, photos or [], config)
        if manifest is None:
            return
        if export_npz is not None:
            from actorrec.dataset.npz import export_npz as export

            export(manifest, session.store, export_npz)
            session.say(f"wrote {export_npz}")
        _tell(session, manifest)


def _way(ways: dict[str, object]) -> str:
    """The one option that says how, not here and at once; empty for none.

    Raises:
        ConfigError: If there are two.
    """
    given = [option for option, value in ways.items() if value]
    if len(given) > 1:
        raise ConfigError(f"{given[0]} and {given[1]} exclude each other")
    return given[0] if given else ""


def _refuse_stray(options: Mapping[str, object], has_meaning: bool, hint: str) -> None:
    """Stop at an option that would mean nothing here rather than ignore it.

    Raises:
        ConfigError: If one was given.
    """
    given = [option for option, value in options.items() if value not in (None, False)]
    if given and not has_meaning:
        raise ConfigError(f"{given[0]} means nothing here", hint=hint)


def _build(session: Session, photos: list[Path], config: "Config") -> "DatasetManifest":
    if len(photos) == 1 and photos[0].suffix.lower() == ".npz":
        from actorrec.dataset.npz import import_npz

        return import_npz(photos[0], config, store=session.store, progress=session.progress)
    from actorrec.dataset.build import build_dataset

    return build_dataset(photos, config, store=session.store, progress=session.progress)


def _folder(image: "ImageRecord") -> str:
    """As the user finds it: an id alone would say little."""
    return image.path.split("/")[0]


def _tell(session: Session, manifest: "DatasetManifest") -> None:
    outcomes = Counter((image.outcome, image.reason) for image in manifest.images)
    names = {person.person_id: person.name for person in manifest.people}
    faces = Counter((face.person_id, face.split) for face in manifest.faces)
    given = Counter(image.person_id for image in manifest.images)
    rows = [(names[person], given[person], faces[person, "train"], faces[person, "test"]) for person in sorted(names)]
    session.table("people", ("person", "photos given", "to learn from", "to test on"), rows)
    counted = [(outcome, reason, count) for (outcome, reason), count in sorted(outcomes.items())]
    session.table("what became of the photos", ("outcome", "why", "photos"), counted)
    without = sorted({_folder(image) for image in manifest.images if image.person_id not in {*names, ""}})
    if without:
        session.say("no face of them is left, so not in the set: " + ", ".join(without))
    meant = ("reviewed", "taken-down", "restricted-licence")
    lost = [(i.path, i.reason, i.detail) for i in manifest.images if i.outcome != "kept" and i.reason not in meant]
    session.table("look at these", ("photo", "why", "detail"), lost[:40])
    if len(lost) > 40:
        session.say(f"… and {len(lost) - 40} more in the manifest")
    if manifest.not_measured:
        session.say(
            "too few photos to be measured: " + ", ".join(names[p] for p in manifest.not_measured if p in names)
        )
    if manifest.decisions:
        session.say(f"photos that a reviewer decided on: {manifest.decisions}")
    kept = len(manifest.faces)
    summary = {
        "dataset": manifest.ref,
        "content_digest": manifest.content_digest(),
        "people": len(manifest.people),
        "photos": len(manifest.images),
        "faces": kept,
        "outcomes": [{"outcome": o, "reason": r, "count": c} for (o, r), c in sorted(outcomes.items())],
        "not_measured": manifest.not_measured,
        "decisions": manifest.decisions,
    }
    line = f"{manifest.ref}: {kept} faces of {len(manifest.people)} people from {len(manifest.images)} photos"
    session.result(summary, line)
