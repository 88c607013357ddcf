"""Functors out of the syntax: what a diagram means in numbers, and answering questions with them."""
