"""Which texts name a camera, and what of them is shown."""

from pathlib import Path

import pytest

from actorrec.errors import ConfigError
from actorrec.inference.frames.choose import frame_source, is_camera
from actorrec.inference.frames.film import Film
from actorrec.inference.frames.mjpeg import HttpCamera
from actorrec.inference.frames.opencv import NetworkCamera, VideoDevice
from actorrec.inference.frames.rpicam import RpicamCamera
from actorrec.sections import CameraSection

SETTINGS = CameraSection()


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("0", VideoDevice, "camera 0"),
        ("/dev/video12", VideoDevice, "camera 12"),
        ("rpicam", RpicamCamera, "rpicam"),
        ("rpicam:1", RpicamCamera, "rpicam:1"),
        ("rtsp://ann:pw@cam.lan/s1?k=v", NetworkCamera, "rtsp://cam.lan/s1"),
        ("RTSPS://a:b@[::1]:8322/x#frag", NetworkCamera, "rtsps://[::1]:8322/x"),
        ("rtsp://cam/user=ann&password=pw/ch0", NetworkCamera, "rtsp://cam/…/ch0"),
        ("http://ann:p%40w@cam:81", HttpCamera, "http://cam:81"),
        ("https://cam/mjpeg?token=secret", HttpCamera, "https://cam/mjpeg"),
        ("night.MP4", Film, "night.MP4"),
        ("/films/a:b.mkv", Film, "/films/a:b.mkv"),
    ],
)
def test_a_camera(text: str, kind: type, name: str) -> None:
    assert is_camera(text)
    source = frame_source(SETTINGS, text, max_pixels=1000)
    assert type(source) is kind
    assert source.name == name


@pytest.mark.parametrize("text", ["photo.jpg", "photos", "photos/*.jpg", "rpicam.jpg", "-1", "0.5", "", "1234", "٣"])
def test_no_camera(text: str) -> None:
    assert not is_camera(text)
    with pytest.raises(ConfigError) as caught:
        frame_source(SETTINGS, text, max_pixels=1000)
    assert "rpicam" in caught.value.hint


def test_a_folder_is_none_whatever_it_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "pictures.mp4"
    folder.mkdir()
    assert not is_camera(str(folder))


@pytest.mark.parametrize(
    "text",
    [
        "file:///etc/passwd",
        "concat:a.mp4|b.mp4",
        "tcp://h:1",
        "ftp://h/x.mp4",
        "rtsp://",
        "rtsp:h/x",
        "http://ann:hidden@h:99999/x",
        "http://ann:hidden@h ost/x",
        "http://ann:hidden@höst/x",
        "rtsp://ann:hidden@h/x\nSET: 1",
        "rtsp://[ann:hidden@h",
        "film\x00.mp4",
        "data:video/mp4;base64,AAAA",
    ],
)
def test_what_no_source_may_be_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        frame_source(SETTINGS, text, max_pixels=1000)
    assert caught.value.hint
    assert "hidden" not in caught.value.in_full


def test_no_repr_holds_a_password() -> None:
    source = frame_source(SETTINGS, "rtsp://ann:hidden@h/x?k=hidden", max_pixels=1000)
    assert "hidden" not in repr(source) + source.name
    assert isinstance(source, NetworkCamera)
    assert "hidden" not in repr(vars(source))
