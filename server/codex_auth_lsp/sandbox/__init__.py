"""The embedded issuer for demos, tests and editor authors: strict, on loopback, and not real."""
