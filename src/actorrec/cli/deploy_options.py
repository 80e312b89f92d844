"""Options of ``actorrec deploy`` that no other command has."""

from typing import Annotated

import typer

ComponentsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--component",
        metavar="VERSION",
        help="Of our component, or NAME=VERSION of another; by default the newest that the devices can run.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="VERSION", help="By default the newest.", show_default=False)
]
CanaryOption = Annotated[
    str | None,
    typer.Option(
        "--canary", metavar="THING|N%", help="First to one device, or to a share of the group.", show_default=False
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Configuration of our component.", show_default=False),
]
UnsetOption = Annotated[
    list[str] | None,
    typer.Option("--unset", metavar="KEY", help="Back to what was published.", show_default=False),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Even if the group has exactly this already.")]
AllowEmptyOption = Annotated[
    bool, typer.Option("--allow-empty", help="Even to a group without devices: those that join later get it.")
]
