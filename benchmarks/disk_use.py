"""`make benchmark NAME=disk`: what 60 nights leave on the disk, by part, while retention keeps seven.

Every night is the whole flow on a made-up set with one more day, a two-layer base and no champion, so each
leaves a preview's Bento. The clock moves: each night's commit has its day as its date, and after it the rows
of MLflow and Prefect are moved into the past, as if a day had gone by. Until the eighth night nothing is old,
so the growth of these nights, continued, is what the disk would hold without retention. Writes
results/disk.md and docs/images/disk.png.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import yaml
from matplotlib.figure import Figure

from benchmarks.clones import clone_head, commit_of, make_small_base
from benchmarks.made_up_sets import write_tables
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO
from benchmarks.shapes import Events, menu_a_day
from components.files import write_state
from flows.environment import identity_of

NIGHTS, RETAINED, FIRST = 60, 7, 8  # nights, those that retention keeps, and days that the first one has
PARTS = {
    "DVC's remote": (".palate/dvc-remote",),
    "DVC's cache": (".dvc/cache",),
    "MLflow": (".palate/mlflow.db", ".palate/mlartifacts"),
    "Prefect": (".palate/prefect",),
    "Bentos": (".palate/bentoml",),
    "git": (".git",),
}
REST = "all else in .palate"
PARAMS = {
    "base": {"model": "small"},
    "check": {"min_events": 10},
    "split": {"by": "time", "test_days": 3},
    "prompt": {"dish_fields": ["name"]},
    "train": {
        "threads": 1,
        "candidates": {
            "words": {
                "method": "none", "objective": "listwise", "rank": 8, "alpha": 16, "targets": ["q_proj"],
                "layers": [0, 2], "learning_rate": 0.02, "warmup_share": 0.1, "comparisons": 100, "epochs": 1,
                "factors": {"size": 4, "template": "A dish: {dish}.", "layer": 0, "pooling": "last"},
            }
        },
    },
    "evaluate": {"subset": 10},
    "package": {"preview": True},
    "retention": {"nights": RETAINED, "remote_nights": RETAINED, "days": RETAINED},
}  # fmt: skip
# What began since a moment goes to the night's day, what lies in the trash a day back.
_MOVE_MLFLOW = (
    "UPDATE runs SET end_time = end_time - :ago WHERE start_time > :since",
    "UPDATE runs SET start_time = start_time - :ago WHERE start_time > :since",
    "UPDATE runs SET deleted_time = deleted_time - 86400000",
    "UPDATE logged_models SET last_updated_timestamp_ms = last_updated_timestamp_ms - 86400000",
)
# All flow runs and events go a day back.
_MOVE_PREFECT = (
    "UPDATE flow_run SET end_time = strftime('%Y-%m-%d %H:%M:%f000', end_time, '-1 day')",
    "UPDATE events SET occurred = strftime('%Y-%m-%d %H:%M:%f000', occurred, '-1 day')",
    "UPDATE event_resources SET occurred = strftime('%Y-%m-%d %H:%M:%f000', occurred, '-1 day')",
)
Sizes = Mapping[str, int]  # part -> bytes


def main() -> None:
    """Runs the nights; the page is written anew after each, so that it can be stopped."""
    clone = clone_head("disk")
    make_small_base(clone / "models" / "base")
    events, inbox = menu_a_day(0, people=12, days=FIRST + NIGHTS), clone / "inbox"
    inbox.mkdir()
    (inbox / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    env = _environment(clone)
    server = _start_prefect(clone, env)
    sizes: list[Sizes] = []
    try:
        for night in range(NIGHTS):
            write_tables(inbox, _first_days(events, FIRST + night))
            _run_night(clone, env, night)
            sizes.append(_sizes(clone))
            if len(sizes) > 1:
                _publish(commit_of(clone), sizes)
    finally:
        server.terminate()
        server.wait(60)


def _environment(clone: Path) -> dict[str, str]:
    """Variables of all programs: nothing of this shell's servers, and the address of Prefect's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ours = ("MLFLOW_", "PREFECT_", "BENTOML_", "PALATE_", "DVC_", "PYTHONPATH")
    others = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    home = {"PREFECT_HOME": str(clone / ".palate" / "prefect"), "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    return {**others, **home, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}


def _start_prefect(clone: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A server on the clone's own database, as `make up` has; it looks for old events each minute."""
    (clone / ".palate").mkdir(mode=0o700)
    port = env["PREFECT_API_URL"].rpartition(":")[2].partition("/")[0]
    quiet = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "60",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", port]
    with (clone / "prefect.out").open("wb") as out:
        server = subprocess.Popen(command, cwd=clone, env={**env, **quiet}, stdout=out, stderr=out)
    for _ in range(600):
        try:
            with socket.create_connection(("127.0.0.1", int(port)), timeout=5):
                break
        except OSError:
            time.sleep(1)
    address = {"PREFECT_API_URL": env["PREFECT_API_URL"]}
    write_state(clone / ".palate" / "up.json", {**identity_of(psutil.Process(server.pid)), **address})
    return server


def _first_days(events: Events, days: int) -> Events:
    menus = dict(list(events.menus.items())[:days])
    dishes = tuple(dish for offered in menus.values() for dish in offered)
    return Events(dishes, menus, [row for row in events.rows if row["menu_id"] in menus])


def _run_night(clone: Path, env: Mapping[str, str], night: int) -> None:
    """One night, and then a day that goes by."""
    began, ago = datetime.now(UTC), timedelta(days=NIGHTS - night)
    date = (began + timedelta(hours=12) - ago).isoformat(timespec="seconds")
    dated = {**env, "GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}
    command = [sys.executable, "-m", "flows", "nightly", "--data", str(clone / "inbox")]
    with (clone / "night.out").open("w") as out:
        subprocess.run(command, cwd=clone, env=dated, stdout=out, stderr=out, check=True)
    moved = {"since": began.timestamp() * 1000, "ago": ago.total_seconds() * 1000}
    _execute(clone / ".palate" / "mlflow.db", _MOVE_MLFLOW, **moved)
    _execute(clone / ".palate" / "prefect" / "prefect.db", _MOVE_PREFECT)


def _execute(database: Path, statements: Sequence[str], **values: float) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        for statement in statements:
            connection.execute(statement, values)


def _sizes(clone: Path) -> Sizes:
    sizes = {part: sum(_size(clone / path) for path in paths) for part, paths in PARTS.items()}
    state = sum(_size(path) for path in (clone / ".palate").iterdir())
    return {
        **sizes,
        REST: state - sum(sizes[part] for part in ("DVC's remote", "MLflow", "Prefect", "Bentos")),
    }


def _size(path: Path) -> int:
    """Bytes on the disk below a path, what is linked twice counted once."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    facts = [file.stat(follow_symlinks=False) for file in files]
    return sum({fact.st_ino: fact.st_blocks * 512 for fact in facts}.values())


def _publish(commit: str, sizes: Sequence[Sizes]) -> None:
    """Writes page and plot of the nights so far."""
    shown = {0, RETAINED - 1, RETAINED, *range(2 * RETAINED - 1, NIGHTS, RETAINED), len(sizes) - 1}
    rows = [
        [str(number + 1), *(f"{size / 1e6:.1f}" for size in (*night.values(), sum(night.values())))]
        for number, night in enumerate(sizes)
        if number in shown
    ]
    growth = _growth(sizes)
    page = [
        "# What nights leave on the disk",
        "",
        f"`make benchmark NAME=disk` at {commit}: {len(sizes)} nights of a made-up set, each with one more",
        f"day, on a two-layer base; `retention.nights`, `remote_nights` and `days` are {RETAINED}.",
        f"MB on the disk. Before anything is old, a night adds {growth / 1e6:.1f}, its Bento included.",
        "",
        *table(f"after night | {' | '.join((*PARTS, REST))} | all", rows),
        "",
        "![MB on the disk by night](../../docs/images/disk.png)",
        "",
    ]
    _plot(sizes, growth, REPO / "docs" / "images" / "disk.png")
    publish(RESULTS / "disk.md", "\n".join(page), sizes)


def _growth(sizes: Sequence[Sizes]) -> float:
    """Bytes that a night adds while nothing is old; not of the first one, which also fills the stores."""
    others = [sum(night.values()) - night["Bentos"] for night in sizes[1:RETAINED]]
    growth = float(np.polyfit(np.arange(len(others)), others, 1)[0]) if len(others) > 1 else 0.0
    return growth + sizes[0]["Bentos"]  # all but three Bentos go already


def _plot(sizes: Sequence[Sizes], growth: float, path: Path) -> None:
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    nights = np.arange(1, len(sizes) + 1)
    parts = (*PARTS, REST)
    axes.stackplot(
        nights, *([night[part] / 1e6 for night in sizes] for part in parts), labels=parts, alpha=0.8
    )
    start = sum(sizes[1].values())
    axes.plot(
        nights, (start + growth * (nights - 2)) / 1e6, "k--", label="the first nights' growth, continued"
    )
    axes.axvline(RETAINED, color="grey", linestyle=":")
    axes.set_xlabel("night")
    axes.set_ylabel("MB on the disk")
    axes.legend(frameon=False, loc="upper left", fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=95, metadata={"Software": None})


if __name__ == "__main__":
    main()
