"""What must always hold: the specification of the engine, a property in each test.

| file | property |
|---|---|
| test_gradient | the gradient is the derivative (finite differences, complex step, rules by hand), linear, of the graph alone |
| test_readers | backward, adjoints, grad, explain, draw, pages and compiled programs give one and the same number, at kinks too |
| test_passes | leaves accumulate, inner nodes are set; what is stale is refused, and forward repairs it |
| test_interrupts | an exception at any moment leaves the graph as before the pass, or as after it |
| test_nan | nan in, nan out |
| test_recorded_derivatives | a derivative on Values, replayed at other data, is the derivative there |
| test_compiled | a compiled program over a batch is the mean of its samples, call after call |
| test_copies | a copy is the same graph again, apart |
| test_pure_and_native | both engines agree to the last bit, and in their errors |
| test_state_machine | all of this in any order, against a naive model |
| test_planted | each property fails when the bug that it guards is planted |

Programs are drawn by programs.py, read by readers.py, and judged by tests/oracle.py, whose rules are written by hand.
"""
