"""`make benchmark NAME=rivals`: are the rules that a candidate must beat as strong as the field's libraries?

Ours and those of scikit-surprise (KNNBaseline, SVD) and implicit (ALS, BPR) read the same opinions and score
the same held-out comparisons. The libraries' settings are the best of a small grid *on the test*, which
favours them; ours are chosen inside training, as every night does. Writes results/rivals.md.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.cpu.matrix_factorization_base import MatrixFactorizationBase
from scipy.sparse import csr_matrix
from surprise import SVD, AlgoBase, Dataset, KNNBaseline, Reader
from surprise.trainset import Trainset

from benchmarks.chance import split_events
from benchmarks.measuring import metrics_of, peak_mb, seconds
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import sample
from benchmarks.shapes import Events, many_choices, many_orders, many_ratings
from components.domain.preferences.arrays import Floats
from components.domain.preferences.splits import Split
from components.domain.preferences.strengths import Opinions, known_opinions
from components.domain.preferences.tables import Comparisons
from components.domain.records import Dish
from components.domain.rivals.fit_stacked_rules import fit_stacked_rules

_HEADER = """# Rivals beside the field's libraries

`make benchmark NAME=rivals`: pair accuracy per person, held out. `item-knn`, `matrix-factorisation` and
`stacked-rules` are rows of every night's table; their constants are chosen inside training. The libraries'
settings are the best of a small grid on the test itself, which favours them. Seconds are of a whole grid.
"""


def main() -> None:
    """Measures every set and writes the page."""
    rows = [row for name, dishes, split in _sets() for row in _rows(name, dishes, split)]
    heading = "set | rule | pair accuracy | s"
    publish(RESULTS / "rivals.md", "\n".join([_HEADER, *table(heading, rows), "", *_large(), ""]))


def _sets() -> Iterator[tuple[str, dict[str, Dish], Split]]:
    made_up: dict[str, tuple[Events, str]] = {
        "most of 80 dishes rated": (many_ratings(0), "source"),
        "choices of 60 dishes": (many_choices(0), "within_person"),
        "orders of 60 dishes": (many_orders(0), "time"),
        "likes of 60 dishes": (many_orders(0, kind="like"), "time"),
    }
    for name, (events, by) in made_up.items():
        yield f"{name}, made up", _named(events.dishes), split_events(events, by, 0)
    for name in ("food-world-cup", "italian-recipes"):
        setting = sample(name)
        yield name, setting.dishes, Split(setting.train, setting.test, setting.may_know)


def _named(dishes: tuple[str, ...]) -> dict[str, Dish]:
    return {dish: Dish(dish, f"dish {dish}") for dish in dishes}


def _rows(name: str, dishes: dict[str, Dish], split: Split) -> Iterator[list[str]]:
    rules: list[Callable[[], dict[str, Floats]]] = [lambda: _ours(dishes, split)]
    opinions = known_opinions(split.train.log, split.may_know)
    if np.isnan(opinions.rating).all():
        rules += [lambda: _implicit(opinions, split.test)]
    else:
        rules += [lambda: _surprise(opinions, split.test)]
    for rule in rules:
        started = time.perf_counter()
        scores = rule()
        cost = time.perf_counter() - started
        for label, values in scores.items():
            row = [name, label, f"{_accuracy(values, split.test):.3f}", f"{cost:.1f}"]
            print(row, flush=True)
            yield row


def _accuracy(scores: Floats, test: Comparisons) -> float:
    return float(np.mean([metrics[0] for metrics in metrics_of(scores, test).values()]))


def _ours(dishes: dict[str, Dish], split: Split) -> dict[str, Floats]:
    stacked = fit_stacked_rules(dishes, split.train, split.may_know, unit="person").rules
    return {
        "item-knn": stacked.neighbours(split.test),
        "matrix-factorisation": stacked.factors(split.test),
        "stacked-rules": stacked.scores(dishes, split.test),
    }


def _best(grid: Iterator[Floats], test: Comparisons) -> Floats:
    return max(grid, key=lambda scores: _accuracy(scores, test))


def _surprise(opinions: Opinions, test: Comparisons) -> dict[str, Floats]:
    data = _trainset(opinions)
    owners = test.person[test.owner].tolist()
    pairs = list(zip(owners, test.offered.tolist(), strict=True))

    def scores(algorithm: AlgoBase) -> Floats:
        algorithm.fit(data)
        estimates = {pair: algorithm.predict(*pair).est for pair in set(pairs)}
        return np.array([estimates[pair] for pair in pairs])

    similarity = {"name": "pearson_baseline", "user_based": False}
    neighbours = (
        KNNBaseline(k=k, sim_options=similarity | {"shrinkage": shrinkage}, verbose=False)
        for k, shrinkage in itertools.product((10, 20, 40), (25, 100))
    )
    factors = (
        SVD(n_factors=size, n_epochs=epochs, reg_all=reg, random_state=1)
        for size, epochs, reg in itertools.product((8, 32), (20, 60), (0.02, 0.1))
    )
    return {
        "surprise KNNBaseline": _best(map(scores, neighbours), test),
        "surprise SVD": _best(map(scores, factors), test),
    }


def _trainset(opinions: Opinions) -> Trainset:
    """The ratings as surprise reads them; a dish rated twice by a person counts with its last rating."""
    columns = {"person": opinions.group, "dish": opinions.dish, "rating": opinions.rating}
    ratings = pd.DataFrame(columns).dropna().drop_duplicates(["person", "dish"], keep="last")
    reader = Reader(rating_scale=(ratings["rating"].min(), ratings["rating"].max()))
    return Dataset.load_from_df(ratings, reader).build_full_trainset()


def _liked(opinions: Opinions, dishes: int) -> csr_matrix:
    """How often each person liked, ordered or chose each dish."""
    liked = opinions.verdict > 0
    shape, ones = (len(opinions.sizes), dishes), np.ones(int(liked.sum()), np.float32)
    return csr_matrix((ones, (opinions.group[liked], opinions.dish[liked])), shape=shape)


def _implicit(opinions: Opinions, test: Comparisons) -> dict[str, Floats]:
    liked = _liked(opinions, len(test.log.dishes))
    fixed = {"random_state": 1, "num_threads": 1}
    als = (
        AlternatingLeastSquares(size, regularization=strength, alpha=weight, iterations=20, **fixed)
        for size, strength, weight in itertools.product((4, 8, 16, 32), (0.1, 1.0, 10.0), (1.0, 10.0))
    )
    bpr = (
        BayesianPersonalizedRanking(size, learning_rate=rate, regularization=reg, iterations=100, **fixed)
        for size, rate, reg in itertools.product((4, 8, 16), (0.01, 0.05), (0.01, 0.1))
    )

    def scores(model: MatrixFactorizationBase) -> Floats:
        model.fit(liked, show_progress=False)
        return _products(model.user_factors, model.item_factors, test)

    return {"implicit ALS": _best(map(scores, als), test), "implicit BPR": _best(map(scores, bpr), test)}


def _products(people: Floats, dishes: Floats, test: Comparisons) -> Floats:
    return np.asarray((people[test.person[test.owner]] * dishes[test.offered]).sum(1), np.float64)


def _large() -> list[str]:
    """What the rules cost on 100,000 ratings, and on as many orders, of 1,000 dishes."""
    ratings = many_ratings(0, people=2000, dishes=1000, count=50)
    orders = many_orders(0, people=2500, dishes=1000)
    costs = []
    for events, by, what in ((ratings, "source", "ratings"), (orders, "time", "orders")):
        split, dishes = split_events(events, by, 0), _named(events.dishes)
        cost = seconds(functools.partial(_ours, dishes, split))
        costs.append(f"{len(events.rows):,} {what} of {len(events.dishes):,} dishes {cost:.0f} s")
    return [
        f"All rules take on {' and on '.join(costs)}; this whole process {peak_mb() / 1024:.1f} GB at most."
    ]


if __name__ == "__main__":
    main()
