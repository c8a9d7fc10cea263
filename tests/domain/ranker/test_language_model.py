"""A model reads text as it stands, in any alphabet, and remembers nothing of another model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from components.domain.ranker.language_model import LanguageModel
from components.domain.records import LIKED, Dish, Past

DISHES = {"x": Dish("x", "Борщ", tags=("суп",)), "豆": Dish("豆", "麻婆豆腐 🍲", "سلطة")}


@pytest.mark.parametrize("dish", list(DISHES.values()), ids=lambda dish: dish.name)
def test_what_a_line_says_is_the_dish_in_its_alphabet(small_model: LanguageModel, dish: Dish) -> None:
    tokens = small_model.dish_tokens(DISHES, ("name", "description", "tags"), 5)
    text = ", ".join(part for part in (dish.name, dish.description, *dish.tags) if part)
    decode = small_model.tokenizer.decode
    assert decode(tokens.alone(dish.dish_id)) == f"A dish: {text}."
    assert decode(tokens.offer(dish.dish_id)) == f"\n{text}?"
    assert decode(tokens.past(Past(dish.dish_id, LIKED, 4.5))) == f"\n4.5 {text}"


def test_what_a_caller_does_to_tokens_changes_no_later_ones(small_model: LanguageModel) -> None:
    tokens = small_model.encode("Borscht")
    expected = list(tokens)
    tokens.clear()
    assert small_model.encode("Borscht") == expected


def test_only_what_begins_a_text_begins_with_the_prefix(small_model: LanguageModel) -> None:
    plain = small_model.dish_tokens(DISHES, ("name",), 5)
    prefixed = replace(small_model, prefix=(1, 2)).dish_tokens(DISHES, ("name",), 5)
    assert prefixed.header() == (1, 2, *plain.header())
    assert prefixed.alone("x") == (1, 2, *plain.alone("x"))
    assert prefixed.offer("x") == plain.offer("x")
    assert prefixed.past(Past("x", LIKED)) == plain.past(Past("x", LIKED))


def test_a_prompt_holds_as_many_lines_as_it_was_given(small_model: LanguageModel) -> None:
    for most in (1, 2, 7):
        tokens = small_model.dish_tokens(DISHES, ("name",), most)
        held = [length - tokens.first_line(length) for length in range(30)]
        assert (max(held), held[: most + 1]) == (most, list(range(most + 1)))


def test_vectors_of_one_model_are_none_of_another(small_model: LanguageModel) -> None:
    values = {name: value for name, value in vars(small_model).items() if name != "vectors"}
    one, other = LanguageModel(**values), LanguageModel(**values)
    one.vectors[b"line"] = torch.zeros(2)
    assert (other.vectors, other.head) == ({}, None)
