import io

from rich.console import Console

from actorrec.cli.terminal import TerminalProgress


def test_the_bar_ends_in_the_newest_measures() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=160, color_system=None)
    with TerminalProgress(console).step("training the head", 3, "epochs") as step:
        step.advance(2)
        step.measure(epoch=1, loss=0.75, accuracy=0.5)
        step.measure(epoch=2, loss=0.4123456, accuracy=0.75, val_loss=0.5)
    assert isinstance(console.file, io.StringIO)
    last = [line for line in console.file.getvalue().splitlines() if "training the head" in line][-1]
    assert "2/3" in last
    assert "loss 0.4123, accuracy 0.75, val_loss 0.5" in last
    assert "epoch 2" not in last
