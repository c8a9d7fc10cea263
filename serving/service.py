"""The BentoML service: ranks a menu for a person, and is ready only once its canary has passed."""

from __future__ import annotations

import json
import logging
import math
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import bentoml
from bentoml.exceptions import InternalServerError, InvalidArgument, ServiceUnavailable

from components.domain.ranker.prompts import DishTokens, prompt_hash
from components.domain.records import Dish, Past, Question
from components.domain.verdict import canary as stored
from serving import login
from serving.body_limit import BodyLimit
from serving.calls import Calls, NobodyWaits, must_go_on
from serving.image import service_image
from serving.json_only import JsonOnly
from serving.outcomes import Outcomes
from serving.schema import VERDICTS, CanaryAnswer, RankAnswer, RankedDish, RankRequest

logger = logging.getLogger("palate")

SERVED = Path(__file__).resolve().parent.parent / "models" / "served"
MAX_BODY_BYTES = 1_000_000
Result = TypeVar("Result")


MAX_CONTEXT_TOKENS = 3_000  # tokens of a history that is read in context, whose memory grows with the square


@bentoml.service(name="palate", image=service_image(), workers=1, traffic={"timeout": 30})
class Palate:
    """Ranks dishes for a person by what they ate before. /readyz is 503 unless the canary has passed."""

    def __init__(self) -> None:
        self.facts = _facts()
        self.fields = tuple(self.facts["dish_fields"])
        # Imported here: BentoML's parent process imports this file too, and would hold torch for nothing.
        import torch

        from components.integrations import base_models

        device = base_models.choose_device()
        self.model = base_models.load(SERVED / "model", torch.float32, device)
        self.outcomes = Outcomes(self.facts["model_version"])
        self.one_at_a_time = anyio.CapacityLimiter(1)  # of what the model works on
        self.refusal, _ = self._examine()
        if self.refusal:
            logger.error("not ready: %s", self.refusal)

    def __is_ready__(self) -> bool:
        """Whether what is served was proven to be the adapter that was trained, and somebody may ask it."""
        locked = login.why_locked(self.facts["serve"]["token"])
        if locked:
            logger.error("not ready: %s", locked)
        return not self.refusal and not locked

    async def __metrics__(self, metrics: str) -> str:
        """BentoML's metrics and the outcomes of the model."""
        return f"{metrics}{self.outcomes.lines()}"

    @bentoml.api
    async def rank(self, request: RankRequest, /, ctx: bentoml.Context) -> RankAnswer:
        """Ranks the offered dishes for a person, given their history.

        What is too large is refused here, outside of the one thread in which the model works.
        """
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
        tokens = self._tokens({dish.dish_id: dish for dish in (*past, *offered)})
        self._check_tokens(question, tokens)
        scores = await self._in_turn(self._scores, question, tokens)
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

    async def _in_turn(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Runs model work in a thread, one at a time, in the order in which it is asked for."""
        return await anyio.to_thread.run_sync(work, *arguments, limiter=self.one_at_a_time)

    def _scores(self, question: Question, tokens: DishTokens) -> list[float]:
        """The question's scores; what the model fails on is counted as its error.

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

    @bentoml.api
    async def canary(self) -> CanaryAnswer:
        """Answers the stored questions again, and is ready only if the scores are the trained adapter's."""
        self.refusal, difference = await self._in_turn(self._examine)
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

    def _check_tokens(self, question: Question, tokens: DishTokens) -> None:
        """Counts what the model would read; the tokens are then at hand for it."""
        limits, total = self.facts["serve"], 0
        lines = *(past.dish_id for past in question.history), *question.dishes
        for count, dish in enumerate(lines, 1):
            length = len(tokens.alone(dish) if self.model.head else tokens.offer(dish))
            if length > limits["max_line_tokens"]:
                raise InvalidArgument(
                    f"dish_id {dish.partition('/')[2]!r} is {length} tokens long: send at most "
                    f"{limits['max_line_tokens']}, which are fewer letters where they are rare."
                )
            total += length
            if total > limits["max_tokens"]:
                raise InvalidArgument(
                    f"the first {count} of {len(lines)} dishes, history included, are {total} tokens long "
                    f"together: send at most {limits['max_tokens']}."
                )
        read = () if self.model.head else question.history[-self.facts["max_history"] :]
        in_context = sum(len(tokens.past(past)) for past in read)
        if in_context > MAX_CONTEXT_TOKENS:
            raise InvalidArgument(
                f"the history is {in_context} tokens long: send at most {MAX_CONTEXT_TOKENS}."
            )

    def _examine(self) -> tuple[str | None, float | None]:
        """Why this may not serve, and the largest difference of a stored score in logits."""
        from components.integrations import scoring

        here, learnt = prompt_hash(self.fields), self.facts["prompt_hash"]
        if here != learnt:
            return f"prompts here hash to {here}, the adapter learnt with {learnt}", None
        fresh = replace(self.model, vectors={})  # a stored vector would prove the model of before
        questions = stored.from_json(json.loads((SERVED / "canary.json").read_text(encoding="utf-8")))
        scores = [
            scoring.score_question(fresh, self._tokens(question.menu()), question.question(), must_go_on)
            for question in questions
        ]
        tolerance = self.facts["serve"]["canary_tolerance"]
        return stored.why_wrong(questions, scores, tolerance), stored.largest_difference(questions, scores)


def _facts() -> dict[str, Any]:
    return dict(json.loads((SERVED / "served.json").read_text(encoding="utf-8")))


# The first is the outermost: no body is read of whom the login refuses, and whole bodies reach the calls.
for middleware, settings in (
    (login.Login, {"mode": lambda: _facts()["serve"]["token"]}),
    (JsonOnly, {}),
    (BodyLimit, {"max_bytes": MAX_BODY_BYTES}),
    (Calls, {"settings": lambda: _facts()["serve"]}),
):
    Palate.add_asgi_middleware(middleware, **settings)  # type: ignore[attr-defined]  # it is a Service by now
