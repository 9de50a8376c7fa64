"""Teachers: one modality each, weighed, frozen."""

from __future__ import annotations

import pytest
import torch

from spikewatt.data.graph import NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.distill import TeacherEnsemble
from spikewatt.train.models import ctr_gcn
from spikewatt.train.task import SkeletonTask

TASK = SkeletonTask(NW_UCLA20, classes=3, frames=8)
WEIGHTS = (0.6, 0.6, 0.4, 0.4)


def teachers() -> list[ctr_gcn.CtrGcn]:
    torch.manual_seed(0)
    return [ctr_gcn.CtrGcn(TASK, ctr_gcn.Options(width=8)) for _ in WEIGHTS]


def test_logits_are_weighed_and_features_joined_by_modality() -> None:
    nets, x = teachers(), torch.randn(2, 12, 20, 8)
    ensemble = TeacherEnsemble(nets, WEIGHTS)
    logits, kept = ensemble(x, (5, 8))
    alone = [net(x[:, 3 * m : 3 * m + 3], (5, 8)) for m, net in enumerate(nets)]
    fused = sum(w * out for w, (out, _) in zip(WEIGHTS, alone, strict=True))
    torch.testing.assert_close(logits, fused)
    for tap, channels, frames in ((5, 16, 4), (8, 32, 2)):
        assert kept[tap].shape == (2, 4 * channels, frames, 20)
        second = kept[tap][:, channels : 2 * channels]
        torch.testing.assert_close(second, alone[1][1][tap])


def test_teachers_stay_frozen() -> None:
    ensemble = TeacherEnsemble(teachers(), WEIGHTS).train()
    state = {name: value.clone() for name, value in ensemble.state_dict().items()}
    logits, _ = ensemble(torch.randn(2, 12, 20, 8), (5,))
    assert not logits.requires_grad
    assert not any(m.training for m in ensemble.modules())
    assert not any(p.requires_grad for p in ensemble.parameters())
    assert all(torch.equal(state[n], v) for n, v in ensemble.state_dict().items())


def test_what_does_not_fit() -> None:
    with pytest.raises(SpikewattError, match="4 teachers and 3 weights"):
        TeacherEnsemble(teachers(), WEIGHTS[:3])
    with pytest.raises(SpikewattError, match="4 teachers cannot share 9 channels"):
        TeacherEnsemble(teachers(), WEIGHTS)(torch.randn(2, 9, 20, 8), (5,))
