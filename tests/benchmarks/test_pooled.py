"""Means over people of pooled tests, and what the benchmark on films makes of a small table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import movielens, new_dishes
from benchmarks.pooled import Measured, measured, minus, pooled
from components.domain.preferences.splits import seeded_share
from components.domain.verdict.metrics import comparison_metrics


def _frame(people: int = 12, films: int = 30) -> pd.DataFrame:
    """Each person rates each film; the even ones like the films with odd numbers."""
    rows = [
        {
            "userId": person,
            "movieId": film,
            "title": None if film == 7 else f"Film {film}",
            "year": None if film == 8 else 1980.0 + film,
            "genres": "Drama|War" if film % 2 else movielens.NO_GENRES,
            "rating": 4.5 if (person + film) % 2 else 1.5,
            "timestamp": 1_000_000 + film,
        }
        for person in range(people)
        for film in range(1, films + 1)
    ]
    return pd.DataFrame(rows)


def _accuracy(result: Measured, row: str) -> float:
    return result.interval(row).mean


def test_films_become_dishes_with_genres_and_decade_as_tags() -> None:
    _, dishes, log = movielens.films(_frame())
    assert (dishes["3"].name, dishes["3"].tags) == ("Film 3", ("Drama", "War", "1980s"))
    assert (dishes["8"].name, dishes["8"].tags) == ("Film 8", ())
    assert dishes["7"].name == "Unknown"
    assert (len(log), len(log.people), len(log.dishes)) == (360, 12, 30)
    assert np.nanmean(log.rating) == pytest.approx(3.0)


def test_every_film_is_hidden_once_and_a_row_that_knows_the_tastes_is_right() -> None:
    frame = _frame()
    rising = frame["userId"] % 2 == 1  # these people like films with large numbers, the others small ones
    frame["rating"] = np.where(rising, frame["movieId"], 31 - frame["movieId"]) / 10
    parts = []
    for setting in new_dishes.folds(*movielens.films(frame)):
        test = setting.test
        sign = 2 * (np.array(test.log.people, np.int64)[test.person][test.owner] % 2) - 1
        likes = sign * np.array(test.log.dishes, np.int64)[test.offered]
        scores = {"knows": likes.astype(float), "equal": np.zeros(len(test.offered))}
        parts.append(measured(test, scores, setting.counts))
    hidden = [np.unique(part.test.take(np.flatnonzero(part.counts)).offered) for part in parts]
    assert sorted(np.concatenate(hidden)) == list(range(30))
    both = pooled(parts)
    assert (_accuracy(both, "knows"), _accuracy(both, "equal")) == (1.0, 0.5)
    assert both.difference("knows", "equal").mean == 0.5
    assert (minus(both, "knows", "knows"), minus(both, "knows", "equal")[:6]) == ("", "+0.500")
    assert both.unit == "dishes"


def test_a_row_that_a_part_lacks_is_dropped_and_means_weigh_people_alike() -> None:
    setting = next(new_dishes.folds(*movielens.films(_frame())))
    scores = np.random.default_rng(0).random(len(setting.test.offered))
    one = measured(setting.test, {"a": scores, "b": scores}, setting.counts)
    both = pooled([one, replace(one, accuracies={"a": one.accuracies["a"]})])
    assert list(both.accuracies) == ["a"]
    values = comparison_metrics(scores, setting.test)[:, 0]
    people = np.unique(setting.test.person[setting.counts])
    means = [values[setting.counts & (setting.test.person == person)].mean() for person in people]
    assert _accuracy(one, "a") == pytest.approx(np.mean(means))
    assert _accuracy(both, "a") == pytest.approx(np.mean(means))


def test_of_each_person_a_few_comparisons_that_count_are_kept() -> None:
    setting = next(new_dishes.folds(*movielens.films(_frame())))
    kept = movielens.few(setting)
    assert kept.counts.all()
    each = np.bincount(setting.test.person[setting.counts])
    assert np.bincount(kept.test.person).tolist() == np.minimum(each, movielens.MOST).tolist()


def test_eases_weights_are_the_ridge_regression_of_each_film_on_the_others() -> None:
    above = np.random.default_rng(1).normal(size=(20, 6))
    weights = movielens.ease(above, 3.0)
    for film in range(6):
        others = np.delete(np.arange(6), film)
        part = above[:, others]
        ridge = np.linalg.solve(part.T @ part + 3.0 * np.eye(5), part.T @ above[:, film])
        assert weights[others, film] == pytest.approx(ridge)
        assert weights[film, film] == 0


def test_known_ratings_alone_are_evidence() -> None:
    params, dishes, log = movielens.films(_frame())
    setting = movielens._known(params, dishes, log)
    means, above = movielens.evidence(setting)
    held_out = seeded_share(log, params.split.test_share, new_dishes.SEED)
    assert np.count_nonzero(above) == np.count_nonzero(~held_out)
    assert np.abs(means).max() < 0.5
    order = above @ movielens.ease(above, 1.0)
    scores = order[setting.test.person[setting.test.owner], setting.test.offered]
    assert _accuracy(measured(setting.test, {"ease": scores}), "ease") == 1.0


def test_tags_and_words_vary_alike() -> None:
    params, dishes, log = movielens.films(_frame())
    vectors = movielens.tags_and_words(movielens._known(params, dishes, log))
    assert vectors.var(axis=0).sum() == pytest.approx(2.0)
    assert len(vectors) == 30
