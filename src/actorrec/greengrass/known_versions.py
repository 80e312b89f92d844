"""Which versions of a component there are: as the service lists them, and as the store remembers them."""

from collections.abc import Iterable, Iterator, Sequence

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
    listed = calls.versions(draft.name)
    seen = {}
    for known in _described(calls, draft, _likely_first(listed, ours, draft.content_digest, version)):
        seen[known.version] = known
        if known.content == draft.content_digest and known.serves:
            break  # one that serves is enough
    yield from seen.values()
    yield from (KnownVersion(draft.name, each, ours.get(each, "")) for each in listed if each not in seen)
    yield from (
        KnownVersion(draft.name, each, content, DELETED)
        for each, content in ours.items()
        if each not in listed and each not in seen
    )


def _likely_first(listed: Sequence[str], ours: dict[str, str], content: str, version: str) -> list[str]:
    """The version asked for, those that the store says are the same, then the newest first."""
    newest_first = sorted(listed, key=lambda each: parse_version(each) or (-1, 0, 0), reverse=True)
    first = [] if version == "auto" else [version]
    return list(dict.fromkeys([*first, *(each for each in newest_first if ours.get(each) == content), *newest_first]))


def _described(calls: ComponentCalls, draft: ComponentDraft, versions: Sequence[str]) -> Iterator[KnownVersion]:
    for state in calls.describe_all(draft.name, versions):
        yield KnownVersion(draft.name, state.version, state.tags.get(CONTENT_TAG, ""), state.state)
