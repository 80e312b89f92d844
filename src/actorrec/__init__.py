"""actorrec: recognise actors in pictures and films. Importing this package has no side effect."""

__version__ = "0.1.0"
