"""What a licence, as a site or a user writes it, allows: four classes."""

import re
import unicodedata
from typing import Literal

LicenceClass = Literal["free", "user-supplied", "restricted", "unknown"]
"""``free`` may be used, changed and shared, if need be with attribution; ``restricted`` forbids some of it;
``user-supplied`` is the user's own to answer for; ``unknown`` is everything that is not clearly one of the others."""

# Anywhere in the text, and before everything else: one such word outweighs a free licence beside it.
_RESTRICTED = re.compile(
    r"""\b(?:
        n[cd] | by\ ?n[cd]\w*
        | non\ ?commercial | no\ commercial | not\ for\ commercial | no\ ?deriv\w* | non\ ?deriv\w*
        | all\ rights\ reserved | rights\ managed | fair\ (?:use|dealing) | non\ ?free | unfree | not\ free
        | (?:editorial|personal|private|educational|research)\ use | no\ ai | no\ (?:machine\ learning|training)
        | tmdb | themoviedb | the\ movie\ database | imdb
    )\b""",
    re.VERBOSE,
)

# What takes back some of a free licence that it stands beside ("public domain in Germany but not in the US").
_DOUBT = re.compile(
    r"\b(?:but|not(?! renewed\b)|except|unless|until|unknown|unclear|uncertain|disputed|doubtful|maybe|perhaps|possibly"
    r"|probably)\b"
)

# What may follow the name of a licence: versions ("4.0", "v3", "2.5 2.0 1.0"), a country's port ("de", "igo"), a word.
_WORD = r"""(?:\ (?:v?\d[\d.+]*
    | licen[cs]e | international | unported | generic | universal | migrated | or\ later | only))*"""
_AFTER = rf"{_WORD} (?:\ (?:[a-z]{{2}}|igo))? {_WORD}"

# The whole text must be one of these. The names are those of Commons' LicenseShortName, of its licence templates, of
# the deeds of creativecommons.org, and of their addresses.
_FREE = re.compile(
    rf"""(?:
        cc\ ?0 {_AFTER} | (?:cc|creative\ commons)\ zero {_AFTER}
        | (?:cc|creative\ commons)\ (?:by(?:\ ?sa)?|sa|attribution(?:\ share\ ?alike)?) {_AFTER}
        | (?:https?\ )?(?:www\.)?creativecommons\.org\ (?:licenses\ (?:by(?:\ sa)?|sa)|publicdomain\ (?:zero|mark))
            (?:\ [\w.]+)*
        | (?:cc\ )?(?:pd|pdm)(?:\ [\w.]+)*
        | (?:in\ the\ |creative\ commons\ )?public\ domain
            (?:\ (?:mark|dedication|work|us|usa|u\.?s\.?\ gov\w*|nasa|owner|cc0|1\.0))* (?:\ (?:in|because|by)\ [^?]+)?
        | (?:work\ of\ the\ )?(?:us|u\.s\.|united\ states)\ (?:federal\ )?government(?:\ works?)?
        | no\ (?:known\ )?(?:copyright\ )?restrictions | no\ rights\ reserved
        | copyrighted\ free\ use | attribution(?:\ only)?(?:\ licen[cs]e)?
        | (?:fal|lal|free\ art\ licen[cs]e|licence\ art\ libre) {_AFTER}
        | (?:gfdl|gnu\ free\ documentation\ licen[cs]e|gnu\ fdl) {_AFTER}
        | (?:ogl|open\ government\ licen[cs]e) (?:\ canada|\ ontario)? {_AFTER}
        | godl(?:\ india)? | kogl\ type\ 1
        | (?:mit|expat|x11|isc|zlib|wtfpl|unlicense|bsd|apache|l?gpl|agpl) (?:\ [234]\ clause)? {_AFTER}
    )""",
    re.VERBOSE,
)

_LONGEST = 300
"""More is no name of a licence."""


def classify(licence: str) -> LicenceClass:
    """Which class a licence belongs to; what is not recognised, doubted or empty is ``unknown``.

    Args:
        licence: A name ("CC BY-SA 3.0 de", "Public domain"), a tag ("cc-by-2.0", "PD-USGov-NASA") or the address of a
            Creative Commons deed; case, hyphens and spaces do not matter.
    """
    plain = unicodedata.normalize("NFKC", licence).casefold()
    words = " ".join(re.sub(r"[^\w.+?]|_", " ", plain).split())
    if words == "user supplied":
        return "user-supplied"
    if _RESTRICTED.search(words):
        return "restricted"
    if _DOUBT.search(words) or len(words) > _LONGEST:
        return "unknown"
    return "free" if _FREE.fullmatch(words) else "unknown"


def as_stated(licence: str, *, users_own: bool) -> str:
    """A licence as it is put on record: ``unknown`` where nothing is said, or where a site says what only a user may.

    Args:
        users_own: Whether the picture lies in a folder of the user's own.
    """
    stated = " ".join(licence.split())
    return stated if stated and (users_own or classify(stated) != "user-supplied") else "unknown"
