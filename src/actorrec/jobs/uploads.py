"""What must be in S3 before a job starts, as plans."""

from actorrec.aws.places import CloudPlace
from actorrec.config import Config
from actorrec.jobs.plans import Upload
from actorrec.jobs.sourcedir import ARCHIVE_NAME, SourceDir
from actorrec.manifests.base import Manifest


def code_prefix(place: CloudPlace, code: SourceDir) -> str:
    """Where the archive goes: the same package to the same place."""
    return f"{place.jobs_uri}/code/{code.sha256[:16]}/"


def code_upload(place: CloudPlace, code: SourceDir) -> Upload:
    """The archive."""
    return Upload("code", code_prefix(place, code) + ARCHIVE_NAME, code.bytes, path=code.path, sha256=code.sha256)


def artifact_uploads(config: Config, place: CloudPlace, manifest: Manifest) -> tuple[Upload, ...]:
    """An artifact, without what it was made from: a job needs no photos to learn from faces.

    None where the store that it is in is the one that jobs read from.
    """
    if config.store.uri.startswith("s3://"):
        return ()
    size = sum(record.bytes for record in manifest.files)
    what = f"data set {manifest.ref}" if manifest.kind == "dataset" else manifest.ref
    uri = place.uri(f"{manifest.ref}/")
    return (Upload(what, uri, size, files=len(manifest.files), artifact=manifest.ref),)
