"""What everything else stands on: errors, files, knobs, randomness and kernels."""
