"""Leaving out what may not be used: who and what is on the takedown list; pictures whose licence does not allow it."""

from dataclasses import replace
from typing import Final

from actorrec.artifacts.review_log import Decisions
from actorrec.dataset.given import Given
from actorrec.dataset.photos import Photo
from actorrec.errors import ItemError
from actorrec.rights.restricted import is_restricted
from actorrec.rights.takedown import Takedown

TAKEN_DOWN: Final = "taken-down"
RESTRICTED: Final = "restricted-licence"


def leave_out(given: Given, takedown: Takedown, held: Decisions) -> Given:
    """Mark the photos that are on the list, by person, address or content; nobody looks at them, they are counted.

    Args:
        given: Hashed photos.
        takedown: The list.
        held: Whose each photo is by the reviewers' word; a photo that was moved to somebody on the list goes too.
    """
    if not takedown:
        return given

    def listed(photo: Photo) -> bool:
        origin = photo.origin
        digests = [each for each in (photo.sha256, origin and origin.sha256, origin and origin.source_sha256) if each]
        addresses = [each for each in (origin and origin.url, origin and origin.page) if each]
        people = {photo.person_id, held.owner(photo.sha256 or "", photo.person_id)} - {""}
        return (
            takedown.sha256(*digests)
            or any(map(takedown.url, addresses))
            or any(takedown.person(given.person(each)) for each in people)
        )

    problem = ItemError(TAKEN_DOWN, "it is on the takedown list")
    photos = [
        replace(photo, sha256=None, origin=None, problem=problem) if listed(photo) else photo for photo in given.photos
    ]
    return replace(given, photos=photos)


def only_free(given: Given) -> Given:
    """Mark the scraped photos whose licence is restricted or unknown; nobody looks at them, they are counted."""

    def marked(photo: Photo) -> Photo:
        if photo.problem is not None or photo.origin is None or not is_restricted(photo.origin.licence):
            return photo
        problem = ItemError(RESTRICTED, f"its licence is '{photo.origin.licence}'")
        return replace(photo, sha256=None, problem=problem)

    return replace(given, photos=[marked(photo) for photo in given.photos])
