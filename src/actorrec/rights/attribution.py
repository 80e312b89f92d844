"""Who made the pictures and nets that something consists of, and under which licence, as a record."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import Field

from actorrec import __version__
from actorrec.manifests.base import Manifest, Record, Sha256
from actorrec.manifests.bundle import BundleCard
from actorrec.manifests.dataset import DatasetManifest, ImageRecord, Person
from actorrec.manifests.images import ImagesManifest, ScrapedImage
from actorrec.manifests.model import ModelManifest
from actorrec.rights.licences import LicenceClass, classify
from actorrec.rights.restricted import used_pictures

ATTRIBUTION_SCHEMA_VERSION = 1


class PictureCredit(Record):
    """One picture that was used, once for each person it was used for.

    Attributes:
        file: As in the artifact it came from.
        sha256: Of the file; None for an enrolled photo, of which a bundle keeps the name alone.
    """

    person_id: str
    person: str
    file: str
    author: str | None = None
    licence: str
    licence_class: LicenceClass
    licence_url: str | None = None
    page: str | None = None
    url: str | None = None
    sha256: Sha256 | None = None


class NetCredit(Record):
    """A net that is part of it, and what its publisher states."""

    role: str
    name: str
    licence: str


class LicenceCount(Record):
    """How many pictures there are of a licence."""

    licence: str
    licence_class: LicenceClass
    licence_url: str | None
    pictures: int


class Attribution(Record):
    """What ``sbom --json`` writes.

    Attributes:
        subject: What it is about: ``kind/key``, or the name of a bundle's file.
        made_from: ``kind/key`` of everything it came from that the store holds.
        missing: ``kind/key`` of what it came from that the store does not hold: their pictures are not listed.
        stated: Licences that its own manifest or card states, as they were when it was made.
        restricted: Licence → number of pictures that were used though it is restricted or unknown, as it states.
        classes: Number of listed pictures by class.
        licences: By licence, the most frequent first.
        pictures: By person and file.
    """

    schema_version: int = ATTRIBUTION_SCHEMA_VERSION
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    produced_by: str = f"actorrec {__version__}"
    subject: str
    made_from: list[str] = []
    missing: list[str] = []
    stated: list[str] = []
    restricted: dict[str, int] = {}
    nets: list[NetCredit] = []
    classes: dict[LicenceClass, int] = {}
    licences: list[LicenceCount] = []
    pictures: list[PictureCredit] = []


def attribution(
    subject: str,
    about: Manifest | BundleCard,
    *,
    made_from: Sequence[Manifest] = (),
    missing: Sequence[str] = (),
    enrolled: Iterable[tuple[str, str]] = (),
    scraped: Iterable[ImagesManifest] = (),
) -> Attribution:
    """Work out the attribution of an artifact.

    Args:
        subject: Its name.
        about: Its manifest; for a bundle, its card.
        made_from: Manifests of everything it came from.
        missing: ``kind/key`` of what cannot be found.
        enrolled: Of a bundle: the person and the name of each photo in its gallery. Those that come from no data
            set were given by the user.
        scraped: Sets of images that the user may have given photos from, told by folder and file name.
    """
    manifests = [*made_from] if isinstance(about, BundleCard) else [about, *made_from]
    if isinstance(about, ImagesManifest):
        pictures = _scraped(about)
    else:
        pictures = [credit for each in manifests if isinstance(each, DatasetManifest) for credit in _learned(each)]
    if isinstance(about, BundleCard) and not missing:
        learned = {credit.file for credit in pictures}
        others = [(person_id, file) for person_id, file in enrolled if file not in learned]
        pictures += _enrolled(others, about.people, scraped)
    pictures.sort(key=lambda credit: (credit.person.casefold(), credit.person_id, credit.file))
    states = about if isinstance(about, BundleCard | ModelManifest) else None
    return Attribution(
        subject=subject,
        made_from=[each.ref for each in made_from],
        missing=list(missing),
        stated=states.licences if states else [],
        restricted=states.restricted if states else {},
        nets=_nets(about),
        classes=dict(Counter(credit.licence_class for credit in pictures)),
        licences=_by_licence(pictures),
        pictures=pictures,
    )


def _learned(dataset: DatasetManifest) -> list[PictureCredit]:
    names = _names(dataset.people)
    return [_picture(image, image.path, names) for image in used_pictures(dataset)]


def _scraped(images: ImagesManifest) -> list[PictureCredit]:
    names = _names(listed.person for listed in images.people)
    return [_picture(image, image.file, names) for image in images.images]


def _picture(image: ImageRecord | ScrapedImage, file: str, names: Mapping[str, str]) -> PictureCredit:
    return PictureCredit(
        person_id=image.person_id,
        person=names.get(image.person_id, image.person_id),
        file=file,
        author=image.author,
        licence=image.licence,
        licence_class=classify(image.licence),
        licence_url=image.licence_url,
        page=image.page,
        url=image.url,
        sha256=image.sha256,
    )


def _enrolled(
    photos: Iterable[tuple[str, str]], people: Iterable[Person], scraped: Iterable[ImagesManifest]
) -> list[PictureCredit]:
    names = _names(people)
    by_file: dict[str, dict[str, ScrapedImage]] = {}
    for image in (image for each in scraped for image in each.images):
        by_file.setdefault(image.file, {})[image.sha256] = image
    return [
        _given(file, list(by_file.get(file, {}).values())).model_copy(
            update={"person_id": person_id, "person": names.get(person_id, person_id)}
        )
        for person_id, file in photos
    ]


def _given(file: str, scraped: Sequence[ScrapedImage]) -> PictureCredit:
    if len(scraped) == 1:
        return _picture(scraped[0], file, {})
    licence = "unknown" if scraped else "user-supplied"  # two scraped pictures of one name: it may be either
    return PictureCredit(person_id="", person="", file=file, licence=licence, licence_class=classify(licence))


def _names(people: Iterable[Person]) -> Mapping[str, str]:
    return {person.person_id: person.name for person in people}


def _nets(about: Manifest | BundleCard) -> list[NetCredit]:
    nets: list[NetCredit] = []
    if isinstance(about, BundleCard):
        nets.append(NetCredit(role="detector", name=about.detector.detector_id, licence=about.detector.licence))
    if isinstance(about, BundleCard | ModelManifest):
        nets.append(NetCredit(role="embedder", name=about.embedder.model_id, licence=about.embedder.licence))
    return nets


def _by_licence(pictures: Sequence[PictureCredit]) -> list[LicenceCount]:
    counts = Counter(credit.licence for credit in pictures)
    urls = {credit.licence: credit.licence_url for credit in reversed(pictures) if credit.licence_url}
    return [
        LicenceCount(licence=licence, licence_class=classify(licence), licence_url=urls.get(licence), pictures=count)
        for licence, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
