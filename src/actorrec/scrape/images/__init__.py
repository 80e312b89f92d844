"""Sources that offer pictures of a person."""
