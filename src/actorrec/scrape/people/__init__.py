"""Sources that list people."""
