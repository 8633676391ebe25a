"""Whose matrix products a process uses, and that they stay those of float32."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from copa import arithmetic

PRODUCTS: Any = getattr(torch.backends.mkldnn, "matmul", None)


@pytest.fixture
def undecided() -> Iterator[None]:
    """A process that has not chosen yet."""
    if PRODUCTS is None:
        pytest.skip("this PyTorch has no choice of products")
    before = PRODUCTS.fp32_precision
    PRODUCTS.fp32_precision = "none"
    yield
    PRODUCTS.fp32_precision = before


def worst_error(size: int) -> float:
    a, b = torch.randn(3, size, size), torch.randn(3, size, size)
    exact = a.double() @ b.double()
    return float(((a @ b).double() - exact).abs().max() / exact.abs().max())


@pytest.mark.parametrize("size", [8, 64, 300])
def test_products_are_those_of_float32(undecided: None, size: int) -> None:
    arithmetic.prepare(1)
    assert worst_error(size) < 1e-6


def test_an_intel_processor_is_left_as_it_is(undecided: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processors = tmp_path / "cpuinfo"
    processors.write_text("processor : 0\nvendor_id : GenuineIntel\n")
    monkeypatch.setattr(arithmetic, "PROCESSORS", processors)
    arithmetic.prepare(1)
    assert PRODUCTS.fp32_precision == "none"


def test_products_that_are_not_exact_are_not_used(undecided: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "EXACT", 0.0)
    arithmetic.prepare(1)
    assert PRODUCTS.fp32_precision == "none"


def test_another_processor_with_avx512_takes_onednn_where_it_is_exact(
    undecided: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        pytest.skip(f"this processor computes with {torch.backends.cpu.get_cpu_capability()}")
    processors = tmp_path / "cpuinfo"
    processors.write_text("processor : 0\nvendor_id : AuthenticAMD\n")
    monkeypatch.setattr(arithmetic, "PROCESSORS", processors)
    PRODUCTS.fp32_precision = "bf16"
    expected = "bf16" if worst_error(64) < arithmetic.EXACT else "none"
    PRODUCTS.fp32_precision = "none"
    arithmetic.prepare(1)
    assert PRODUCTS.fp32_precision == expected


def test_threads_and_denormals_are_set(undecided: None) -> None:
    tiny = torch.tensor([1e-42])
    try:
        arithmetic.prepare(1, flush_denormals=True)
        assert torch.get_num_threads() == 1
        assert float(tiny * 1.0) == 0.0
    finally:
        arithmetic.prepare(1)
    assert float(tiny * 1.0) > 0.0
