"""Every command and option explains itself, and docs/cli.md says what the program says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from actorrec.cli.app import app

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "cli.md"


def commands(command: Any, name: str) -> dict[str, Any]:
    """Every command that does something, by the words a user types."""
    children = getattr(command, "commands", None)
    if children is None:
        return {name: command}
    itself = {name: command} if command.invoke_without_command else {}  # a group that does something by itself
    return itself | {
        key: found for child, inner in children.items() for key, found in commands(inner, f"{name} {child}").items()
    }


COMMANDS = commands(typer.main.get_command(app), "actorrec")
PARAMETERS = [
    pytest.param(name, parameter, id=f"{name} {parameter.name}")
    for name, command in COMMANDS.items()
    for parameter in command.params
]


def section_of(name: str) -> str:
    """What the reference says of one command."""
    found = re.search(rf"^## `{re.escape(name)}`\n(.*?)(?=^## |\Z)", REFERENCE.read_text(), re.S | re.M)
    assert found is not None, f"docs/cli.md lacks {name}: run `make docs`"
    return found.group(1)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_here_and_in_the_reference(name: str) -> None:
    text = (COMMANDS[name].help or "").strip()
    assert text.endswith(".") and text in section_of(name)


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_an_option_says_what_it_is_for_here_and_in_the_reference(name: str, parameter: Any) -> None:
    if parameter.name == "help":
        return
    assert (parameter.help or "").strip().endswith(".")
    section = section_of(name)
    assert parameter.help.replace("|", "\\|") in section
    for option in parameter.opts if parameter.param_type_name == "option" else ():
        assert f"`{option}`" in section


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_shared_options(name: str) -> None:
    assert {"config", "store", "json", "quiet"} <= {parameter.name for parameter in COMMANDS[name].params}


def test_the_reference_holds_no_command_that_is_gone() -> None:
    assert set(re.findall(r"^## `(.+)`$", REFERENCE.read_text(), re.M)) == set(COMMANDS)


def test_the_reference_is_what_the_commands_say() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from check_docs import reference
    finally:
        sys.path.pop(0)
    assert REFERENCE.read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_a_command_that_a_page_shows_exists_with_its_options(page: str) -> None:
    shown = re.findall(r"^    actorrec (.+?)(?:\s+#.*)?$", (ROOT / page).read_text(), re.M)
    shown += re.findall(r"`actorrec ([^`]+)`", (ROOT / page).read_text())
    assert shown
    for line in shown:
        words = line.split()
        name = next((n for n in (" ".join(words[:2]), words[0]) if f"actorrec {n}" in COMMANDS), None)
        assert name is not None, f"{page} shows `actorrec {line}`"
        known = {option for parameter in COMMANDS[f"actorrec {name}"].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, f"{page} shows `actorrec {line}`"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from actorrec.cli.app import app; import typer; typer.main.get_command(app);"
        "heavy = {'tensorflow', 'keras', 'cv2', 'ai_edge_litert', 'matplotlib', 'PIL', 'numpy', 'pydantic',"
        "'asyncio', 'bs4', 'ddgs', 'hishel', 'httpcore', 'httpx', 'protego', 'starlette', 'tenacity', 'uvicorn'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
