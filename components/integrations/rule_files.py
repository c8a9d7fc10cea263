"""safetensors: the two files of a rule, its arrays and its dishes with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from components.domain.errors import StageFailed
from components.domain.preferences.evidence import Expectation
from components.domain.preferences.moments import Moments
from components.domain.preferences.strengths import RatingScale
from components.domain.records import Dish
from components.domain.rivals.collaborative import Collaborative
from components.domain.rivals.rule_model import RuleModel
from components.domain.rivals.rules import ContentHistory, Traits
from components.domain.rivals.stacked_rules import Constants, StackedRules
from components.domain.rivals.words import vocabulary_of
from components.files import read_json, write_json

ARRAYS, FACTS = "rule.safetensors", "rule.json"
TABLES = ("moment", "together")  # the two that grow with the square of the dishes, stored in float32
_DISHES, _CONSTANTS, _TRAITS = TypeAdapter(tuple[Dish, ...]), TypeAdapter(Constants), TypeAdapter(Traits)


def save(model: RuleModel, folder: Path) -> None:
    """Writes a rule into a folder; equal rules give equal bytes."""
    rules = model.rules
    moments, content = rules.people.moments, rules.content
    arrays = {
        "content_mean": content.mean,
        "content_weights": content.weights,
        "popular": rules.popular,
        "weights": rules.weights,
        "dishes": moments.dishes,
        "expected_mean": moments.expected.mean,
        "expected_share": moments.expected.share,
        "information": moments.information,
        **{name: getattr(moments, name).astype(np.float32) for name in TABLES},
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / ARRAYS)
    facts = {
        "name": model.name,
        "constants": asdict(rules.constants),
        "ratings": asdict(moments.ratings),
        "traits": asdict(content.traits),
        "dishes": [asdict(dish) for dish in model.dishes],
    }
    write_json(folder / FACTS, facts)


def load(folder: Path) -> RuleModel:
    """Reads what `save` wrote.

    Raises:
        StageFailed: A file is missing or damaged.
    """
    try:
        return _model(read_json(folder / FACTS), load_file(folder / ARRAYS))
    except (OSError, SafetensorError, ValueError, LookupError, TypeError) as error:
        words = " ".join(str(error).split())[:200]
        raise StageFailed(f"the rule in '{folder.name}' cannot be read: {words}") from error


def _model(facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> RuleModel:
    dishes = _DISHES.validate_python(facts["dishes"])
    vocabulary = vocabulary_of(dishes)
    moments = Moments(
        arrays["dishes"],
        Expectation(arrays["expected_mean"], arrays["expected_share"]),
        **{name: arrays[name].astype(np.float64) for name in TABLES},
        information=arrays["information"],
        ratings=RatingScale(**facts["ratings"]),
    )
    rules = StackedRules(
        ContentHistory(
            _TRAITS.validate_python(facts["traits"]), arrays["content_mean"], arrays["content_weights"]
        ),
        arrays["popular"],
        vocabulary.matrix(dishes),
        Collaborative(moments),
        _CONSTANTS.validate_python(facts["constants"]),
        arrays["weights"],
    )
    return RuleModel(facts["name"], rules, dishes, vocabulary)
