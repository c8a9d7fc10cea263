"""The BentoML service: its operations and middlewares; ready only once its canary has passed."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import bentoml
from starlette.applications import Starlette
from starlette.responses import Response

from serving import calendar, metrics, openapi, page
from serving.answers import Answers
from serving.catalogue import Published
from serving.endpoints import feedback, people, plan, questions, rank, recommend, versions
from serving.image import service_image
from serving.middleware import login
from serving.middleware.bodies import Bodies
from serving.middleware.requests import Requests, Slots
from serving.middleware.sentences import Sentences
from serving.permissions import Permissions
from serving.schemas.feedback import FeedbackAnswer, FeedbackRequest
from serving.schemas.people import ErasureRequest, ErasuresAnswer
from serving.schemas.plan import PlanRequest
from serving.schemas.plan_answer import PlanAnswer
from serving.schemas.questions import QuestionsAnswer, QuestionsRequest
from serving.schemas.rank import CanaryAnswer, RankAnswer, RankRequest
from serving.schemas.recommend import RecommendAnswer, RecommendRequest
from serving.server import end_slow_clients, filter_logs, refuse_new_connections_on_sigterm
from serving.variant import facts_in
from serving.versions import Versions

logger = logging.getLogger("palate")
# Spans that nobody collects would take a fifth of a short request.
os.environ.setdefault("OTEL_SDK_DISABLED", "true")

SERVED = Path(__file__).resolve().parent.parent / "models" / "served"
MAX_BODY_BYTES = 1_000_000


@bentoml.service(
    name="palate", image=service_image(), workers=1, traffic={"timeout": 30}, metrics={"enabled": False}
)
class Palate:
    """Ranks dishes for a person by what they ate before. /readyz is 503 unless the canary has passed."""

    def __init__(self) -> None:
        self.versions = Versions(SERVED)
        self.facts = self.versions.newest.facts
        self.metrics = metrics.Metrics(self.versions.variants)
        self.answers = Answers(self.versions, self.metrics)
        self.published = Published(self.facts["serve"].get("allergen_letters", ""))
        self.permissions = Permissions()
        self.planner = plan.Planner(self.answers, self.published, self.permissions)
        refuse_new_connections_on_sigterm()

    def __is_ready__(self) -> bool:
        """Tells whether the served adapter was just proven to be the trained one, and callers can get in."""
        locked = login.why_locked(self.facts["serve"]["token"])
        if locked:
            logger.error("not ready: %s", locked)
        return not self.versions.refusal and not locked

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Ends what works for the service."""
        await self.planner.solver.stop()

    @bentoml.api
    async def rank(self, request: RankRequest, /, ctx: bentoml.Context) -> RankAnswer:
        """Ranks the offered dishes for a person, given their history.

        A request that is too large is refused before the model sees it.
        """
        return await rank.answer(self.answers, request, ctx)

    @bentoml.api
    async def recommend(self, request: RecommendRequest, /, ctx: bentoml.Context) -> RecommendAnswer:
        """Recommends the best dishes of the catalogue to a person, without those that they may not eat."""
        return await recommend.answer(self.answers, self.published, self.permissions, request, ctx)

    @bentoml.api
    async def plan(self, request: PlanRequest, /, ctx: bentoml.Context) -> PlanAnswer:
        """Plans the meals of some days for a household, without what any eater of a meal may not eat.

        The plan is the best one, or says how much better another could be; contradictory wishes are named.
        `Accept: text/calendar` gives a plan as iCalendar.
        """
        answer = await self.planner.answer(request, ctx)
        if answer.meals and calendar.is_wanted(ctx.request.headers):
            content = calendar.calendar_of(request, answer, datetime.now(UTC))
            return Response(content, media_type=calendar.MEDIA_TYPE)  # type: ignore[return-value]  # sent as it is
        return answer

    @bentoml.api
    async def questions(self, request: QuestionsRequest, /) -> QuestionsAnswer:
        """Chooses the dishes to ask a person about, so that few answers teach most."""
        return await questions.answer(self.answers, self.published, self.permissions, request)

    @bentoml.api
    async def feedback(self, request: FeedbackRequest, /, ctx: bentoml.Context) -> FeedbackAnswer:
        """Stores what a person did or said; the next night learns from it.

        Answers 202 if neither an answer nor the catalogue has the dish: the feedback then waits until a
        night's inbox has it.
        """
        return await feedback.answer(self.facts, request, ctx)

    @bentoml.api
    async def erasures(self, request: ErasureRequest, /, ctx: bentoml.Context) -> ErasuresAnswer:
        """Erases people as DELETE /people/{person_id} does.

        They are hidden by the time the answer arrives.
        """
        ctx.response.status_code = HTTPStatus.ACCEPTED
        return await people.erase_all(request.person_ids)

    @bentoml.api
    async def canary(self) -> CanaryAnswer:
        """Scores the stored questions again.

        The service is ready only if the scores are the trained adapter's.
        """
        return await self.versions.canary()


end_slow_clients()
filter_logs()
APIS = {each.route for each in Palate.apis.values()}  # type: ignore[attr-defined]
PATHS = {*login.OPEN, *page.PATHS, "/docs.json", versions.PATH, *APIS}


def _serve() -> dict[str, Any]:
    """Reads the section `serve` of the params with which the version was packaged."""
    return dict(facts_in(SERVED)["serve"])


# The first is the outermost: Login refuses before a body is read, and Slots gets whole bodies.
for middleware, settings in (
    (Requests, {"paths": PATHS, "families": {people.PREFIX: people.PATH}}),
    (login.Login, {"setting": lambda: _serve()["token"], "open_paths": login.OPEN | page.PATHS}),
    (Sentences, {}),
    (Bodies, {"paths": APIS, "max_bytes": MAX_BODY_BYTES}),
    (Slots, {"settings": _serve}),
):
    Palate.add_asgi_middleware(middleware, **settings)  # type: ignore[attr-defined]  # it is a Service by now
ROUTES = [*metrics.ROUTES, *people.ROUTES, *versions.ROUTES, *openapi.routes(Palate), *page.routes(_serve)]
Palate.mount_asgi_app(Starlette(routes=ROUTES), name="pages")  # type: ignore[attr-defined]
