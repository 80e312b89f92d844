"""Changing who a bundle knows, without training."""
