"""The artifact layer: files up first, the manifest last, nothing ever rewritten."""
