"""Counts the people whom a candidate with text factors ranks better than chance, by their own opinions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from components.domain.preferences.strengths import known_opinions
from components.domain.ranker.left_out_pairs import PersonOpinions
from components.domain.ranker.more_opinions import SEED, least_more
from components.domain.ranker.person_ranking import accuracy_and_chance, is_significant
from components.domain.ranker.text_factors import TextFactors
from components.domain.verdict.evaluation import RankedPeople
from components.integrations import adapters, base_models
from components.stages.bases import base_of
from components.stages.contenders import Setting
from components.stages.paths import ADAPTERS
from components.stages.states import stored_states

MOST_TESTED = 200  # people: bounds time


def ranked_people(setting: Setting) -> RankedPeople | None:
    """Tests a draw of the people with enough opinions of both kinds, by what training may know of them.

    The result is None where no candidate is a head of text factors alone, or nobody has enough opinions.
    """
    names = [
        name
        for name, candidate in setting.params.train.candidates.items()
        if candidate.factors and candidate.method == "none"
    ]
    if not names:
        return None
    enough = (each for each in _people(setting, names[0]) if not least_more(each.liked, each.is_rated))
    better = [is_significant(*accuracy_and_chance(opinions)) for opinions in islice(enough, MOST_TESTED)]
    return RankedPeople(names[0], len(better), sum(better)) if better else None


def _people(setting: Setting, name: str) -> Iterator[PersonOpinions]:
    """Yields the opinions of each person that training may know, people in random order."""
    base = base_of(setting.params.train.candidates[name])
    model, log = base_models.load_on_best_device(base), setting.test.log
    adapters.load_head(model, ADAPTERS / name)
    head = model.head
    if not isinstance(head, TextFactors):
        return
    tokens = model.dish_tokens(setting.dishes, setting.params.prompt.dish_fields)
    lines = [tokens.alone(dish, head.reading.template) for dish in log.dishes]
    states = stored_states(model, base)(lines, reading=head.reading)
    factors = head.factors_by_text(head.vectors(states, lines), lines).double().cpu().numpy()
    opinions = known_opinions(log, setting.may_know)
    strengths = opinions.strengths(head.rating_scale)
    stops = np.cumsum(opinions.sizes)
    for person in np.random.default_rng(SEED).permutation(len(stops)):
        some = np.arange(stops[person] - opinions.sizes[person], stops[person])
        yield head.person_opinions(
            factors[opinions.dish[some]], strengths[some], ~np.isnan(opinions.rating[some])
        )
