"""safetensors: the two files of a rule, its arrays and its dishes with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

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

if TYPE_CHECKING:
    from components.domain.word_factors import WordFactors

BASIS = "basis"  # name of the array that only factors on many words have
ARRAYS, FACTS = "rule.safetensors", "rule.json"
TABLES = ("moment", "together")  # the two that grow with the square of the dishes, stored in float32
_DISHES, _CONSTANTS, _TRAITS = TypeAdapter(tuple[Dish, ...]), TypeAdapter(Constants), TypeAdapter(Traits)


AnyRule: TypeAlias = "RuleModel | WordFactors"


def save(model: AnyRule, folder: Path) -> None:
    """Writes a rule into a folder; equal rules give equal bytes."""
    arrays, facts = _of_rules(model) if isinstance(model, RuleModel) else _of_factors(model)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / ARRAYS)
    dishes = [asdict(dish) for dish in model.dishes]
    write_json(folder / FACTS, {"name": model.name, **facts, "dishes": dishes})


def load(folder: Path) -> AnyRule:
    """Reads what `save` wrote.

    Raises:
        StageFailed: A file is missing or damaged.
    """
    try:
        facts, arrays = read_json(folder / FACTS), load_file(folder / ARRAYS)
        return _factors(facts, arrays) if "tags" in facts else _rules(facts, arrays)
    except (OSError, SafetensorError, ValueError, LookupError, TypeError) as error:
        words = " ".join(str(error).split())[:200]
        raise StageFailed(f"the rule in '{folder.name}' cannot be read: {words}") from error


def _of_factors(model: WordFactors) -> tuple[dict[str, Any], dict[str, Any]]:
    arrays = {name: tensor.numpy() for name, tensor in model.head.tensors().items()}
    basis = {} if model.basis is None else {BASIS: model.basis}
    return {**arrays, **basis}, {"tags": model.tags}


def _factors(facts: Mapping[str, Any], arrays: dict[str, Any]) -> WordFactors:
    import torch  # here: other rules need no torch

    from components.domain.ranker.text_factors import TextFactors
    from components.domain.word_factors import WordFactors

    basis, dishes = arrays.pop(BASIS, None), _DISHES.validate_python(facts["dishes"])
    head = TextFactors(**{name: torch.from_numpy(array) for name, array in arrays.items()})
    tags = None if facts["tags"] is None else tuple(facts["tags"])
    return WordFactors(facts["name"], head, dishes, vocabulary_of(dishes), tags, basis)


def _of_rules(model: RuleModel) -> tuple[dict[str, Any], dict[str, Any]]:
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
    facts = {
        "constants": asdict(rules.constants),
        "ratings": asdict(moments.ratings),
        "traits": asdict(content.traits),
    }
    return arrays, facts


def _rules(facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> RuleModel:
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
