"""Codes in training and in the frozen network."""
