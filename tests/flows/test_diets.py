"""Where diets are known, a version's card says how well each one's people are served; no training sees it."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest

from tests.flows.clones import Done, copy_of, run_night
from tests.flows.room import set_params


@pytest.mark.slow
def test_the_card_has_the_accuracy_of_each_diet_with_the_number_of_people(
    night: Done, inbox: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone, tables = copy_of(night.clone, tmp_path / "clone"), shutil.copytree(inbox, tmp_path / "inbox")
    with (inbox / "events.csv").open() as file:
        people = sorted({row["person_id"] for row in csv.DictReader(file)} - {"late"})
    diets = ["Vegan ", "vegetarian", ""] * len(people)
    rows = [f"{person},{diet}" for person, diet in zip(people[:-1], diets, strict=False)]
    (tables / "people.csv").write_text("\n".join(["person_id,diet", *rows, f"{people[-1]},kosher"]) + "\n")
    set_params(clone, "collect", inbox=str(tables))
    done = run_night(clone, env=prefect)
    assert done.returncode == 0, done.stderr
    assert "Running stage 'train" not in done.stderr
    (card,) = (
        text for path in (clone / ".palate" / "mlartifacts").rglob("model_card.md")
        if "people of the diet" in (text := path.read_text())
    )  # fmt: skip
    row = r"\| people of the diet (\w+) \| [01]\.\d{3} \(.*\) \| (\d+) \| \d+ \|"
    shown = {diet: int(count) for diet, count in re.findall(row, card)}
    assert shown.keys() == {"vegan", "vegetarian"}  # of a single person nothing is told
    assert 5 <= shown["vegan"] <= 8
    assert not any(person in card for person in people)
