"""What an older edition holds: asked for again only if it changed."""

from collections.abc import Mapping

from actorrec.artifacts.store import ArtifactStore
from actorrec.manifests.images import ImagesManifest, ScrapedImage


class OlderEdition:
    """The pictures of an edition whose servers gave validators; none for None."""

    def __init__(self, store: ArtifactStore, manifest: ImagesManifest | None) -> None:
        self._store = store
        self._ref = manifest.ref if manifest is not None else ""
        images = manifest.images if manifest is not None else []
        self._images = {(image.person_id, image.url): image for image in images if image.etag or image.last_modified}

    def find(self, person_id: str, url: str) -> ScrapedImage | None:
        """The picture that came from there, if its file is still in the store."""
        image = self._images.get((person_id, url))
        return image if image is not None and self._store.exists(f"{self._ref}/{image.file}") else None

    def read(self, image: ScrapedImage) -> bytes:
        """Its file.

        Raises:
            ArtifactError: If it is gone.
        """
        return self._store.read_bytes(f"{self._ref}/{image.file}")


def unless_changed(image: ScrapedImage | None) -> Mapping[str, str]:
    """Request headers to which a server answers 304 if the picture is still the same."""
    if image is None:
        return {}
    if image.etag:
        return {"If-None-Match": image.etag}
    return {"If-Modified-Since": image.last_modified} if image.last_modified else {}
