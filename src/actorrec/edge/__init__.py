"""From a trained model to a bundle for a device: convert, measure, prove equal, pack."""
