"""Comparing embeddings."""

import numpy as np
from numpy.typing import NDArray


def normalise(raw: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scale vectors to unit length.

    Args:
        raw: Shape (N, D), float32; N may be 0.

    Returns:
        The unit rows, shape (N, D), float32 (a zero row stays zero), and the lengths, shape (N,), float32.
    """
    norms = np.linalg.norm(raw, axis=1).astype(np.float32)
    return (raw / np.maximum(norms, 1e-12)[:, None]).astype(np.float32), norms


def cosine_similarity(probes: NDArray[np.float32], gallery: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compare every probe embedding with every gallery embedding.

    Args:
        probes: Shape (N, D), float32, unit-length rows; N may be 0.
        gallery: Shape (M, D), float32, unit-length rows; M may be 0.

    Returns:
        Shape (N, M), float32, cosine similarity in [-1, 1]; higher is more alike.

    Raises:
        ValueError: If the embedding widths differ (the message gives both shapes).
    """
    if probes.ndim != 2 or gallery.ndim != 2 or probes.shape[1] != gallery.shape[1]:
        raise ValueError(f"embeddings of shapes {probes.shape} and {gallery.shape} cannot be compared")
    similarities: NDArray[np.float32] = np.clip(probes @ gallery.T, -1.0, 1.0).astype(np.float32)
    return similarities
