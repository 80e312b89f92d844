"""What a group runs now, as a new model over the air is held against it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actorrec.greengrass.component_calls import ComponentCalls, VersionState
from actorrec.greengrass.deployments import GONE, Deployment
from actorrec.greengrass.drafts import MODEL_SUFFIX
from actorrec.greengrass.ota import Live
from actorrec.greengrass.recipe import BUNDLE_FILE
from actorrec.manifests.component import BUNDLE_TAG, PREPROCESS_TAG, ROLE_TAG, RUNTIME_TAG, SCHEMA_TAG, Role
from actorrec.manifests.ota import LandedModel

_BY_HAND: Final = "publish and deploy by hand once (actorrec publish-component, actorrec deploy)"

ModelOf = Callable[[str, str], LandedModel | str]
"""SHA-256 of a bundle and its URI → what its card says, or why that cannot be known."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a group runs.

    Attributes:
        live: For decisions.
        program: The version of the program, or of program and model in one; None where nothing can be shipped.
        program_recipe: Of it, as the service keeps it.
    """

    live: Live
    program: VersionState | None = None
    program_recipe: Mapping[str, Any] | None = None

    @property
    def single(self) -> bool:
        """Whether program and model are one component."""
        return self.program is not None and self.program.tags.get(ROLE_TAG) == "single"

    @property
    def role(self) -> Role:
        """What a new model is to the group: a component of its own, or one with the program."""
        return "single" if self.single else "model"


class FleetReader:
    """Looks at what deployments hold; each component version is asked about once.

    Args:
        calls: Asks.
        name: Of our program (``greengrass.component_name``).
        model_of: Says what is known of a live bundle.
    """

    def __init__(self, calls: ComponentCalls, name: str, model_of: ModelOf) -> None:
        self._calls, self._name, self._model_of = calls, name, model_of
        self._seen: dict[tuple[str, str], VersionState | None] = {}
        self._recipes: dict[str, Mapping[str, Any]] = {}

    def read(self, present: Deployment | None) -> Fleet:
        """What a deployment holds.

        Args:
            present: The group's newest one; None before the first.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
        """
        if present is None or present.status in GONE or self._name not in present.components:
            return _nothing(f"no {self._name} is deployed to the group: {_BY_HAND}")
        program = self._described(present, self._name)
        role = None if program is None else program.tags.get(ROLE_TAG)
        if program is None or role not in ("runtime", "single"):
            return _nothing(f"what is deployed as {self._name} was not published by actorrec: {_BY_HAND}")
        holder = program if role == "single" else self._described(present, self._name + MODEL_SUFFIX)
        bundle = "" if holder is None else holder.tags.get(BUNDLE_TAG, "")
        if holder is None or not bundle:
            return _nothing(f"no model is deployed to the group beside {self._name}: {_BY_HAND}")
        recipe = self._recipe(holder)
        found = self._model_of(bundle, _bundle_uri(recipe))
        if isinstance(found, str):
            return _nothing(f"the live model {bundle[:16]} cannot be looked at ({found}): deploy by hand")
        schema, preprocess = (_number(program.tags.get(tag, "")) for tag in (SCHEMA_TAG, PREPROCESS_TAG))
        return Fleet(Live(found, schema, preprocess), program, recipe if holder is program else None)

    def has_program(self, fleet: Fleet, name: str, version: str) -> bool:
        """Whether a version in which program and model are one holds the program that the group has.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
        """
        found, tag = self._asked(name, version), "" if fleet.program is None else fleet.program.tags.get(RUNTIME_TAG)
        return found is not None and found.tags.get(RUNTIME_TAG) == tag

    def _described(self, present: Deployment, name: str) -> VersionState | None:
        return self._asked(name, present.components[name].version) if name in present.components else None

    def _asked(self, name: str, version: str) -> VersionState | None:
        key = name, version
        if key not in self._seen:
            self._seen[key] = self._calls.describe(*key)
        return self._seen[key]

    def _recipe(self, state: VersionState) -> Mapping[str, Any]:
        if state.arn not in self._recipes:
            self._recipes[state.arn] = self._calls.recipe(state.name, state.version) or {}
        return self._recipes[state.arn]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _nothing(lacks: str) -> Fleet:
    return Fleet(Live(lacks=lacks))


def _bundle_uri(recipe: Mapping[str, Any]) -> str:
    uris = [
        str(artifact.get("Uri") or artifact.get("URI"))
        for manifest in recipe.get("Manifests") or ()
        for artifact in manifest.get("Artifacts") or ()
    ]
    return next((uri for uri in uris if uri.endswith(f"/{BUNDLE_FILE}")), "")
