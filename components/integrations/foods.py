"""Reads the table of foods in data/foods, and computes a digest of it and of the code that uses it."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterator
from pathlib import Path

from components.domain.diet import letters, nutrition
from components.domain.diet.nutrition import NUTRIENTS, Food, FoodIndex
from components.domain.errors import StageFailed

AS_EATEN = "FNDDS"  # value of the column `source`: dishes and foods as they are eaten
# Beginnings of the categories of foods that are not dishes of a menu.
NO_DISHES = ("Baby", "Formula", "Not included", "Protein and nutritional powders")


def read_foods(path: Path) -> FoodIndex:
    """Reads prepared foods, as eaten, and indexes them by the words of their names.

    Raises:
        StageFailed: The file is missing or is not a table of foods.
    """
    rows = food_rows(path)
    return FoodIndex(
        food_of(row)
        for row in rows
        if row["source"] == AS_EATEN and not row["category"].startswith(NO_DISHES)
    )


def food_rows(path: Path) -> list[dict[str, str]]:
    """Reads all rows of the table.

    Raises:
        StageFailed: The file is missing or is not a table of foods.
    """
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        rows, header = list(reader), reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StageFailed(f"the foods of {path} cannot be read ({error}): `git checkout {path}`.") from error
    missing = {"name", "source", "category", *NUTRIENTS} - set(header)
    if missing:
        raise StageFailed(f"{path} has no column {min(missing)!r}: `git checkout {path}`.")
    return rows


def food_of(row: dict[str, str]) -> Food:
    """Converts a row to a food; leaves out values that are not amounts."""
    return Food(row["name"], dict(_amounts(row)))


def _amounts(row: dict[str, str]) -> Iterator[tuple[str, float]]:
    for name in NUTRIENTS:
        try:
            value = float(row[name])
        except (TypeError, ValueError):
            continue
        if math.isfinite(value) and value >= 0:
            yield name, value


def digest(path: Path) -> str:
    """Hashes the table together with the code that estimates from it.

    Raises:
        StageFailed: The file is missing.
    """
    code = sorted(Path(nutrition.__file__).parent.glob("*.py"))
    try:
        contents = [file.read_bytes() for file in (path, Path(__file__), Path(letters.__file__), *code)]
    except OSError as error:
        raise StageFailed(f"the foods of {path} cannot be read ({error}): `git checkout {path}`.") from error
    return hashlib.sha256(b"\0".join(contents)).hexdigest()
