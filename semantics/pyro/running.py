"""Running Pyro without leaving traces: the user's random numbers, parameter store and threads stay as they are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pyro
import torch


@contextmanager
def undisturbed(seed: int, gradients: bool = False) -> Iterator[None]:
    """Random numbers from `seed`, a fresh parameter store, one thread (small tensors are faster so)."""
    threads = torch.get_num_threads()
    with (
        torch.random.fork_rng(devices=[]),
        pyro.get_param_store().scope(),
        torch.set_grad_enabled(gradients),
        pyro.poutine.block(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        torch.manual_seed(seed % 2**63)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
