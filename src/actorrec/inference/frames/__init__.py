"""What a camera gives: frames, the newest first, whatever becomes of the camera."""
