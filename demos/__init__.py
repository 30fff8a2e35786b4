"""One short script an idea of the lectures: python -m demos.moons, for one. Each has `main(out)`, which prints and draws."""
