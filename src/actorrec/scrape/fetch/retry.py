"""When a request is tried again, and after how long."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import tenacity

from actorrec.errors import ItemError

T = TypeVar("T")

_FIRST_WAIT_S: Final = 0.5
_LONGEST_BACKOFF_S: Final = 30.0

AGAIN_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})


class TryAgain(Exception):  # noqa: N818 - a request to the loop around it, never shown
    """This try failed, the next may not.

    Args:
        label: What ``recovered`` counts: ``"429"``, ``"truncated"``, ….
        reason: Slug of the error, should no try succeed.
        wait_s: What the server asked for.
    """

    def __init__(self, label: str, reason: str, message: str, *, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.label = label
        self.reason = reason
        self.message = message
        self.wait_s = wait_s


class Retries:
    """Tries again up to ``attempts``, waiting as the server asks or else longer each time, by chance.

    Args:
        recovered: Counts the labels of failed tries whose request succeeded in the end.
    """

    def __init__(self, attempts: int, max_wait_s: float, recovered: Counter[str]) -> None:
        self._attempts = attempts
        self._max_wait_s = max_wait_s
        self._recovered = recovered
        self._backoff = tenacity.wait_exponential(_FIRST_WAIT_S, max=min(_LONGEST_BACKOFF_S, max_wait_s))

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The first result.

        Raises:
            ItemError: Of the last try.
        """
        labels: list[str] = []

        async def counted() -> T:
            try:
                return await attempt()
            except TryAgain as again:
                labels.append(again.label)
                raise

        trying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(TryAgain),
            stop=tenacity.stop_after_attempt(self._attempts),
            wait=self._wait_s,
            reraise=True,
        )
        try:
            result: T = await trying(counted)
        except TryAgain as again:
            tries = f" ({len(labels)} tries)" if len(labels) > 1 else ""
            raise ItemError(again.reason, again.message + tries) from None
        self._recovered.update(labels)
        return result

    def _wait_s(self, state: tenacity.RetryCallState) -> float:
        again = state.outcome.exception() if state.outcome else None
        if isinstance(again, TryAgain) and again.wait_s is not None:
            if again.wait_s > self._max_wait_s:
                raise too_long(again.message, again.wait_s, self._max_wait_s)
            return again.wait_s + random.uniform(0, 0.1)  # noqa: S311 - spreads requests, guards nothing
        longest = self._backoff(state)
        return random.uniform(longest / 2, longest)  # noqa: S311


def too_long(message: str, wait_s: float, max_wait_s: float) -> ItemError:
    """The error of a wait beyond ``fetch.max_wait_s``."""
    hint = f"try again later, or raise fetch.max_wait_s ({max_wait_s:g})"
    return ItemError("rate-limited", f"{message}: asks to wait {wait_s:.0f} s", hint=hint)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a ``Retry-After`` asks for; None without one that can be read.

    A date is taken relative to the answer's own ``Date``: our clock may be wrong, and need not be asked.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        then = parsedate_to_datetime(text)
        now = parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError):
        return None
