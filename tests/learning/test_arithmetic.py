"""Whose matrix products a process uses, and that they stay those of float32."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from copa import arithmetic

AVX512 = torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.backends.mkl.is_available()
NEEDS_AVX512 = pytest.mark.skipif(not AVX512, reason="MKL and a processor with AVX-512 are what there is a choice for")


@pytest.fixture(autouse=True)
def undecided() -> Iterator[None]:
    """A process that has not chosen yet."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says whose processor this is."""

    def say(name: str) -> None:
        processors = tmp_path / "cpuinfo"
        processors.write_text(f"processor : 0\nvendor_id : {name}\n")
        monkeypatch.setattr(arithmetic, "PROCESSORS", processors)

    return say


def worst_error(size: int) -> float:
    a, b = torch.randn(3, size, size), torch.randn(3, size, size)
    exact = a.double() @ b.double()
    return float(((a @ b).double() - exact).abs().max() / exact.abs().max())


def allowed() -> str:
    """What products may be, after `prepare` where oneDNN's are exact."""
    torch.set_float32_matmul_precision("medium")
    found = "medium" if worst_error(64) < arithmetic.EXACT else "highest"
    torch.set_float32_matmul_precision("highest")
    return found


@pytest.mark.parametrize("size", [8, 64, 300])
def test_products_are_those_of_float32(size: int) -> None:
    arithmetic.prepare(1)
    assert worst_error(size) < 1e-6


@NEEDS_AVX512
def test_onednn_is_taken_where_mkl_keeps_to_avx2_and_products_are_exact(vendor: Callable[[str], None]) -> None:
    vendor("AuthenticAMD")
    expected = allowed()
    arithmetic.prepare(1)
    assert torch.get_float32_matmul_precision() == expected


@NEEDS_AVX512
def test_an_intel_processor_is_left_as_it_is(vendor: Callable[[str], None]) -> None:
    vendor("GenuineIntel")
    arithmetic.prepare(1)
    assert torch.get_float32_matmul_precision() == "highest"


@NEEDS_AVX512
@pytest.mark.parametrize("exact", [0.0, math.nan])
def test_products_that_are_not_exact_are_not_used(
    exact: float, vendor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor("AuthenticAMD")
    monkeypatch.setattr(arithmetic, "EXACT", exact)
    arithmetic.prepare(1)
    assert torch.get_float32_matmul_precision() == "highest"


@NEEDS_AVX512
def test_a_process_with_a_gpu_keeps_its_products(vendor: Callable[[str], None]) -> None:
    vendor("AuthenticAMD")
    arithmetic.prepare(1, products=False)
    assert torch.get_float32_matmul_precision() == "highest"


def test_threads_and_denormals_are_set() -> None:
    tiny = torch.tensor([1e-42])
    try:
        arithmetic.prepare(1, flush_denormals=True)
        assert torch.get_num_threads() == 1
        assert float(tiny * 1.0) == 0.0
    finally:
        arithmetic.prepare(1)
    assert float(tiny * 1.0) > 0.0
