"""How events leave the device: at least once, across outages and power cuts."""
