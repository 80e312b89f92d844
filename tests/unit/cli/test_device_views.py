"""How a device's status looks."""

from pathlib import Path

import pytest

from actorrec.cli.device_views import tell
from actorrec.cli.session import Session
from actorrec.device.status import Seen


@pytest.mark.parametrize(
    ("service", "says_where"), [("activating", True), ("failed", True), ("inactive", False), (None, False)]
)
def test_of_a_service_that_is_started_in_vain_it_says_where_the_reason_stands(
    service: str | None, says_where: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = Seen("stopped", "nothing is known of a run here", Path("status.json"))
    tell(Session(None, None, as_json=False, quiet=False), seen, service)
    out, err = capsys.readouterr()
    assert ("journalctl -u actorrec" in out + err) == says_where
