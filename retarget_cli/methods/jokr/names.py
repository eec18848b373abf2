"""Names of JOKR's networks in stored results, of clip A and of clip B; there they keep the names they had first."""

SHAPE_NETWORKS = ("extractor", "shape")
ALIGNER_NETWORK = "aligner"  # of pairs that began with the base
TEXTURE_GENERATORS = ("painter_a", "painter_b")
DISCRIMINATORS = ("critic_a", "critic_b")  # of patches
DETAIL_NETWORKS = ("refiner_a", "refiner_b")
SOURCE_FRAMES = ("sources_a", "sources_b")  # that the renderer copies from
FINE_SOURCES = ("fine_a", "fine_b")  # the detail of these
REFERENCES = ("references_a", "references_b")
