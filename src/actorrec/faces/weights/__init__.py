"""Weights that are shipped inside the package, each folder with a record of where they came from."""
