"""Knowledge distillation from skeleton GCNs to a spiking student (MK-SGN, arXiv 2404.10210)."""

from spikewatt.train.distill.distillation import Distillation, Match, Settings
from spikewatt.train.distill.ensemble import TeacherEnsemble
from spikewatt.train.distill.losses import cosine_distance, soft_distance
from spikewatt.train.distill.translation import FeatureTranslation

__all__ = [
    "Distillation",
    "FeatureTranslation",
    "Match",
    "Settings",
    "TeacherEnsemble",
    "cosine_distance",
    "soft_distance",
]
