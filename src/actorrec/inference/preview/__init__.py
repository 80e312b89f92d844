"""The live page: what the camera sees, for a person on the device or at the end of a tunnel."""
