"""Counts names that say what was done to a value instead of what it means; fails above 1 % of all bindings.

A binding is a target of an assignment, a loop, a comprehension, `with`, `except`, `:=` or `case`, an
argument, or an attribute. `each` may be bound by a comprehension that stands on one line, and nowhere else.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

BANNED = {
    "told", "said", "made", "own", "asked", "found", "place", "apart", "spare", "known", "wanted", "given",
    "taken", "kept", "seen", "real", "alike", "nobody",
}  # fmt: skip
FOLDERS = ("flows", "components", "serving", "benchmarks", "tests")
MAX_SHARE = 0.01


def bindings(tree: ast.Module) -> Iterator[tuple[str, ast.expr | ast.arg | ast.ExceptHandler | ast.pattern]]:
    """Every name that a module binds, with the node that does."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                yield name, node
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node


def targets_on_one_line(tree: ast.Module) -> set[ast.AST]:
    """The nodes that comprehensions bind which stand on one line."""
    kinds = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    comprehensions = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    loops = [loop for node in comprehensions if node.lineno == node.end_lineno for loop in node.generators]
    return {target for loop in loops for target in ast.walk(loop.target)}


def main(folders: list[str]) -> int:
    """Prints the share and every offence with its file and line; returns the exit code."""
    total, banned, stray = 0, 0, 0
    for path in sorted(file for folder in folders for file in Path(folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        one_line = targets_on_one_line(tree)
        for name, node in bindings(tree):
            is_banned, is_stray = name.strip("_") in BANNED, name == "each" and node not in one_line
            total, banned, stray = total + 1, banned + is_banned, stray + is_stray
            if is_banned or is_stray:
                sys.stdout.write(f"{path}:{node.lineno}: {name}\n")
    share = banned / max(total, 1)
    sys.stdout.write(f"`each` outside a comprehension of one line: {stray}\n")
    sys.stdout.write(f"banned names: {banned} of {total} bindings, {share * 100:.1f} %\n")
    return int(share > MAX_SHARE or stray > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or list(FOLDERS)))
