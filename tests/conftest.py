"""How hard the property tests look: HYPOTHESIS_PROFILE=dev (the default), ci, or nightly."""

import os

from hypothesis import HealthCheck, settings

for name, examples in (("dev", 30), ("ci", 50), ("nightly", 3000)):
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,  # these machines are shared; a slow moment is no failure
        derandomize=name == "ci",
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))
