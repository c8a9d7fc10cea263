"""A sample set as a night evaluates it, and the base model, for benchmarks that need no night."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch

from components.domain.params import Params
from components.domain.params_file import read_yaml, validate
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.events import accept
from components.domain.preferences.limits import limits_of
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.opinions import Scale, dishes_of, menus_of, opinion_log
from components.domain.preferences.strengths import known_opinions, rating_scale
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DishTokens
from components.domain.records import Dish
from components.integrations import base_models
from components.integrations.sources.folder import Folder
from components.stages import paths
from components.stages.contenders import Setting, setting_of
from components.stages.split import divide

REPO = Path(__file__).resolve().parent.parent
BASE = REPO / paths.BASE


def canteen(copies: int = 1) -> Setting:
    """The setting of a night on the canteen.

    Args:
        copies: How often everybody is in it; all but the first time under another name, with a slash.
    """
    return sample("canteen", copies)


def sample(name: str, copies: int = 1) -> Setting:
    """The setting of a night on a sample set; torch gets the night's threads.

    Args:
        name: Folder of the set.
        copies: See `canteen`.
    """
    params, dishes, log = opinions_of(name, copies)
    split = divide(params.split, log)
    ratings = rating_scale(known_opinions(split.train.log, split.may_know))
    return setting_of(params, split, dishes, ratings)


def opinions_of(name: str, copies: int = 1) -> tuple[Params, dict[str, Dish], OpinionLog]:
    """Settings, dishes and opinions of a sample set; arguments as for `sample`."""
    folder, values = REPO / "data" / "sample" / name, read_yaml(REPO / "params.yaml")
    for section, changes in read_yaml(folder / "params.yaml").items():
        values[section] |= changes
    params = validate(values, str(folder / "params.yaml"))
    torch.set_num_threads(params.train.threads)
    raw = Folder(str(folder), params.collect.columns).read({}).tables
    tables = accept(raw, {}, limits_of(params, datetime.now(UTC))).tables
    events = [
        {**event, "person_id": f"{event['person_id']}/{copy}" if copy else event["person_id"]}
        for copy in range(copies)
        for event in tables["events"]
    ]
    dishes, collect = dishes_of(tables["dishes"]), params.collect
    log = opinion_log(EventColumns.of(events), dishes, menus_of(tables["menus"]), Scale.of(collect))
    return params, dishes, log


def base(setting: Setting) -> tuple[LanguageModel, DishTokens]:
    """The base model of params.yaml on the best device, and the prompt's lines in its tokens."""
    base_models.materialise(setting.params.base.model, BASE)
    model = base_models.load_on_best_device(BASE)
    return model, tokens_of(model, setting)


def tokens_of(model: LanguageModel, setting: Setting) -> DishTokens:
    """The prompt's lines for the setting's dishes in a model's tokens."""
    params = setting.params
    return model.dish_tokens(setting.dishes, params.prompt.dish_fields, params.split.max_history)


def more_dishes(dishes: Mapping[str, Dish], count: int) -> dict[str, Dish]:
    """So many dishes, d0 and on: first those that there are, then two and more dishes' names in one."""
    there, more = list(dishes.values()), {}
    for number in range(count):
        names, rest = [there[number % len(there)].name], number // len(there)
        while rest:
            names.append(there[rest % len(there)].name)
            rest //= len(there)
        more[f"d{number}"] = Dish(f"d{number}", " with ".join(names), there[number % len(there)].description)
    return more
