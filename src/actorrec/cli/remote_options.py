"""Options of the commands that run on SageMaker."""

from typing import Annotated, Final

import typer

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Of --remote: show the plan; send and start nothing.")]
DetachOption = Annotated[bool, typer.Option("--detach", help="Of --remote: start the job and come back at once.")]
InstanceTypeOption = Annotated[
    str | None, typer.Option("--instance-type", help="The kind of machine, as ml.g5.xlarge.", show_default=False)
]
InstancesOption = Annotated[int | None, typer.Option("--instances", help="How many machines.", show_default=False)]
MaxHoursOption = Annotated[
    float | None, typer.Option("--max-hours", help="The job is stopped after that.", show_default=False)
]
MaxCostOption = Annotated[
    float | None,
    typer.Option("--max-cost", metavar="USD", help="Do not start what may cost more.", show_default=False),
]
ImageOption = Annotated[
    str | None, typer.Option("--image-uri", help="A container image of your own.", show_default=False)
]
RoleOption = Annotated[str | None, typer.Option("--role", metavar="ARN", help="What jobs run as.", show_default=False)]

OPTION_OF: Final = {
    "remote.instance_type": "--instance-type",
    "remote.dataset_instance_type": "--instance-type",
    "remote.instances": "--instances",
    "remote.max_hours": "--max-hours",
    "remote.max_cost_usd": "--max-cost",
    "remote.spot": "--spot",
    "remote.image_uri": "--image-uri",
    "remote.framework_version": "--framework-version",
    "remote.py_version": "--py-version",
    "remote.role": "--role",
    "remote.output_path": "--output-path",
}
"""Setting → the option that sets it."""
