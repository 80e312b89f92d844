"""Requests that are polite, bounded and never leave the public internet unless told to."""
