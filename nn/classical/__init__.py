"""The neurons before backpropagation, and what networks of them can compute."""
