"""From a journal to a committed artifact."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actorrec.artifacts.catalog import AGAIN_NAME, MANIFEST_NAME, commit_manifest
from actorrec.config import Config, provenance
from actorrec.errors import DataError
from actorrec.manifests.base import FileRecord
from actorrec.manifests.images import RECORDS_NAME, ImagesManifest, ListedPerson, PersonTally, ScrapedImage
from actorrec.scrape.folders import Place, places
from actorrec.scrape.journal import Journal
from actorrec.scrape.tally import counted

# Where no picture came at all: what to do about the most frequent reason.
_WHAT_HELPS: Final = {
    "ambiguous-name": "write an id in place of the name",
    "certificate": "fetch.ca_file adds an authority of your own",
    "private-address": "fetch.allow_addresses lists networks that may be reached all the same",
    "rate-limited": "the site asks for a longer wait than fetch.max_wait_s: try the same command later",
    "robots-disallowed": "the site asks programs to stay away; --images-from names other sources",
    "taken-down": "rights.takedown names the list of what is left out",
    "too-large": "fetch.max_bytes and fetch.max_pixels are the limits",
    "too-slow": "fetch.deadline_s is the limit",
}
_ELSE: Final = "try other sources (--images-from), wider filters (--type, --size, --aspect), or the same command later"


@dataclass(frozen=True, slots=True)
class Brought:
    """All that searches brought."""

    images: list[ScrapedImage]
    files: list[FileRecord]
    tallies: list[PersonTally]
    recovered: Counter[str]


def write_records(people: Sequence[ListedPerson], journal: Journal) -> Brought:
    """Write each person's ``images.jsonl``; every search must be over.

    Raises:
        DataError: If there is not one picture; nothing is kept, so that the same command tries again.
        ArtifactError: If the store cannot be written.
    """
    brought, found = Brought([], [], [], Counter()), places([listed.person for listed in people])
    for listed in people:
        _add_person(found[listed.person.person_id], journal, brought)
    if not brought.images:
        journal.clear()
        raise _nothing(brought.tallies)
    return brought


def commit(people: list[ListedPerson], brought: Brought, journal: Journal, config: Config) -> ImagesManifest:
    """Commit, then remove what is no part of the artifact."""
    manifest = commit_manifest(
        journal.store,
        ImagesManifest(
            key=journal.artifact.partition("/")[2],
            produced_by=provenance(config),
            files=brought.files,
            people_source=config.scrape.people,
            image_sources=list(config.scrape.images_from),
            people=people,
            images=brought.images,
            tallies=brought.tallies,
            recovered=dict(sorted(brought.recovered.items())),
        ),
    )
    tidy(manifest, journal)
    return manifest


def tidy(manifest: ImagesManifest, journal: Journal) -> None:
    """Remove pictures that a killed run stored but never recorded, then the journal: while it is there, there is work.

    Raises:
        ArtifactError: If the store cannot be written.
    """
    if not journal.begun:
        return
    own = {f"{manifest.ref}/{name}" for name in (*manifest.digests, MANIFEST_NAME, AGAIN_NAME)}
    for name in list(journal.store.names(manifest.ref)):
        if name not in own and not journal.holds(name):
            journal.store.delete(name)
    journal.clear()


def _add_person(place: Place, journal: Journal, brought: Brought) -> None:
    own = journal.person(place.folder)
    assert own.finished is not None
    images = [decision.image for decision in own.decisions if decision.image is not None]
    if images:
        lines = "".join(image.model_dump_json() + "\n" for image in images)
        name = f"{journal.artifact}/{place.folder}/{RECORDS_NAME}"
        brought.files.append(journal.store.put_bytes(name, lines.encode()))
    brought.files.extend(FileRecord(name=image.file, sha256=image.sha256, bytes=image.bytes) for image in images)
    brought.images.extend(images)
    brought.tallies.append(own.finished.tally)
    brought.recovered.update(own.finished.recovered)


def _nothing(tallies: Sequence[PersonTally]) -> DataError:
    reasons: Counter[str] = Counter()
    for each in tallies:
        reasons.update(each.failed)
    tried = sum(each.tried for each in tallies)
    why = f"{tried} candidates: {counted(reasons)}" if reasons else "no source offered any"
    most = max(reasons, key=lambda reason: reasons[reason], default="")
    return DataError(f"not one picture of {len(tallies)} people ({why})", hint=_WHAT_HELPS.get(most, _ELSE))
