"""GET /versions: which versions answer, what they come from, and where MLflow has more of them."""

from __future__ import annotations

import os
from typing import Any

import bentoml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from components.integrations.model_registry.addresses import pages_of, run_page, version_page
from serving.answers import version_of
from serving.schemas.versions import VersionAnswer, VersionsAnswer
from serving.variant import Variant
from serving.versions import Versions

PATH = "/versions"
MLFLOW = "MLFLOW_TRACKING_URI"


async def _versions(_: Request) -> Response:
    service: Any = bentoml.get_current_service()
    versions: Versions = service.versions
    server = pages_of(os.environ.get(MLFLOW, ""))
    answer = VersionsAnswer(
        versions=[_version(each, versions.share(each), server) for each in versions.variants]
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _version(variant: Variant, share: float, server: str) -> VersionAnswer:
    facts = variant.facts
    run = facts.get("night_run", "")
    return VersionAnswer(
        **version_of(variant),
        share=share,
        git_sha=facts["git_sha"],
        night=facts.get("night", ""),
        registered_at=facts.get("registered_at"),  # releases from before 0.3.0 do not say it
        gate=facts.get("gate", ""),
        gate_reason=facts.get("gate_reason", ""),
        version_page=version_page(server, facts["model"], facts["model_version"]) if server else "",
        night_page=run_page(server, run) if server and run else "",
    )


ROUTES = [Route(PATH, _versions)]
