"""For courses: exercises, one's own backpropagation trained, work handed in and compared."""
