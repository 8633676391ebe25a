"""What the metrics say of the learner's GPU, and that they are silent where there is none."""

import pytest
import torch
from prometheus_client import generate_latest

from copa.telemetry import metrics
from copa.telemetry.metrics import registry_of
from learner.gpu import show_gpu


def gpu_samples() -> list[str]:
    lines = generate_latest(registry_of("learner")).decode().splitlines()
    return [line for line in lines if line.startswith("copa_gpu_")]


def test_without_a_gpu_there_is_nothing_to_see() -> None:
    show_gpu(torch.device("cpu"))
    assert gpu_samples() == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_memory_and_use_of_a_gpu() -> None:
    device = torch.device("cuda", 0)
    try:
        show_gpu(device)
        held = torch.zeros(2**20, device=device)
        found = {sample.partition("{")[0]: float(sample.rpartition(" ")[2]) for sample in gpu_samples()}
        assert held.nbytes <= found["copa_gpu_memory_bytes"] <= found["copa_gpu_memory_total_bytes"]
        assert 0.0 <= found.get("copa_gpu_utilization_ratio", 0.0) <= 1.0
    finally:
        for metric in (metrics.GPU_MEMORY, metrics.GPU_MEMORY_TOTAL, metrics.GPU_UTILIZATION):
            metric.clear()
