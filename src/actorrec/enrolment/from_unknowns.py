"""Unknown faces that got a name become enrolments."""

from collections.abc import Sequence
from pathlib import Path

from actorrec.artifacts.store import ArtifactStore
from actorrec.artifacts.unknowns import UnknownShelf
from actorrec.config import Config
from actorrec.enrolment.enrol import EnrolReport, enrol
from actorrec.progress import Progress


def enrol_unknowns(
    store: ArtifactStore, config: Config, name: str, face_ids: Sequence[str], progress: Progress
) -> EnrolReport:
    """Enrol kept faces as photos of a person into the newest bundle; what was learned leaves the shelf.

    Args:
        store: Holds the shelf and the bundles.
        config: As for ``enrol``.
        name: Who it is, as typed: somebody who is known already, or somebody new.
        face_ids: Of ``UnknownFace`` records. A crop in which no face is found again is skipped and stays.
        progress: One step for each face.

    Raises:
        ArtifactError: If one of the faces is not kept any more; nothing is enrolled.
        DataError: If the name is none, or none of the faces could be used.
    """
    shelf = UnknownShelf(store)
    crops = [shelf.crop_file(face_id) for face_id in dict.fromkeys(face_ids)]
    report = enrol(store, config, {name: crops}, progress=progress)
    shelf.remove(Path(photo.path).stem for photo in report.photos if photo.outcome != "skipped")
    return report
