"""Reading handwriting: image files, framing as in MNIST, and answers."""
