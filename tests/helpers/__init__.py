"""What the pytest side of the tests shares."""
