"""The CloudFormation template that comes with the program."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actorrec.errors import ConfigError

_NAME: Final = "actorrec.yaml"


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a stack of the template holds.

    Attributes:
        name: Inside the template.
        type: As CloudFormation calls it: ``AWS::S3::Bucket``.
        purpose: What it is for, in words.
        condition: Name of the condition under which it is made; empty for always.
    """

    name: str
    type: str
    purpose: str
    condition: str = ""


def template_path() -> Path:
    """The file, in a wheel or in a checkout.

    Raises:
        ConfigError: If the installation lacks it.
    """
    package = Path(__file__).resolve().parents[1]
    places = (package / "infra" / _NAME, package.parents[1] / "infra" / _NAME)
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise ConfigError(f"this installation lacks infra/{_NAME}", hint="install actorrec again")
    return found


def template_text() -> str:
    """What is sent to CloudFormation."""
    return template_path().read_text(encoding="utf-8")


def template_resources(text: str) -> tuple[Resource, ...]:
    """What a stack of a template of ours holds, in the template's order."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's short functions (``!Ref``) as what stands behind them."""

    Loader.add_multi_constructor("!", _plain)
    parsed = yaml.load(text, Loader)  # noqa: S506 (it is a SafeLoader)
    return tuple(
        Resource(name, content["Type"], content["Metadata"]["Purpose"], content.get("Condition", ""))
        for name, content in parsed["Resources"].items()
    )


def _plain(loader: Any, _tag: str, node: Any) -> Any:
    match node.id:
        case "scalar":
            return loader.construct_scalar(node)
        case "sequence":
            return loader.construct_sequence(node, deep=True)
        case _:
            return loader.construct_mapping(node, deep=True)
