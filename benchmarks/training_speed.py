"""`make benchmark-training`: comparisons trained per second, against TRL's trainers in the same process.

All with the same base, dtype, LoRA and data. A comparison is one choice from a menu of about six dishes: for
DPO it is a pair for every dish passed over, for SFT an example (yes or no) for every dish.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from typing import Any

import torch

from benchmarks.sample import REPO, base, canteen
from components.domain.packing import pack
from components.domain.params import CandidateParams, VectorParams
from components.domain.prompts import ANSWERS, HEADER, MARKS, OFFER_LINE, PAST_LINE, dish_text
from components.domain.records import Comparison, Dish
from components.domain.training_plan import whole_people
from components.integrations import adapters, finetuning

STEPS = 6  # measured, after one that is not
PEER_BATCH = 16
FIELDS = ("name", "description")
HEAD = VectorParams(size=16, learning_rate=0.02, weight_decay=0.1, comparisons_per_step=2048)
RESULT = REPO / "benchmarks" / "results" / "speed-training.json"


def main() -> None:
    """Measures every trainer and writes results/speed-training.json and .md."""
    params, dishes, train = canteen()
    torch.set_num_threads(params.train.threads)
    vectors = params.train.candidates["vectors"]
    head = vectors.vectors or HEAD
    answers = vectors.model_copy(update={"vectors": None, "epochs": 1})
    some = whole_people(train, 400, 1)
    rates = {
        "Palate, dish vectors (default)": _vectors(vectors, head, dishes, train),
        "Palate, answers in context, packed": _answers(answers, dishes, some),
        "TRL SFTTrainer, yes or no a dish": _sft(answers, dishes, some),
        "TRL DPOTrainer, a pair a dish passed over": _dpo(answers, dishes, some),
    }
    RESULT.write_text(json.dumps({"comparisons_per_second": rates, "steps": STEPS}, indent=1) + "\n")
    page = _page(rates)
    RESULT.with_suffix(".md").write_text(page)
    print(page)


def _page(rates: dict[str, float]) -> str:
    slowest = min(rates.values())
    lines = [
        "# Training speed on the canteen",
        "",
        f"`make benchmark-training`, one process, median of {STEPS} steps after one that is not counted;",
        "the same base, dtype, LoRA (layers, rank, targets) and data for all; activation checkpointing off.",
        "",
        "| trainer | comparisons a second | times the slowest |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {rate:,.2f} | {rate / slowest:,.0f} |" for name, rate in rates.items()]
    return "\n".join([*lines, ""])


def _vectors(
    candidate: CandidateParams, head: VectorParams, dishes: dict[str, Dish], train: list[Comparison]
) -> float:
    model = base(canteen()[0])
    adapters.attach(model.network, candidate, 1)
    epochs = -(-(STEPS + 1) * head.comparisons_per_step // len(train))
    seen: list[finetuning.Step] = []
    finetuning.fit_vectors(
        model, model.dish_tokens(dishes, FIELDS), train, candidate, head, epochs, 1.0, seen.append
    )
    return _median(seen)


def _answers(candidate: CandidateParams, dishes: dict[str, Dish], train: list[Comparison]) -> float:
    params = canteen()[0]
    model = base(params)
    adapters.attach(model.network, candidate, 1)
    tokens = model.dish_tokens(dishes, params.prompt.dish_fields)
    rows = pack(train, tokens, params.train.row_tokens)[: (STEPS + 1) * params.train.rows_per_step]
    seen: list[finetuning.Step] = []
    finetuning.fit_answers(model, rows, candidate, 1, params.train.rows_per_step, seen.append)
    return _median(seen)


def _median(seen: list[finetuning.Step]) -> float:
    pairs = itertools.pairwise(seen)
    return statistics.median(
        (after.comparisons - before.comparisons) / (after.seconds - before.seconds) for before, after in pairs
    )


def _dpo(candidate: CandidateParams, dishes: dict[str, Dish], train: list[Comparison]) -> float:
    from trl import DPOConfig, DPOTrainer

    rows = [
        {"prompt": prompt, "chosen": _offer(dishes, each.chosen), "rejected": _offer(dishes, dish)}
        for each, prompt in ((each, _prompt(dishes, each)) for each in train)
        for dish in each.dishes
        if dish != each.chosen
    ]
    pairs = len(rows) / len(train)
    return PEER_BATCH / pairs / _peer(candidate, rows, DPOTrainer, DPOConfig, max_length=512)


def _sft(candidate: CandidateParams, dishes: dict[str, Dish], train: list[Comparison]) -> float:
    from trl import SFTConfig, SFTTrainer

    rows = [
        {
            "prompt": _prompt(dishes, each) + OFFER_LINE.format(dish=_text(dishes, dish)),
            "completion": ANSWERS[0] if dish == each.chosen else ANSWERS[1],
        }
        for each in train
        for dish in each.dishes
    ]
    examples = len(rows) / len(train)
    return PEER_BATCH / examples / _peer(candidate, rows, SFTTrainer, SFTConfig, max_length=512)


def _peer(
    candidate: CandidateParams, rows: list[dict[str, str]], trainer: Any, config: Any, **settings: Any
) -> float:
    """Median seconds of an optimizer step of a TRL trainer."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback

    stamps: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]  # untyped
        def on_step_end(self, *_: Any, **__: Any) -> None:
            stamps.append(time.monotonic())

    model = base(canteen()[0])
    lora = LoraConfig(
        r=candidate.rank,
        lora_alpha=candidate.alpha,
        target_modules=list(candidate.targets),
        layers_to_transform=list(range(*candidate.layers)),
        task_type="CAUSAL_LM",
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = config(
            output_dir=folder,
            per_device_train_batch_size=PEER_BATCH,
            max_steps=STEPS + 1,
            learning_rate=candidate.learning_rate,
            activation_checkpointing=False,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=model.device.type == "cpu",
            bf16=False,
            **settings,
        )
        trainer(
            model=model.network,
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            processing_class=model.tokenizer,
            peft_config=lora,
            callbacks=[Clock()],
        ).train()
    return statistics.median(after - before for before, after in itertools.pairwise(stamps))


def _prompt(dishes: dict[str, Dish], each: Comparison) -> str:
    said = ((MARKS[past.verdict], _text(dishes, past.dish_id)) for past in each.history)
    return HEADER + "".join(PAST_LINE.format(mark=mark, dish=dish) for mark, dish in said)


def _offer(dishes: dict[str, Dish], dish: str) -> str:
    return PAST_LINE.format(mark=MARKS[1], dish=_text(dishes, dish))


def _text(dishes: dict[str, Dish], dish: str) -> str:
    return dish_text(dishes[dish], FIELDS)


if __name__ == "__main__":
    main()
