"""Tells what a night would make of a user's tables: what it accepts, can learn from, and gives the gate.

This is not a stage of a night: `make doctor DATA=…` prints the page and changes no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from components.domain.errors import DataRejected
from components.domain.params import Params
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.events import Collected, by_reason
from components.domain.preferences.held_out_days import MIN_PEOPLE, NOBODY_TO_TEST, entries
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.opinions import Scale, dishes_of, menus_of, opinion_log
from components.domain.preferences.splits import Split
from components.domain.preferences.strengths import known_opinions, rating_scale
from components.domain.ranker.left_out_pairs import latest_lines
from components.domain.ranker.more_opinions import could_tell
from components.domain.ranker.prompts import dish_text
from components.domain.records import DISLIKED, LIKED, Dish
from components.domain.rivals.rules import SEED, random_scores
from components.domain.verdict.clusters import Clusters, estimate, number_of_people
from components.domain.verdict.gate import MIN_OTHERS
from components.domain.verdict.metrics import comparison_metrics
from components.stages.split import divide
from components.stages.suggestions import suggestions

SUGGESTED = "What to set in params.yaml"  # title of the page's last section
GOOD = 0.65  # share of a person's pairs, one dish liked more than the other, that a good ranking puts right
REASONS = 8  # of quarantined rows that are shown


def examine(params: Params, collected: Collected, events: EventColumns, separator: str = "") -> str:
    """Writes the page about a user's tables as plain text.

    Args:
        params: Settings that the night would have.
        separator: Character at which cells could be split that look like lists but are read as one value.
    """
    tables = collected.tables
    dishes = dishes_of(tables["dishes"])
    log = opinion_log(events, dishes, menus_of(tables["menus"]), Scale.of(params.collect))
    split, why_not = _split(params, log, has_events=len(events) > 0)
    hint = [f'collect: {{list_separator: "{separator}"}}  # if the cells in which it stands are lists']
    hint = hint if separator else []
    sections = {
        "What becomes of the rows": _rows(collected, params.check.max_quarantined_share),
        "What there is to learn from": _events(params, log, events, dishes),
        "What the gate will have": _evidence(params, split) if split else [why_not],
        SUGGESTED: [*hint, *suggestions(params, collected, log, split)] or ["nothing"],
    }
    return "\n".join(line for title, lines in sections.items() for line in (title, *_indented(lines), ""))


def _indented(lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _split(params: Params, log: OpinionLog, *, has_events: bool) -> tuple[Split | None, str]:
    if not len(log):  # retracts leave no opinion
        why = "no event says what somebody likes" if has_events else "no event was accepted"
        return None, f"nothing: {why}"
    try:
        split = divide(params.split, log)
    except DataRejected as error:
        return None, f"nothing: {error}"
    if not len(split.test):
        return None, f"nothing yet: {NOBODY_TO_TEST}. Nights train, and their gate is inconclusive until then"
    return split, ""


def _rows(collected: Collected, most: float) -> Iterator[str]:
    yield f"{'':8} {'rows':>9} {'accepted':>9} {'duplicate':>9} {'quarantined':>11}"
    for table, counts in collected.counts.items():
        numbers = f"{counts.accepted:9,} {counts.duplicates:9,} {counts.quarantined:11,}"
        yield f"{table:8} {counts.rows_in:9,} {numbers}"
    often = by_reason(collected.quarantined)
    for _, rows in often[:REASONS]:
        first = rows[0]
        yield f"{len(rows):,} of {first.table}, the first in {first.file} at row {first.line}: {first.reason}"
    if len(often) > REASONS:
        yield f"and {len(often) - REASONS} more reasons"
    share = len(collected.quarantined) / max(1, sum(counts.rows_in for counts in collected.counts.values()))
    if share > most:
        yield (
            f"{share:.1%} of the rows are quarantined, and with more than {most:.1%} a night stops: mend "
            "what the reasons name, or map it with collect.columns (docs/bring-your-own-data.md)"
        )


def _events(
    params: Params, log: OpinionLog, events: EventColumns, dishes: Mapping[str, Dish]
) -> Iterator[str]:
    counts = np.bincount(events.kind.number, minlength=len(events.kind.names))
    kinds = Counter(dict(zip(events.kind.names, counts.tolist(), strict=True)))
    words = ", ".join(f"{count:,} {kind}s" for kind, count in kinds.most_common()) or "no events"
    days = f", from {log.day.min()} to {log.day.max()}" if len(log) else ""
    yield f"{words} of {number_of_people(len(log.people))} on {len(dishes):,} dishes{days}"
    yield from _ratings(params, log)
    if len(log):
        yield _people_to_tell(log)
    yield from _without_menus(kinds, log)
    yield from _dishes(params, log, dishes)


def _ratings(params: Params, log: OpinionLog) -> Iterator[str]:
    rated = ~np.isnan(log.rating)
    if rated.any():
        likes, dislikes = (float((log.verdict[rated] == verdict).mean()) for verdict in (LIKED, DISLIKED))
        low, high = log.rating[rated].min(), log.rating[rated].max()
        yield (
            f"ratings from {low:g} to {high:g}: {likes:.0%} are likes (from {params.collect.like_at:g} up), "
            f"{dislikes:.0%} dislikes (from {params.collect.dislike_at:g} down)"
        )


def _people_to_tell(log: OpinionLog) -> str:
    """Counts the people by whose opinions a good ranking could be told from chance, whatever ranks."""
    opinions = known_opinions(log, np.ones(len(log), bool))
    liked, is_rated = opinions.strengths(rating_scale(opinions)), ~np.isnan(opinions.rating)
    enough, stops = 0, np.cumsum(opinions.sizes)
    for start, stop in zip(stops - opinions.sizes, stops, strict=True):
        lines = start + latest_lines(opinions.dish[start:stop, None])
        enough += could_tell(liked[lines], is_rated[lines], GOOD)
    ranking = f"a ranking that is right in {GOOD:.0%} of a person's pairs"
    return f"{ranking} could be told from chance for {enough:,} of {len(log.people):,} people"


def _without_menus(kinds: Mapping[str, int], log: OpinionLog) -> Iterator[str]:
    picks = kinds.get("like", 0) + kinds.get("order", 0)
    if picks and not kinds.keys() & {"choice", "rating", "dislike"}:
        yield (
            f"{picks:,} likes and orders without a menu: nobody knows what was passed over, so they are "
            "compared with what others took then; choices with their menus say more"
        )
    if len(log) and log.day.min() == log.day.max():
        yield "all events carry one day: nothing is learnt from their order"


def _dishes(params: Params, log: OpinionLog, dishes: Mapping[str, Dish]) -> Iterator[str]:
    fields = params.prompt.dish_fields
    texts = [dish_text(dish, fields) for dish in dishes.values()]
    empty, twins = texts.count(""), len(texts) - len(set(texts))
    if empty:
        names = ", ".join(fields)
        yield f"{empty:,} dishes have no value in prompt.dish_fields ({names}): the model reads nothing there"
    if twins > max(0, empty - 1):
        yield f"{twins - max(0, empty - 1):,} dishes read like another one: the model cannot tell them apart"
    unused = len(dishes) - len(np.unique(log.dish))
    if unused:
        yield f"{unused:,} dishes are in no event: only their text ranks them"


def _evidence(params: Params, split: Split) -> Iterator[str]:
    test, by_time = split.test, params.split.by == "time"
    people = len(np.unique(test.person))
    unit: Clusters = "dishes" if params.split.by == "dish" else "menu days"
    chance = random_scores(test, SEED)
    accuracy = estimate(comparison_metrics(chance, test)[:, 0], test, unit)
    held_out = f"{len(test):,} comparisons of {number_of_people(people)} held out"
    yield f"{len(split.train):,} comparisons to train on, {held_out} (split.by: {params.split.by})"
    trained = np.unique(split.train.person)
    untested = len(trained) - len(np.intersect1d(trained, test.person))
    if untested:
        count = number_of_people(untested)
        yield f"{count} trained on and not tested: too few comparisons, or none held out"
    if people < MIN_PEOPLE:
        yield f"too few people: the gate decides nothing with fewer than {MIN_PEOPLE}"
    if by_time:
        days, missing = len(np.unique(test.day)), MIN_OTHERS - len(entries(test.person, test.day))
        yield f"{days} days held out: " + (
            f"the gate can decide after {missing} more days of {MIN_PEOPLE} people"
            if missing > 0
            else "the first night can decide"
        )
    elif accuracy.others is not None and accuracy.others < MIN_OTHERS:
        yield f"too few {unit}: {accuracy.others}, the gate decides nothing with fewer than {MIN_OTHERS}"
    margin = accuracy.margin(params.evaluate.confidence)
    if people >= MIN_PEOPLE and np.isfinite(margin):
        yield f"a mean of the table is right to about {margin:.3f}: much smaller gaps stay inconclusive"
