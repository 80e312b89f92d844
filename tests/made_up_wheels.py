"""Tiny wheels that are valid to pip, and a folder of them that pip takes for its whole index."""

import base64
import hashlib
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from actorrec.greengrass.pins import Pin


def make_wheel(folder: Path, name: str, version: str, tag: str = "py3-none-any", *, content: str = "") -> Path:
    """A wheel of one module."""
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{module}_made_up.py": content or f"name = {name!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    lines = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        lines.append(f"{path},sha256={digest},{len(text)}")
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""])
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{module}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        for path, text in files.items():
            packed.writestr(path, text)
    return wheel


def make_wheels(folder: Path, wanted: Iterable[Pin]) -> None:
    """One pure wheel for each."""
    for pin in wanted:
        make_wheel(folder, pin.name, pin.version)


def only_index(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """Let pip know nothing but some settings (``find_links="…"``); this machine's own are gone."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name.upper()}", value)
