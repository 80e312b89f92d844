"""The most that a job may cost, computed by hand; and refusals that name both figures."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.jobs.prices import bound, refuse_above_limit


def config(**remote: Any) -> Config:
    return Config.model_validate({"remote": remote})


def test_machines_times_hours_times_price() -> None:
    cost = bound(config(instance_type="ml.g4dn.xlarge", instances=3, max_hours=2.5))
    assert cost.bound_usd == pytest.approx(3 * 2.5 * 0.74)
    assert (cost.instance_type, cost.instances, cost.max_hours) == ("ml.g4dn.xlarge", 3, 2.5)
    assert (cost.hourly_usd, cost.as_of) == (0.74, "2026-11")
    assert "estimate" in cost.note
    assert cost.as_json()["currency"] == "USD"


def test_warm_machines_cost_and_waiting_for_spot_does_not() -> None:
    plain = config(instance_type="ml.c5.xlarge", max_hours=1)
    assert bound(plain, keep_alive_s=1800).bound_usd == pytest.approx(1.5 * 0.20)
    spot = bound(config(instance_type="ml.c5.xlarge", max_hours=1, spot=True, max_wait_hours=10))
    assert spot.bound_usd == pytest.approx(0.20)
    assert "spot" in spot.note


def test_attempts_share_their_hours() -> None:
    """MaxRuntimeInSeconds is of all attempts in total, says the service's own documentation."""
    assert bound(config(attempts=5)).bound_usd == bound(config()).bound_usd


def test_the_machines_of_another_kind_of_job() -> None:
    assert bound(config(max_hours=2), "ml.m5.xlarge", 4).bound_usd == pytest.approx(4 * 2 * 0.23)


def test_prices_of_the_users_own_go_first() -> None:
    cost = bound(config(prices=("ml.c5.xlarge=9", " ml.g5.xlarge = 1.00 "), max_hours=1))
    assert (cost.hourly_usd, cost.bound_usd, cost.as_of) == (1.0, 1.0, "your settings")


def test_an_unknown_price_is_no_bound_and_says_how_to_give_one() -> None:
    cost = bound(config(instance_type="ml.p5.48xlarge"))
    assert (cost.hourly_usd, cost.bound_usd) == (None, None)
    assert "ml.p5.48xlarge=" in cost.note
    refuse_above_limit(cost, None)
    with pytest.raises(ConfigError, match="nothing started") as caught:
        refuse_above_limit(cost, 5.0)
    assert "ml.p5.48xlarge=" in caught.value.hint


@pytest.mark.parametrize("entry", ["", "ml.g5.xlarge", "ml.g5.xlarge=", "ml.g5.xlarge=-1", "g5=1", "ml.g5.xlarge=1e9",
                                   "ml.g5.xlarge=nan", "=1", "ml.g5.xlarge=1=2", "ml.g5.xlarge=1\n"])  # fmt: skip
def test_a_malformed_price_is_refused_unless_only_its_spaces_are_odd(entry: str) -> None:
    if entry.endswith("\n"):
        assert bound(config(prices=(entry,))).hourly_usd == 1
        return
    with pytest.raises(ConfigError, match=r"remote\.prices"):
        bound(config(prices=(entry,)))


def test_above_the_limit_nothing_starts_and_both_figures_are_named() -> None:
    cost = bound(config(instances=2, max_hours=3))
    refuse_above_limit(cost, 8.46)
    assert "nothing would be started" in bound(config(instances=2, max_hours=3, max_cost_usd=8.45)).note
    assert "started" not in bound(config(instances=2, max_hours=3, max_cost_usd=8.46)).note
    with pytest.raises(ConfigError) as caught:
        refuse_above_limit(cost, 8.45)
    assert caught.value.message.startswith("nothing started: 2 × ml.g5.xlarge for 3 h")
    assert "8.46 USD" in caught.value.message
    assert "8.45 USD" in caught.value.message
    assert "--max-cost" in caught.value.hint


@given(st.integers(1, 32), st.floats(0.01, 120), st.floats(0.01, 500))
def test_a_limit_holds_exactly_where_the_product_is_above_it(machines: int, hours: float, limit: float) -> None:
    cost = bound(config(instances=machines, max_hours=hours, prices=("ml.g5.xlarge=2",)))
    above = round(machines * hours * 2, 4) > limit
    try:
        refuse_above_limit(cost, limit)
    except ConfigError:
        assert above
    else:
        assert not above
