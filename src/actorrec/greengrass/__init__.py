"""From an edge bundle to devices: components, deployments, and updates over the air."""
