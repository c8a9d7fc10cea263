"""The steps that all answers with dishes share: check, count, name and store the answer."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from anyio.to_thread import run_sync
from bentoml import Context

from components.domain.diet import Basis, Restrictions
from components.domain.errors import Erased, PalateError
from components.domain.exposures import PLAN, Exposure, Shown
from components.domain.preferences.contract import as_id
from components.domain.records import Dish, Past
from serving import store
from serving.metrics import Metrics
from serving.refusals import Gone
from serving.restrictions import Asks, bases_of, filters_of
from serving.schemas.fields import VERDICTS, PastBody, PersonBody
from serving.schemas.plan import EaterBody
from serving.schemas.rank import RankRequest
from serving.variant import Ranked, Variant
from serving.versions import Versions

logger = logging.getLogger("palate")
HEADER = "X-Palate-Exposure"


class Answers:
    """Gives answers: each is counted, checked once more, named in headers and stored.

    Args:
        versions: The versions that answer.
        metrics: Counts the answers.
    """

    def __init__(self, versions: Versions, metrics: Metrics) -> None:
        self.versions, self.metrics = versions, metrics

    async def give(
        self,
        ctx: Context,
        variant: Variant,
        request: Asks,
        restrictions: Restrictions,
        ranked: Ranked,
    ) -> tuple[list[list[Basis]], dict[str, Any]]:
        """Takes the last steps before an answer is sent: `check`, then `keep`.

        Returns for each dish what shows that the person may eat it, and the fields of the answer that name it
        and the version behind it.
        """
        bases = await self.check(restrictions, ranked)
        return bases, await self.keep(ctx, variant, request, restrictions, ranked)

    async def check(self, restrictions: Restrictions, ranked: Ranked) -> list[list[Basis]]:
        """Finds for each dish what shows that the person may eat it.

        Raises:
            Unavailable: A dish must not be offered, so the whole answer is refused.
        """
        return await run_sync(bases_of, [listed.facts for listed, _ in ranked.dishes], restrictions)

    async def keep(
        self,
        ctx: Context,
        variant: Variant,
        request: Asks,
        restrictions: Restrictions,
        ranked: Ranked,
    ) -> dict[str, Any]:
        """Counts, names and stores a checked answer; a header says whether it could be stored.

        Headers name all answers of a response. Returns the fields that name this one and its version.

        Raises:
            Gone: The person was erased meanwhile.
        """
        endpoint = _endpoint_of(request)
        answer_id = f"{variant.facts['bento']}/{PLAN * (endpoint == 'plan')}{secrets.token_hex(8)}"
        self.metrics.answered(endpoint, variant.facts["model_version"], ranked)
        stored = await self._stored(answer_id, variant, request, restrictions, ranked)
        for name, value in {**variant.lineage(answer_id), HEADER: stored}.items():
            before = ctx.response.headers.get(name, "")
            values = dict.fromkeys([*filter(None, before.split(", ")), value])
            ctx.response.headers[name] = ", ".join(values)
        return {"answer_id": answer_id, "person_id": request.person_id, **version_of(variant)}

    async def _stored(
        self,
        answer_id: str,
        variant: Variant,
        request: Asks,
        restrictions: Restrictions,
        ranked: Ranked,
    ) -> str:
        """Stores an answer; returns the header: `stored`, `failed`, or `none` where nothing is kept."""
        if not store.url() or (isinstance(request, PersonBody) and not request.keep):
            return "none"
        propensity = self.versions.share(variant)
        shown = tuple(
            Shown(_with_contracts_id(listed.dish), score, propensity, listed.allergens)
            for listed, score in ranked.dishes
        )
        exposure = Exposure(
            answer_id,
            request.person_id,
            datetime.now(UTC),
            shown,
            filters_of(request, restrictions),
            variant.facts["model_version"],
            variant.facts["data_md5"],
            0 if ranked.cold_start else ranked.considered,
        )
        try:
            await run_sync(lambda: store.answers().add_exposure(exposure))
        except Erased as error:  # while the answer was being made
            raise Gone(str(error)) from error
        except PalateError as error:
            self.metrics.not_stored()
            logger.error("answer %s was not stored: %s", answer_id, error)  # noqa: TRY400
            return "failed"
        return "stored"


def past_of(lines: Sequence[PastBody]) -> tuple[tuple[Past, ...], dict[str, Dish]]:
    """Reads the history of a request: its lines, and the dishes that it describes, by ids of their own.

    A dish without a name is one of the catalogue, which has it by its id.
    """
    dishes = [line.dish.record("past/") if line.dish.name else None for line in lines]
    history = tuple(
        Past(dish.dish_id if dish else as_id(line.dish.dish_id), VERDICTS[line.verdict], line.rating)
        for dish, line in zip(dishes, lines, strict=True)
    )
    return history, {dish.dish_id: dish for dish in dishes if dish}


def _endpoint_of(request: Asks) -> str:
    if isinstance(request, EaterBody):
        return "plan"
    return "rank" if isinstance(request, RankRequest) else "recommend"


def _with_contracts_id(dish: Dish) -> Dish:
    return replace(dish, dish_id=as_id(dish.dish_id))


def version_of(variant: Variant) -> dict[str, Any]:
    """Builds the fields that say which version answers."""
    names = {
        "model": "model",
        "model_version": "model_version",
        "data_version": "data_md5",
        "preview": "preview",
        "ranked_by": "candidate",
    }
    standing = variant.facts.get("standing", "unknown")  # releases from before 0.3.0 do not say it
    return {"standing": standing, **{name: variant.facts[fact] for name, fact in names.items()}}
