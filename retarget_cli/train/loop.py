"""The training loop: every phase of every method runs through :func:`fit`."""
