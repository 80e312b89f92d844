"""The one place that makes boto3 clients."""

import os
import threading
from typing import Any
from urllib.parse import urlsplit

from actorrec.aws.failures import Place, told
from actorrec.sections import AwsSection


class AwsSession:
    """Clients with one region, endpoint, patience and chain of credentials.

    Credentials come from boto3's own chain alone (environment, ~/.aws, SSO, the role of a machine); nothing here reads,
    keeps or prints them.

    Args:
        settings: Region, endpoint (of S3) and profile; what is None is left to boto3.
    """

    def __init__(self, settings: AwsSection) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once; it may be used by several threads.

        Raises:
            ConfigError: If the profile does not exist or no region is known.
        """
        with self._lock:  # making clients is not safe in several threads
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def place(self, bucket: str = "") -> Place:
        """What messages about a failed request may name."""
        region = self.settings.region or getattr(self._session, "region_name", None) or ""
        return Place(bucket=bucket, region=region, endpoint=_without_secrets(self._endpoint()))

    def _make(self, service: str) -> Any:
        import boto3
        import botocore.config
        import botocore.exceptions

        settings = self.settings
        config = botocore.config.Config(
            retries={"mode": "adaptive", "total_max_attempts": settings.attempts},
            max_pool_connections=settings.connections,
            connect_timeout=min(10.0, settings.timeout_s),
            read_timeout=settings.timeout_s,
            # We send and check SHA-256 ourselves; CRC on top costs time, and other servers do not know it.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            user_agent_appid="actorrec",
        )
        try:
            if self._session is None:
                # Other AWS tools read AWS_REGION, boto3 by itself only AWS_DEFAULT_REGION.
                region = settings.region or os.environ.get("AWS_REGION")
                self._session = boto3.Session(profile_name=settings.profile, region_name=region or None)
            if self._session.region_name == "":  # a variable that is there and empty; boto3 would sign with it
                raise botocore.exceptions.NoRegionError
            _sign_in_python()
            endpoint = settings.endpoint_url if service == "s3" else None  # the others: boto3's own AWS_ENDPOINT_URL_…
            return self._session.client(service, endpoint_url=endpoint, config=config)
        except (botocore.exceptions.BotoCoreError, ValueError) as error:
            raise told(error, f"use {service}", self.place()) from None

    def _endpoint(self) -> str:
        made = next(iter(self._clients.values()), None)
        return str(self.settings.endpoint_url or (made.meta.endpoint_url if made is not None else ""))


def _sign_in_python() -> None:
    """Let botocore sign by itself also where ``awscrt`` is installed, as it does everywhere else.

    That one reads what it signs from C: a Ctrl-C that comes meanwhile is dropped, printed as a traceback, or comes out
    as an error that nobody expects.
    """
    from botocore import auth

    auth.AUTH_TYPE_MAPS.update(
        {
            "v4": auth.SigV4Auth,
            "v4-query": auth.SigV4QueryAuth,
            "s3v4": auth.S3SigV4Auth,
            "s3v4-query": auth.S3SigV4QueryAuth,
        }
    )


def _without_secrets(url: str) -> str:
    """Scheme, host and port of an address: user names, passwords, paths and queries stay out of messages."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}" if host else ""
