"""What a job may cost at most, by a small table of estimates."""

import re
from collections.abc import Sequence
from typing import Final

from actorrec.aws.places import ASSUMED_REGION, set_region
from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.jobs.plans import Cost

# Estimates from memory, not read from AWS's price list: us-east-1, USD an hour, on demand.
PRICES_AS_OF: Final = "2026-11"
PRICES_USD_PER_HOUR: Final = {
    "ml.m5.xlarge": 0.23,
    "ml.c5.xlarge": 0.20,
    "ml.g4dn.xlarge": 0.74,
    "ml.g5.xlarge": 1.41,
    "ml.p3.2xlarge": 3.83,
}
_YOURS: Final = "your settings"
_PRICE: Final = re.compile(r"(ml\.[a-z0-9-]+\.[a-z0-9]+)\s*=\s*(\d+(?:\.\d+)?|\.\d+)")


def bound(
    config: Config, instance_type: str | None = None, instances: int | None = None, keep_alive_s: int = 0
) -> Cost:
    """The most that a job may cost: machines × hours × price on demand.

    The hours are ``remote.max_hours``, which SageMaker counts over all attempts of a job together; waiting for spot
    machines costs nothing.

    Args:
        config: Section ``remote``.
        instance_type: ``remote.instance_type`` by default.
        instances: ``remote.instances`` by default.
        keep_alive_s: How long the machines are kept warm after it.

    Raises:
        ConfigError: If an entry of ``remote.prices`` is malformed.
    """
    remote = config.remote
    kind, count = instance_type or remote.instance_type, instances or remote.instances
    hourly, as_of = _price(kind, remote.prices)
    total = None if hourly is None else round(count * (remote.max_hours + keep_alive_s / 3600) * hourly, 4)
    note = _note(config, kind, as_of, total)
    return Cost(kind, count, remote.max_hours, hourly, total, as_of, note)


def refuse_above_limit(cost: Cost, max_cost_usd: float | None) -> None:
    """Stop before anything is sent where a job may cost more than it is allowed to.

    Raises:
        ConfigError: If so, or if its price is not known.
    """
    if max_cost_usd is None:
        return
    if cost.bound_usd is None:
        raise ConfigError(
            f"nothing started: the price of {cost.instance_type} is not known, and remote.max_cost_usd is set",
            hint=f"give its price in USD an hour: remote.prices: ['{cost.instance_type}=1.23']",
        )
    if cost.bound_usd > max_cost_usd:
        raise ConfigError(
            f"nothing started: {cost.instances} × {cost.instance_type} for {cost.max_hours:g} h may cost "
            f"{cost.bound_usd:.2f} USD, more than the {max_cost_usd:.2f} USD allowed",
            hint="lower --max-hours or --instances, take a cheaper --instance-type, or raise --max-cost",
        )


def _price(instance_type: str, prices: Sequence[str]) -> tuple[float | None, str]:
    own = dict(_own_price(entry) for entry in prices)
    if instance_type in own:
        return own[instance_type], _YOURS
    return PRICES_USD_PER_HOUR.get(instance_type), PRICES_AS_OF


def _own_price(entry: str) -> tuple[str, float]:
    match = _PRICE.fullmatch(entry.strip())
    if match is None:
        raise ConfigError(
            f"remote.prices: {entry!r} is not a price", hint="write TYPE=USD an hour, as in ml.g5.xlarge=1.41"
        )
    return match[1], float(match[2])


def _note(config: Config, instance_type: str, as_of: str, total: float | None) -> str:
    if total is None:
        parts = [f"the price of {instance_type} is not known; give it with remote.prices: ['{instance_type}=1.23']"]
    else:
        origin = "your own price" if as_of == _YOURS else f"an estimate of {as_of} for us-east-1, not AWS's price list"
        parts = [f"at most {total:.2f} USD for the machines, by {origin}; storage, requests and traffic come on top"]
    if total is not None and config.remote.spot:
        parts.append("spot machines usually cost less")
    limit = config.remote.max_cost_usd
    if total is not None and limit is not None and total > limit:
        parts.append(f"that is above remote.max_cost_usd, {limit:.2f} USD: nothing would be started")
    if set_region(config) is None:
        parts.append(f"no region is set: the plan assumes {ASSUMED_REGION} (aws.region sets one)")
    return "; ".join(parts)
