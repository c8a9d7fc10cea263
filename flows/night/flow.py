"""The night: erase → collect → version → check → publish → recall → split → train → evaluate → register.

Prefect decides when and whether, DVC decides what is stale: each DVC stage is one task here, without
Prefect's cache.
"""

from __future__ import annotations

import inspect
from datetime import datetime

from prefect import flow

from components.domain.params import Params
from flows import alarms, prefect_failures
from flows.night import (
    champion,
    data,
    feedback,
    forget,
    good_night,
    ledger,
    next_step,
    publication,
    recall,
    registration,
    retention,
    settings,
    stages,
    tonight,
)
from flows.night.report import NightReport, publish
from flows.release import reconciliation


def _name_of_run() -> str:
    return f"night {datetime.now().astimezone():%Y-%m-%d}"


@flow(name="nightly", flow_run_name=_name_of_run, validate_parameters=False)
def nightly(inbox: str = "", *, full: bool = False) -> NightReport:
    """Runs one night.

    Args:
        inbox: Folder with the user's tables, whose params.yaml overrides the project's; empty for
            `collect.inbox`.
        full: Whether to train from scratch even if training could start from the champion.

    Returns:
        The result and the seconds of each step.

    Raises:
        PalateError: The night failed, with the sentence for the user.
    """
    with alarms.if_it_fails("night"), tonight.only_one(), prefect_failures.as_sentences():
        data.look_at_repository()
        params = settings.adopt(inbox)
        report = NightReport(steps=_count_steps(params), last=good_night.last_durations())
        report.timed("base", stages.materialise_base, params)
        report.erasures = report.timed("erase", forget.erase_queued, params)
        report.collection = report.timed("collect", data.collect, params)
        night = report.night = report.timed("version", data.version, params, report.collection)
        report.timed("check", stages.check, night)
        report.timed("publish", publication.publish, night)
        report.recall = report.timed("recall", recall.recall, params)
        report.rates = report.timed("feedback", feedback.rates, night)
        report.timed("split", stages.run, "split", params)
        ledger.carry_over(params)
        report.timed("champion", champion.fetch_champion, night)
        champion.choose_start(params, full=full)
        report.timed("inputs", data.version_inputs)
        for name in params.train.candidates:
            report.timed(f"train {name}", stages.train, name, night)
        report.timed("evaluate", stages.run, "evaluate", params)
        report.timed("push", data.push, night)
        commit = data.commit_to_nights(night)
        report.registered = report.timed("register", registration.register, night, commit)
        report.delivery = report.timed("release", reconciliation.deliver, params, report.registered)
        report.next_step = next_step.sentence(params)
        publish(report)
        report.timed("room", retention.make_room, params)
        good_night.compare_durations(report.seconds, report.ran)
        good_night.raise_alarms(params, night, report.registered)
        return report


def _count_steps(params: Params) -> int:
    """Counts the timed steps of `nightly`, one of which is repeated for each candidate."""
    return inspect.getsource(nightly.fn).count("report.timed(") - 1 + len(params.train.candidates)
