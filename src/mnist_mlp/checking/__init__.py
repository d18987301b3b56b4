"""Checking: which mistake a learner's own backpropagation makes."""
