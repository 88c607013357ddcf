"""Measurements: how the core operations grow, beside a peer on the same diagrams, and what starting up costs."""
