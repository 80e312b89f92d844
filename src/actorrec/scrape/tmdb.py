"""The interface of The Movie Database, version 3, with either kind of the user's own key."""

from collections.abc import Mapping
from typing import Final

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.scrape.protocols import Fetcher, Page

SOURCE: Final = "tmdb"
LAST_PAGE: Final = 500
"""Of any list: the service refuses later ones."""
_KEY_HINT: Final = "a free key from themoviedb.org goes into sources.tmdb_key or ACTORREC_SOURCES__TMDB_KEY"


class TmdbKey:
    """Asks with the user's key.

    Raises:
        ConfigError: If there is no key.
    """

    def __init__(self, config: Config, fetcher: Fetcher) -> None:
        key = config.sources.tmdb_key.get_secret_value().strip()
        if not key:
            raise ConfigError("TMDB needs a key: sources.tmdb_key is empty", hint=_KEY_HINT)
        self._fetcher = fetcher
        self._base = config.sources.tmdb_url.rstrip("/")
        # A v4 token is a JSON web token, which begins so; a v3 key is 32 hex digits.
        self._headers = {"Authorization": f"Bearer {key}"} if key.startswith("eyJ") else {}
        self._params = {} if self._headers else {"api_key": key}

    async def page(self, path: str, params: Mapping[str, str]) -> Page | None:
        """The answer; None where there is nothing under that path.

        Raises:
            ConfigError: If the key is refused.
            ItemError: As ``Fetcher.page``.
        """
        asked = {**self._params, **params}
        known = frozenset({200, 401, 404})
        page = await self._fetcher.page(self._base + path, params=asked, headers=self._headers, ok=known)
        if page.status == 401:
            raise ConfigError("TMDB refuses the key in sources.tmdb_key", hint=_KEY_HINT)
        return None if page.status == 404 else page
