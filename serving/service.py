"""The BentoML service: ranks a menu for a person, and is ready only once its canary has passed."""

from __future__ import annotations

import json
import logging
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bentoml
import torch
from bentoml.exceptions import InvalidArgument, ServiceUnavailable

from components.domain.ranker.prompts import prompt_hash
from components.domain.records import Comparison, Past
from components.domain.verdict import canary as proof
from components.integrations import base_models, scoring
from serving.body_limit import BodyLimit
from serving.image import service_image
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
        self.refusal, _ = self._canary()
        if self.refusal:
            logger.error("not ready: %s", self.refusal)

    def __is_ready__(self) -> bool:
        """Whether what is served was proven to be the adapter that was trained."""
        return not self.refusal

    @bentoml.api
    def rank(self, ask: RankRequest, /, ctx: bentoml.Context) -> RankAnswer:
        """Ranks the offered dishes for a person, given their history."""
        if self.refusal:
            raise ServiceUnavailable(f"The canary failed: {self.refusal}.")
        self._check_sizes(ask)
        recent = ask.history[-self.facts["max_history"] :]
        past = [each.dish.record("past/") for each in recent]
        offered = [dish.record("offer/") for dish in ask.dishes]
        history = tuple(
            Past(dish.dish_id, VERDICTS[each.verdict], each.rating)
            for dish, each in zip(past, recent, strict=True)
        )
        ids = tuple(dish.dish_id for dish in offered)
        asked = Comparison("asked", ask.person_id, datetime.now(UTC), history, ids, ids[0])
        tokens = self.model.dish_tokens({dish.dish_id: dish for dish in (*past, *offered)}, self.fields)
        scores = scoring.score_menu(self.model, tokens, asked)
        scored = [
            RankedDish(dish_id=dish.dish_id, score=score)
            for dish, score in zip(ask.dishes, scores, strict=True)
        ]
        answer_id = f"{self.facts['bento']}/{secrets.token_hex(8)}"
        ctx.response.headers.update(self._lineage(answer_id))
        return RankAnswer(
            answer_id=answer_id,
            person_id=ask.person_id,
            order=[each.dish_id for each in sorted(scored, key=lambda each: -each.score)],
            scores=scored,
            model=self.facts["model"],
            model_version=self.facts["model_version"],
            data_version=self.facts["data_md5"],
            preview=self.facts["preview"],
        )

    @bentoml.api
    def canary(self) -> CanaryAnswer:
        """Asks the stored questions anew: are the answers still the trained adapter's? Readiness follows."""
        self.refusal, worst = self._canary()
        if self.refusal:
            logger.error("not ready: %s", self.refusal)
        return CanaryAnswer(
            passed=not self.refusal,
            reason=self.refusal,
            worst=worst,
            model_version=self.facts["model_version"],
            bento=self.facts["bento"],
            adapter_sha256=self.facts["adapter_sha256"],
        )

    def _lineage(self, answer_id: str) -> dict[str, str]:
        """Headers that name what answered, so that a proxy's log can be followed to the rows."""
        facts = {"version": "model_version", "data": "data_md5", "gate": "gate_sha256", "git": "git_sha"}
        named = {f"X-Palate-{name.title()}": str(self.facts[key]) for name, key in facts.items()}
        return {"X-Palate-Answer": answer_id, **named}

    def _check_sizes(self, ask: RankRequest) -> None:
        limits = self.facts["serve"]
        for what, given in (("dishes", ask.dishes), ("history", ask.history)):
            if len(given) > limits[f"max_{what}"]:
                raise InvalidArgument(
                    f"{what} has {len(given)} entries: send at most {limits[f'max_{what}']}."
                )
        ids = [dish.dish_id for dish in ask.dishes]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise InvalidArgument(f"dish_id {twice[0]!r} is offered twice: send each dish once.")

    def _canary(self) -> tuple[str, float | None]:
        own, learnt = prompt_hash(self.fields), self.facts["prompt_hash"]
        if own != learnt:
            return f"prompts here hash to {own}, the adapter learnt with {learnt}", None
        self.model.vectors.clear()  # what is remembered of a dish would prove what was, not what is
        cases = proof.from_json(json.loads((SERVED / "canary.json").read_text(encoding="utf-8"))["cases"])
        served = [
            scoring.score_menu(
                self.model, self.model.dish_tokens(case.menu(), self.fields), case.comparison(str(index))
            )
            for index, case in enumerate(cases)
        ]
        tolerance = self.facts["serve"]["canary_tolerance"]
        return proof.examine(cases, served, tolerance), proof.worst(cases, served)


Palate.add_asgi_middleware(  # type: ignore[attr-defined]  # the decorator makes it a Service
    BodyLimit, max_bytes=MAX_BODY_BYTES
)
