"""The files of this package itself, for those who carry it to another machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from actorrec.config import shipped_configs
from actorrec.errors import ConfigError

PACKAGE: Final = Path(__file__).resolve().parents[1]
_SUFFIXES: Final = frozenset({".py", ".json", ".npz", ".tflite", ".typed", ".yaml"})
_NAMES: Final = frozenset({"SHA256SUMS"})
# The page of `review`, the stack's template and the files for devices serve a desk.
_LEFT_OUT: Final = frozenset({"__pycache__", "tests", "static", "infra", "device_files"})
_LARGEST_BYTES: Final = 200 * 2**20


def package_files() -> Iterator[tuple[str, bytes]]:
    """Name (``actorrec/…``) and content of all that runs away from a desk; the same in a checkout and installed.

    Nothing but the package's own files: no settings of the user's, no environment, nothing of the store.

    Raises:
        ConfigError: If the package is not installed as files, or is far too large to be only itself.
    """
    files = [path for path in PACKAGE.rglob("*") if _belongs(path.relative_to(PACKAGE)) and path.is_file()]
    if not files:
        raise ConfigError(f"the package is not installed as files in {PACKAGE}", hint="install it with pip")
    total = sum(path.stat().st_size for path in files)
    if total > _LARGEST_BYTES:
        raise ConfigError(f"{PACKAGE} holds {total / 2**20:.0f} MiB: something lies in it that is not the package's")
    for path in files:
        yield f"{PACKAGE.name}/{path.relative_to(PACKAGE).as_posix()}", path.read_bytes()
    for name, path in shipped_configs().items():  # in a checkout they lie beside the package
        yield f"{PACKAGE.name}/configs/{name}.yaml", path.read_bytes()


def _belongs(path: Path) -> bool:
    if any(part.startswith(".") or part in _LEFT_OUT for part in path.parts):
        return False
    return path.suffix in _SUFFIXES or path.name in _NAMES
