"""Wikimedia's services answer only programs that say whom to contact."""

from urllib.parse import urlsplit

from actorrec.config import Config
from actorrec.errors import ConfigError


def check_contact(url: str, config: Config) -> None:
    """Refuse to ask Wikimedia's services without saying who asks.

    Raises:
        ConfigError: If ``fetch.contact`` is empty and the host is Wikimedia's.
    """
    host = urlsplit(url).hostname or ""
    if host.endswith(("wikidata.org", "wikimedia.org")) and not config.fetch.contact.strip():
        raise ConfigError(
            f"{host} answers only programs that say whom to contact: fetch.contact is empty",
            hint="--contact you@example.org, or ACTORREC_FETCH__CONTACT",
        )
