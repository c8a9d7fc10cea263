"""`make benchmark NAME=methods`: what each way of tuning costs and gives on the canteen, in one table.

Every way runs in a process of its own. Writes docs/method-comparison.md. The table has one seed; how
much a seed moves a number is in results/quality-canteen.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measuring import in_a_process, metrics_of, peak_mb, seconds
from benchmarks.pages import publish, table
from benchmarks.sample import BASE, REPO, base, canteen, tokens_of
from components.domain.preferences.training_plan import from_scratch
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DishTokens
from components.domain.records import Question
from components.integrations import adapters, base_models, finetuning, scoring, tuned_weights
from components.stages.contenders import Setting

VARIANTS: dict[str, dict[str, Any]] = {
    "LoRA, listwise": {},
    "rsLoRA, listwise": {"method": "rslora"},
    "DoRA, listwise": {"method": "dora"},
    "full, listwise": {"method": "full", "learning_rate": 1e-4},
    "full in all 30 layers": {"method": "full", "learning_rate": 1e-4, "layers": (0, 30)},
    "LoRA, DPO": {"objective": "dpo"},
    "LoRA, pointwise": {"objective": "pointwise"},
}
RUNS, PAST = 5, 10
PAGE = REPO / "docs" / "method-comparison.md"


def main() -> None:
    """Runs every variant in a process of its own, so that its peak memory is its own, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.methods", description=__doc__)
    parser.add_argument("--one", choices=list(VARIANTS))
    one = parser.parse_args().one
    if one:
        print(json.dumps(_measure(canteen(), VARIANTS[one])))
        return
    publish(PAGE, _page({name: in_a_process("benchmarks.methods", name) for name in VARIANTS}))


def _measure(setting: Setting, changes: Mapping[str, Any]) -> dict[str, float]:
    settings = setting.params.train
    candidate = settings.candidates["vectors"].model_copy(update=changes)
    model, tokens = base(setting)
    adapted = adapters.attach(model.network, candidate, settings.seed)
    trained = sum(weight.numel() for weight in model.network.parameters() if weight.requires_grad)
    plan = from_scratch(setting.train, candidate, settings.seed)
    fit = partial(finetuning.fit, model, tokens, plan, setting.ratings, candidate, settings)
    costs = {"trained": trained, "seconds": seconds(lambda: fit(lambda _step: None)), "peak_mb": peak_mb()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adapters.save(adapted, model.head, folder / "adapter", "base")
        stored = sum(file.stat().st_size for file in (folder / "adapter").iterdir()) / 1e6
        return {**costs, "stored_mb": stored, **_serving(folder, setting)}


def _serving(folder: Path, setting: Setting) -> dict[str, float]:
    """Quality, delay, and how far merged scores are from unmerged ones, in float32 on the CPU."""
    plain, unmerged, merged = (_load(BASE) for _ in range(3))
    adapters.load_head(plain, folder / "adapter")
    adapters.load(unmerged, folder / "adapter")
    tuned_weights.add(merged, folder / "adapter")
    test, tokens = setting.test, tokens_of(plain, setting)
    longest = test.question(int(test.history_sizes.argmax()))
    question = replace(test.question(0), history=longest.history[-PAST:])
    delays = _delays({"base_ms": plain, "unmerged_ms": unmerged, "merged_ms": merged}, tokens, question)
    scores, again = (scoring.score(model, tokens, test, 1, "") for model in (unmerged, merged))
    pair, top, _ = np.mean(list(metrics_of(scores, test).values()), axis=0)
    difference = float(np.abs(scores - again).max())
    return {"pair_accuracy": float(pair), "top1": float(top), "difference": difference, **delays}


def _load(folder: Path) -> LanguageModel:
    return base_models.load(folder, torch.float32, torch.device("cpu"))


def _delays(models: Mapping[str, LanguageModel], tokens: DishTokens, question: Question) -> dict[str, float]:
    """Milliseconds for a menu whose dishes, like the past ones, the model has not seen; medians of turns."""

    def run(model: LanguageModel) -> None:
        model.vectors.clear()
        scoring.score_question(model, tokens, question)

    turns = [{name: seconds(partial(run, model)) for name, model in models.items()} for _ in range(RUNS + 1)]
    return {name: 1000 * statistics.median(turn[name] for turn in turns[1:]) for name in models}


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
    ("apart", "difference", ".0e"),
)


def _page(variants: Mapping[str, Mapping[str, float]]) -> str:
    heading = " | ".join(["", *(name for name, *_ in _COLUMNS)])
    rows = (
        [name, *(format(values[key], how) for _, key, how in _COLUMNS)] for name, values in variants.items()
    )
    return _HEADER + "\n".join([*table(heading, rows), ""])


if __name__ == "__main__":
    main()
