"""The function's zip, built offline from what is installed here, and run with Lambda's own packages alone."""

import importlib.util
import sys
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType
from typing import Final

_TOOL: Final = Path(__file__).resolve().parents[1] / "tools" / "make_lambda.py"
_BROUGHT: Final = (
    "pydantic", "pydantic-core", "pyyaml", "annotated-types", "typing-extensions", "typing-inspection",
)  # fmt: skip
_OF_LAMBDA: Final = (
    "awslambdaric", "snapshot-restore-py", "simplejson", "boto3", "botocore", "s3transfer", "jmespath", "urllib3",
    "python-dateutil", "six",
)  # fmt: skip


def tool() -> ModuleType:
    """``tools/make_lambda.py``."""
    spec = importlib.util.spec_from_file_location("make_lambda", _TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_lambda"] = module
    spec.loader.exec_module(module)
    return module


def build(out: Path) -> Path:
    """The zip with what is installed for this Python instead of wheels for Lambda's."""
    make = tool()
    make.write(out, make.contents(()) | {name: path.read_bytes() for name, path in _installed(_BROUGHT)})
    return out


def unpacked(archive: Path, folder: Path) -> list[Path]:
    """PYTHONPATH for ``python -S``: the zip's files, and what Lambda has by itself."""
    own, theirs = folder / "task", folder / "runtime"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(own)
    theirs.mkdir()
    for package in _OF_LAMBDA:
        found = distribution(package)
        for name in sorted({each.parts[0] for each in found.files or () if each.parts[0] != ".."} - {"__pycache__"}):
            (theirs / name).symlink_to(Path(str(found.locate_file(name))))  # whole folders, with what was compiled
    return [own, theirs]


def _installed(packages: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for package in packages:
        for each in distribution(package).files or ():
            path = Path(str(each.locate()))
            if not str(each).startswith("..") and path.suffix != ".pyc" and path.is_file():
                yield each.as_posix(), path
