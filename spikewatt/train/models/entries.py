"""Every network with its source, its table's configuration and its recipe."""

from __future__ import annotations

from dataclasses import replace

from spikewatt.train.models import (
    agcn,
    base_sgn,
    ctr_gcn,
    mk_sgn,
    ms_g3d,
    sdt,
    shift_gcn,
    signal_sgn,
    signal_sgn_core,
    signal_sgn_loihi,
    small_st_gcn,
    spikformer,
    st_gcn,
    svformer,
)
from spikewatt.train.models.entry import Model, repeated
from spikewatt.train.recipe import Augmentation, Recipe
from spikewatt.train.task import VideoTask

ROTATED = Augmentation(yaw=0.3, tilt=0.3, scale=0.0, noise=0.0)  # +-0.3 rad, crops of 0.5 to 1

# CTR-GCN (arXiv 2107.12213): 65 epochs, x 0.1 at 35 and 55, 5 epochs of warm-up
ANN = Recipe(
    modalities=("joint",),
    frames=64,
    persons=2,
    epochs=65,
    finetune_epochs=0,
    batch_size=64,
    optimizer="sgd",
    schedule="steps",
    milestones=(35, 55),
    warm_up=5,
    lr=0.1,
    weight_decay=4e-4,
    label_smoothing=0.0,
    grad_clip=100.0,  # the papers clip nothing
    align_view=False,
    augment=ROTATED,
)
# MK-SGN (arXiv 2404.10210): 64 epochs, x 0.1 at 50
MK_SGN = replace(
    ANN,
    persons=1,
    epochs=64,
    milestones=(50,),
    warm_up=1,
    weight_decay=1e-4,
    batch_size=60,
    finetune_epochs=10,
)
# Signal-SGN (arXiv 2408.01701): 150 epochs, x 0.1 at 110 and 130
SIGNAL_SGN = replace(
    ANN,
    persons=1,
    frames=16,
    epochs=150,
    milestones=(110, 130),
    lr=0.05,
    weight_decay=1e-4,
    grad_clip=3.0,
    finetune_epochs=15,
)
# SVFormer (IJCAI 2024): 600 epochs of AdamW, 30 of warm-up, smoothing 0.1
SVFORMER = Recipe(
    frames=16,
    size=224,
    epochs=600,
    finetune_epochs=20,
    batch_size=64,
    warm_up=30,
    lr=6e-3,
    weight_decay=0.05,
    grad_clip=20.0,
)


def _svformer(variant: str) -> Model:
    """A variant of SVFormer; the three-stage one is for 128 x 128 events."""
    small = variant == "3stg"
    return Model(
        name=f"svformer-{variant}",
        title=f"SVFormer's variant {variant}",
        source="Yu et al.: SVFormer, IJCAI 2024",
        build=svformer.SvFormer,
        options=svformer.VARIANTS[variant],
        table=VideoTask(11, 3, 128, 128) if small else svformer.TABLE,
        recipe=replace(SVFORMER, size=128) if small else SVFORMER,
        deploys=True,
    )


