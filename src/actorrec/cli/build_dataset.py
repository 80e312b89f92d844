"""``actorrec build-dataset``: scraped sets and folders of photos become a clean, leak-free face data set."""

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
    OPTION_OF,
    DetachOption,
    DryRunOption,
    InstancesOption,
    InstanceTypeOption,
    MaxCostOption,
    MaxHoursOption,
)
from actorrec.cli.session import Session
from actorrec.cli.tell_dataset import tell_dataset
from actorrec.cli.train_remote import refuse_without_remote
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.manifests.dataset import DatasetManifest


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
        cloud_flags = {
            "remote.instances": instances,
            "remote.dataset_instance_type": instance_type,
            "remote.max_hours": max_hours,
            "remote.max_cost_usd": max_cost,
        }
        if not remote:
            given = {OPTION_OF[name]: value for name, value in cloud_flags.items()}
            refuse_without_remote({"--dry-run": dry_run, "--detach": detach, **given})
        _refuse_two({"--shard": shard, "--merge": merge, "--remote": remote})
        if source is not None and not merge:
            raise ConfigError("--from is an option of --merge", hint="it names the store that holds the shares")
        config = session.settings(
            {
                **net_flags(detector=detector),
                "dataset.seed": seed,
                "dataset.test_share": test_share,
                "dataset.wrong_person": wrong_person,
                "dataset.free_only": free_only or None,
                **cloud_flags,
            }
        )
        if export_npz is not None:
            _prepare_export(export_npz, makes_a_set=shard is None and not (dry_run or detach))
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
        tell_dataset(session, manifest)


def _refuse_two(ways: dict[str, object]) -> None:
    """Each of these options says how the whole is done.

    Raises:
        ConfigError: If there are two.
    """
    given = [option for option, value in ways.items() if value]
    if len(given) > 1:
        raise ConfigError(f"{given[0]} and {given[1]} exclude each other")


def _prepare_export(path: Path, *, makes_a_set: bool) -> None:
    """Find out now, not after all the work, that it would come to nothing."""
    from actorrec.artifacts.whole_file import ensure_writable

    if not makes_a_set:
        raise ConfigError("--export-npz: this makes no data set yet", hint="export when the shares are merged: --merge")
    ensure_writable(path)


def _build(session: Session, photos: list[Path], config: "Config") -> "DatasetManifest":
    if len(photos) == 1 and photos[0].suffix.lower() == ".npz":
        from actorrec.dataset.npz import import_npz

        return import_npz(photos[0], config, store=session.store, progress=session.progress)
    from actorrec.dataset.build import build_dataset

    return build_dataset(photos, config, store=session.store, progress=session.progress)
