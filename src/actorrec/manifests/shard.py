"""One share of the pictures of a data set, looked at on one machine."""

from typing import Literal

from pydantic import Field

from actorrec.manifests.base import Manifest, Record, Sha256
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ScrapedImage


class ShardPhoto(Record):
    """One picture of a share, as it was given.

    Attributes:
        name: As the user would find it.
        sha256: Of its bytes; None where it could not be read, and ``problem`` says why.
        problem: Reason, message and hint; empty if there was none.
        origin: Where it was scraped; None for a picture of the user's own.
    """

    person_id: str
    name: str
    sha256: Sha256 | None = None
    problem: tuple[str, str, str] | None = None
    origin: ScrapedImage | None = None


class ShardManifest(Manifest):
    """A share that was looked at; its files are batches of what was seen.

    Attributes:
        run: Digest of everything that the shares of one data set have in common: the names of all pictures, the
            settings of looking, and how many shares there are. Only shares of one run are merged.
        index, count: Share ``index`` (from 1) of ``count``.
        total: How many pictures all shares have together.
        photos: Those of this share.
        people: Of whom more is known than a folder's name, in the whole set.
        sets: Scraped sets that the whole set comes from: ``images/KEY`` to content digest.
    """

    kind: Literal["shard"] = "shard"
    run: Sha256
    index: int = Field(ge=1)
    count: int = Field(ge=1)
    total: int = Field(ge=0)
    photos: list[ShardPhoto]
    people: list[Person] = []
    sets: dict[str, Sha256] = {}
