"""The compiled engine: the parts of the engine that every node passes through, in C, and what gives them the gates."""
