"""data/events → data/splits: training and test comparisons, frozen, and the dishes they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.domain.errors import DataRejected
from components.domain.params import Params, SplitParams
from components.domain.preferences.comparisons import compare, dishes_of, opinions_of
from components.domain.preferences.splits import Split, seeded_share, split_by_time, split_within_person
from components.domain.ranker.prompts import dish_text
from components.domain.records import Opinion
from components.integrations import comparison_files, event_sources
from components.stages.paths import EVENTS, SPLITS


def split(params: Params) -> None:
    """Makes comparisons of all events and holds some of them out.

    Raises:
        DataRejected: No dish says anything in the fields that the model reads.
    """
    tables = event_sources.read_tables(EVENTS)
    dishes, fields = dishes_of(tables["dishes"]), params.prompt.dish_fields
    if not any(dish_text(dish, fields) for dish in dishes.values()):
        raise DataRejected(
            f"none of the {len(dishes)} dishes has a value in prompt.dish_fields ({', '.join(fields)}): "
            "the model would read nothing. Name fields that your dishes have."
        )
    menus: dict[str, list[str]] = {}
    for row in tables["menus"]:
        menus.setdefault(row["menu_id"], []).append(row["dish_id"])
    opinions = opinions_of(tables["events"], params.collect.like_at, params.collect.dislike_at)
    halves = _halves(params.split, opinions, menus)
    SPLITS.mkdir(parents=True, exist_ok=True)
    comparison_files.write_comparisons(SPLITS / "train.parquet", halves.train)
    comparison_files.write_comparisons(SPLITS / "test.parquet", halves.test)
    comparison_files.write_dishes(SPLITS / "dishes.parquet", dishes)


def _halves(settings: SplitParams, opinions: Sequence[Opinion], menus: Mapping[str, Sequence[str]]) -> Split:
    if settings.by == "time":
        comparisons = compare(opinions, menus, settings.max_history)
        return split_by_time(comparisons, settings.test_days, settings.min_history)
    background = frozenset(settings.background)
    if settings.by == "source":
        held_out = frozenset(each for each in opinions if each.source in settings.test_sources)
    else:
        compared = (each for each in opinions if each.source not in background)
        held_out = seeded_share(compared, settings.test_share, settings.seed)
    sizes = settings.min_history, settings.max_history
    return split_within_person(opinions, menus, held_out.__contains__, background, *sizes, settings.seed)
