"""The rows of the evaluation's table: every candidate, and everything that it is held against."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from components.domain.params import Params
from components.domain.preferences.strengths import known_opinions, rating_spread
from components.domain.preferences.training_plan import whole_people
from components.domain.ranker import encoding
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import Comparison, Dish
from components.domain.rivals import baselines
from components.domain.rivals.retrieval import Alike, Bm25, cosine, with_most_similar_history
from components.domain.rivals.stacked_rules import fit_stacked_rules
from components.domain.verdict.canary import CanaryCase
from components.domain.verdict.evaluation import Kind
from components.domain.verdict.metrics import Floats
from components.files import read_json
from components.integrations import adapters, base_models, finetuning, scoring
from components.stages.paths import ADAPTERS, BASE, CHAMPION

CANARY_CASES = 4
ABLATION: Kind = "ablation"  # says what a part is worth; a candidate need not beat it
Scores = dict[str, Floats]
Table = dict[str, tuple[Kind, Scores]]  # name -> (kind, scores by comparison key)


def subset(cases: Sequence[Comparison], size: int, seed: int) -> list[Comparison]:
    """A case of every person in random order, then a second of each, until `size` cases are reached.

    Intervals are over people, so as many as can be are heard.
    """
    draw = random.Random(seed)
    by_person: dict[str, list[Comparison]] = {}
    for case in sorted(cases, key=lambda each: each.key):
        by_person.setdefault(case.person_id, []).append(case)
    rounds = []
    for person in draw.sample(sorted(by_person), len(by_person)):
        own = by_person[person]
        rounds += list(enumerate(draw.sample(own, len(own))))
    return [case for _, case in sorted(rounds, key=lambda each: each[0])][:size]


class Reader:
    """Loads models one at a time and reads comparisons with them."""

    def __init__(
        self, params: Params, dishes: dict[str, Dish], train: list[Comparison], test: list[Comparison]
    ) -> None:
        self.params, self.dishes, self.train, self.test = params, dishes, train, test
        self.few = subset(test, params.evaluate.subset, params.evaluate.seed)
        self.by_words = Bm25(dishes).score
        self.base: dict[str, str] = read_json(BASE / base_models.MARKER)

    def candidate(self, name: str) -> Scores:
        """A candidate on all test cases."""
        return self._score(self._adapted(name), self.test, name)

    def champion(self, champion: Mapping[str, Any]) -> Scores:
        """The champion, with the prompt that it learnt, on all test cases."""
        model = self._base()
        adapters.load(model, CHAMPION)
        return self._score(model, self.test, "champion", tuple(champion["dish_fields"]))

    def rules(self) -> Table:
        """What anyone could write without a language model."""
        by_time = self.params.split.by == "time"
        stacked = fit_stacked_rules(
            self.dishes,
            self.train,
            lambda each: each.at.date().isoformat() if by_time else each.person_id,
        )
        rules = {
            "random": baselines.random_scores(self.test, self.params.evaluate.seed),
            "popularity": baselines.popularity(self.train, self.test),
            "tag-affinity": baselines.tag_affinity(self.dishes, self.test),
            "content-history": stacked.content.scores(self.dishes, self.test),
            **stacked.people.scores(self.test),
            "stacked-rules": stacked.scores(self.dishes, self.test),
        }
        return {name: ("rule", scores) for name, scores in rules.items()}

    def untuned(self, best: str) -> Table:
        """What the base gives without training, and with nothing but a head trained on it.

        Rows that read dishes in context cost a forward pass each and are measured on a subset of the cases.
        """
        model, vectors = self._base(), self.params.train.candidates[best].vectors
        table: Table = {"base": ("untuned", self._score(model, self.few, "base"))}
        for name, alike in (("base-bm25", self.by_words), ("base-embeddings", self._by_meaning(model))):
            retrieved = with_most_similar_history(self.few, alike, self.params.evaluate.retrieved)
            table[name] = ("untuned", self._score(model, retrieved, name))
        if vectors:
            model.network.requires_grad_(requires_grad=False)
            tokens = model.dish_tokens(self.dishes, self.params.prompt.dish_fields)
            spread = rating_spread(known_opinions(self.train))
            settings = self.params.train.candidates[best]
            train = whole_people(self.train, settings.comparisons, self.params.train.seed)
            finetuning.fit_vectors(
                model, tokens, train, settings, vectors, settings.epochs, spread, lambda _step: None
            )
            table["base-vectors"] = ("untuned", self._score(model, self.test, "base-vectors"))
        return table

    def probes(self, best: str) -> Table:
        """The best candidate with something taken from it: what that something is worth.

        A candidate that does as well without the person has learnt nothing of them, so these probes are
        rivals; one that does as well from names alone is only frugal.
        """
        model = self._adapted(best)
        cases = self.test if model.head else self.few
        short = with_most_similar_history(cases, self.by_words, self.params.evaluate.retrieved)
        swapped = baselines.with_history_of_another(cases, self.params.evaluate.seed)
        return {
            "no-history": (
                "probe", self._score(model, baselines.without_history(cases), "no-history")
            ),
            "other-history": ("probe", self._score(model, swapped, "other-history")),
            "short-history": (ABLATION, self._score(model, short, "short-history")),
            "name-only": (ABLATION, self._score(model, cases, "name-only", ("name",))),
        }  # fmt: skip

    def canary(self, name: str) -> list[CanaryCase]:
        """A few test questions with the scores of adapter and base, both in float32 and unmerged."""
        asked = sorted(self.test, key=lambda each: (-len(each.history), each.key))[:CANARY_CASES]
        model = base_models.load(BASE, torch.float32, torch.device("cpu"))
        tokens = model.dish_tokens(self.dishes, self.params.prompt.dish_fields)
        adapters.load_head(model, ADAPTERS / name)
        base = [scoring.score_menu(model, tokens, each) for each in asked]
        adapters.load(model, ADAPTERS / name)
        tuned = [scoring.score_menu(model, tokens, each) for each in asked]
        return [
            CanaryCase(
                tuple((self.dishes[past.dish_id], past.verdict, past.rating) for past in each.history),
                tuple(self.dishes[dish] for dish in each.dishes),
                tuple(own),
                tuple(plain),
            )
            for each, own, plain in zip(asked, tuned, base, strict=True)
        ]

    def _by_meaning(self, model: LanguageModel) -> Alike:
        tokens = model.dish_tokens(self.dishes, self.params.prompt.dish_fields)
        states = encoding.hidden_states(model, [tokens.alone(dish) for dish in self.dishes])
        return cosine(dict(zip(self.dishes, states.double().cpu().numpy(), strict=True)))

    def _base(self) -> LanguageModel:
        device = base_models.choose_device()
        return base_models.load(BASE, base_models.choose_dtype(device), device)

    def _adapted(self, name: str) -> LanguageModel:
        model = self._base()
        adapters.load(model, ADAPTERS / name)
        return model

    def _score(
        self, model: LanguageModel, cases: Iterable[Comparison], what: str, fields: tuple[Any, ...] = ()
    ) -> Scores:
        tokens = model.dish_tokens(self.dishes, fields or self.params.prompt.dish_fields)
        return scoring.score(model, tokens, cases, self.params.train.row_tokens, what)
