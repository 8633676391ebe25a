"""Attention: its gradient, its two forms, and who has no influence."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from copa.config.schema import NetSettings
from copa.nets import attend as module
from copa.nets.attend import NOTHING_SEEN, Heads, attend
from copa.nets.attention import EntityAttention
from copa.nets.rows import build_rows
from tests.learning.segments import SPEC

V, R, SLOTS, W, H = 5, 6, 3, 4, 2


def plain(rows: Tensor, heads: Heads, looks: list[Tensor], masked: bool, offset: Tensor | None) -> list[Tensor]:
    """The definition, one operation after the other."""
    own = rows[:, :SLOTS]
    asked = own @ heads.queries + (0 if heads.query_bias is None else heads.query_bias)
    logits = torch.einsum("vrw,vahw->vrah", rows, asked.view(V, SLOTS, H, W))
    if offset is not None:
        logits = logits + offset.view(-1, 1, 1)
    outputs = []
    for look in looks:
        mask = look.view(V, R, SLOTS, H)
        if masked:
            weights = torch.softmax(logits.masked_fill(mask == 0, -torch.inf), 1).nan_to_num()
        else:
            weights = torch.softmax(logits, 1) * mask
            weights = weights / (weights.sum(1, keepdim=True) + NOTHING_SEEN)
        mixed = torch.einsum("vrah,vrw->vahw", weights, rows).reshape(V, SLOTS, H * W)
        output = mixed @ heads.values
        if heads.value_bias is not None:
            output = output + weights.sum(1) @ heads.value_bias
        if heads.skip is not None:
            output = output + own @ heads.skip + heads.skip_bias
        outputs.append(output.view(-1, W))
    return outputs


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("extras", [False, True])
@pytest.mark.parametrize("masks", [1, 2])
def test_attend_and_its_gradient(masked: bool, extras: bool, masks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_NUMBERS", 2 * SLOTS * H * W)
    torch.manual_seed(0)

    def number(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    rows = number(V, R, W)
    heads = Heads(number(W, H * W), number(H * W, W))
    if extras:
        heads = Heads(*heads[:2], number(H * W), number(H, W), number(W, W), number(W))
    looks = [(torch.rand(V, R, SLOTS * H) < 0.6).double() for _ in range(masks)]
    looks[0][0] = 0
    offset = None if masked else torch.randn(R, dtype=torch.float64)
    ours = attend(rows, SLOTS, heads, looks, masked=masked, offset=offset)
    theirs = plain(rows, heads, looks, masked, offset)
    inputs = [rows, *(tensor for tensor in heads if tensor is not None)]
    weights = [torch.randn_like(output) for output in ours]
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-9)
    gradients = [
        torch.autograd.grad(sum((o * w).sum() for o, w in zip(outputs, weights, strict=True)), inputs)
        for outputs in (ours, theirs)
    ]
    for mine, reference in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-7, atol=1e-9)
    with torch.no_grad():
        for mine, reference in zip(attend(rows, SLOTS, heads, looks, masked=masked, offset=offset), ours, strict=True):
            torch.testing.assert_close(mine, reference)


FORMS = [
    NetSettings(width=8, heads=2, attention=form, attention_norm=norm, attention_skip=skip)
    for form in ("published", "masked")
    for norm in (False, True)
    for skip in (False, True)
]


def scene(members: Tensor, *, cut: int = 0, seed: int = 0) -> tuple[tuple[Tensor, ...], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    count, slots = members.shape
    views = (
        torch.randn(count, slots, SPEC.agent_features, generator=generator),
        torch.rand(count, slots, SPEC.trait_features, generator=generator),
        torch.randn(count, SPEC.entity_rows, SPEC.entity_features, generator=generator),
    )
    there = torch.cat([members, torch.ones(count, SPEC.entity_rows, dtype=torch.bool)], 1)
    return views, members.unsqueeze(2) & there.unsqueeze(1)


@pytest.mark.parametrize("settings", FORMS, ids=str)
def test_absent_slots(settings: NetSettings) -> None:
    """They give 0, what they hold has no influence, and one row stands for those cut away."""
    torch.manual_seed(0)
    attention = EntityAttention(SPEC, settings, "none")
    for name in ("queries", "keys"):
        getattr(attention, name).data *= 3
    members = torch.tensor([[True, True, False, False], [True, False, False, False]])
    (agents, traits, entities), present = scene(members)
    rows = build_rows(SPEC, agents, traits, entities, members)
    output = attention(rows, rows.look(present, 2))
    assert (output[~members] == 0).all()
    assert (output[members] != 0).any()
    junk = members.unsqueeze(-1)
    other = build_rows(SPEC, agents.where(junk, 9.0), traits.where(junk, -9.0), entities, members)
    torch.testing.assert_close(attention(other, other.look(present, 2)), output, rtol=0, atol=0)
    cut = 2 if settings.attention == "published" else 0
    fewer = build_rows(SPEC, agents[:, :2], traits[:, :2], entities, members[:, :2], cut=cut)
    mask = torch.cat([present[:, :2, :2], present[:, :2, 4:]], -1)
    torch.testing.assert_close(attention(fewer, fewer.look(mask, 2)), output[:, :2], rtol=1e-5, atol=1e-6)


def test_cut_rows_take_part_in_the_published_softmax() -> None:
    """With large logits the rows of absent slots matter, and one row must weigh as much as all of them."""
    settings = NetSettings(width=8, heads=2)
    torch.manual_seed(1)
    attention = EntityAttention(SPEC, settings, "none")
    attention.queries.data *= 200
    members = torch.tensor([[True, False, False, False]]).expand(50, 4)
    (agents, traits, entities), present = scene(members)
    rows = build_rows(SPEC, agents, traits, entities, members)
    output = attention(rows, rows.look(present, 2))
    mask = torch.cat([present[:, :1, :1], present[:, :1, 4:]], -1)
    results = {}
    for cut in (0, 1, 3):
        fewer = build_rows(SPEC, agents[:, :1], traits[:, :1], entities, members[:, :1], cut=cut)
        results[cut] = (attention(fewer, fewer.look(mask, 2)) - output[:, :1]).abs().max()
    assert results[3] < 1e-4
    assert results[0] > 1e-2


@pytest.mark.parametrize("form", ["published", "masked"])
def test_rows_that_are_not_seen(form: str) -> None:
    """Masked attention ignores them altogether; published attention fades when they take the softmax."""
    settings = NetSettings(width=8, heads=2, attention=form)
    torch.manual_seed(0)
    attention = EntityAttention(SPEC, settings, "none")
    attention.queries.data *= 300
    members = torch.ones(40, 4, dtype=torch.bool)
    (agents, traits, entities), present = scene(members)
    mask = present.clone()
    mask[..., -1] = False
    changed = entities.clone()
    changed[:, -1] += 5.0
    outputs = []
    for seen in (entities, changed):
        rows = build_rows(SPEC, agents, traits, seen, members)
        outputs.append(attention(rows, rows.look(mask, 2)))
    difference = (outputs[0] - outputs[1]).abs().max()
    assert difference == 0 if form == "masked" else difference > 1e-3


def test_seeing_nothing_gives_nothing() -> None:
    for form in ("published", "masked"):
        attention = EntityAttention(SPEC, NetSettings(width=8, heads=2, attention=form), "none")
        members = torch.ones(2, 4, dtype=torch.bool)
        (agents, traits, entities), present = scene(members)
        rows = build_rows(SPEC, agents, traits, entities, members)
        assert (attention(rows, rows.look(present & False, 2)) == 0).all()


def test_first_weights() -> None:
    torch.manual_seed(0)
    published = EntityAttention(SPEC, NetSettings(width=64), "none")
    masked = EntityAttention(SPEC, NetSettings(width=64, attention="masked"), "none")
    for name in ("queries", "keys", "values"):
        assert getattr(published, name).std().item() == pytest.approx(1.0, rel=0.05)
        assert getattr(masked, name).var().item() == pytest.approx(1 / 64, rel=0.05)


def test_previous_action_none() -> None:
    members = torch.ones(1, 2, dtype=torch.bool)
    (agents, traits, entities), _ = scene(members)
    previous = torch.tensor([[-1, 2]])
    as_first = build_rows(SPEC, agents, traits, entities, members, previous=previous).features
    as_zeros = build_rows(
        replace(SPEC, first_action="zeros"), agents, traits, entities, members, previous=previous
    ).features
    assert as_first[0, 0, :3].tolist() == [1, 0, 0]
    assert as_zeros[0, 0, :3].tolist() == [0, 0, 0]
    assert as_zeros[0, 1, :3].tolist() == [0, 0, 1]
