"""The rows of the table as C, and what is built from it."""
