"""``actorrec deploy --with-client-devices``: AWS's components that let devices without Greengrass talk to ours."""

from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.deploy_desk import DeployDesk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actorrec.greengrass.deploy_plan import Wanted
    from actorrec.greengrass.group import GroupState

ClientsOption = Annotated[
    bool,
    typer.Option(
        "--with-client-devices", help="Add AWS's authentication, broker and bridge for devices without Greengrass."
    ),
]
ClientThingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--client-device",
        metavar="NAME",
        help="Which of them may connect: a thing's name, or its beginning and *; by default all that are associated.",
        show_default=False,
    ),
]


def with_client_devices(
    desk: DeployDesk, state: "GroupState", wanted: "Mapping[str, Wanted]", things: "Sequence[str]"
) -> "tuple[dict[str, Wanted], tuple[str, ...]]":
    """What is wanted, with AWS's components for client devices, and lines for people.

    Raises:
        ConfigError: If devices of the group cannot have client devices, or a name cannot be one.
        RemoteError: If the region has no such component, or AWS cannot be reached.
    """
    from actorrec.greengrass.client_devices import (
        choose_versions,
        client_device_components,
        newest_public_versions,
        notes_of_client_devices,
        wanted_components,
    )

    names = wanted_components(state)
    topic = desk.config.cloud.results_topic
    given = {name: wanted[name].version for name in names if name in wanted}
    asked = [name for name in names if name not in given and name not in state.components]
    versions = choose_versions(names, given, state, newest_public_versions(desk.session.aws, asked))
    components = client_device_components(topic, versions, things)
    return {**wanted, **components}, notes_of_client_devices(topic, state)
