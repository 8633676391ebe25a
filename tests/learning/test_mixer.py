"""The mixer's forms against one another."""

import pytest
import torch

from copa.config.schema import Config, MethodSettings, NetSettings
from copa.nets import Situation, build_mixer, build_rows, mix
from tests.learning.segments import SPEC

W, COUNT = 8, 5


@pytest.mark.parametrize("method", ["copa", "refil"])
def test_scaled_weighs_utilities_by_the_width(method: str) -> None:
    """`scaled` of utilities is `published` of W times the utilities."""
    published, scaled = (
        build_mixer(SPEC, Config(method=MethodSettings(name=method), nets=NetSettings(width=W, heads=2, mixer=form)))
        for form in ("published", "scaled")
    )
    scaled.load_state_dict(published.state_dict())
    torch.manual_seed(0)
    members = torch.rand(COUNT, SPEC.slots) < 0.7
    there = torch.ones(COUNT, SPEC.entity_rows, dtype=torch.bool)
    rows = build_rows(
        SPEC,
        torch.randn(COUNT, SPEC.slots, SPEC.agent_features),
        torch.rand(COUNT, SPEC.slots, SPEC.trait_features),
        torch.randn(COUNT, SPEC.entity_rows, SPEC.entity_features),
        members,
    )
    present = members.unsqueeze(-1) & torch.cat([members, there], 1).unsqueeze(1)
    coach = method == "copa"
    situation = Situation(
        rows,
        rows.look(present, 2),
        torch.randn(COUNT, SPEC.slots, W) * members.unsqueeze(-1) if coach else None,
        () if coach else (rows.look(present, 2), rows.look(~present, 2)),
    )
    utilities = [torch.randn(COUNT, SPEC.slots) for _ in range(1 if coach else 3)]
    ours = mix(scaled, utilities, situation)
    theirs = mix(published, [W * each for each in utilities], situation)
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, reference)
        assert mine.std() > 0
