from batches import clips, drawn, write  # noqa: F401 - fixtures
