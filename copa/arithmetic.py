"""How this process computes on the processor: threads, denormal numbers, and whose matrix products."""

import logging
from pathlib import Path

import torch

log = logging.getLogger(__name__)

PROCESSORS = Path("/proc/cpuinfo")
EXACT = 1e-5
"""Largest error of a product, relative to its largest element, that float32 makes; a narrower type errs by 1e-3."""


def prepare(threads: int, *, flush_denormals: bool = False, products: bool = True) -> None:
    """Settle the arithmetic of this process.

    PyTorch multiplies float32 matrices by MKL, which keeps to AVX2 on processors that are not Intel's. Its other
    library, oneDNN, takes AVX-512 there and is about twice as fast, but is asked only where bfloat16 is allowed inside
    products. So it is allowed, on such processors alone and only while products stay exact. oneDNN builds a kernel for
    every shape it has not met, some 0.5 ms and 0.7 MB each: shapes that repeat are what makes it fast.

    Args:
        threads: threads of tensor arithmetic.
        flush_denormals: treat denormal numbers as zero.
        products: False leaves products alone, for a process that also computes on a GPU, which reads the same setting.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(flush_denormals)
    if not products or not _held_back():
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    if not _worst_error() <= EXACT:
        torch.set_float32_matmul_precision(before)
        return
    log.debug("float32 matrix products are oneDNN's")


def _held_back() -> bool:
    """Whether products are MKL's on a processor where it keeps to AVX2 and oneDNN does not."""
    return (
        torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and PROCESSORS.exists()
        and "GenuineIntel" not in PROCESSORS.read_text(encoding="utf-8", errors="replace")
    )


def _worst_error() -> float:
    """Largest error of some products as they are computed now, relative to their largest element."""
    generator = torch.Generator().manual_seed(0)
    errors = []
    for left, right in (((256, 64), (64, 64)), ((64, 1024), (1024, 64)), ((16, 40, 64), (16, 64, 64))):
        a, b = torch.randn(left, generator=generator), torch.randn(right, generator=generator)
        exact = a.double() @ b.double()
        for product in (a @ b, (b.mT @ a.mT).mT):
            errors.append((product.double() - exact).abs().max() / exact.abs().max())
    return float(torch.stack(errors).max())
