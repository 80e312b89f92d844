"""The package itself as the archive that a container runs: ``sourcedir.tar.gz``."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from actorrec.artifacts.own_package import package_files
from actorrec.artifacts.whole_file import write_whole
from actorrec.errors import ArtifactError, MissingExtraError
from actorrec.manifests.jobs import TRAINING_PROGRAM

ARCHIVE_NAME: Final = "sourcedir.tar.gz"
BUILD_PROGRAM: Final = "build_shard.py"
"""Script at the top of the archive that looks at one share of the pictures."""
_PROGRAMS: Final = {
    TRAINING_PROGRAM: "actorrec.training.entrypoint",
    BUILD_PROGRAM: "actorrec.dataset.worker",
}
_PROGRAM: Final = '"""Run by the container."""\n\nimport sys\n\nfrom {module} import main\n\nsys.exit(main())\n'
# Not tensorflow, keras and numpy: the image has builds of them that fit its drivers and each other.
_REQUIREMENTS: Final = (
    "pydantic", "pyyaml", "rich", "typer", "ai-edge-litert", "opencv-python-headless", "pillow", "matplotlib",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceDir:
    """The archive.

    Attributes:
        path: On this machine.
        sha256: Of its bytes; the same package gives the same.
    """

    path: Path
    sha256: str
    bytes: int


def build_sourcedir(folder: Path) -> SourceDir:
    """Pack the installed package with what starts it and what it needs.

    Nothing but the package's own files goes in: no settings, no environment, nothing of the store.

    Args:
        folder: Where archives are kept, each in a folder named by its digest.

    Raises:
        ConfigError: If the package is not installed as files, or is far too large to be only itself.
        ArtifactError: If the folder cannot be written.
    """
    data = _packed(dict(_contents()))
    digest = hashlib.sha256(data).hexdigest()
    path = folder / digest / ARCHIVE_NAME
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        try:
            write_whole(path, data)
        except ArtifactError as error:
            error.hint = error.hint or "XDG_CACHE_HOME names another folder for what is kept between runs"
            raise
    return SourceDir(path, digest, len(data))


def requirements() -> str:
    """What the container installs beside its own packages, pinned to what is installed here.

    Raises:
        MissingExtraError: If one of them is not installed here, so that no version is known to work.
    """
    return "".join(f"{name}=={_version(name)}\n" for name in _REQUIREMENTS)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        raise MissingExtraError("desk", name) from None


def _contents() -> Iterator[tuple[str, bytes]]:
    for program, module in _PROGRAMS.items():
        yield program, _PROGRAM.format(module=module).encode()
    yield "requirements.txt", requirements().encode()
    yield from package_files()


def _packed(contents: dict[str, bytes]) -> bytes:
    """Same contents, same bytes: names in order, no times, no owners."""
    packed = io.BytesIO()
    # Most of it is weights, which another level makes hardly smaller, and it is made before every remote command.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0, compresslevel=1) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(contents):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(contents[name]), 0o644, 0
            archive.addfile(entry, io.BytesIO(contents[name]))
    return packed.getvalue()
