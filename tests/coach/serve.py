"""A coach service with the weights of a seed: `python -m tests.coach.serve ADDRESS SEED`."""

import sys
import threading

import uvloop

from coach_service.server import serve
from coach_service.weights import FixedWeights
from tests.coach.parts import SPEC, make_coach, make_config, weights_of


def main(address: str, seed: int) -> None:
    """Serve until killed."""
    uvloop.run(
        serve(
            SPEC,
            make_config(address),
            FixedWeights(weights_of(make_coach(seed)), version=seed),
            stopping=threading.Event(),
            ready=lambda: print("ready", flush=True),
            beat=lambda: None,
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
