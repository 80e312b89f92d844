"""``publish-component --flavor public``: the net of a bundle for AWS's public TensorFlow Lite component."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.greengrass.components import BundleFile
    from actorrec.greengrass.drafts import ComponentDraft
    from actorrec.greengrass.publish_plan import PublishPlan
    from actorrec.manifests.model import ModelManifest


def public_drafts(
    session: Session, config: "Config", bundle: "BundleFile", *, version: str, own: Mapping[str, object]
) -> "tuple[ComponentDraft, ...]":
    """The model component; its net is made of the model that the bundle came from, as bytes.

    Args:
        session: Its store holds that model.
        config: Names and places.
        bundle: Checked.
        version: ``auto`` or ``X.Y.Z``.
        own: Options that mean nothing here, with what was given.

    Raises:
        ConfigError: If one of them was given, or the version is not one that AWS's program takes.
        ModelContractError: If the bundle is no classifier of a closed set, or its model cannot be one.
        ParityError: If the net loses too much as bytes.
        ArtifactError: If the model or its data set is not in the store.
    """
    from actorrec.edge.classifier import classifier
    from actorrec.greengrass.public import (
        labels,
        public_draft,
        refuse_open_set,
        refuse_other_line,
        write_model_zip,
    )
    from actorrec.home import cache_folder

    _refuse_options(own)
    refuse_other_line(version)
    refuse_open_set(bundle.card, name=str(bundle.path))
    model = _model_of(session, bundle)
    net = classifier(model, config, store=session.store)
    names = labels(model.classes, bundle.card.people)
    return (public_draft(write_model_zip(cache_folder("greengrass") / "public", net, names), config),)


def tell_public(session: Session, config: "Config", plan: "PublishPlan") -> dict[str, Any]:
    """What the other half of this way needs, and what it cannot do: shown, and given for ``--json``.

    Nothing for components of our own.
    """
    if all(version.draft.flavor == "own" for version in plan.versions):
        return {}
    import json

    from actorrec.greengrass.public import INFERENCE, LIMITS, configuration_update

    update = configuration_update(config)
    session.say(f"deploy it together with {INFERENCE} (2.1), whose configuration is to be merged with:")
    session.say(json.dumps(update, ensure_ascii=False))
    session.table("what this way cannot do", ("",), [(limit,) for limit in LIMITS])
    return {"configuration": {INFERENCE: {"merge": update}}, "limits": list(LIMITS)}


def _refuse_options(own: Mapping[str, object]) -> None:
    from actorrec.errors import ConfigError

    given = [option for option, value in own.items() if value not in (None, False)]
    if given:
        raise ConfigError(f"{given[0]} is an option of --flavor own", hint="leave it out with --flavor public")


def _model_of(session: Session, bundle: "BundleFile") -> "ModelManifest":
    from actorrec.artifacts.catalog import find_manifest
    from actorrec.errors import ArtifactError
    from actorrec.manifests.model import ModelManifest

    for reference, digest in bundle.card.inputs.items():
        kind, _, key = reference.partition("/")
        found = find_manifest(session.store, ModelManifest, key) if kind == "model" else None
        if found is not None and found.content_digest() == digest:
            return found
    raise ArtifactError(
        f"the store {session.store.uri} does not hold the model that the bundle came from",
        hint="AWS's program needs the net as bytes, made of that model: `actorrec artifacts pull` brings it",
    )
