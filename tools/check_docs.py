"""Check that the docs are true: the command reference is current, every link leads somewhere.

python tools/check_docs.py            exit 1 and say what is wrong
python tools/check_docs.py --write    write docs/cli.md again
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "cli.md"


def reference() -> str:
    """The whole command reference as Markdown."""
    import typer

    from actorrec.cli.app import app

    parts = ["# Command reference", "", "Written by `make docs` from the commands themselves.", ""]
    for name, command in _commands(typer.main.get_command(app), "actorrec"):
        parts += [f"## `{name}`", "", (command.help or "").strip(), ""]
        rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            parts += ["| argument or option | meaning |", "|---|---|", *rows, ""]
    return "\n".join(parts)


def _commands(command: Any, name: str) -> list[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        return [(name, command)]
    itself = [(name, command)] if command.invoke_without_command else []
    return itself + [found for child, inner in children.items() for found in _commands(inner, f"{name} {child}")]


def _row(parameter: Any) -> str:
    options = [*parameter.opts, *parameter.secondary_opts] if parameter.param_type_name == "option" else None
    shown = ", ".join(options) if options else (parameter.metavar or parameter.name.upper())
    meaning = getattr(parameter, "help", None) or ""
    if parameter.default not in (None, False) and not callable(parameter.default) and not parameter.required:
        meaning += f" Default: `{parameter.default}`."
    return "| `{}` | {} |".format(*(text.replace("|", "\\|") for text in (shown, meaning)))


def broken_links() -> list[str]:
    """Relative links of the Markdown files that lead to nothing."""
    found = []
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path = target.split("#")[0]
            if path and "://" not in target and not (page.parent / path).exists():
                found.append(f"{page.relative_to(ROOT)}: {target}")
    return found


def forbidden_names() -> list[str]:
    """Tracked text files that name a package registry or a folder of one machine: every Raspberry Pi has a user pi."""
    pattern = r"pypi\.org/simple|files\.pythonhosted|registry\.npmjs|/root/|/home/(?!pi/)[a-z]"
    command = ["git", "-C", str(ROOT), "grep", "-lIP", pattern, "--", ".", ":!tools/check_docs.py"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def main() -> int:
    """Check or write; returns the exit code."""
    if "--write" in sys.argv:
        REFERENCE.write_text(reference(), encoding="utf-8")
        print(f"wrote {REFERENCE.relative_to(ROOT)}")
    problems = [f"broken link in {link}" for link in broken_links()]
    problems += [f"{name} names a machine's path or a registry" for name in forbidden_names()]
    if not REFERENCE.exists() or REFERENCE.read_text(encoding="utf-8") != reference():
        problems.append("docs/cli.md is not what the commands say: run `make docs`")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
