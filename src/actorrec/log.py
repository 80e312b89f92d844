"""Logging, set up once by the command line; libraries only call ``logging.getLogger(__name__)``."""

import logging
import os


def setup_logging(*, quiet: bool = False) -> None:
    """Send warnings (or, with ``ACTORREC_DEBUG=1``, everything of ours) to stderr through Rich."""
    from rich.console import Console
    from rich.logging import RichHandler

    debug = os.environ.get("ACTORREC_DEBUG") == "1"
    handler = RichHandler(console=Console(stderr=True), show_time=debug, show_path=debug, rich_tracebacks=False)
    logger = logging.getLogger("actorrec")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if debug else logging.ERROR if quiet else logging.INFO)
    # Pillow logs what is odd inside a file, awsiot each connection that fails; what matters of it reaches the user as
    # that file's outcome, or as one line.
    for name in ("PIL", "awsiot"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
