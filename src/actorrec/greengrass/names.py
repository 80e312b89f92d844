"""How components, versions and targets are named."""

import re
from typing import Final

LARGEST_NUMBER: Final = 999_999
"""Of a version, as the service has it."""
_SEMVER: Final = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})", re.ASCII)


def parse_version(text: str) -> tuple[int, int, int] | None:
    """The numbers of ``X.Y.Z``; None for anything else (a version of somebody else's making)."""
    found = _SEMVER.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def next_version(existing: "list[str] | tuple[str, ...]") -> str:
    """The version after the highest; ``1.0.0`` for the first. A number that is at the service's limit is carried."""
    numbers = [parsed for text in existing if (parsed := parse_version(text)) is not None]
    if not numbers:
        return "1.0.0"
    major, minor, patch = max(numbers)
    if patch < LARGEST_NUMBER:
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor + 1}.0" if minor < LARGEST_NUMBER else f"{major + 1}.0.0"


def component_arn(region: str, account: str, name: str, version: str | None = None, partition: str = "aws") -> str:
    """ARN of a private component, or of one version of it."""
    arn = f"arn:{partition}:greengrass:{region}:{account}:components:{name}"
    return arn if version is None else f"{arn}:versions:{version}"
