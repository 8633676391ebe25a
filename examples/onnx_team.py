"""Play a trained team from its ONNX files alone: numpy, onnxruntime, and a task to play.

copa export --checkpoint RUN --output export
python examples/onnx_team.py export --episodes 64 --team 5
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime

from copa.tasks import make_task


def play(folder: Path, *, episodes: int, team: str, seed: int) -> np.ndarray:
    """Returns [episodes] of as many games at once, their coach telling all at every T-th step."""
    about = json.loads((folder / "team.json").read_text(encoding="utf-8"))
    nets = {name: onnxruntime.InferenceSession(folder / file) for name, file in about["files"].items()}
    task = make_task(about["task"]["name"], games=episodes, seed=seed, team=team, options=about["options"])
    view = task.reset(np.arange(episodes), np.arange(episodes))
    memory = np.zeros((*view.agents.shape[:2], about["width"]), np.float32)
    previous = np.full(view.agents.shape[:2], about["no_action"])
    total, strategies = np.zeros(episodes), {}
    for step in range(about["task"]["horizon"]):
        seen = {"agents": view.agents, "traits": view.traits, "entities": view.entities}
        if about["memory_span"] == "segment" and step % about.get("segment_steps", about["T"]) == 0:
            memory, previous = np.zeros_like(memory), np.full_like(previous, about["no_action"])
        if "coach" in nets and step % about["T"] == 0:
            strategies = {"strategies": nets["coach"].run(None, {**seen, "present": view.present})[0]}
        all_seen = about["sight"] == "present" or (about["sight"] == "periodic" and step % about["T"] == 0)
        members = view.members()
        inputs = {"visible": view.present if all_seen else view.visible, "members": members, "previous": previous}
        values, memory = nets["player"].run(None, {**seen, **inputs, "memory": memory, **strategies})
        actions = np.where(view.available, values, -np.inf).argmax(axis=2)
        previous = np.where(members, actions, about["no_action"])
        result = task.step(actions)
        total, view = total + result.reward, result.view
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--episodes", type=int, default=64)
    parser.add_argument("--team", default="5", help="a team whose members do not change within an episode")
    parser.add_argument("--seed", type=int, default=1_000_003)
    found = parser.parse_args()
    returns = play(found.folder, episodes=found.episodes, team=found.team, seed=found.seed)
    print(f"mean return {returns.mean():.2f} of {len(returns)} episodes")
