"""Who a bundle knows: listing, forgetting, renaming, merging."""

from collections.abc import Iterator
from dataclasses import dataclass

from actorrec.artifacts.catalog import MANIFEST_NAME, load_manifest, manifests
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.enrolment.draft import Draft, commit_draft, open_draft
from actorrec.enrolment.naming import find_person, match_person, new_person
from actorrec.enrolment.without_labels import without_labels
from actorrec.errors import DataError
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.dataset import DatasetManifest, Person
from actorrec.manifests.enrolment import PersonRow
from actorrec.manifests.model import ModelManifest
from actorrec.progress import SilentProgress
from actorrec.recognition.bundle import Bundle
from actorrec.recognition.gallery import merge_people, rename_person, without_person
from actorrec.recognition.stored_bundle import LOCK, open_stored

_PeopleManifest = BundleManifest | ModelManifest | DatasetManifest


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """What ``forget`` did.

    Attributes:
        manifest: The bundle without the person.
        person: Who was forgotten.
        deleted: References of older bundles that were deleted because they held the person.
        still_held_by: References of artifacts in the store that still hold the person.
        head_remains: The bundle's net was trained end to end on its people, this one perhaps among them, and still
            has its head: only training again without them removes that.
    """

    manifest: BundleManifest
    person: Person
    deleted: tuple[str, ...]
    still_held_by: tuple[str, ...]
    head_remains: bool


def list_people(bundle: Bundle) -> list[PersonRow]:
    """Everybody a bundle knows, by name, with the photos they are known from."""
    gallery = bundle.gallery
    sources: dict[str, list[str]] = {person_id: [] for person_id in gallery.person_ids}
    for row, source in zip(gallery.photo_person, gallery.photo_sources, strict=True):
        sources[gallery.person_ids[row]].append(source)
    rows = [
        PersonRow(person_id=p.person_id, name=p.name, photos=len(sources[p.person_id]), sources=sources[p.person_id])
        for p in bundle.card.people
    ]
    return sorted(rows, key=lambda row: row.name.casefold())


def list_stored_people(store: ArtifactStore, reference: str = "newest") -> list[PersonRow]:
    """Like ``list_people``, for a bundle of the store.

    Raises:
        ArtifactError: If there is no such bundle.
    """
    return list_people(open_stored(store, load_manifest(store, BundleManifest, reference)))


def forget(
    store: ArtifactStore,
    config: Config,
    name: str,
    *,
    base: BundleManifest | None = None,
    everywhere: bool = False,
) -> ForgetReport:
    """Take a person out: prototype, photo embeddings, picture names and the head's weights go.

    Args:
        name: Person id or name.
        base: The bundle to take them from; None for the store's newest.
        everywhere: Also delete every older bundle of the store that holds them; those alone where the bundle does not,
            as after a command that was killed.

    Raises:
        DataError: If nobody of that name is known.
        ArtifactError: If the store has no bundle.
    """
    with store.lock(LOCK):
        manifest = base or load_manifest(store, BundleManifest, "newest")
        draft = _existing(store, config, manifest)
        bundle, clean = without_labels(draft.bundle)
        people = bundle.card.people
        if everywhere and match_person(name, people) is None:
            person = find_person(name, _ever_known(store))
        else:
            person = find_person(name, people)
            gallery = without_person(bundle.gallery, person.person_id)
            kept = [known for known in people if known != person]
            manifest = commit_draft(store, config, Draft(bundle, draft.base), gallery, kept)
        deleted = _delete_holders(store, person, but=manifest.key) if everywhere else ()
    return ForgetReport(manifest, person, deleted, _holders(store, person), not clean)


def rename(
    store: ArtifactStore, config: Config, name: str, new_name: str, *, base: BundleManifest | None = None
) -> BundleManifest:
    """Give a person another name; it becomes their id too.

    Raises:
        DataError: If nobody of the old name is known, or somebody else has the new one.
    """
    with store.lock(LOCK):
        draft = _existing(store, config, base)
        people = list(draft.bundle.card.people)
        person, wanted = find_person(name, people), new_person(new_name)
        taken = match_person(new_name, [other for other in people if other != person])
        if taken is not None:
            raise DataError(
                f"'{taken.name}' is somebody already",
                hint=f"if the two are one person: actorrec people merge '{person.name}' '{taken.name}'",
            )
        renamed = person.model_copy(update={"person_id": wanted.person_id, "name": wanted.name})
        gallery = rename_person(draft.bundle.gallery, person.person_id, renamed.person_id)
        people[people.index(person)] = renamed
        draft = _with_classes(draft, {person.person_id: renamed.person_id})
        return commit_draft(store, config, draft, gallery, people)


def merge(
    store: ArtifactStore, config: Config, name: str, into: str, *, base: BundleManifest | None = None
) -> BundleManifest:
    """Make two people one; the photos of ``name`` become photos of ``into``.

    Raises:
        DataError: If one of them is not known, or they are the same.
    """
    with store.lock(LOCK):
        draft = _existing(store, config, base)
        people = list(draft.bundle.card.people)
        person, target = find_person(name, people), find_person(into, people)
        gallery = merge_people(draft.bundle.gallery, person.person_id, target.person_id)
        return commit_draft(store, config, draft, gallery, [other for other in people if other != person])


def _existing(store: ArtifactStore, config: Config, base: BundleManifest | None) -> Draft:
    found = base or load_manifest(store, BundleManifest, "newest")
    return open_draft(store, config, found, progress=SilentProgress())


def _with_classes(draft: Draft, new_ids: dict[str, str]) -> Draft:
    card = draft.bundle.card
    if card.classes is None:
        return draft
    classes = [new_ids.get(person_id, person_id) for person_id in card.classes]
    bundle = draft.bundle
    return Draft(
        Bundle(card.model_copy(update={"classes": classes}), bundle.files, bundle.gallery, bundle.name), draft.base
    )


def _holds(manifest: _PeopleManifest, person: Person) -> bool:
    people = manifest.card.people if isinstance(manifest, BundleManifest) else manifest.people
    return any(known.person_id == person.person_id for known in people)


def _holders(store: ArtifactStore, person: Person) -> tuple[str, ...]:
    stored: tuple[Iterator[_PeopleManifest], ...]
    stored = (manifests(store, BundleManifest), manifests(store, ModelManifest), manifests(store, DatasetManifest))
    return tuple(manifest.ref for kind in stored for manifest in kind if _holds(manifest, person))


def _ever_known(store: ArtifactStore) -> list[Person]:
    """Everybody whom a bundle of the store knows; the newest says what they are called."""
    return list({p.person_id: p for bundle in manifests(store, BundleManifest) for p in bundle.card.people}.values())


def _delete_holders(store: ArtifactStore, person: Person, *, but: str) -> tuple[str, ...]:
    deleted: list[str] = []
    for manifest in list(manifests(store, BundleManifest)):
        if manifest.key != but and _holds(manifest, person):
            # The manifest last: by it, the same command finds what a killed one left of the person.
            last = f"{manifest.ref}/{MANIFEST_NAME}"
            for name in sorted(store.names(manifest.ref), key=lambda name: name == last):
                store.delete(name)
            deleted.append(manifest.ref)
    return tuple(deleted)
