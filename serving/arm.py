"""An arm: one version that the service answers with, with its facts, its canary and its model's outcomes."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from bentoml.exceptions import InternalServerError

from components.domain.ranker.prompts import DishTokens, prompt_hash
from components.domain.records import Dish, Question
from components.domain.verdict import canary as stored
from serving.calls import NobodyWaits, must_go_on
from serving.outcomes import Outcomes


def position(person_id: str, trial: str) -> float:
    """Where a person stands between 0 and 1: the same in all pods, another one in each trial.

    Args:
        person_id: Id of the person.
        trial: What the people are divided for.
    """
    digest = hashlib.sha256(f"{trial}/{person_id}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:6]) / 2**48


class Arm:
    """A version and all that it needs to answer.

    Args:
        folder: Its model, canary.json and served.json, as the night staged them.

    Attributes:
        facts: Content of served.json.
        model: The merged model.
        outcomes: What the model made of the requests that reached it.
        refusal: Why it may not serve; None while its canary passes.
    """

    def __init__(self, folder: Path) -> None:
        # Imported here: BentoML's parent process imports this file too, and would hold torch for nothing.
        import torch

        from components.integrations import base_models

        self.folder = folder
        self.facts = facts_in(folder)
        self.fields = tuple(self.facts["dish_fields"])
        self.model = base_models.load(folder / "model", torch.float32, base_models.choose_device())
        self.outcomes = Outcomes(self.facts["model_version"])
        self.refusal, _ = self.examine()

    def tokens(self, dishes: dict[str, Dish]) -> DishTokens:
        """The dishes as this version's model reads them."""
        return self.model.dish_tokens(dishes, self.fields, self.facts["max_history"])

    def scores(self, question: Question, tokens: DishTokens) -> list[float]:
        """The question's scores; what the model fails on is counted as its error.

        Args:
            question: What is ranked, for whom.
            tokens: Of all its dishes.

        Raises:
            NobodyWaits: The client went away or the time is over, which is no error of the model.
            InternalServerError: A score is no number.
        """
        from components.integrations import scoring

        must_go_on()  # it may have waited for its turn
        try:
            scores = scoring.score_question(self.model, tokens, question, must_go_on)
            failed = not all(map(math.isfinite, scores))
        except NobodyWaits:
            raise
        except Exception:
            self.outcomes.count(error=True)
            raise
        self.outcomes.count(error=failed)
        if failed:
            raise InternalServerError("A score is no number: the model is damaged.")
        return scores

    def sensitivity(self, questions: list[Question], tokens: DishTokens) -> list[list[float]]:
        """Scores of variants of one question, which say what moved its scores; counted nowhere."""
        from components.integrations import scoring

        return [scoring.score_question(self.model, tokens, each, must_go_on) for each in questions]

    def examine(self) -> tuple[str | None, float | None]:
        """Why this may not serve, and the largest difference of a stored score in logits."""
        from components.integrations import scoring

        here, learnt = prompt_hash(self.fields), self.facts["prompt_hash"]
        if here != learnt:
            return f"prompts here hash to {here}, the adapter learnt with {learnt}", None
        fresh = replace(self.model, vectors={})  # a stored vector would prove the model of before
        questions = stored.from_json(json.loads((self.folder / "canary.json").read_text(encoding="utf-8")))
        scores = [
            scoring.score_question(fresh, self.tokens(question.menu()), question.question(), must_go_on)
            for question in questions
        ]
        tolerance = self.facts["serve"]["canary_tolerance"]
        return stored.why_wrong(questions, scores, tolerance), stored.largest_difference(questions, scores)

    def lineage(self, answer_id: str) -> dict[str, str]:
        """Headers that name what answered, so that a proxy's log leads to the rows."""
        keys = {"version": "model_version", "data": "data_md5", "gate": "gate_sha256", "git": "git_sha"}
        headers = {f"X-Palate-{name.title()}": str(self.facts[key]) for name, key in keys.items()}
        return {"X-Palate-Answer": answer_id, **headers}


def facts_in(folder: Path) -> dict[str, Any]:
    """Content of a version's served.json."""
    return dict(json.loads((folder / "served.json").read_text(encoding="utf-8")))
