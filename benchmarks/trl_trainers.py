"""TRL's trainers as peers: a pair for every dish passed over (DPO), or yes or no for every dish (SFT)."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.sample import base, tokens_of
from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import ANSWERS, HEADER, MARKS, OFFER_LINE, PAST_LINE, dish_text
from components.domain.records import Comparison
from components.domain.training_params import CandidateParams
from components.integrations import scoring
from components.stages.contenders import Setting

STEPS, MOST_STEPS = 6, 10_000  # measured, after one that is not; TRL wants to know an end
BATCHES = 4, 16, 32  # each is tried, after one step that is not counted; the fastest trains
TRIED_STEPS = 2
Examples = list[dict[str, str]]


@dataclass(frozen=True)
class Task:
    """What a trainer gets.

    Attributes:
        setting: Dishes and settings.
        candidate: Settings of the LoRA.
        train: To train on.
        test: To score.
        budget: Seconds that it trains at least.
    """

    setting: Setting
    candidate: CandidateParams
    train: Comparisons
    test: Comparisons
    budget: float = 0.0

    def text(self, dish: str) -> str:
        """The dish as every model reads it."""
        return dish_text(self.setting.dishes[dish], self.setting.params.prompt.dish_fields)

    def prompt(self, comparison: Comparison) -> str:
        """The person."""
        past = ((MARKS[past.verdict], self.text(past.dish_id)) for past in comparison.history)
        return HEADER + "".join(PAST_LINE.format(mark=mark, dish=dish) for mark, dish in past)

    def liked(self, dish: str) -> str:
        """The dish as if the person had liked it."""
        return PAST_LINE.format(mark=MARKS[1], dish=self.text(dish))


@dataclass(frozen=True)
class Peer:
    """Comparisons a second, its batch, seconds trained, and (O,) scores of the test afterwards."""

    rate: float
    batch: int
    seconds: float
    scores: Floats


@dataclass(frozen=True)
class _Run:
    """A training: examples a second, its batch, seconds from start to end, the model and what is adapted."""

    rate: float
    batch: int
    seconds: float
    model: LanguageModel
    network: Any


def dpo(task: Task) -> Peer:
    """DPOTrainer; a score is how much likelier the dish became, DPO's idea of a reward."""
    from trl import DPOConfig, DPOTrainer

    examples = [
        {"prompt": prompt, "chosen": task.liked(comparison.chosen), "rejected": task.liked(dish)}
        for comparison, prompt in ((each, task.prompt(each)) for each in task.train)
        for dish in comparison.dishes
        if dish != comparison.chosen
    ]
    run = _fastest(task, examples, DPOTrainer, DPOConfig)
    tuned = _continuations(run.model, task)
    with run.network.disable_adapter():
        scores = tuned - _continuations(run.model, task)
    return Peer(run.rate * len(task.train) / len(examples), run.batch, run.seconds, scores)


def sft(task: Task) -> Peer:
    """SFTTrainer; its answers are read as ours are."""
    from trl import SFTConfig, SFTTrainer

    examples = [
        {
            "prompt": task.prompt(comparison) + OFFER_LINE.format(dish=task.text(dish)),
            "completion": ANSWERS[0] if dish == comparison.chosen else ANSWERS[1],
        }
        for comparison in task.train
        for dish in comparison.dishes
    ]
    run, params = _fastest(task, examples, SFTTrainer, SFTConfig), task.setting.params
    tokens = tokens_of(run.model, task.setting)
    scores = scoring.score(run.model, tokens, task.test, params.train.sequence_tokens, "")
    return Peer(run.rate * len(task.train) / len(examples), run.batch, run.seconds, scores)


def _fastest(task: Task, examples: Examples, trainer: Any, config: Any) -> _Run:
    """Tries every batch for a few steps, and trains with the fastest for the task's seconds."""

    def run(batch: int, steps: int, budget: float) -> _Run:
        model, stamps = base(task.setting)[0], list[float]()
        with tempfile.TemporaryDirectory() as folder:
            training = trainer(
                model=_adapted(model, task.candidate),
                args=config(**_arguments(folder, task, batch), use_cpu=model.device.type == "cpu"),
                train_dataset=_by_length(examples, batch),
                processing_class=model.tokenizer,
                callbacks=[_clock(stamps, steps, budget)],
            )
            training.train()
        model.network.eval()
        rate = batch * (len(stamps) - 2) / (stamps[-1] - stamps[1])  # batches differ in length: the mean
        return _Run(rate, batch, stamps[-1] - stamps[0], model, training.model)

    rates = {batch: run(batch, TRIED_STEPS, 0.0).rate for batch in BATCHES}
    return run(max(rates, key=rates.__getitem__), STEPS, task.budget)


def _adapted(model: LanguageModel, candidate: CandidateParams) -> Any:
    """bfloat16 adapters on a bfloat16 base, as ours: PEFT's own float32 ones are slower on a CPU."""
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(
        r=candidate.rank,
        lora_alpha=candidate.alpha,
        target_modules=list(candidate.targets),
        layers_to_transform=list(range(*candidate.layers)),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model.network, lora, autocast_adapter_dtype=False)


def _arguments(folder: str, task: Task, batch: int) -> dict[str, Any]:
    return {
        "output_dir": folder,
        "per_device_train_batch_size": batch,
        "max_steps": MOST_STEPS,
        "learning_rate": task.candidate.learning_rate,
        "activation_checkpointing": False,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "bf16": False,
        "max_length": 512,
        "train_sampling_strategy": "sequential",
    }


def _by_length(examples: Examples, batch: int) -> Any:
    """Examples in batches of like length, hence with hardly any padding, and the batches in a random order.

    Those that fill no batch are left out.
    """
    from datasets import Dataset

    ordered = sorted(examples, key=lambda example: sum(map(len, example.values())))
    order = np.random.default_rng(1).permutation(len(ordered) // batch)
    batches = (ordered[number * batch : (number + 1) * batch] for number in order)
    return Dataset.from_list([example for examples_of_one in batches for example in examples_of_one])


def _clock(stamps: list[float], steps: int, budget: float) -> Any:
    """Notes when training starts and each step ends; stops it after a step not counted, steps and seconds."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]  # untyped
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            stamps.append(time.monotonic())

        def on_step_end(self, _args: Any, _state: Any, control: Any, **__: Any) -> None:
            stamps.append(time.monotonic())
            control.should_training_stop = len(stamps) > steps + 1 and stamps[-1] - stamps[0] > budget

    return Clock()


def _continuations(model: LanguageModel, task: Task) -> Floats:
    """(O,) log likelihood of each dish's line after the person's."""
    parts = []
    for comparison in task.test:
        prompt = model.encode(task.prompt(comparison))
        lines = [torch.tensor([*prompt, *model.encode(task.liked(dish))]) for dish in comparison.dishes]
        ids = torch.nn.utils.rnn.pad_sequence(lines, batch_first=True)
        mask = torch.arange(ids.shape[1])[None] < torch.tensor([[len(line)] for line in lines])
        with torch.inference_mode():
            logits = model.network(
                input_ids=ids.to(model.device), attention_mask=mask.long().to(model.device), use_cache=False
            ).logits
        likelihood = logits[:, :-1].float().log_softmax(-1).cpu().gather(2, ids[:, 1:, None])[:, :, 0]
        likelihood[~mask[:, 1:]] = 0.0
        parts.append(likelihood[:, len(prompt) - 1 :].sum(1).double().numpy())
    return np.concatenate(parts)
