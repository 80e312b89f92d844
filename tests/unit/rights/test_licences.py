import pytest

from actorrec.rights.licences import LicenceClass, as_stated, classify

TABLE: dict[LicenceClass, tuple[str, ...]] = {
    "free": (
        "Public domain",
        "Public Domain Mark 1.0",
        "Public domain in the US",
        "PD",
        "PD-USGov",
        "PD-USGov-NASA",
        "PD-US-not renewed",
        "PD US Government",
        "PDM-owner",
        "CC PDM 1.0",
        "United States Government Work",
        "CC0",
        "CC0 1.0",
        "public domain (CC0-1.0)",
        "CC0 1.0 Universal",
        "cc-zero",
        "CC BY 2.0",
        "cc-by-2.0",
        "CC BY 3.0 us",
        "CC BY-SA 4.0",
        "CC BY-SA 3.0 de",
        "CC BY-SA 3.0 igo",
        "CC\u00a0BY\u2011SA\u00a04.0",
        "CC BY-SA 2.5-2.0-1.0",
        "CC BY-SA 4.0,3.0,2.5,2.0,1.0",
        "cc_by_sa_3.0_migrated",
        "CC SA 1.0",
        "Creative Commons Attribution-Share Alike 4.0 International",
        "https://creativecommons.org/licenses/by-sa/4.0/deed.en",
        "http://creativecommons.org/publicdomain/zero/1.0/",
        "FAL",
        "Free Art License",
        "GFDL",
        "GFDL 1.2",
        "GFDL 1.2+",
        "GFDL 1.2 or later",
        "OGL 3",
        "OGL v1.0",
        "Open Government Licence v3.0",
        "GODL-India",
        "KOGL Type 1",
        "MIT",
        "ISC License",
        "BSD 3-Clause",
        "No restrictions",
        "No known copyright restrictions",
        "Attribution",
        "Copyrighted free use",
    ),
    "user-supplied": ("user-supplied", "User supplied"),
    "restricted": (
        "CC BY-NC 2.0",
        "CC BY-NC-SA 4.0",
        "CC BY-ND",
        "cc-by-nc-nd-3.0",
        "CC BYNC 4.0",
        "https://creativecommons.org/licenses/by-nd/4.0/",
        "Creative Commons Attribution-NonCommercial",
        "Creative Commons Attribution-NoDerivs 2.0",
        "CC BY 4.0, non-commercial use only",
        "CC BY 4.0 or CC BY-NC 4.0",
        "All rights reserved",
        "© 2024 A Studio. All Rights Reserved.",
        "Fair use",
        "non-free",
        "Editorial use only",
        "TMDB terms: no AI training without a written agreement",
        "IMDb conditions of use",
    ),
    "unknown": (
        "",
        "  ",
        "?",
        "unknown",
        "see page",
        "see public domain page",
        "public domain in Germany but not in the US",
        "PD, possibly",
        "PD-US unless renewed",
        "Public domain in France, disputed",
        "Public domain?",
        "Public domain in the US?",
        "CC BY for friends",
        "CC BY but ask",
        "not in the public domain",
        "Public domain status disputed",
        "CC",
        "CC Sampling Plus 1.0",
        "CC BY except the portrait",
        "Copyrighted",
        "© somebody",
        "Copyrighted free use provided that",
        "KOGL Type 4",
        "free",
        "pdf",
        "committee",
    ),
}


@pytest.mark.parametrize(
    ("licence", "expected"), [(licence, kind) for kind, licences in TABLE.items() for licence in licences]
)
def test_each_licence_has_its_class(licence: str, expected: LicenceClass) -> None:
    assert classify(licence) == expected
    assert classify(licence.upper()) == expected
    assert classify(f" {licence.lower()} ") == expected


def test_a_long_hostile_text_is_answered() -> None:
    assert classify("cc by 4.0 " * 20_000) == "unknown"
    assert classify("public domain in " + "x in " * 50_000 + "?") == "unknown"
    assert classify("cc by" + " 1" * 140 + " x") == "unknown"
    assert classify("cc by" + " 1" * 140) == "free" and classify("cc by" + " 1" * 150) == "unknown"


@pytest.mark.parametrize(
    ("licence", "users_own", "stated"),
    [
        ("", False, "unknown"),
        ("  \n", True, "unknown"),
        ("CC BY\n4.0", False, "CC BY 4.0"),
        ("user-supplied", True, "user-supplied"),
        ("user-supplied", False, "unknown"),
        ("User-Supplied ", False, "unknown"),
    ],
)
def test_only_a_folder_of_the_users_own_is_user_supplied(licence: str, users_own: bool, stated: str) -> None:
    assert as_stated(licence, users_own=users_own) == stated
