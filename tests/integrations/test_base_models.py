"""A base computes the same however its attention is computed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from components.domain.ranker.language_model import LanguageModel
from components.integrations import base_models

PRECISE = 1e-5  # float32
LINES = torch.arange(1, 25).reshape(2, 12)
REAL = torch.tensor([[1] * 12, [1] * 7 + [0] * 5])  # the second line is padded


def test_plain_attention_gives_what_the_fused_kernel_gives_and_so_do_its_gradients(
    small_model: LanguageModel,
) -> None:
    small_model.network.requires_grad_(requires_grad=True)
    results = {}
    for attention in ("sdpa", "palate"):
        small_model.network.set_attn_implementation(attention)
        small_model.network.zero_grad()
        states = small_model.decoder(input_ids=LINES, attention_mask=REAL, use_cache=False).last_hidden_state
        outputs = states[REAL.bool()]
        outputs[:, 0].sum().backward()
        weight = small_model.decoder.layers[0].self_attn.k_proj.weight
        results[attention] = outputs.detach(), weight.grad.clone()
    for fused, plain in zip(results["sdpa"], results["palate"], strict=True):
        assert torch.allclose(fused, plain, atol=PRECISE, rtol=PRECISE)
        assert plain.abs().max() > 100 * PRECISE


@pytest.mark.parametrize(
    ("dtype", "attention"), [(torch.bfloat16, "palate"), (torch.float32, "sdpa")], ids=["bfloat16", "float32"]
)
def test_only_bfloat16_on_a_cpu_trains_by_plain_attention(
    small_base: Path, dtype: torch.dtype, attention: str
) -> None:
    model = base_models.load(small_base, dtype, torch.device("cpu"))
    assert model.network.config._attn_implementation == attention
