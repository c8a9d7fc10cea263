"""A trial: a new version answers a share of the people, the version before, in the same Bento, the others."""

from __future__ import annotations

from components.domain.params import Params
from components.domain.verdict.admission import is_rule
from components.files import read_json
from components.integrations.model_registry.registry import Registry
from flows.release import bento, withdrawal
from flows.release.delivery import Release
from flows.release.staging import BEFORE, FACTS, SERVED, Trial


def trial_of(params: Params, server: Registry, released: Release | None, champion: str) -> Trial | None:
    """Decides in which trial a champion is released; None where it answers everybody.

    It answers everybody if `release.share` is 1 or there is no version before. It also does if the version
    before cannot be served from here (its Bento may date from before bases were stored once), or if the
    champion is the older of the two: a rollback.

    Args:
        champion: Version number of the champion.
    """
    if params.release.share == 1 or released is None:
        return None
    before = withdrawal.previous(server, params.register_.model, released, champion)
    source = bento.find_whole(released.bento) if before else None
    if source is None or int(before) > int(champion):
        return None
    served = source / SERVED
    for folder in (served, served / BEFORE):
        facts = read_json(folder / FACTS) if (folder / FACTS).exists() else {}
        needs_no_more = "base" in facts or is_rule(facts)  # older Bentos hold merged weights
        if facts.get("model_version") == before and needs_no_more:
            return Trial(before, folder, params.release.share)
    return None
