"""The stage `split`: data/events → data/splits (comparisons, log, dishes) and data/diets.json."""

from __future__ import annotations

import numpy as np

from components.domain.errors import DataRejected
from components.domain.params import Params, SplitParams
from components.domain.preferences.comparisons import compare
from components.domain.preferences.dish_split import dish_fold, split_by_dish
from components.domain.preferences.held_out_days import cut_day
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.opinions import Scale, dishes_of, menus_of, opinion_log
from components.domain.preferences.splits import (
    Split,
    seeded_share,
    split_by_time,
    split_within_person,
)
from components.domain.ranker.prompts import dish_text
from components.files import write_json
from components.integrations import comparison_files, event_sources
from components.stages.paths import DIETS, EVENTS, SPLITS

SEED = 0  # of what is held out, and of the groups that are trained on


def split(params: Params) -> None:
    """Makes comparisons of all events and holds some of them out.

    Raises:
        DataRejected: All dishes are empty in the fields that the model reads.
    """
    tables = event_sources.read_tables(EVENTS)
    dishes, fields = dishes_of(tables["dishes"]), params.prompt.dish_fields
    if not any(dish_text(dish, fields) for dish in dishes.values()):
        raise DataRejected(
            f"none of the {len(dishes)} dishes has a value in prompt.dish_fields ({', '.join(fields)}): "
            "the model would read nothing. Name fields that your dishes have."
        )
    events = event_sources.event_columns(event_sources.read_events(EVENTS))
    log = opinion_log(events, dishes, menus_of(tables["menus"]), Scale.of(params.collect))
    comparison_files.write_split(SPLITS, dishes, divide(params.split, log))
    diets = ((row["person_id"], (row["diet"] or "").strip().casefold()) for row in tables["people"])
    write_json(DIETS, {person: diet for person, diet in diets if diet})


def divide(settings: SplitParams, log: OpinionLog) -> Split:
    """Divides the log into training and test as the params ask for."""
    if settings.by == "time":
        comparisons, least = compare(log, SEED), settings.min_history
        cut = cut_day(comparisons, settings.test_days, least)
        if log.is_stated.any():  # their blocks must not cross the cut
            comparisons = compare(log, SEED, cut)
        return split_by_time(comparisons, cut, least)
    background = frozenset(settings.background)
    if settings.by == "dish":
        hidden = dish_fold(log, settings.test_share, settings.fold, SEED)
        return split_by_dish(log, hidden, background, settings.min_history, SEED)
    if settings.by == "source":
        held_out = np.isin(np.array(log.sources, object)[log.source], settings.test_sources)
    else:
        held_out = seeded_share(log, settings.test_share, SEED)
    return split_within_person(log, held_out, background, settings.min_history, SEED)
