"""Detectors and embedders: the seams behind which nets and runtimes are swapped."""
