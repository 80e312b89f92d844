"""The model of a job that has ended, brought into the store like one that was trained here."""

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from actorrec.artifacts.catalog import again, commit_manifest, file_name, find_manifest
from actorrec.artifacts.copies import copy_with_lineage
from actorrec.artifacts.lineage import KINDS
from actorrec.artifacts.store import ArtifactStore
from actorrec.artifacts.trained import Trained, unpack_trained
from actorrec.artifacts.whole_file import DISK_HINTS
from actorrec.aws.failures import aws_errors, status_of
from actorrec.aws.places import bucket_and_key
from actorrec.aws.session import AwsSession
from actorrec.errors import ArtifactError, JobError, ModelContractError
from actorrec.jobs.follow import refuse_unless_completed
from actorrec.jobs.listing import read_state
from actorrec.jobs.model_archive import download_archive
from actorrec.jobs.state import JobState
from actorrec.manifests.base import Manifest
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.model import ModelManifest
from actorrec.progress import Progress

_log = logging.getLogger(__name__)
M = TypeVar("M", bound=Manifest)


def bring_back(
    aws: AwsSession, name: str, *, store: ArtifactStore, cloud: ArtifactStore, progress: Progress
) -> tuple[ModelManifest, BundleManifest | None]:
    """Bring the model, the bundle and the data set of a training job into the store; the same again does no harm.

    Args:
        aws: Makes the clients.
        name: Of a job that has ended.
        store: Receives them; every manifest after its files.
        cloud: The store that the job read from; what the model was made from is copied from it.
        progress: Told of the download and of copies.

    Raises:
        JobError: If it goes on, failed, was stopped without a model, or its model is not in S3.
        ModelContractError: If what it left is not what it says it is, or was made from another data set.
        ArtifactError: If the store takes no more, or holds another model of that name.
        RemoteError: If AWS refuses or cannot be reached.
    """
    state = read_state(aws, name)
    _refuse_without_model(state)
    with store.lock(f"jobs/{state.name}"):
        archive = download_archive(aws, state, progress)
        try:
            return _unpack_into(store, cloud, archive, state, progress)
        except ModelContractError as error:
            # As long as its model lies there, the same command comes back to this very job.
            hint = f"it was changed, or actorrec did not make it: aws s3 rm {state.model_uri}, then train again"
            raise ModelContractError(error.message, hint=hint) from None
        finally:
            archive.unlink(missing_ok=True)


def has_model(aws: AwsSession, name: str) -> bool:
    """Whether a job left a model that is still in S3.

    Raises:
        JobError: If there is no such job.
        RemoteError: If AWS refuses or cannot be reached.
    """
    from botocore.exceptions import ClientError

    bucket, key = bucket_and_key(read_state(aws, name).model_uri or "")
    if not key:
        return False
    with aws_errors("look for the model of an earlier job", lambda: aws.place(bucket), "s3:GetObject"):
        try:
            aws.client("s3").head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if status_of(error) != 404:
                raise
            return False
    return True


def _unpack_into(
    store: ArtifactStore, cloud: ArtifactStore, archive: Path, state: JobState, progress: Progress
) -> tuple[ModelManifest, BundleManifest | None]:
    with _folder_beside(archive, store) as folder:
        trained = unpack_trained(archive, folder)
        _refuse_other_dataset(state, trained.model)
        _bring_inputs(trained.model, store, cloud, progress)
        model = _put(trained, trained.model, store, progress)
        bundle = None if trained.bundle is None else _put(trained, trained.bundle, store, progress)
    if trained.ignored:
        _log.info("%d more files (SavedModel, measures) stay in %s", len(trained.ignored), state.model_uri)
    return model, bundle


@contextmanager
def _folder_beside(archive: Path, store: ArtifactStore) -> Iterator[Path]:
    """An empty folder of this job and store, under whose lock it is: what a killed command unpacked there goes."""
    folder = archive.with_name(f"{archive.name}-{hashlib.sha256(store.uri.encode()).hexdigest()[:16]}")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        hint = DISK_HINTS.get(error.errno or 0, "aws.cache_dir names another folder for what is downloaded")
        raise ArtifactError(f"cannot write to {archive.parent}: {error.strerror or error}", hint=hint) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_without_model(state: JobState) -> None:
    if not state.ended:
        raise JobError(
            f"the job {state.name} has not ended: it is {state.secondary}", hint=f"actorrec jobs attach {state.name}"
        )
    if state.kind != "training":
        raise JobError(f"{state.name} is a {state.kind} job: it leaves no model", hint="`actorrec jobs ls` lists all")
    if state.status == "Failed" or state.model_uri is None:
        refuse_unless_completed(state)
        raise JobError(
            f"the job {state.name} is {state.status} and names no model",
            hint=f"its log says more: actorrec jobs logs {state.name}",
        )


def _refuse_other_dataset(state: JobState, model: ModelManifest) -> None:
    """The archive lies where anybody with the bucket may write: it must be of the data set that the job was given."""
    if state.dataset is None:
        return
    found = model.inputs.get(state.dataset)
    if found is None or (state.dataset_digest is not None and found != state.dataset_digest):
        made_from = ", ".join(sorted(model.inputs)) or "nothing"
        other = f"another content of {state.dataset}" if found else made_from
        raise ModelContractError(
            f"the model of the job {state.name} was made from {other}, not from the {state.dataset} that it was given"
        )


def _bring_inputs(model: ModelManifest, store: ArtifactStore, cloud: ArtifactStore, progress: Progress) -> None:
    for reference in model.inputs:
        kind, _, key = reference.partition("/")
        if kind not in KINDS or find_manifest(store, KINDS[kind], key) is not None:
            continue
        manifest = find_manifest(cloud, KINDS[kind], key) if cloud.uri != store.uri else None
        if manifest is not None:
            copy_with_lineage(manifest, cloud, store, progress)
        else:
            _log.warning(
                "%s, which the model was made from, is neither here nor in %s: `evaluate` will need it",
                *(reference, cloud.uri),
            )


def _put(trained: Trained, manifest: M, store: ArtifactStore, progress: Progress) -> M:
    with store.lock(manifest.ref):
        there = find_manifest(store, type(manifest), manifest.key)
        if there is not None:
            if there.digests != manifest.digests:
                raise ArtifactError(
                    f"{store.uri} holds another {manifest.ref}, made at {there.created_at:%Y-%m-%d %H:%M}",
                    hint="both are of equal inputs and settings; --store DIR brings this one into another store",
                )
            return again(store, there)
        items = [(file_name(manifest, record), trained.files[file_name(manifest, record)]) for record in manifest.files]
        with progress.step(f"storing {manifest.ref}", len(items), "files") as step:
            written = store.put_files(items, step)
        if [record.sha256 for record in written] != [record.sha256 for record in manifest.files]:
            raise ArtifactError(f"{store.uri}/{manifest.ref} is not what was written", hint="run it again")
        return commit_manifest(store, manifest)
