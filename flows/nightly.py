"""The night: collect → version → check → split → train → evaluate → register → release → report.

Prefect decides when and whether, DVC decides what is stale: each DVC stage is one task here, without
Prefect's cache.
"""

from __future__ import annotations

import logging
import time

from prefect import flow

from components.domain.errors import PalateError
from components.domain.params import Params, read_params
from components.integrations import model_registry
from flows import environment
from flows.night_report import NightReport, as_text, write_page
from flows.steps import bento, champion, data, delivery, last_run, registration, release, stages
from flows.steps.lock import one_at_a_time


@flow(name="nightly", validate_parameters=False)
def nightly(inbox: str = "", *, full: bool = False) -> NightReport:
    """One night.

    Args:
        inbox: Folder with the user's tables, whose params.yaml overrides the project's; empty for
            `collect.inbox`.
        full: Train from scratch, also where the night could go on from the champion.

    Raises:
        PalateError: With the sentence for the user.
    """
    with (
        one_at_a_time(environment.STATE, "night"),
        last_run.written_down(),
        model_registry.failures_as_sentences(),
    ):
        report = NightReport(started=time.monotonic())
        data.adopt(inbox)
        params = read_params(environment.REPO / "params.yaml")
        report.timed("base", stages.materialise_base, params)
        report.collected = report.timed("collect", data.collect, params)
        report.versions = report.timed("version", data.version, report.collected)
        report.timed("check", stages.run, "check")
        data.accept(report.versions)
        report.timed("split", stages.run, "split")
        report.timed("champion", champion.fetch_champion, params, report.versions)
        champion.choose_start(params, full=full)
        for name in params.train.candidates:
            report.timed(f"train {name}", stages.train, name, report.versions)
        report.timed("evaluate", stages.run, "evaluate")
        report.timed("push", data.push)
        commit = data.remember(report.versions)
        report.registered = report.timed("register", registration.register, params, report.versions, commit)
        if delivery.current() is None:  # nothing that a person promoted gives way to a preview
            report.preview = report.timed("preview", bento.preview, params, report.registered)
        if report.preview and delivery.current() is None:  # a pass may have released one meanwhile
            bento.serve_from_now_on(report.preview.tag)
        if report.preview is None:
            report.outcome = _release(report, params)
        write_page(report)
        logging.getLogger("prefect.flow_runs").info(
            as_text(report)
        )  # in Prefect's pages, where it was scheduled
        return report


def _release(report: NightReport, params: Params) -> release.Outcome:
    """The night is registered and whole whatever becomes of its release, which the next pass tries again."""
    try:
        return report.timed("release", release.release_champion, params)
    except PalateError as error:
        said = f"failed, the next pass tries again: {error}"
        return release.Outcome(said, changed=False, release=delivery.current())
