"""A sample set as a night evaluates it, and the base model, for benchmarks that need no night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor

from components.domain.params import Params
from components.domain.params_file import read_yaml, validate
from components.domain.preferences.contract import Stored
from components.domain.preferences.limits import limits_of
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.opinions import Scale, dishes_of, menus_of, opinion_log
from components.domain.preferences.splits import Split
from components.domain.preferences.strengths import known_opinions, rating_scale
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DishTokens, Reading
from components.domain.records import Dish
from components.integrations import base_models, event_sources
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import take_in
from components.stages import paths
from components.stages.contenders import Setting, setting_of
from components.stages.split import divide

REPO = Path(__file__).resolve().parent.parent
BASE = REPO / paths.BASE
Known = tuple[Params, dict[str, Dish], OpinionLog]  # settings, dishes by id, and opinions of a set


def canteen() -> Setting:
    """Builds the setting of a night on the canteen; torch gets the night's threads."""
    params, dishes, log = opinions_of("canteen")
    return setting_by(params, dishes, divide(params.split, log))


def setting_by(params: Params, dishes: dict[str, Dish], split: Split) -> Setting:
    """Builds the setting of a night on a split."""
    ratings = rating_scale(known_opinions(split.train.log, split.may_know))
    return setting_of(params, split, dishes, ratings)


def opinions_of(name: str) -> Known:
    """Reads settings, dishes and opinions of a sample set; `name` is its folder."""
    folder, values = REPO / "data" / "sample" / name, read_yaml(REPO / "params.yaml")
    for section, changes in read_yaml(folder / "params.yaml").items():
        values[section] |= changes
    params = validate(values, str(folder / "params.yaml"))
    torch.set_num_threads(params.train.threads)
    rows, nothing = Folder(str(folder), params.collect.columns).read({}).tables, event_sources.no_events()
    empty: Stored = {"dishes": [], "people": [], "menus": []}
    intake = take_in(rows, empty, nothing, limits_of(params, datetime.now(UTC)))
    tables = intake.collected.tables
    dishes, collect = dishes_of(tables["dishes"]), params.collect
    events, menus = event_sources.event_columns(intake.events), menus_of(tables["menus"])
    return params, dishes, opinion_log(events, dishes, menus, Scale.of(collect))


@dataclass(frozen=True)
class Reader:
    """A base that reads every dish once in each reading."""

    model: LanguageModel
    tokens: DishTokens
    states: dict[Reading, Tensor] = field(default_factory=dict)

    def __call__(self, lines: Sequence[Sequence[int]], *, reading: Reading) -> Tensor:
        """Looks up or computes the states of the lines, which are the same in every call."""
        if reading not in self.states:
            self.states[reading] = hidden_states(self.model, lines, reading=reading)
        return self.states[reading]


def base(setting: Setting, fields: tuple[str, ...] = ()) -> tuple[LanguageModel, DishTokens]:
    """Loads the base model of params.yaml on the best device, with the prompt's lines in its tokens.

    Args:
        fields: What the prompt reads of a dish; empty for `prompt.dish_fields`.
    """
    base_models.materialise(setting.params.base.model, BASE)
    model = base_models.load_on_best_device(BASE)
    params = setting.params
    fields = fields or params.prompt.dish_fields
    return model, model.dish_tokens(setting.dishes, fields, params.split.max_history)
