"""Backbones that training can build on: Keras models from scaled crops to a raw embedding."""
