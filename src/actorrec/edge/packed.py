"""What a conversion hands over for the bundle."""

from dataclasses import dataclass

from actorrec.manifests.bundle import VariantReport


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Nets for the bundle.

    Attributes:
        files: Content by name inside the bundle.
        embedder_file: The net with the output ``embedding``, or a brought net.
        head_file: A head of its own (unit embedding → probabilities), else None.
        variants: What was tried, and which was chosen.
    """

    files: dict[str, bytes]
    embedder_file: str
    head_file: str | None
    variants: list[VariantReport]
