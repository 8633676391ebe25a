"""What the metrics say of the learner's GPU."""

import logging

import torch

from copa.extras import installing
from copa.telemetry import metrics

log = logging.getLogger(__name__)


def show_gpu(device: torch.device) -> None:
    """Let every scrape read the memory of `device`, and how busy it is where nvidia-ml-py is installed.

    Does nothing for a device that is not a GPU, so that these metrics are absent there.
    """
    if device.type != "cuda":
        return
    name = f"cuda:{device.index or 0}"
    metrics.GPU_MEMORY_TOTAL.labels(name).set(torch.cuda.get_device_properties(device).total_memory)
    metrics.GPU_MEMORY.labels(name).set_function(lambda: torch.cuda.memory_reserved(device))
    try:
        torch.cuda.utilization(device)
    except Exception as error:  # the library has errors of its own, and a part of a divided GPU does not tell
        log.info("how busy the GPU is cannot be measured (%s): %s", installing("gpu"), error)
        return
    metrics.GPU_UTILIZATION.labels(name).set_function(lambda: torch.cuda.utilization(device) / 100.0)
