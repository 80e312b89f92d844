"""One share of the pictures of a data set, looked at on one machine."""

from typing import Any, Final, Literal

from pydantic import Field

from actorrec.manifests.base import Manifest, Record, RelativeName, Sha256
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ScrapedImage
from actorrec.manifests.nets import DetectorSpec

# What a desk and a processing job agree on, below /opt/ml/processing:
LISTING_NAME: Final = "given.json"
LISTING_FOLDER: Final = "input/listing"
PICTURES_FOLDER: Final = "input/pictures"
NETS_FOLDER: Final = "input/nets"
CODE_FOLDER: Final = "input/code"
SHARDS_FOLDER: Final = "output/shards"
SENT_PICTURES: Final = "jobs/photos"
"""Below the prefix of the cloud: pictures of folders, named by their SHA-256; each goes up once."""


MAX_SHARES: Final = 1000


class Looking(Record):
    """All that decides what is seen in a picture; where two differ, their results do not go together.

    Attributes:
        version: Of the program.
        examine_version: ``dataset.examine.EXAMINE_VERSION``.
        embedder: Model id of the embedder that judges who agrees with whom.
        max_bytes, max_pixels, previews: As in the section ``dataset``.
    """

    version: str
    examine_version: int
    detector: DetectorSpec
    embedder: str
    max_bytes: int
    max_pixels: int
    previews: bool

    def unlike(self, other: "Looking") -> str:
        """The first setting in which they differ, with both values; empty if there is none."""
        mine, theirs = _flat(self.model_dump(mode="json")), _flat(other.model_dump(mode="json"))
        names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
        return f"{names[0]}: {mine.get(names[0])} and {theirs.get(names[0])}" if names else ""


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat


class ShardPhoto(Record):
    """One picture of a share, as it was given.

    Attributes:
        person_id: Empty for a picture that lies in nobody's folder.
        name: As the user would find it.
        sha256: Of its bytes; None where it could not be read, and ``problem`` says why.
        problem: Reason, message and hint; None if there was none.
        origin: Where it was scraped; None for a picture of the user's own.
    """

    person_id: str = Field(max_length=200)
    name: str
    sha256: Sha256 | None = None
    problem: tuple[str, str, str] | None = None
    origin: ScrapedImage | None = None


class ShardManifest(Manifest):
    """A share that was looked at; its files are batches of what was seen.

    Attributes:
        run: Digest of everything that the shares of one data set have in common: the names of all pictures, the
            settings of looking, and how many shares there are. Only shares of one run are merged.
        looking: Those settings.
        index, count: Share ``index`` (from 1) of ``count``.
        total: How many pictures all shares have together.
        photos: Those of this share.
        people: Of whom more is known than a folder's name, in the whole set; by id.
        sets: Scraped sets that the whole set comes from: ``images/KEY`` to content digest.
    """

    kind: Literal["shard"] = "shard"
    run: Sha256
    looking: Looking
    index: int = Field(ge=1, le=MAX_SHARES)
    count: int = Field(ge=1, le=MAX_SHARES)
    total: int = Field(ge=0)
    photos: list[ShardPhoto]
    people: list[Person] = []
    sets: dict[str, Sha256] = {}

    @property
    def share(self) -> str:
        """As ``--shard`` takes it."""
        return f"{self.index}/{self.count}"


class ListedPhoto(ShardPhoto):
    """One picture of all that a job looks at.

    Attributes:
        file: Its name in the store of the cloud, and so where the job finds it below ``PICTURES_FOLDER``; None for one
            that could not be read.
        bytes: Of that file.
    """

    file: RelativeName | None = None
    bytes: int = Field(default=0, ge=0)


class PhotoListing(Record):
    """Everything that was given, for machines that cannot see it; ``people`` and ``sets`` as in a shard."""

    photos: list[ListedPhoto]
    people: list[Person] = []
    sets: dict[str, Sha256] = {}
