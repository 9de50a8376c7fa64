"""The whole distillation: small CTR-GCN teachers, small MK-SGN students."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from spikewatt.data.graph import NTU25, NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.distill import Distillation, Match, Settings, cosine_distance
from spikewatt.train.models import ctr_gcn, mk_sgn
from spikewatt.train.recipe import Recipe
from spikewatt.train.task import SkeletonTask

TASK = SkeletonTask(NW_UCLA20, classes=4, frames=8)
OPTIONS = mk_sgn.Options(
    channels=(8, 8, 16, 16, 32, 32), steps=3, dropout=0.0, output_threshold=0.25
)
MATCHES = (Match(3, 5, 16, 16, share=0.5), Match(5, 8, 32, 32, share=2.0))
SETTINGS = Settings(class_share=0.7, soft_share=0.3, inner_share=0.2, matches=MATCHES, steps=3)
Y = torch.tensor([0, 1, 2, 3])


def clip(samples: int = 4, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-40, 40, (samples, 12, 20, 8), generator=generator).float()


def teacher() -> ctr_gcn.CtrGcn:
    """An untrained teacher whose norms have met the clips, so that its logits are small."""
    net = ctr_gcn.CtrGcn(TASK, ctr_gcn.Options(width=8))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = 1.0
    net(clip()[:, :3])
    return net


def build(settings: Settings = SETTINGS, modalities: int = 1) -> Distillation:
    torch.manual_seed(0)
    teachers = [teacher() for _ in range(4)]
    student = mk_sgn.MkSgn(replace(TASK, channels=3 * modalities), OPTIONS)
    return Distillation(student, teachers, settings)


@pytest.mark.parametrize("modalities", [1, 4])
def test_the_losses_are_the_formulas(modalities: int) -> None:
    distillation, x = build(modalities=modalities).eval(), clip()
    found = distillation.losses(x, Y)
    logits, spikes = distillation.student(x[:, : 3 * modalities], taps=(3, 5))
    fused, features = distillation.teachers(x, (5, 8))
    assert torch.equal(distillation(x), logits)
    chosen = -logits.log_softmax(dim=1)[torch.arange(4), Y]
    torch.testing.assert_close(found["class"], chosen.mean())
    torch.testing.assert_close(found["soft"], ((logits - fused) ** 2).mean())
    for student, teacher in ((3, 5), (5, 8)):
        wanted = distillation.translations[str(student)](features[teacher])
        expected = cosine_distance(spikes[student], wanted)
        torch.testing.assert_close(found[f"inner_{student}"], expected)
    inner = 0.5 * found["inner_3"] + 2.0 * found["inner_5"]
    total = 0.7 * found["class"] + 0.3 * found["soft"] + 0.2 * inner
    torch.testing.assert_close(found["total"], total)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"soft_share": 0.0}, {"total", "class", "inner_3", "inner_5"}),
        ({"inner_share": 0.0}, {"total", "class", "soft"}),
        ({"soft_share": 0.0, "inner_share": 0.0}, {"total", "class"}),
        ({"matches": MATCHES[:1]}, {"total", "class", "soft", "inner_3"}),
    ],
    ids=str,
)
def test_rows_of_the_ablation(change: dict, names: set[str]) -> None:
    assert set(build(replace(SETTINGS, **change)).losses(clip(), Y)) == names


def test_gradients_reach_student_and_translation_and_no_teacher() -> None:
    distillation = build().train()
    for seed in range(2):
        distillation.losses(clip(seed=seed), Y)["total"].backward()
    for name, group in distillation.groups().items():
        assert group, name
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in group), name
    assert all(p.grad is None for p in distillation.teachers.parameters())


def test_one_optimiser_each_for_student_and_translation() -> None:
    distillation = build()
    recipe = Recipe(optimizer="sgd", lr=0.1, weight_decay=1e-4)
    student, translation = distillation.optimizers(recipe)
    groups = distillation.groups()
    assert student.param_groups[0]["params"] == groups["student"]
    assert translation.param_groups[0]["params"] == groups["translation"]
    assert isinstance(student, torch.optim.SGD)
    assert len(build(replace(SETTINGS, inner_share=0.0)).optimizers(recipe)) == 1


def test_the_same_seed_gives_the_same_step() -> None:
    outcomes = []
    for _ in range(2):
        distillation = build().train()
        found = distillation.losses(clip(), Y)
        found["total"].backward()
        grads = [p.grad for group in distillation.groups().values() for p in group]
        outcomes.append([*found.values(), *grads])
    assert all(torch.equal(a, b) for a, b in zip(*outcomes, strict=True))


def test_the_papers_blocks_match_in_shape() -> None:
    task = SkeletonTask(NTU25, classes=60, persons=2)
    with torch.device("meta"):
        teachers = [ctr_gcn.CtrGcn(task, ctr_gcn.Options()) for _ in range(4)]
        student = mk_sgn.MkSgn(replace(task, channels=12), mk_sgn.Options())
        distillation = Distillation(student, teachers, Settings())
        x, y = torch.zeros(1, 2, 12, 25, 64), torch.zeros(1, dtype=torch.long)
        found = distillation.losses(x, y)
    assert set(found) == {"total", "class", "soft", "inner_3", "inner_5"}


def test_blocks_that_do_not_match_are_named() -> None:
    with pytest.raises(SpikewattError, match="Block 3 of the student"):
        build(replace(SETTINGS, steps=2)).losses(clip(), Y)


def test_training_brings_the_student_nearer_to_its_teachers() -> None:
    settings = replace(SETTINGS, class_share=0.0, soft_share=1.0, inner_share=1.0)
    distillation, x, y = build(settings), clip(8), torch.arange(8) % 4
    optimizers = distillation.optimizers(Recipe(optimizer="sgd", lr=0.1))
    first = last = None
    for _ in range(20):
        for optimizer in optimizers:
            optimizer.zero_grad()
        found = distillation.losses(x, y)
        found["total"].backward()
        for optimizer in optimizers:
            optimizer.step()
        last = {name: float(value.detach()) for name, value in found.items()}
        first = first or last
    assert all(last[name] < 0.9 * first[name] for name in ("soft", "inner_3", "inner_5")), last
