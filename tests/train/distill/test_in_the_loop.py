"""Distillation by a recipe's [distill]: teachers from checkpoints, exact resume, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import small_networks as small
import torch

from spikewatt.errors import SpikewattError
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.distill.teachers import weights_sha256
from spikewatt.train.job import Job
from spikewatt.train.loop import Training, restore
from spikewatt.train.recipe import Distill, Recipe, settings_from_toml

PAIR = ("joint", "bone")
STUDENT = {"channels": (8, 8, 16), "strides": (1, 1, 2)}
BLOCKS = Distill(
    teacher_weights=(0.6, 0.4),
    student_blocks=(2, 3),
    teacher_blocks=(4, 5),
    block_shares=(0.5, 2.0),
)


class Killed(Exception):
    """What ends a run in the middle."""


def silent(done: int, total: int) -> None:
    pass


def train_teacher(out: Path, modality: str, name: str = "ctr-gcn", **changes) -> str:
    job = small.job(name, out, modalities=(modality,), epochs=1, **changes)
    return str(Training(job, silent).run())


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("teachers")
    return tuple(train_teacher(folder / m, m) for m in PAIR)


def student(out: Path, distill: Distill, resume: bool = False, **changes) -> Job:
    job = small.job("mk-sgn", out, resume, distill=distill, **changes)
    return replace(job, options=replace(job.options, **STUDENT))


def test_a_distilled_run_resumes_exactly(teachers: tuple[str, ...], tmp_path: Path) -> None:
    distill = replace(BLOCKS, teachers=teachers)
    changes = {"epochs": 2, "ema": 0.5}
    whole = ckpt.load(Training(student(tmp_path / "a", distill, **changes), silent).run())

    def kill(done: int, total: int) -> None:
        if done > total // 3:  # in the second epoch of three
            raise Killed

    with pytest.raises(Killed):
        Training(student(tmp_path / "b", distill, **changes), kill).run()
    cut = ckpt.load(tmp_path / "b" / "last.ckpt")
    assert cut.epoch == 1
    assert len(cut.beside["optimizers"]) == 1  # the translation's
    resumed = Training(student(tmp_path / "b", distill, resume=True, **changes), silent).run()
    found = ckpt.load(resumed)
    assert found.record == whole.record
    for part in ("weights", "float_weights", "averaged"):
        first, second = getattr(whole, part), getattr(found, part)
        assert all(torch.equal(first[name], second[name]) for name in first)
    assert whole.beside == {}  # fine-tuning has no teachers
    assert set(restore(resumed)[1]) >= {"float_accuracy", "quantised_accuracy"}


def test_teachers_change_the_student(teachers: tuple[str, ...], tmp_path: Path) -> None:
    weights = []
    for distill in (replace(BLOCKS, teachers=teachers), Distill()):
        training = Training(student(tmp_path / str(len(weights)), distill), silent)
        start = training.form.net.state_dict()
        start = {name: w.clone() for name, w in start.items()}
        weights.append((start, ckpt.load(training.run()).float_weights))
    (start, taught), (other_start, alone) = weights
    name = "classifier.weight"
    assert torch.equal(start[name], other_start[name])
    assert not torch.equal(taught[name], alone[name])


def test_teachers_stay_as_they_are(teachers: tuple[str, ...], tmp_path: Path) -> None:
    training = Training(student(tmp_path, replace(BLOCKS, teachers=teachers)), silent)
    training.run()
    for net, path in zip(training.distillation.teachers.teachers, teachers, strict=True):
        saved, now = ckpt.load(Path(path)).weights, net.state_dict()
        assert all(torch.equal(saved[name], now[name]) for name in saved)


def test_the_record_names_teachers_by_what_they_are(
    teachers: tuple[str, ...], tmp_path: Path
) -> None:
    training = Training(student(tmp_path, replace(BLOCKS, teachers=teachers)), silent)
    named = training.state.record["recipe"]["distill"]["teachers"]
    sums = [weights_sha256(ckpt.load(Path(t)).weights) for t in teachers]
    assert list(named) == [f"ctr-gcn sha256:{s}" for s in sums]
    assert len(set(sums)) == 2
    assert str(tmp_path.parent) not in json.dumps(training.state.record)


def test_a_student_without_blocks_learns_from_soft_labels(
    teachers: tuple[str, ...], tmp_path: Path
) -> None:
    distill = replace(BLOCKS, teachers=teachers)
    core = small.job("signal-sgn-core", tmp_path, distill=distill)
    with pytest.raises(SpikewattError, match="The student is a SignalSgnCore"):
        Training(core, silent)
    soft = replace(core.recipe, distill=replace(distill, inner_share=0.0))
    path = Training(replace(core, recipe=soft), silent).run()
    assert "quantised_accuracy" in ckpt.load(path).record


def refused(out: Path, distill: Distill, **changes) -> str:
    with pytest.raises(SpikewattError) as told:
        Training(student(out, distill, **changes), silent)
    return str(told.value)


def test_teachers_that_do_not_fit_are_named(teachers: tuple[str, ...], tmp_path: Path) -> None:
    joint, bone = teachers
    told = refused(tmp_path, replace(BLOCKS, teachers=(bone, joint)))
    assert bone in told
    assert "modality 'bone' (here 'joint')" in told
    told = refused(tmp_path, replace(BLOCKS, teachers=teachers), frames=16)
    assert f"Teacher {joint} does not fit: it was trained with frames 8 (here 16)" in told
    told = refused(tmp_path, replace(BLOCKS, teachers=teachers), modalities=("bone",))
    assert "The student reads bone, its 2 teachers joint, bone." in told
    told = refused(tmp_path, replace(BLOCKS, teachers=teachers, teacher_blocks=(4, 11)))
    assert f"Teacher {joint} cannot be matched: Taps (4, 11): the blocks are 1 to 10." in told


def test_teachers_of_other_sizes_are_named(teachers: tuple[str, ...], tmp_path: Path) -> None:
    job = small.job("ctr-gcn", tmp_path / "wide", modalities=("bone",), epochs=1)
    wide = str(Training(replace(job, options=replace(job.options, width=16)), silent).run())
    told = refused(tmp_path, replace(BLOCKS, teachers=(teachers[0], wide)))
    assert f"Teacher {wide} has [16, 32] channels" in told


def test_teachers_are_trained_float_networks(teachers: tuple[str, ...], tmp_path: Path) -> None:
    quantised = train_teacher(tmp_path / "core", "bone", "signal-sgn-core")
    told = refused(tmp_path, replace(BLOCKS, teachers=(teachers[0], quantised)))
    assert f"Teacher {quantised} is a quantised signal-sgn-core" in told
    saved = ckpt.load(Path(teachers[1]))
    ckpt.save(replace(saved, epoch=0), tmp_path / "early.ckpt")
    told = refused(tmp_path, replace(BLOCKS, teachers=(teachers[0], str(tmp_path / "early.ckpt"))))
    assert "is after 0 of 1 epochs" in told
    told = refused(tmp_path, replace(BLOCKS, teachers=(teachers[0], str(tmp_path / "none.ckpt"))))
    assert "none.ckpt cannot be read" in told


def test_resume_refuses_other_teachers(teachers: tuple[str, ...], tmp_path: Path) -> None:
    distill = replace(BLOCKS, teachers=teachers)
    Training(student(tmp_path, distill), silent).run()
    saved = ckpt.load(Path(teachers[1]))
    weights = {n: w + 1 if w.is_floating_point() else w for n, w in saved.weights.items()}
    other = tmp_path / "other.ckpt"
    ckpt.save(replace(saved, weights=weights), other)
    changed = replace(distill, teachers=(teachers[0], str(other)))
    with pytest.raises(SpikewattError, match="has recipe"):
        Training(student(tmp_path, changed, resume=True), silent).run()


def test_recipes_from_files(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        'ema = 0.99\ntensorboard = true\n[distill]\nteachers = ["a.ckpt", "b.ckpt"]\n'
        "teacher_weights = [1, 0.5]\nsoft_share = 2\n"
    )
    recipe, _ = settings_from_toml(path, Recipe(), small.options("mk-sgn"))
    assert (recipe.ema, recipe.tensorboard) == (0.99, True)
    assert recipe.distill.teachers == ("a.ckpt", "b.ckpt")
    assert (recipe.distill.teacher_weights, recipe.distill.soft_share) == ((1.0, 0.5), 2.0)
    wrong = (
        ('[distill]\nteachers = ["a.ckpt"]', "1 teachers and 4 teacher_weights"),
        ("[distill]\nteachers = [1, 2, 3, 4]", "give paths"),
        ("[distill]\nstudent_blocks = [3]", "one of each"),
        ("[distill]\nteacher = 3", "unknown teacher"),
        ("ema = 1.0", "ema 1.0"),
    )
    for text, told in wrong:
        path.write_text(text)
        with pytest.raises(SpikewattError, match=told):
            settings_from_toml(path, Recipe(), small.options("mk-sgn"))
