"""Parts of a test, and how candidates and the strongest rules do on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.tables import Comparisons
from components.domain.verdict.evaluation import DIET, HISTORIES, NEW_AGAINST_READ, SliceResult
from components.domain.verdict.table import Contender
from components.files import read_json
from components.stages import paths
from components.stages.contenders import Setting, table_of

MIN_OF_A_DIET = 5  # people, for their accuracy to be shown
STRONG_RULES = ("content-history", "item-knn", "stacked-rules")  # shown beside the candidates


def slices(
    setting: Setting, rows: Sequence[Contender], parts: Mapping[str, Bools]
) -> dict[str, dict[str, SliceResult]]:
    """Measures candidates and the strongest rules on parts of the test, where any of them can be measured."""
    shown = {*setting.params.train.candidates, *STRONG_RULES}
    table = table_of(setting, [each for each in rows if each.name in shown])
    results = {part: table.slice(mask, table.measured) for part, mask in parts.items()}
    return {part: measured for part, measured in results.items() if measured}


def parts_of(setting: Setting) -> dict[str, Bools]:
    """Selects the comparisons of parts of the test, (Q,) each.

    They are people or dishes that training has not read, short and long histories, and diets; of them the
    comparisons that count.
    """
    counts = setting.counts
    parts = {part: mask & counts for part, mask in _parts(setting).items()}
    return parts if counts.all() else {**parts, NEW_AGAINST_READ: ~counts}


def _parts(setting: Setting) -> dict[str, Bools]:
    train, test = setting.train, setting.test
    chosen, lines = test.offered[test.chosen_at], test.lines
    width = len(test.log.dishes)
    in_history = np.isin(
        test.owner * width + test.offered, lines.question * width + test.log.dish[lines.line]
    )
    sizes = test.history_sizes
    return {
        "unseen people": ~np.isin(test.person, train.person),
        "unseen dishes": ~np.isin(chosen, train.offered),
        "no dish in the history": np.bincount(test.owner, in_history, minlength=len(test)) == 0,
        **{
            f"{HISTORIES}{low}" + (f" to {high}" if high > low else ""): (low <= sizes) & (sizes <= high)
            for low, high in _quarters(sizes)
        },
        **_diets(test),
    }


def _diets(test: Comparisons) -> dict[str, Bools]:
    """Selects the comparisons of the people of each diet; omits diets of few people, whom it would expose."""
    written = read_json(paths.DIETS)
    texts = (written.get(person, "").split(";") for person in test.log.people)
    of_people = [{text.strip() for text in each} - {""} for each in texts]
    of_tested = Counter(diet for person in np.unique(test.person) for diet in of_people[person])
    return {
        f"{DIET}{diet}": np.array([diet in each for each in of_people])[test.person]
        for diet, people in sorted(of_tested.items())
        if people >= MIN_OF_A_DIET
    }


def _quarters(sizes: Ints) -> list[tuple[int, int]]:
    """Computes the shortest and longest history of each quarter of the test.

    There are fewer quarters where many histories are equally long.
    """
    ends = sorted({int(end) for end in np.quantile(sizes, (0.25, 0.5, 0.75, 1), method="lower")})
    starts = [int(sizes.min()), *(end + 1 for end in ends)]
    return list(zip(starts, ends, strict=False))
