"""Files of a model, believed only when they are the ones that its manifest lists."""

from pathlib import Path

from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.digest import file_sha256
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ModelContractError
from actorrec.manifests.model import ModelManifest


def verified_file(store: ArtifactStore, model: ModelManifest, name: str) -> Path:
    """Path of a model's file on this machine.

    Raises:
        ModelContractError: If it is not listed, or not the file that training wrote.
        ArtifactError: If it is missing.
    """
    path = store.local_path(file_name(model, name))
    recorded = {record.name: record.sha256 for record in model.files}
    if file_sha256(path) != recorded.get(name):
        raise ModelContractError(
            f"{model.ref} holds another {name} than training wrote",
            hint="it was changed or damaged: remove the model's folder and train again",
        )
    return path
