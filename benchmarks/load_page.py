"""The page and the plot of `make benchmark NAME=load`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.load_servers import PORTS, THREADS
from benchmarks.pages import table
from benchmarks.sample import REPO

ON_MENU, HISTORY, MINUTES = 6, 10, 10
KINDS = {"new": "dishes that nobody has read", "read": "dishes read before"}
QUANTILES = "p50", "p95", "p99"
GOALS = {"new": 5, "read": 1}  # times the peer's requests a second
PLOT = REPO / "docs" / "images" / "load.png"
Results = dict[str, Any]  # of results/load.json: `load` by kind, clients and server, and `memory`


def page(results: Results) -> Iterator[str]:
    """Lines of the page, of what was measured so far."""
    yield "# The service under load"
    yield ""
    yield f"`make benchmark NAME=load`: menus of {ON_MENU} dishes for a person with {HISTORY} past"
    yield "dishes; text factors of the canteen on the base in float32;"
    yield f"{THREADS} threads of PyTorch in each server, clients on the same cores. The peer is FastAPI and"
    yield "transformers with the same weights, head and memory of dishes, a padded batch of a request's new"
    yield "dishes, and no limit of requests at once (`benchmarks/load_peer.py`). Its scores are the"
    yield "service's, which is checked first."
    if "load" in results:
        for kind, title in KINDS.items():
            yield from ["", f"## Menus of {title}", "", *_table(results["load"], kind)]
        yield ""
        yield f"The machine's load was {results['load']['busy']:.1f} over the last five minutes, all of this"
        yield "included."
        yield ""
        yield "![Requests a second and milliseconds against clients](../../docs/images/load.png)"
    if "memory" in results:
        yield from ["", "## Memory", "", *_memory(results["memory"])]
    yield ""


def _table(load: Results, kind: str) -> Iterator[str]:
    ours, theirs = PORTS
    times = {
        clients: figures[ours]["per_second"] / figures[theirs]["per_second"]
        for clients, figures in load[kind].items()
    }
    rows = (
        [
            clients,
            *(f"{one['per_second']:,.1f}" for one in figures.values()),
            f"{times[clients]:.2f}",
            *(" / ".join(f"{one[key]:,.0f}" for key in QUANTILES) for one in figures.values()),
            *(f"{one['refused']:.0%}" for one in figures.values()),
            " and ".join(f"{one['answers']:,}" for one in figures.values()),
        ]
        for clients, figures in load[kind].items()
    )
    columns = (
        f"clients | {ours}, requests/s | {theirs} | times | {ours}, ms p50 / p95 / p99 | {theirs} | "
        f"{ours}, 429 | {theirs} | answers"
    )
    yield from table(columns, rows)
    least, most = min(times.values()), max(times.values())
    yield ""
    yield f"Wanted: {GOALS[kind]} times the peer's requests a second."
    yield f"{'Met' if least >= GOALS[kind] else 'Missed'}: {least:.2f} to {most:.2f} times."


def _memory(memory: Results) -> Iterator[str]:
    yield f"`make benchmark NAME=load MEMORY=1`: {memory['clients']} clients, twice as many as are"
    yield f"answered at once, with new dishes only: {memory['answers']:,} answers and"
    yield f"{memory['refused']:,} refusals (429) in {MINUTES} minutes; the machine's load was"
    yield f"{memory['busy']:.1f}. Resident memory of the service's processes together, by minute:"
    yield ""
    columns = ["minute", *map(str, range(len(memory["mb"])))]
    yield from table(" | ".join(columns), [["MB", *(f"{mb:,.0f}" for mb in memory["mb"])]])


def plot(load: Results) -> None:
    """Writes docs/images/load.png."""
    mpl.use("Agg")
    figure, axes = plt.subplots(2, 2, figsize=(9, 5.5), sharex=True)
    labels = {"per_second": "requests a second", "p95": "p95, milliseconds"}
    for column, (kind, title) in enumerate(KINDS.items()):
        clients = [int(number) for number in load[kind]]
        axes[0, column].set_title(title)
        for axis, (key, label) in zip(axes[:, column], labels.items(), strict=True):
            for name in PORTS:
                values = [one[name][key] for one in load[kind].values()]
                axis.plot(clients, values, marker="o", label=name)
            axis.set_xscale("log", base=2)
            axis.set_xticks(clients, list(map(str, clients)))
            axis.set_ylim(bottom=0)
            axis.set_ylabel(label)
            axis.grid(visible=True, alpha=0.3)
        axes[1, column].set_xlabel("clients")
    axes[0, 0].legend()
    figure.tight_layout()
    figure.savefig(PLOT, dpi=90)
