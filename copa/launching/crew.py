"""All roles of a run on the nodes of a cluster."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import ray
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from copa.coaching.address import Address
from copa.config.schema import Config
from copa.launching.cluster import resources
from copa.launching.placed import Placed
from copa.launching.placement import LEARNER_CPUS, core, reserved
from copa.launching.role import Role
from copa.run_folder import RunFolder
from copa.supervisor.crew import Member
from copa.supervisor.programs import roles_of
from copa.supervisor.scrape import Expositions

MOVES = 100
"""Times that Ray starts a role again, here or elsewhere, before it gives it up; a process that dies on a node that
lives is counted there, by the supervisor's own limit."""


class RayCrew:
    """Starts roles as Ray actors, and lets each know where the others are; see `Crew`.

    The coach listens on its node's address. When it has moved, actors are started again with the new one.
    """

    def __init__(self, folder: RunFolder, config: Config, on: Mapping[str, str]) -> None:
        """`on` maps roles to a resource that their node must have. Ray must be connected."""
        self._folder = folder
        self._config = config
        self._on = on
        self._port = Address.parse(config.coach.address).port
        self._members: list[Placed] = []
        self._redis_url = ""

    def start(self, redis_url: str, sockets: Path) -> Iterator[Member]:
        """See `Crew`. Where Ray has no place for a role yet, it waits for one."""
        self._redis_url = redis_url
        gpus = resources().get("GPU", 0) > 0
        together, group = core(self._config, self._on, gpus=gpus)
        text = self._folder.config_file.read_text(encoding="utf-8")
        actor_class = ray.remote(Role)
        for role, index in roles_of(self._config):
            wanted = reserved(self._config, role, self._on, gpus=gpus)
            strategy = (
                PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=together.index(role))
                if role in together
                else "SPREAD"
            )
            handle = actor_class.options(
                name=f"{role}-{index} {self._folder.owner}",
                num_cpus=wanted.pop("CPU"),
                num_gpus=wanted.pop("GPU", 0),
                resources=wanted,
                scheduling_strategy=strategy,
                max_restarts=MOVES,
            ).remote(role, index, str(self._folder.path), self._folder.owner, text)
            member = Placed(role, index, handle, self._endpoints)
            self._members.append(member)
            yield member

    def expositions(self) -> Expositions:
        """See `Crew`."""
        reports = [(member.name, member.report) for member in self._members]
        return {
            name: (f"{report.life} {report.pid}", report.metrics) if report is not None else (None, None)
            for name, report in reports
        }

    def _endpoints(self, role: str) -> dict[str, str] | None:
        found = {"COPA_REDIS_URL": self._redis_url, "COPA_TELEMETRY_PORT": "0"}
        if role == "learner" and self._config.learner.threads is None:
            found["COPA_LEARNER_THREADS"] = str(LEARNER_CPUS)
        coach = next((member for member in self._members if member.role == "coach"), None)
        if coach is None or role not in ("coach", "actor"):
            return found
        if coach.node is None:
            return None
        return found | {"COPA_COACH_ADDRESS": Address(coach.node, self._port, None).target}
