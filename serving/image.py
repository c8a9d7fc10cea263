"""The service's image: Python and the packages of requirements-service.lock, without files that go unread."""

from __future__ import annotations

import os
from pathlib import Path

from bentoml.images import Image

LOCK = Path(__file__).resolve().parent.parent / "requirements-service.lock"
BASE_IMAGE, TORCH_BACKEND = "PALATE_BASE_IMAGE", "PALATE_TORCH_BACKEND"  # variables that a release sets

# The lock holds no hashes of the files that PyTorch's index has for GPUs.
_NO_HASHES_OF_TORCH = r"sed -i '/^torch==/,/[^\\]$/ { s/ *\\$//; /--hash/d }' src/requirements-service.lock"
# A layer is kept of each step, so what is removed must be installed in the same one.
_INSTALL = "UV_COMPILE_BYTECODE=0 uv pip install -r src/requirements-service.lock"
# Removes debug symbols, headers, tests, bytecode and caches, which serving never reads. The import at the end
# proves that nothing needed is missing, and compiles the bytecode of what the service imports.
_NOT_SERVED = (
    "apt-get update -q && apt-get install -qy --no-install-recommends binutils"
    ' && cd "$VIRTUAL_ENV"/lib/python*/site-packages'
    " && strip --strip-unneeded torch/lib/libtorch_cpu.so torch/lib/libtorch_python.so"
    " && apt-get purge -qy --auto-remove binutils"
    " && find torch/bin -type f ! -name torch_shm_manager -delete"
    " && rm -rf torch/include torch/share torch/test torch/utils/benchmark numpy/*/tests"
    " && rm -rf icalendar/tests hf_xet setuptools"
    " && find . \\( -name '*.pyi' -o -name '*.a' \\) -delete && find . -name __pycache__ -exec rm -rf {} +"
    " && python -c 'import bentoml, _bentoml_impl.server.serving, _bentoml_impl.server.app, torch"
    "; import transformers.models.llama.modeling_llama, transformers.models.auto, tqdm, safetensors.torch"
    "; import icalendar, scipy.linalg, scipy.optimize, scipy.sparse.linalg'"
    " && rm -rf ~root/.cache /var/lib/apt/lists /var/cache/apt /usr/share/doc /usr/share/man"
)


def service_image() -> Image:
    """Describes the image of the service, without the compilers and git that BentoML installs by default."""
    image = Image(
        base_image=os.environ.get(BASE_IMAGE, "python:3.11-slim"),
        distro="none",
        python_version="3.11",
        lock_python_packages=False,
    )
    backend = os.environ.get(TORCH_BACKEND, "")
    settings = "no-deps = true\\n"  # the lock names all packages
    if backend:  # with this setting uv installs torch from PyTorch's index for that backend
        settings += f'torch-backend = "{backend}"\\n'
    image.run(f"mkdir -p /etc/uv && printf '[pip]\\n{settings}' > /etc/uv/uv.toml")
    # BentoML asks for a package in a step of its own: for itself alone, the others come with the next step.
    image.build_include(LOCK.name).python_packages(_pin("bentoml"))
    without_hashes = () if backend in ("", "cpu") else (_NO_HASHES_OF_TORCH,)
    return image.run(" && ".join([*without_hashes, _INSTALL, _NOT_SERVED]))


def _pin(package: str) -> str:
    """Reads a package's pin with its hashes from the lock, as one line."""
    lines = LOCK.read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    return next(" ".join(line.split()) for line in lines if line.startswith(f"{package}=="))
