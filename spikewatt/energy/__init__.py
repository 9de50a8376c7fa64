"""Events, paper formulas, and counts times profile."""
