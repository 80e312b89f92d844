"""What hypothesis tries, and what it may hold against a test: never that the machine is busy.

A run tries what the one before tried, whatever the order of the tests; new examples are tried by `make soak`.
"""

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture.providers import Constants, HypothesisProvider

from explored import EXPLORE, examples

# The numbers and texts of our own modules, which it tries as well, are those of the modules that happen to be loaded.
if not EXPLORE:
    HypothesisProvider._local_constants = Constants()
settings.register_profile(
    "unhurried",
    max_examples=examples(),
    derandomize=not EXPLORE,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")
