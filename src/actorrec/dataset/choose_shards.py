"""Which shares of a store make one data set."""

from collections.abc import Sequence

from actorrec.artifacts.catalog import manifests
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError
from actorrec.manifests.shard import ShardManifest

_SHOWN = 5


def choose_shards(store: ArtifactStore, references: Sequence[str]) -> list[ShardManifest]:
    """All shares of one run, by index; of several with one index the one made last.

    Args:
        store: Holds them.
        references: ``shard/KEY``, ``KEY``, or a run's digest; or beginnings of them. A share stands for its whole run,
            and goes before others of its index. None: the run that a share was made of last.

    Raises:
        ArtifactError: If there is none, they are of several runs, or the run lacks a share.
    """
    there = list(manifests(store, ShardManifest))
    if not there:
        hint = "make them: actorrec build-dataset PHOTOS --shard 1/2, and --shard 2/2 here or on another machine"
        folder, _, job = store.uri.rpartition("/")
        if folder.endswith("/shards"):  # where a job leaves them: shards_uri of jobs
            hint = f"has the job ended? actorrec jobs status {job}"
        raise ArtifactError(f"the store {store.uri} holds no shares", hint=hint)
    named = [shard for reference in references for shard in _named(there, reference, store)] or [there[-1]]
    run = named[0].run
    if any(shard.run != run for shard in named):
        raise ArtifactError(
            f"{named[0].ref} is of another run than {next(s.ref for s in named if s.run != run)}",
            hint="shares go together if they are of the same pictures, settings, version and number of shares",
        )
    chosen = {shard.index: shard for shard in [*(each for each in there if each.run == run), *named]}
    if missing := missing_shares(there, named[0]):
        raise ArtifactError(
            f"of the run {run[:16]} {_listed(missing)} not in {store.uri}", hint=_hint(there, missing[0])
        )
    return [chosen[index] for index in sorted(chosen)]


def missing_shares(shards: Sequence[ShardManifest], of: ShardManifest) -> list[str]:
    """Shares of a run that are not there yet, as ``--shard`` takes them.

    Args:
        shards: Those that are there, of any run.
        of: Any share of the run.
    """
    held = {shard.index for shard in shards if shard.run == of.run}
    return [f"{index}/{of.count}" for index in range(1, of.count + 1) if index not in held]


def _named(there: list[ShardManifest], reference: str, store: ArtifactStore) -> list[ShardManifest]:
    bare = reference.removeprefix("shard/")
    keys = [shard for shard in there if shard.key.startswith(bare)] if bare else []
    runs = [shard for shard in there if shard.run.startswith(bare)] if bare else []
    exact = [shard for shard in keys if shard.key == bare] or keys
    if len(exact) == 1 or (not exact and len({shard.run for shard in runs}) == 1):
        return exact or runs
    found = "more than one share or run" if exact or runs else "no share or run"
    shown = ", ".join(f"{shard.ref} ({shard.share})" for shard in there[-_SHOWN:])
    raise ArtifactError(
        f"{found} '{reference}' in the store {store.uri}", hint=f"it holds {shown}; --merge takes no photos"
    )


def _listed(missing: Sequence[str]) -> str:
    shown = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else "")
    return f"share {shown} is" if len(missing) == 1 else f"the shares {shown} are"


def _hint(there: Sequence[ShardManifest], missing: str) -> str:
    """How to make the first one; and an older run that is whole, if there is one."""
    whole = next((shard for shard in reversed(there) if not missing_shares(there, shard)), None)
    make = (
        f"make it where its pictures are: actorrec build-dataset PHOTOS --shard {missing}; "
        "from another store: actorrec artifacts push shard/KEY --to STORE"
    )
    return make if whole is None else f"{make}. An older run is whole: --merge {whole.run[:16]}"
