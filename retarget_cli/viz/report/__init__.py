"""The report of a pair: one HTML page without scripts, which opens from the disk beside its pictures and videos."""
