"""data/splits + models/base → models/adapters/NAME and its loss curve."""

from __future__ import annotations

import csv

import torch

from components.domain.collaborative import known_opinions, rating_spread
from components.domain.packing import pack
from components.domain.params import Params
from components.integrations import adapters, base_models, comparison_files, finetuning, model_registry
from components.stages.paths import ADAPTERS, BASE, REPORTS, SPLITS, read_json


def train(params: Params, name: str) -> None:
    """Trains one candidate's adapter.

    The curve is also live in MLflow when the night gave the stage a run.
    """
    candidate, settings = params.train.candidates[name], params.train
    torch.set_num_threads(settings.threads)
    device = base_models.choose_device()
    model = base_models.load(BASE, base_models.choose_dtype(device), device)
    adapted = adapters.attach(model.network, candidate, settings.seed)
    comparisons = finetuning.sample(
        comparison_files.read_comparisons(SPLITS / "train.parquet"), candidate.comparisons, settings.seed
    )
    tokens = model.dish_tokens(
        comparison_files.read_dishes(SPLITS / "dishes.parquet"), params.prompt.dish_fields
    )
    curve = REPORTS / "training" / f"{name}.csv"
    curve.parent.mkdir(parents=True, exist_ok=True)
    with curve.open("w", encoding="utf-8", newline="") as file, model_registry.live_run() as log:
        writer = csv.writer(file)
        writer.writerow(["step", "comparisons", "loss", "seconds", "tokens"])

        def on_step(step: finetuning.Step) -> None:
            writer.writerow(
                [step.step, step.comparisons, f"{step.loss:.4f}", f"{step.seconds:.2f}", step.tokens]
            )
            log(step.step, {"loss": step.loss, "comparisons_per_second": step.comparisons / step.seconds})

        if candidate.vectors:
            spread = rating_spread(known_opinions(comparisons))
            finetuning.fit_vectors(model, tokens, comparisons, candidate, candidate.vectors, spread, on_step)
        else:
            rows = pack(comparisons, tokens, settings.row_tokens)
            finetuning.fit_answers(model, rows, candidate, settings.rows_per_step, on_step)
    adapters.save(adapted, model.head, ADAPTERS / name, read_json(BASE / base_models.MARKER)["id"])
