"""Runs of the pipeline: recorded, compared, mended, and many at a time."""
