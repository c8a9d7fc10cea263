"""The glossary has a line on each row of a night's table."""

from __future__ import annotations

import re

from tests.conftest import REPO


def test_each_row_of_the_table_is_in_the_glossary() -> None:
    code = [path.read_text(encoding="utf-8") for path in (REPO / "components/stages").glob("*contenders.py")]
    rows = {name for text in code for name in re.findall(r'Contender\(\s*"([^"]+)"', text)}
    rows |= {name for text in code for name in re.findall(r'"(base-[a-z0-9]+)":', text)}
    rows |= {"factors-on-words", "factors-on-tags", "base-NAME"}  # names that are put together
    assert {"popularity", "base-bm25", "no-history"} < rows
    section = (REPO / "docs/glossary.md").read_text(encoding="utf-8").partition("## Rows of the table")[2]
    assert rows - set(re.findall(r"\*\*([^*]+)\*\*", section.partition("\n## ")[0])) == set()


def test_every_command_of_the_pages_is_one() -> None:
    pages = "\n".join(path.read_text() for path in [REPO / "README.md", *(REPO / "docs").glob("*.md")])
    targets = set(re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", pages)) - targets == set()
    verbs = set(re.findall(r"add_parser\(\s*\"([a-z-]+)\"", (REPO / "flows" / "__main__.py").read_text()))
    assert set(re.findall(r"python -m flows ([a-z-]+)", pages)) - verbs == set()
