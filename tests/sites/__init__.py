"""Sites of our own writing on loopback, which answer in the shapes of the real ones."""
