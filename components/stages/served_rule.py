"""The rule that serves while there is no champion: its files, its canary, its row and its gate."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.domain.preferences.from_records import question_table
from components.domain.preferences.training_plan import TRAINING_FILE, Training
from components.domain.ranker.prompts import Reading
from components.domain.records import Dish
from components.domain.rivals.fit_stacked_rules import POPULARITY, Fitted, best_rule
from components.domain.rivals.rule_model import RuleModel
from components.domain.rivals.words import vocabulary_of
from components.domain.verdict.canary import (
    LEAST_EFFECT,
    CanaryQuestion,
    effect,
    made_up_questions,
    stored_questions,
    to_json,
)
from components.domain.verdict.evaluation import SERVED_RULE, ServedRule
from components.domain.verdict.gate import GateResult
from components.domain.verdict.table import Contender
from components.domain.word_factors import WordFactors
from components.files import folder_sha256, write_json
from components.integrations import rule_files
from components.integrations.rule_files import AnyRule
from components.stages.contenders import FactorRule, Setting
from components.stages.paths import RULE, RULE_CANARY

RIVALS = ("random", POPULARITY, "champion")  # rows that the rule must beat to be proven


@dataclass(frozen=True)
class Rules:
    """All rules of a night, fitted."""

    stacked: Fitted
    factors: Sequence[FactorRule]

    @property
    def means(self) -> dict[str, float]:
        """By rule, its mean share of pairs won on folds of the training period, after plain histories."""
        return {**self.stacked.means, **{rule.name: rule.fitted.accuracy for rule in self.factors}}

    def model(self, name: str, dishes: tuple[Dish, ...]) -> AnyRule:
        """Builds the rule of this name, ready to be stored and asked; `dishes` are those of the log."""
        vocabulary = vocabulary_of(dishes)
        for rule in self.factors:
            if rule.name == name:
                names = [(number,) for number in range(len(dishes))]  # as WordFactors names them
                factors, fitted = rule.fitted.factors, rule.fitted
                head = factors.head(fitted.noise, fitted.weights, names, Reading())
                return WordFactors(name, head, dishes, vocabulary, rule.tags, rule.basis)
        return RuleModel(name, self.stacked.alone(name), dishes, vocabulary)


def write(setting: Setting, fitted: Rules) -> AnyRule:
    """Writes the rule that reads plain histories best, its training and its canary.

    A rule on whose scores a history has no effect is replaced by popularity.

    Returns:
        The rule as it was stored.
    """
    dishes = tuple(setting.dishes[dish] for dish in setting.train.log.dishes)
    for name in dict.fromkeys((best_rule(fitted.means), POPULARITY)):
        shutil.rmtree(RULE, ignore_errors=True)
        rule_files.save(fitted.model(name, dishes), RULE)
        model = rule_files.load(RULE)
        questions = _canary(setting, model)
        if effect(questions) > LEAST_EFFECT:
            break
    write_json(RULE_CANARY, to_json(model.name, questions))
    newest, count = setting.train.newest, len(setting.train)
    training = Training({"rule": model.name}, newest, newest, "", count, 0, 1)
    write_json(RULE / TRAINING_FILE, training.to_json())
    return model


def contender(setting: Setting, model: AnyRule) -> Contender:
    """Scores the test with the rule, after histories without menus and times."""
    return Contender(SERVED_RULE, "served rule", model.scores(setting.test, setting.dishes))


def judged(model: AnyRule, fitted: Rules, gate: GateResult) -> ServedRule:
    """Describes the rule that was stored, and the gate's answer on it, for the evaluation report."""
    reason, verdict = (
        words.replace(SERVED_RULE, f"the rule {model.name}", 1) for words in (gate.reason, gate.verdict)
    )
    named = replace(gate, reason=reason, verdict=verdict)
    return ServedRule(model.name, fitted.means, named, folder_sha256(RULE))


def _canary(setting: Setting, model: AnyRule) -> list[CanaryQuestion]:
    """Scores made-up questions with the rule, and each once more with the history of the question before.

    Popularity reads no history, so its questions hold no second scores.
    """
    collect, dishes = setting.params.collect, setting.dishes
    questions = made_up_questions(setting.test.log.dishes, collect.like_at, collect.dislike_at)
    others = [replace(each, history=questions[number - 1].history) for number, each in enumerate(questions)]
    ends = np.cumsum([len(each.dishes) for each in questions])[:-1]
    scores, swapped = (
        np.split(model.scores(question_table(some), dishes), ends) for some in (questions, others)
    )
    if model.name == POPULARITY:
        swapped = [np.empty(0)] * len(questions)
    return stored_questions(questions, dishes, scores, swapped)
