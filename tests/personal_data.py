"""Looking for pictures and embeddings in anything that is written or sent."""

import re

_KINDS = {
    "picture": re.compile(rb"\xff\xd8\xff|/9j/"),  # a JPEG as it is, and in base64
    "base64": re.compile(rb"[A-Za-z0-9+/]{120}"),
    "numbers": re.compile(rb"(?:-?\d+\.\d+(?:e-?\d+)?,\s*){30}"),
}


def personal_data(data: bytes) -> set[str]:
    """What of faces is in some bytes, as it is or in JSON."""
    return {kind for kind, pattern in _KINDS.items() if pattern.search(data)}
