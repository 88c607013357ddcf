"""Syntax: string diagrams, causal models as diagrams, surgery, combs. Nothing here knows numbers or the language."""
