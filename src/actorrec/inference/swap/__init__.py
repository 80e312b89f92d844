"""A new bundle, tried and taken while the old one runs."""
