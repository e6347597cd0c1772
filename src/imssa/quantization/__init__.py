"""Quantization-aware training in integer codes, and the frozen integer network."""
