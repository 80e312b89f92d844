"""From pictures to names."""
