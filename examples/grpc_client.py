"""Play a team whose coach is a service: plain grpcio for the strategies, the exported player for the rest.

copa coach --checkpoint RUN --coach.address 127.0.0.1:50051
copa export --checkpoint RUN --output export
python examples/grpc_client.py 127.0.0.1:50051 export --beta 1.0
"""

import argparse
import json
import queue
from pathlib import Path

import grpc
import numpy as np
import onnxruntime

from copa.tasks import make_task
from protos import coach_pb2, coach_pb2_grpc


def tensor(array: np.ndarray) -> coach_pb2.Tensor:
    """An array as a message."""
    dtype = coach_pb2.DATA_TYPE_BOOL if array.dtype == bool else coach_pb2.DATA_TYPE_FLOAT32
    return coach_pb2.Tensor(dtype=dtype, shape=array.shape, data=array.tobytes())


def play(address: str, folder: Path, *, games: int, team: str, seed: int, beta: float) -> tuple[np.ndarray, float]:
    """Returns [games], and the share of coach steps in which a player was spoken to."""
    about = json.loads((folder / "team.json").read_text(encoding="utf-8"))
    player = onnxruntime.InferenceSession(folder / "player.onnx")
    task = make_task(about["task"]["name"], games=games, seed=seed, team=team, options=about["options"])
    view = task.reset(np.arange(games), np.arange(games))
    held = np.zeros((*view.agents.shape[:2], about["width"]), np.float32)
    memory, previous = np.zeros_like(held), np.full(held.shape[:2], about["no_action"])
    fresh, total, eligible, sent, number = view.members(), np.zeros(games), 0, 0, 0
    requests: queue.SimpleQueue[coach_pb2.CoordinateRequest | None] = queue.SimpleQueue()
    with grpc.insecure_channel(address) as channel:
        replies = coach_pb2_grpc.CoachStub(channel).Coordinate(iter(requests.get, None), wait_for_ready=True)
        for step in range(about["task"]["horizon"]):
            seen = {name: getattr(view, name) for name in ("agents", "traits", "entities")}
            if about["memory_span"] == "segment" and step % about.get("segment_steps", about["T"]) == 0:
                memory, previous = np.zeros_like(memory), np.full_like(previous, about["no_action"])
            if step % about["T"] == 0:
                arrays = {name: tensor(array) for name, array in (seen | {"present": view.present}).items()}
                request = coach_pb2.CoordinateRequest(task=task.spec.name, step=step, acknowledged=number, beta=beta)
                request.mode = coach_pb2.MODE_MEAN
                request.view.CopyFrom(coach_pb2.View(**arrays))
                request.fresh.CopyFrom(tensor(fresh))
                requests.put(request)
                reply = next(replies)
                row, slot = np.frombuffer(reply.strategies.pairs.data, "<i4").reshape(-1, 2).T
                held[row, slot] = np.frombuffer(reply.strategies.vectors.data, "<f4").reshape(-1, held.shape[2])
                number, fresh = reply.number, np.zeros_like(fresh)
                eligible, sent = eligible + reply.eligible, sent + reply.sent
            inputs = {"visible": view.visible, "members": view.members(), "previous": previous, "memory": memory}
            values, memory = player.run(None, {**seen, **inputs, "strategies": held})
            actions = np.where(view.available, values, -np.inf).argmax(axis=2)
            previous = np.where(inputs["members"], actions, about["no_action"])
            result = task.step(actions)
            total, view = total + result.reward, result.view
        requests.put(None)
    return total, sent / eligible


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="of the coach service: host:port or unix:PATH")
    parser.add_argument("folder", type=Path, help="what copa export wrote")
    parser.add_argument("--games", type=int, default=64)
    parser.add_argument("--team", default="5", help="a team whose members do not change within an episode")
    parser.add_argument("--seed", type=int, default=1_000_003)
    parser.add_argument(
        "--beta", type=float, default=0.0, help="a strategy travels when it moved, or is needed, by more"
    )
    found = vars(parser.parse_args())
    returns, rate = play(found.pop("address"), found.pop("folder"), **found)
    print(f"mean return {returns.mean():.2f} of {len(returns)} episodes; told in {rate:.0%} of the coach steps")
