from actorrec.edge.answers import median_ms


def test_nets_take_turns() -> None:
    calls: list[str] = []
    medians = median_ms([lambda index: calls.append("a"), lambda index: calls.append("b")])
    assert len(medians) == 2
    assert "".join(calls)[:16] == "a" * 8 + "b" * 8
