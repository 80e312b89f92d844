"""A device without Greengrass: its service, its settings, how it is doing."""
