"""The table of foods: what is shipped, what is damaged, and what changes its digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.domain.diet.nutrition import NUTRIENTS, nutrition_of
from components.domain.errors import StageFailed
from components.integrations.foods import digest, food_of, food_rows, read_foods
from tests.conftest import REPO

FOODS = REPO / "data" / "foods" / "foods.csv"
HEADER = "name,source,category," + ",".join(NUTRIENTS)


def test_the_shipped_table_tells_of_a_common_dish_and_not_of_one_that_it_does_not_have() -> None:
    foods = read_foods(FOODS)
    hamburger = nutrition_of({"name": "Hamburgers", "serving_g": 200}, foods)
    assert hamburger.amounts.keys() == set(NUTRIENTS)
    assert hamburger.matches == ("Hamburger, NFS",)
    assert 400 < hamburger.amounts["kcal"].low == hamburger.amounts["kcal"].high < 700
    assert not nutrition_of({"name": "Spaghetti allo scoglio"}, foods).amounts


def test_what_is_no_amount_is_left_out_and_only_what_is_eaten_is_matched(tmp_path: Path) -> None:
    table = tmp_path / "foods.csv"
    soup = '"Soup, pea",FNDDS,Soups,50,inf,nan,,-1,x,2,3'
    flour = '"Soup, pea",SR Legacy,Soups,900,0,0,0,0,0,0,0'
    table.write_text("\n".join([HEADER, soup, flour, "Soup pea,FNDDS,Baby food: soups,1,1,1,1,1,1,1,1"]))
    assert food_of(food_rows(table)[0]).per_100g == {"kcal": 50.0, "fibre_g": 2.0, "sodium_mg": 3.0}
    amounts = nutrition_of({"name": "Pea soup"}, read_foods(table)).amounts
    assert {name: (amount.low, amount.high) for name, amount in amounts.items()} == {
        "kcal": (50, 50), "fibre_g": (2, 2), "sodium_mg": (3, 3),
    }  # fmt: skip


@pytest.mark.parametrize("content", [None, b"", b"name,kcal\nx,1\n", b"\xff\xfe", b"\0"])
def test_a_table_that_cannot_be_read_is_one_sentence(content: bytes | None, tmp_path: Path) -> None:
    table = tmp_path / "foods.csv"
    if content is not None:
        table.write_bytes(content)
    with pytest.raises(StageFailed, match="git checkout"):
        read_foods(table)


def test_another_table_has_another_digest(tmp_path: Path) -> None:
    table = tmp_path / "foods.csv"
    table.write_bytes(FOODS.read_bytes())
    assert digest(table) == digest(FOODS)
    table.write_bytes(FOODS.read_bytes() + b"Gruel,FNDDS,Soups,1,1,1,1,1,1,1,1,,\n")
    assert digest(table) != digest(FOODS)
    with pytest.raises(StageFailed, match="git checkout"):
        digest(tmp_path / "none.csv")
