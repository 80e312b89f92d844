"""Who is in view: faces found, followed and named over several frames."""