ENTRIES = (
    Model(
        name="svformer",
        title="spiking video transformer, frames as steps, base variant",
        source="Yu et al.: SVFormer, IJCAI 2024",
        build=svformer.SvFormer,
        options=svformer.Options(),
        table=svformer.TABLE,
        recipe=SVFORMER,
        deploys=True,
    ),
    *(_svformer(v) for v in svformer.VARIANTS if v != "base"),
    Model(
        name="mk-sgn",
        title="spiking graph convolutions with attention over joints, several modalities",
        source="Zheng et al.: MK-SGN, arXiv 2404.10210",
        build=mk_sgn.MkSgn,
        options=mk_sgn.Options(),
        table=mk_sgn.TABLE,
        recipe=MK_SGN,
        deploys=True,
        repeat=repeated,
    ),
    Model(
        name="base-sgn",
        title="spiking graph convolutions in ten layers, MK-SGN's starting point",
        source="Zheng et al.: MK-SGN, arXiv 2404.10210",
        build=base_sgn.BaseSgn,
        options=base_sgn.Options(),
        table=base_sgn.TABLE,
        recipe=MK_SGN,
        deploys=True,
        repeat=repeated,
    ),
    Model(
        name="signal-sgn",
        title="spiking graph convolutions, frequency and wavelet branches, frames as steps",
        source="Zheng et al.: Signal-SGN, arXiv 2408.01701",
        build=signal_sgn.SignalSgn,
        options=signal_sgn.Options(),
        table=signal_sgn.TABLE,
        recipe=SIGNAL_SGN,
        deploys=True,
    ),
    Model(
        name="signal-sgn-loihi",
        title="Signal-SGN's backbone with mask attention and bones only: LIF neurons throughout",
        source="ours, after arXiv 2408.01701 and 2307.01694",
        build=signal_sgn_loihi.SignalSgnLoihi,
        options=signal_sgn_loihi.Options(),
        table=signal_sgn_loihi.TABLE,
        recipe=Recipe(),
        deploys=True,
    ),
    Model(
        name="signal-sgn-core",
        title="spiking graph convolutions on the bones, frames as steps, integrating read-out",
        source="backbone of Signal-SGN, arXiv 2408.01701, without attention and FSC/MWTF branches",
        build=signal_sgn_core.SignalSgnCore,
        options=signal_sgn_core.Options(),
        table=signal_sgn_core.TABLE,
        recipe=Recipe(),
        deploys=True,
    ),
    Model(
        name="spikformer",
        title="spiking transformer on joints of all frames, attention by sums",
        source="Zhou et al.: Spikformer, arXiv 2209.15425, as arXiv 2404.10210 compares it",
        build=spikformer.Spikformer,
        options=spikformer.Options(),
        table=spikformer.TABLE,
        recipe=MK_SGN,
        deploys=True,
        repeat=repeated,
    ),
    Model(
        name="sdt",
        title="Spike-driven Transformer on joints of all frames, attention by masks",
        source="Yao et al.: Spike-driven Transformer, arXiv 2307.01694, as 2404.10210 compares it",
        build=sdt.SpikeDrivenTransformer,
        options=sdt.Options(),
        table=sdt.TABLE,
        recipe=MK_SGN,
        deploys=True,
        repeat=repeated,
    ),
    Model(
        name="ctr-gcn",
        title="channel-wise topology refinement, one stream; teacher and energy baseline",
        source="Chen et al.: CTR-GCN, ICCV 2021",
        build=ctr_gcn.CtrGcn,
        options=ctr_gcn.Options(),
        table=ctr_gcn.TABLE,
        recipe=ANN,
        spiking=False,
    ),
    Model(
        name="2s-agcn",
        title="adaptive graph convolutions, one of the two streams",
        source="Shi et al.: 2s-AGCN, CVPR 2019",
        build=agcn.Agcn,
        options=agcn.Options(),
        table=agcn.TABLE,
        recipe=ANN,
        spiking=False,
    ),
    Model(
        name="ms-g3d",
        title="multi-scale graph convolutions over space and time, one stream",
        source="Liu et al.: MS-G3D, CVPR 2020",
        build=ms_g3d.MsG3d,
        options=ms_g3d.Options(),
        table=ms_g3d.TABLE,
        recipe=ANN,
        spiking=False,
    ),
    Model(
        name="shift-gcn",
        title="shift graph convolutions, one stream",
        source="Cheng et al.: Shift-GCN, CVPR 2020",
        build=shift_gcn.ShiftGcn,
        options=shift_gcn.Options(),
        table=shift_gcn.TABLE,
        recipe=ANN,
        spiking=False,
    ),
    Model(
        name="st-gcn",
        title="spatial temporal graph convolutions",
        source="Yan et al.: ST-GCN, AAAI 2018",
        build=st_gcn.StGcn,
        options=st_gcn.Options(),
        table=st_gcn.TABLE,
        recipe=ANN,
        spiking=False,
    ),
    Model(
        name="small-st-gcn",
        title="what MK-SGN's table calls ST-GCN: the baseline of CTR-GCN's code, kernel 5",
        source="Chen et al.: CTR-GCN, ICCV 2021",
        build=small_st_gcn.SmallStGcn,
        options=small_st_gcn.Options(),
        table=small_st_gcn.TABLE,
        recipe=ANN,
        spiking=False,
    ),
)
