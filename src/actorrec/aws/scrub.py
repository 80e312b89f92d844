"""Texts of others (a service's reason, a line of a job's log) without what opens doors: fit to be shown and kept."""

import re
from typing import Final

HIDDEN: Final = "[hidden]"
_READ: Final = 4000  # characters at either end that are looked at: a hostile text of megabytes must not take minutes
LONGEST: Final = 600
"""Characters of a text that may be shown; what is longer loses its middle."""

# In this order: whole addresses' queries first, so that what stands in them is gone before names are looked for.
_QUERIES: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://[^\s?#\"'<>]*)[?#][^\s\"'<>]*")
_PASSWORDS_IN_ADDRESSES: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^/\s@\"'<>]{1,300}@")
_KEY_BLOCKS: Final = re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)
_KEY_IDS: Final = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA|ANVA|APKA|ABIA|ACCA)[A-Z0-9]{12,124}")
_HEADERS: Final = re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)([\"']?\s*[:=]\s*)[^\n\r]*")
_SCHEMES: Final = re.compile(r"(?i)\b(bearer|aws4-hmac-sha256)\s+[^\s\"',;][^\n\r\"']*")
_NAMED: Final = re.compile(
    r"(?ix)\b((?:[\w-]{0,60}(?:"
    r"secret|token|password|passwd|passphrase|credential|signature|api[_-]?key|access[_-]?key|private[_-]?key|tmdb[_-]?key"
    r")[\w-]{0,60}))"
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
    kept = _QUERIES.sub(rf"\1?{HIDDEN}", _both_ends(kept))
    kept = _PASSWORDS_IN_ADDRESSES.sub(rf"\1{HIDDEN}@", kept)
    kept = _HEADERS.sub(rf"\1\2{HIDDEN}", kept)
    kept = _SCHEMES.sub(rf"\1 {HIDDEN}", kept)
    kept = _NAMED.sub(rf"\1\2{HIDDEN}", kept)
    for pattern in (_KEY_IDS, _SECRET_KEYS, _LONG_CODES):
        kept = pattern.sub(HIDDEN, kept)
    return _shortened(" ".join(kept.split()), longest)


def _both_ends(text: str) -> str:
    """Without a long text's middle; cut where no word is, so that no half of a secret is left to be overlooked."""
    if len(text) <= 2 * _READ:
        return text
    head, tail = text[:_READ], text[-_READ:]
    head = head[: max(head.rfind("\n"), head.rfind(" "), 0)]
    border = tail.find("\n") if "\n" in tail else tail.find(" ")
    return f"{head} … {tail[border:] if border >= 0 else ''}"


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    head = longest // 3  # a traceback says what went wrong at its end
    return f"{text[:head]} … {text[len(text) - (longest - head - 3) :]}"
