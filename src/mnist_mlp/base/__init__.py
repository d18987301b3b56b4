"""What the other packages build on: errors, files, knobs, random numbers and kernels."""
