"""`make benchmark NAME=methods`: what each way of tuning costs and gives on the canteen, in one table.

Every way runs in a process of its own. Writes docs/method-comparison.md. The table has one seed; how
much a seed moves a number is in results/quality-canteen.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.sample import REPO, base, canteen_split
from components.domain.preferences.strengths import known_opinions, rating_spread
from components.domain.preferences.training_plan import whole_people
from components.domain.ranker.dish_vectors import HEAD_FILE
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DishTokens
from components.domain.records import Comparison
from components.domain.verdict.metrics import per_person
from components.integrations import adapters, base_models, finetuning, scoring

VARIANTS: dict[str, dict[str, Any]] = {
    "LoRA, listwise": {},
    "rsLoRA, listwise": {"method": "rslora"},
    "DoRA, listwise": {"method": "dora"},
    "full, listwise": {"method": "full", "learning_rate": 1e-4},
    "full in all 30 layers": {"method": "full", "learning_rate": 1e-4, "layers": (0, 30)},
    "LoRA, DPO": {"objective": "dpo"},
    "LoRA, pointwise": {"objective": "pointwise"},
}
RUNS = 5
PAGE = REPO / "docs" / "method-comparison.md"


def main() -> None:
    """Runs every variant in a process of its own, so that its peak memory is its own, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.methods", description=__doc__)
    parser.add_argument("--one", choices=list(VARIANTS))
    given = parser.parse_args()
    if given.one:
        print(json.dumps(_measure(VARIANTS[given.one])))
        return
    rows = {}
    for name in VARIANTS:
        command = [sys.executable, "-m", "benchmarks.methods", "--one", name]
        done = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True)
        rows[name] = json.loads(done.stdout.splitlines()[-1])
        print(name, rows[name], flush=True)
    PAGE.write_text(_page(rows))


def _measure(changes: dict[str, Any]) -> dict[str, float]:
    params, dishes, split = canteen_split()
    torch.set_num_threads(params.train.threads)
    candidate = params.train.candidates["vectors"].model_copy(update=changes)
    head = candidate.vectors
    if head is None:
        raise SystemExit("the candidate `vectors` of params.yaml has no section `vectors`.")
    model = base(params)
    tokens = model.dish_tokens(dishes, params.prompt.dish_fields)
    adapted = adapters.attach(model.network, candidate, params.train.seed)
    trained = sum(weight.numel() for weight in model.network.parameters() if weight.requires_grad)
    train = whole_people(split.train, candidate.comparisons, params.train.seed)
    spread = rating_spread(known_opinions(train))
    started = time.monotonic()
    finetuning.fit_vectors(
        model, tokens, train, candidate, head, candidate.epochs, spread, lambda _step: None
    )
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        adapters.save(adapted, model.head, folder / "adapter", "base")
        stored = sum(file.stat().st_size for file in (folder / "adapter").iterdir()) / 1e6
        serving = _serving(folder, params.prompt.dish_fields, dishes, split.test)
    return {"trained": trained, "stored_mb": stored, "peak_mb": peak, "seconds": seconds, **serving}


def _serving(
    folder: Path, fields: tuple[str, ...], dishes: dict[str, Any], test: tuple[Comparison, ...]
) -> dict[str, float]:
    """Quality, delay, and how far merged scores are from unmerged ones, in float32 on the CPU."""
    place = REPO / "models" / "base", torch.float32, torch.device("cpu")
    plain, unmerged = base_models.load(*place), base_models.load(*place)
    tokens = plain.dish_tokens(dishes, fields)
    adapters.load_head(plain, folder / "adapter")
    adapters.load(unmerged, folder / "adapter")
    whole = base_models.load(*place)
    network = adapters.merged(whole, folder / "adapter")
    base_models.save(network, whole.tokenizer, folder / "merged", torch.float32)
    shutil.copy(folder / "adapter" / HEAD_FILE, folder / "merged")
    merged = base_models.load(folder / "merged", torch.float32, torch.device("cpu"))
    asked = replace(test[0], history=max((each.history for each in test), key=len)[-10:])
    delays = _delays({"base_ms": plain, "unmerged_ms": unmerged, "merged_ms": merged}, tokens, asked)
    scores, again = (scoring.score(model, tokens, test, 1, "") for model in (unmerged, merged))
    apart = max(float(np.abs(scores[key] - again[key]).max()) for key in scores)
    pair, top, _ = np.mean(list(per_person(scores, test).values()), axis=0)
    return {"pair_accuracy": float(pair), "top1": float(top), "merged_apart": apart, **delays}


def _delays(models: dict[str, LanguageModel], tokens: DishTokens, asked: Comparison) -> dict[str, float]:
    """Milliseconds for a menu whose dishes, like the past ones, the model has not seen; medians of turns."""

    def run(model: LanguageModel) -> None:
        model.vectors.clear()
        scoring.score_menu(model, tokens, asked)

    turns = [{name: _seconds(partial(run, model)) for name, model in models.items()} for _ in range(RUNS + 1)]
    return {name: 1000 * statistics.median(turn[name] for turn in turns[1:]) for name in models}


def _seconds(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


_HEADER = """# Ways of tuning, compared

`make benchmark NAME=methods` writes this page: the canteen, the candidate `vectors` of params.yaml with only
the named thing changed (full: the layers' own weights, at a tenth of the rate), one seed, each in its own
process; the frozen layers below the tuned ones are run once for all steps. Quality is held out, per person.
The delay is a menu of six dishes for a person with ten past dishes, none of them seen before, in float32 on
the CPU, median of runs in which base, unmerged and merged take turns; a dish that was seen before is not read
again. "Apart" is the largest difference of a merged score from the unmerged one, in logits.

"""
_COLUMNS = (  # heading, key, format
    ("trained weights", "trained", ","),
    ("stored MB", "stored_mb", ".1f"),
    ("peak MB", "peak_mb", ",.0f"),
    ("seconds", "seconds", ".0f"),
    ("pair accuracy", "pair_accuracy", ".3f"),
    ("top-1", "top1", ".3f"),
    ("base ms", "base_ms", ".0f"),
    ("unmerged ms", "unmerged_ms", ".0f"),
    ("merged ms", "merged_ms", ".0f"),
    ("apart", "merged_apart", ".0e"),
)


def _page(rows: dict[str, dict[str, float]]) -> str:
    lines = [f"| | {' | '.join(heading for heading, *_ in _COLUMNS)} |", "|---|" + "---|" * len(_COLUMNS)]
    for name, row in rows.items():
        cells = (format(row[key], how) for _, key, how in _COLUMNS)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return _HEADER + "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
