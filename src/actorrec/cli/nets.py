"""Nets named on the command line: a file of the user's, or a registered one fetched into the cache."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.config import Config


def net_flags(*, detector: str | None = None, embedder: str | None = None) -> dict[str, Any]:
    """Settings for ``--detector`` and ``--embedder``; an embedder may be a file."""
    flags: dict[str, Any] = {"detector.name": detector}
    if embedder is not None and Path(embedder).suffix in (".tflite", ".onnx", ".keras"):
        flags["embedder.path"] = embedder
    else:
        flags["embedder.name"] = embedder
    return flags


def with_fetched_nets(session: Session, config: "Config") -> "Config":
    """Give the settings a path for each registered net they name; fetched now if it never was.

    Raises:
        RemoteError: If it cannot be fetched; the hint says how to place it by hand.
    """
    from actorrec.faces.fetch import fetch_model
    from actorrec.faces.registry import REGISTRY

    changes: dict[str, Any] = {}
    for role in ("detector", "embedder"):
        section = getattr(config, role)
        entry = REGISTRY.get(section.name)
        if section.path is not None or entry is None or entry.download is None or entry.role != role:
            continue
        cache_dir, base_url = config.models.cache_dir, config.models.base_url
        path = fetch_model(entry, cache_dir=cache_dir, base_url=base_url, progress=session.progress)
        update: dict[str, Any] = {"path": path}
        if entry.spec is not None:
            spec = entry.spec
            update |= {"template": spec.template.name, "mean": spec.mean, "std": spec.std}
            update |= {"colour_order": spec.colour_order, "licence": spec.licence}
        changes[role] = section.model_copy(update=update)
    return config.model_copy(update=changes)
