"""Which versions of a component there are: as the service lists them, and as the store remembers them."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from actorrec.artifacts.catalog import manifests
from actorrec.artifacts.store import ArtifactStore
from actorrec.greengrass.component_calls import ComponentCalls
from actorrec.greengrass.drafts import ComponentDraft
from actorrec.greengrass.names import parse_version
from actorrec.greengrass.publish_plan import DELETED, KnownVersion
from actorrec.manifests.component import CONTENT_TAG, ComponentManifest


def remembered_versions(store: ArtifactStore) -> list[KnownVersion]:
    """What the store remembers of everything that was published from it; no network but the store's own."""
    return [KnownVersion(each.name, each.version, each.content) for each in manifests(store, ComponentManifest)]


def look_up(
    calls: ComponentCalls, drafts: Sequence[ComponentDraft], store: ArtifactStore, version: str = "auto"
) -> list[KnownVersion]:
    """Every version of these components, with the content of as many as it takes to know what to do.

    Args:
        calls: Asks the service.
        drafts: What is to be published.
        store: Remembers versions that may be deleted meanwhile.
        version: One that must be looked at, listed or not; ``auto`` for none.

    Raises:
        RemoteError: If the service refuses or cannot be reached.
    """
    remembered = list(manifests(store, ComponentManifest))
    return [known for draft in drafts for known in _known(calls, draft, remembered, version)]


def _known(
    calls: ComponentCalls, draft: ComponentDraft, remembered: Iterable[ComponentManifest], version: str
) -> Iterator[KnownVersion]:
    ours = {
        each.version: each.content
        for each in remembered
        if each.name == draft.name and each.arn == calls.account.arn(each.name, each.version)
    }
    listed, wanted = calls.versions(draft.name), draft.content_digest
    # A version's content never changes: what the store says of one that is there need not be asked.
    others = [each for each in listed if ours.get(each, wanted) != wanted]
    seen: set[str] = set()
    for known in _described(calls, draft, *_likely_first(set(listed) - set(others), ours, version)):
        yield known
        seen.add(known.version)
        if known.content == wanted and known.serves:
            break  # one that serves is enough
    unread = (each for each in listed if each not in seen)
    yield from (KnownVersion(draft.name, each, ours[each] if each in others else "") for each in unread)
    gone = ours.keys() - seen - set(listed)
    yield from (KnownVersion(draft.name, each, ours[each], DELETED) for each in sorted(gone))


def _likely_first(unsure: Collection[str], ours: Mapping[str, str], version: str) -> tuple[list[str], list[str]]:
    """The version asked for and those that the store remembers as the same; then the others, the newest first."""
    first = [*([] if version == "auto" or version in ours else [version]), *(each for each in unsure if each in ours)]
    rest = sorted(set(unsure) - set(first), key=lambda each: parse_version(each) or (-1, 0, 0), reverse=True)
    return list(dict.fromkeys(first)), rest


def _described(
    calls: ComponentCalls, draft: ComponentDraft, first: Sequence[str], rest: Sequence[str]
) -> Iterator[KnownVersion]:
    """One by one while one of the first may do; then many at once."""
    one_by_one = (state for each in first if (state := calls.describe(draft.name, each)) is not None)
    for state in itertools.chain(one_by_one, calls.describe_all(draft.name, rest)):
        yield KnownVersion(draft.name, state.version, state.tags.get(CONTENT_TAG, ""), state.state)
