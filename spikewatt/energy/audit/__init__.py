"""Audit of published energies: claims as data, their arithmetic done again, a verdict each."""

from spikewatt.energy.audit.claims import PAPERS, Claim, load_paper
from spikewatt.energy.audit.rows import Row, audit_paper, audit_papers
from spikewatt.energy.audit.users import OwnClaim, audit_claim

__all__ = [
    "PAPERS",
    "Claim",
    "OwnClaim",
    "Row",
    "audit_claim",
    "audit_paper",
    "audit_papers",
    "load_paper",
]
