"""What speaks to Amazon Web Services, and to services that speak the same language."""
