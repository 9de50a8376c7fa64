"""Tables, figures and pages of a comparison."""
