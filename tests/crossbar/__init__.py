"""The simulated chip, step by step and fused."""
