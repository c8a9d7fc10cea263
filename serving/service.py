"""The BentoML service: ranks a menu for a person, and is ready only once its canary has passed."""

from __future__ import annotations

import json
import logging
import math
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

import bentoml
import torch
from bentoml.exceptions import InternalServerError, InvalidArgument, ServiceUnavailable

from components.domain.ranker.prompts import DishTokens, prompt_hash
from components.domain.records import Dish, Past, Question
from components.domain.verdict import canary as stored
from components.integrations import base_models, scoring
from serving.body_limit import BodyLimit
from serving.image import service_image
from serving.json_only import JsonOnly
from serving.outcomes import Outcomes
from serving.schema import VERDICTS, CanaryAnswer, RankAnswer, RankedDish, RankRequest

logger = logging.getLogger("palate")

SERVED = Path(__file__).resolve().parent.parent / "models" / "served"
MAX_BODY_BYTES = 1_000_000


@bentoml.service(name="palate", image=service_image(), workers=1, traffic={"timeout": 30})
class Palate:
    """Ranks dishes for a person by what they ate before. /readyz is 503 unless the canary has passed."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = json.loads((SERVED / "served.json").read_text(encoding="utf-8"))
        self.fields = tuple(self.facts["dish_fields"])
        device = base_models.choose_device()
        self.model = base_models.load(SERVED / "model", torch.float32, device)
        self.outcomes = Outcomes(self.facts["model_version"])
        self.refusal, _ = self._examine()
        if self.refusal:
            logger.error("not ready: %s", self.refusal)

    def __is_ready__(self) -> bool:
        """Whether what is served was proven to be the adapter that was trained."""
        return not self.refusal

    async def __metrics__(self, metrics: str) -> str:
        """BentoML's metrics and the outcomes of the model."""
        return f"{metrics}{self.outcomes.lines()}"

    @bentoml.api
    def rank(self, request: RankRequest, /, ctx: bentoml.Context) -> RankAnswer:
        """Ranks the offered dishes for a person, given their history."""
        if self.refusal:
            raise ServiceUnavailable(f"The canary failed: {self.refusal}.")
        self._check_sizes(request)
        lines = request.history
        past = [line.dish.record("past/") for line in lines]
        offered = [dish.record("offer/") for dish in request.dishes]
        history = tuple(
            Past(dish.dish_id, VERDICTS[line.verdict], line.rating)
            for dish, line in zip(past, lines, strict=True)
        )
        question = Question(request.person_id, history, tuple(dish.dish_id for dish in offered))
        scores = self._scores(question, {dish.dish_id: dish for dish in (*past, *offered)})
        ranked = [
            RankedDish(dish_id=dish.dish_id, score=score)
            for dish, score in zip(request.dishes, scores, strict=True)
        ]
        answer_id = f"{self.facts['bento']}/{secrets.token_hex(8)}"
        ctx.response.headers.update(self._lineage(answer_id))
        return RankAnswer(
            answer_id=answer_id,
            person_id=request.person_id,
            order=[dish.dish_id for dish in sorted(ranked, key=lambda dish: -dish.score)],
            scores=ranked,
            model=self.facts["model"],
            model_version=self.facts["model_version"],
            data_version=self.facts["data_md5"],
            preview=self.facts["preview"],
        )

    def _scores(self, question: Question, dishes: dict[str, Dish]) -> list[float]:
        """The question's scores; what the model fails on is counted as its error."""
        failed = True
        try:
            scores = scoring.score_question(self.model, self._tokens(dishes), question)
            failed = not all(map(math.isfinite, scores))
        finally:
            self.outcomes.count(error=failed)
        if failed:
            raise InternalServerError("A score is no number: the model is damaged.")
        return scores

    @bentoml.api
    def canary(self) -> CanaryAnswer:
        """Answers the stored questions again, and is ready only if the scores are the trained adapter's."""
        self.refusal, difference = self._examine()
        if self.refusal:
            logger.error("not ready: %s", self.refusal)
        return CanaryAnswer(
            passed=not self.refusal,
            reason=self.refusal or "",
            worst=difference,
            model_version=self.facts["model_version"],
            bento=self.facts["bento"],
            adapter_sha256=self.facts["adapter_sha256"],
        )

    def _tokens(self, dishes: dict[str, Dish]) -> DishTokens:
        return self.model.dish_tokens(dishes, self.fields, self.facts["max_history"])

    def _lineage(self, answer_id: str) -> dict[str, str]:
        """Headers that name what answered, so that a proxy's log leads to the rows."""
        keys = {"version": "model_version", "data": "data_md5", "gate": "gate_sha256", "git": "git_sha"}
        headers = {f"X-Palate-{name.title()}": str(self.facts[key]) for name, key in keys.items()}
        return {"X-Palate-Answer": answer_id, **headers}

    def _check_sizes(self, request: RankRequest) -> None:
        limits = self.facts["serve"]
        for field, entries in (("dishes", request.dishes), ("history", request.history)):
            limit = limits[f"max_{field}"]
            if len(entries) > limit:
                raise InvalidArgument(f"{field} has {len(entries)} entries: send at most {limit}.")
        counts = Counter(dish.dish_id for dish in request.dishes)
        duplicates = sorted(dish_id for dish_id, count in counts.items() if count > 1)
        if duplicates:
            raise InvalidArgument(f"dish_id {duplicates[0]!r} is offered twice: send each dish once.")

    def _examine(self) -> tuple[str | None, float | None]:
        """Why this may not serve, and the largest difference of a stored score in logits."""
        here, learnt = prompt_hash(self.fields), self.facts["prompt_hash"]
        if here != learnt:
            return f"prompts here hash to {here}, the adapter learnt with {learnt}", None
        self.model.vectors.clear()  # a stored vector would prove the model of before
        questions = stored.from_json(json.loads((SERVED / "canary.json").read_text(encoding="utf-8")))
        scores = [
            scoring.score_question(self.model, self._tokens(question.menu()), question.question())
            for question in questions
        ]
        tolerance = self.facts["serve"]["canary_tolerance"]
        return stored.why_wrong(questions, scores, tolerance), stored.largest_difference(questions, scores)


for middleware, settings in ((JsonOnly, {}), (BodyLimit, {"max_bytes": MAX_BODY_BYTES})):
    Palate.add_asgi_middleware(middleware, **settings)  # type: ignore[attr-defined]  # it is a Service by now
