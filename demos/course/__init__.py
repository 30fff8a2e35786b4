"""A course of four notebooks, each made from a script in the percent format; `python -m demos.course` makes them.

Every exercise is a cell to fill in with a check behind it. Run as they are, all checks say "not yet"; solutions.py holds
what they ask for, and the tests run the course with it, without it, and with the usual mistakes.
"""

PARTS = ("part1_gradients", "part2_networks", "part3_matrices", "part4_gpt")
