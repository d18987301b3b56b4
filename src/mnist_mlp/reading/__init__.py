"""Reading pictures of handwriting."""
