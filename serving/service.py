"""The BentoML service: ranks a menu for a person, and is ready only once its canary has passed."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread
import bentoml

from components.domain.diet import Restrictions
from components.domain.exposures import Exposure, Shown
from components.domain.preferences.contract import as_id
from components.domain.records import Dish, Past, Question
from serving import limits, metrics, people, ratings, recommending, restricting, searching
from serving.answers import rank_answer, recommend_answer
from serving.arm import Arm, facts_in, position
from serving.choosing import choose
from serving.connections import end_slow_clients, refuse_new_connections_on_sigterm
from serving.erased import refuse_erased
from serving.exposures import HEADER, Exposures
from serving.image import service_image
from serving.middleware import login
from serving.middleware.bodies import Bodies
from serving.middleware.paths import OneLine, Requests
from serving.middleware.sentences import Sentences
from serving.middleware.slots import Slots
from serving.permissions import Permissions
from serving.refusals import Unavailable
from serving.schemas.feedback import FeedbackAnswer, FeedbackRequest
from serving.schemas.fields import VERDICTS, DishBody
from serving.schemas.people import ErasureRequest, ErasuresAnswer
from serving.schemas.rank import CanaryAnswer, RankAnswer, RankedDish, RankRequest
from serving.schemas.recommend import RecommendAnswer, RecommendRequest

logger = logging.getLogger("palate")
# Spans that nobody collects would take a fifth of a short request.
os.environ.setdefault("OTEL_SDK_DISABLED", "true")

SERVED = Path(__file__).resolve().parent.parent / "models" / "served"
BEFORE = "before"  # folder in SERVED with the version before, where it still answers some of the people
MAX_BODY_BYTES = 1_000_000
CANARY_S = 5  # for which an answer of the canary is given again
Result = TypeVar("Result")


@bentoml.service(
    name="palate", image=service_image(), workers=1, traffic={"timeout": 30}, metrics={"enabled": False}
)
class Palate:
    """Ranks dishes for a person by what they ate before. /readyz is 503 unless the canary has passed."""

    def __init__(self) -> None:
        bases: dict[str, Any] = {}  # the arms share what they load
        self.arm = Arm.open(SERVED, bases)
        self.before = Arm.open(SERVED / BEFORE, bases) if (SERVED / BEFORE).exists() else None
        self.facts, self.arms = self.arm.facts, [each for each in (self.arm, self.before) if each]
        self.model_thread = ThreadPoolExecutor(1)  # memory that PyTorch keeps grows with each thread
        self.letters = self.facts["serve"].get("allergen_letters", "")  # releases before 0.3.0 have no scheme
        self.exposures, self.published = Exposures(self.facts), recommending.Published(self.letters)
        self.permissions = Permissions()
        self.metrics = metrics.Metrics(self.arms, self.exposures)
        self.canary_turn, self.canary_until = asyncio.Lock(), 0.0
        refuse_new_connections_on_sigterm()
        if self.refusal:
            logger.error("not ready: %s", self.refusal)

    @property
    def refusal(self) -> str | None:
        """Why this service may not answer; None while the canaries of all arms pass."""
        refused = [arm for arm in self.arms if arm.refusal]
        if not refused:
            return None
        version = f"version {refused[0].facts['model_version']}: " if self.before else ""
        return f"{version}{refused[0].refusal}"

    def _arm_of(self, person_id: str) -> Arm:
        """Chooses the version that answers a person: always the same one, whichever pod is asked."""
        trial = f"{self.facts['model']}/{self.facts['model_version']}"
        is_outside = self.before and position(person_id, trial) >= self.facts["share"]
        return self.before if self.before and is_outside else self.arm

    def __is_ready__(self) -> bool:
        """Tells whether the served adapter was just proven to be the trained one, and callers can get in."""
        locked = login.why_locked(self.facts["serve"]["token"])
        if locked:
            logger.error("not ready: %s", locked)
        return not self.refusal and not locked

    @bentoml.api
    async def rank(self, request: RankRequest, /, ctx: bentoml.Context) -> RankAnswer:
        """Ranks the offered dishes for a person, given their history.

        A request that is too large is refused before the model sees it.
        """
        if self.refusal:
            raise Unavailable(f"The canary failed: {self.refusal}.")
        await refuse_erased(request.person_id)
        limits.check_sizes(self.arm, request)
        ratings.check_history(request.history, self.facts)
        stored = await restricting.stored_of(request)
        run = restricting.way_for(request, stored)
        offered, left_out, restrictions = await run(restricting.permitted_of, request, stored, self.letters)
        arm = self._arm_of(request.person_id)
        scores = await self._scores(arm, request, offered) if offered else []
        bases = await run(restricting.bases_of, restricting.facts_of(offered, self.letters), restrictions)
        ranked = [
            RankedDish(dish_id=dish.dish_id, score=score, basis=basis)
            for dish, score, basis in zip(offered, scores, bases, strict=True)
        ]
        answer_id = f"{arm.facts['bento']}/{secrets.token_hex(8)}"
        ctx.response.headers.update(arm.lineage(answer_id))
        answer = rank_answer(arm, answer_id, request, stored, restrictions, ranked, left_out)
        bodies = {dish.dish_id: dish.record("") for dish in offered}
        shown = [(bodies[dish.dish_id], dish.score) for dish in sorted(ranked, key=lambda dish: -dish.score)]
        self._count("rank", arm, shown, len(request.history), len(shown), arm.unknown(bodies.values()))
        declared = {dish.dish_id: dish.facts.allergens for dish in offered}
        await self._keep(ctx, arm, answer_id, request, restrictions, shown, declared, len(shown))
        return answer

    async def _scores(self, arm: Arm, request: RankRequest, dishes: Sequence[DishBody]) -> list[float]:
        """Scores dishes for the person of a request, in the order of the dishes."""
        lines = request.history
        past = [line.dish.record("past/") for line in lines]
        offered = [dish.record("offer/") for dish in dishes]
        history = tuple(
            Past(dish.dish_id, VERDICTS[line.verdict], line.rating)
            for dish, line in zip(past, lines, strict=True)
        )
        question = Question(request.person_id, history, tuple(dish.dish_id for dish in offered))
        tokens = arm.tokens({dish.dish_id: dish for dish in (*past, *offered)})
        limits.check_tokens(arm, question, tokens)
        return await self._in_turn(arm.scores, question, tokens)

    @bentoml.api
    async def recommend(self, request: RecommendRequest, /, ctx: bentoml.Context) -> RecommendAnswer:
        """Recommends the best dishes of the catalogue to a person, without those that they may not eat."""
        if self.refusal:
            raise Unavailable(f"The canary failed: {self.refusal}.")
        await refuse_erased(request.person_id)
        ratings.check_history(request.history or (), self.facts)
        arm, in_thread = self._arm_of(request.person_id), anyio.to_thread.run_sync
        rest_days = self.facts["serve"]["rest_days"]
        choice = await in_thread(choose, request, self.published, self.permissions, rest_days)
        way = searching if arm.table is not None else recommending
        ranked = await way.rank(self._in_turn, arm, request, choice.person, choice.at, choice.catalogue)
        best = ranked.dishes[: request.k]
        bases = await in_thread(restricting.bases_of, [dish.facts for dish, _ in best], choice.restrictions)
        answer_id = f"{arm.facts['bento']}/{secrets.token_hex(8)}"
        shown = [(dish.dish, score) for dish, score in best]
        self.metrics.published(choice.person.published_at)
        scored = [] if ranked.cold_start else shown
        self._count("recommend", arm, scored, ranked.history, ranked.considered, ranked.unknown)
        ctx.response.headers.update(arm.lineage(answer_id))
        ranked_by_model = 0 if ranked.cold_start else ranked.considered
        declared = {dish.dish.dish_id: dish.allergens for dish, _ in best}
        await self._keep(ctx, arm, answer_id, request, choice.restrictions, shown, declared, ranked_by_model)
        return recommend_answer(arm, answer_id, request, choice, ranked, bases)

    @bentoml.api
    async def feedback(self, request: FeedbackRequest, /, ctx: bentoml.Context) -> FeedbackAnswer:
        """Stores what a person did or said; the next night learns from it.

        Answers 202 if neither an answer nor the catalogue has the dish: the feedback then waits until a
        night's inbox has it.
        """
        answer, is_known = await self.exposures.take(request)
        ctx.response.status_code = HTTPStatus.OK if is_known else HTTPStatus.ACCEPTED
        return answer

    @bentoml.api
    async def erasures(self, request: ErasureRequest, /, ctx: bentoml.Context) -> ErasuresAnswer:
        """Erases people as DELETE /people/{person_id} does.

        They are hidden by the time the answer arrives.
        """
        ctx.response.status_code = HTTPStatus.ACCEPTED
        return await people.erase_all(request.person_ids)

    def _count(
        self, endpoint: str, arm: Arm, scored: Sequence[tuple[Dish, float]], history: int, *dishes: int
    ) -> None:
        """Adds an answer to the metrics.

        `dishes` are two numbers, of ranked dishes and of unknown ones among them.
        """
        scores = [score for _, score in scored]
        self.metrics.answered(metrics.Answer(endpoint, arm.facts["model_version"], scores, history, *dishes))

    async def _keep(
        self,
        ctx: bentoml.Context,
        arm: Arm,
        answer_id: str,
        request: RankRequest | RecommendRequest,
        restrictions: Restrictions,
        dishes: Sequence[tuple[Dish, float]],
        declared: Mapping[str, tuple[str, ...] | None],
        ranked: int,
    ) -> None:
        """Stores an answer: the shown dishes, best first, and how many were ranked.

        A header says if that worked.
        """
        share = self.facts.get("share", 1.0)
        propensity = share if arm is self.arm else 1 - share
        shown = tuple(
            Shown(replace(dish, dish_id=as_id(dish.dish_id)), score, propensity, declared[dish.dish_id])
            for dish, score in dishes
        )
        versions = arm.facts["model_version"], arm.facts["data_md5"]
        filters = restricting.filters_of(request, restrictions)
        ctx.response.headers[HEADER] = await self.exposures.keep(
            Exposure(answer_id, request.person_id, datetime.now(UTC), shown, filters, *versions, ranked)
        )

    async def _in_turn(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Runs model work in the model's thread, one piece at a time, in the order of the calls."""
        run = copy_context().run  # the call's deadline goes along
        return await asyncio.get_running_loop().run_in_executor(self.model_thread, run, work, *arguments)

    @bentoml.api
    async def canary(self) -> CanaryAnswer:
        """Scores the stored questions again.

        The service is ready only if the scores are the trained adapter's.
        """
        async with self.canary_turn:
            if time.monotonic() > self.canary_until:
                self.canary_answer = await self._examine()
                self.canary_until = time.monotonic() + CANARY_S
            return self.canary_answer

    async def _examine(self) -> CanaryAnswer:
        differences = []
        for arm in self.arms:
            arm.refusal, difference = await self._in_turn(arm.examine)
            differences.append(difference)
        if self.refusal:
            logger.error("not ready: %s", self.refusal)
        return CanaryAnswer(
            passed=not self.refusal,
            reason=self.refusal or "",
            worst=None if None in differences else max(filter(None, differences), default=0.0),
            model_version=self.facts["model_version"],
            bento=self.facts["bento"],
            adapter_sha256=self.facts.get("adapter_sha256") or self.facts["rule_sha256"],
        )


end_slow_clients()
APIS = {each.route for each in Palate.apis.values()}  # type: ignore[attr-defined]
PATHS = {*login.OPEN, "/docs.json", "/", *APIS}
# The first is the outermost: Login refuses before a body is read, and Slots gets whole bodies.
for middleware, settings in (
    (Requests, {"paths": PATHS, "families": {people.PREFIX: people.PATH}}),
    (login.Login, {"setting": lambda: facts_in(SERVED)["serve"]["token"]}),
    (Sentences, {}),
    (Bodies, {"paths": APIS, "max_bytes": MAX_BODY_BYTES}),
    (Slots, {"settings": lambda: facts_in(SERVED)["serve"]}),
    (OneLine, {}),
):
    Palate.add_asgi_middleware(middleware, **settings)  # type: ignore[attr-defined]  # it is a Service by now
Palate.mount_asgi_app(metrics.application(), name="metrics")  # type: ignore[attr-defined]
Palate.mount_asgi_app(people.application(Palate), name="people")  # type: ignore[attr-defined]
