"""Models that landed, made up: what the log of updates over the air knows of them."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from actorrec.manifests.bundle import CardScore
from actorrec.manifests.model import Rate
from actorrec.manifests.ota import LandedModel, LandedObject

START = datetime(2026, 11, 1, tzinfo=UTC)


def sha(name: str) -> str:
    """A content digest for a name."""
    return hashlib.sha256(name.encode()).hexdigest()


def rate(value: float, n: int = 200) -> Rate:
    return Rate(value=value, n=n, low=max(0.0, value - 0.02), high=min(1.0, value + 0.02))


def score(top1: float = 0.9, tpir: float = 0.8, fpir: float | None = 0.01, **changes: Any) -> CardScore:
    """A score on the set that everybody has."""
    values: dict[str, Any] = {
        "set_digest": sha("the set"), "measured_on": "200 pictures", "target_fpir": 0.01, "top1": rate(top1),
        "tpir": rate(tpir), "fpir": None if fpir is None else rate(fpir),
    }  # fmt: skip
    return CardScore(**{**values, **changes})


def landed(name: str, day: float, **changes: Any) -> LandedModel:
    """A model made on a day."""
    values: dict[str, Any] = {
        "content": sha(name), "bytes": 1000, "model_id": "net", "created_at": START + timedelta(days=day),
        "schema_version": 1, "preprocess_version": 1, "score": score(),
    }  # fmt: skip
    return LandedModel(**{**values, **changes})


def place(name: str) -> LandedObject:
    return LandedObject(key=f"pre/jobs/{name}/output/model.tar.gz", etag=sha(name)[:32])
