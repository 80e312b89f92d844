"""Texts of others (a service's reason, a line of a job's log) without what opens doors: fit to be shown and kept."""

import re
from typing import Final

HIDDEN: Final = "[hidden]"
LONGEST: Final = 600
"""Characters of a text that may be shown; what is longer loses its middle."""

# In this order: whole addresses' queries first, so that what stands in them is gone before names are looked for.
_QUERIES: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s?#\"'<>]*)[?#][^\s\"'<>]*")
_PASSWORDS_IN_ADDRESSES: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@\"'<>]+@")
_KEY_BLOCKS: Final = re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)
_KEY_IDS: Final = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA|ANVA|APKA|ABIA|ACCA)[A-Z0-9]{12,124}")
_AUTHORISATION: Final = re.compile(r"(?i)\b(bearer|basic|aws4-hmac-sha256)\s+[^\s\"',;][^\n\r\"']*")
_NAMED: Final = re.compile(
    r"(?ix)\b((?:[\w-]*(?:"
    r"secret|token|password|passwd|passphrase|credential|signature|api[_-]?key|access[_-]?key|private[_-]?key|tmdb[_-]?key"
    r")[\w-]*)|authorization|cookie|set-cookie)"
    r"([\"']?\s*(?:=|:|%3D)\s*)(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&}\])]+)"
)
_MIXED: Final = r"(?<![A-Za-z0-9+/=_-])(?=[a-z0-9+/=_-]*[A-Z])(?=[A-Z0-9+/=_-]*[a-z])(?=[A-Za-z+/=_-]*[0-9])"
_SECRET_KEYS: Final = re.compile(_MIXED + r"[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_-])")
_LONG_CODES: Final = re.compile(_MIXED + r"[A-Za-z0-9+/_=-]{100,}")  # tokens of sessions; long names have one case
_CONTROL: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def scrubbed(text: str, longest: int = LONGEST) -> str:
    """A text without secrets, on one line and of bounded length.

    Gone are queries of addresses (a presigned one keeps its secrets there) and passwords in them, access key ids,
    secret keys, tokens, signatures, private keys, everything that is named like a secret, and what a terminal would
    obey. Digests in hexadecimal, names of artifacts and ARNs stay.

    Args:
        text: Of a service, or a line of a log.
        longest: Characters that are kept; a longer text keeps its beginning and its end.
    """
    kept = _CONTROL.sub("", _KEY_BLOCKS.sub(HIDDEN, text))
    kept = _QUERIES.sub(rf"\1?{HIDDEN}", kept)
    kept = _PASSWORDS_IN_ADDRESSES.sub(rf"\1{HIDDEN}@", kept)
    kept = _AUTHORISATION.sub(rf"\1 {HIDDEN}", kept)
    kept = _NAMED.sub(rf"\1\2{HIDDEN}", kept)
    for pattern in (_KEY_IDS, _SECRET_KEYS, _LONG_CODES):
        kept = pattern.sub(HIDDEN, kept)
    return _shortened(" ".join(kept.split()), longest)


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    head = longest // 3  # a traceback says what went wrong at its end
    return f"{text[:head]} … {text[len(text) - (longest - head - 3) :]}"
