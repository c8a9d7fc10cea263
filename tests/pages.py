"""What the pages tell a reader to type: the lines of their blocks, and commands within a sentence."""

from __future__ import annotations

import re

from tests.conftest import REPO

PAGES = (
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    *(f"docs/{path.name}" for path in (REPO / "docs").glob("*.md")),
)
# How a line begins that is a command, and what other blocks begin with: output, files, trees.
PROGRAM = re.compile(
    r"(make|git|dvc|curl|kubectl|kind|podman|docker|python|pytest|prefect|mlflow|bentoml|pip|uv|pre-commit|"
    r"export|ssh|psql|TOKEN=\S+|BENTOML_HOME=\S+|\.venv/bin/\S+|\.ci/\S+)\s"
)
NO_COMMANDS = (
    "events in ", "dishes in ", "{", "inbox (", "collect:", "params.yaml ", "release: {",
    "apiVersion:", "[mlflow]", "from palate_client ",
)  # fmt: skip
BLOCK = re.compile(r"^```\w*\n((?:.*\n)*?)```$|((?:^ {4,}\S.*\n)+)", re.MULTILINE)


def commands_of(page: str) -> list[str]:
    """All commands of a page.

    Raises:
        ValueError: A block begins with no program that is known here, and is no output either.
    """
    text, found = (REPO / page).read_text(encoding="utf-8"), []
    for match in BLOCK.finditer(text):
        block = re.sub(r" *\\\n\s*", " ", match[1] or match[2]).strip()
        if block.startswith(NO_COMMANDS):
            continue
        for line in block.splitlines():
            if not PROGRAM.match(line.strip()):
                raise ValueError(f"{page}: is {line.strip()!r} a command? Tell tests/pages.py.")
            found.append(re.sub(r"  +#.*", "", line.strip()))
    return found + [each for each in re.findall(r"`([^`\n]+)`", BLOCK.sub("", text)) if PROGRAM.match(each)]


def command(page: str, start: str) -> str:
    """The one command of a page that is this, or else begins so."""
    found = {each for each in commands_of(page) if each.startswith(start)}
    (only,) = {start} & found or found
    return only
