"""The objectives of tests/jobs, by this project and by others: the same lines with the functions of each.

python -m tests.benchmarks jobs prints three tables, of ratios in one run: gradients that are recorded anew each time, programs
for one set of numbers, and programs for batches. Peers that are not installed are said so, and HIPS's autograd, which is
imported under the same name as this project, runs in an environment and a process of its own. All use one thread.
"""
