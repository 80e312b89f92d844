"""Changing who a bundle knows, without training: a bundle goes in, another comes out."""
