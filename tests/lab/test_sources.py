"""Finding the Debian archive in a machine's apt sources."""

from pathlib import Path

import pytest

from conformance.lab.errors import LabError
from conformance.lab.sources import Source, archive, read_list, read_sources

DEB822 = """\
# a comment
Types: deb deb-src
# commented fields are no fields
URIs: http://mirror.test/debian
Suites: trixie trixie-updates
Components: main
  contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

Types: deb
URIs: http://mirror.test/debian-security
Suites: trixie-security
Components: main

Enabled: no
Types: deb
URIs: http://off.test/debian
Suites: sid
Components: main

Types: deb-src
URIs: http://sources.test/debian
Suites: sid
Components: main
"""


def test_a_deb822_file_gives_its_enabled_binary_sources() -> None:
    found = list(read_sources(DEB822))
    assert [source.uri for source in found] == [
        "http://mirror.test/debian",
        "http://mirror.test/debian-security",
    ]
    assert found[0] == Source(
        "http://mirror.test/debian",
        ("trixie", "trixie-updates"),
        ("main", "contrib"),
        {"Signed-By": "/usr/share/keyrings/debian-archive-keyring.pgp"},
    )


def test_a_key_in_a_stanza_is_kept_whole() -> None:
    text = (
        "Types: deb\nURIs: http://m.test/debian\nSuites: sid\nComponents: main\nSigned-By:\n"
        " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDME\n -----END PGP PUBLIC KEY BLOCK-----\n"
    )
    (source,) = read_sources(text)
    assert source.options["Signed-By"].splitlines()[1:] == [
        " -----BEGIN PGP PUBLIC KEY BLOCK-----",
        " .",
        " mDME",
        " -----END PGP PUBLIC KEY BLOCK-----",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "deb http://m.test/debian bookworm main contrib",
            Source("http://m.test/debian", ("bookworm",), ("main", "contrib")),
        ),
        (
            "deb [ arch=amd64 signed-by=/k.gpg trusted=yes ] http://m.test/debian/ sid main # x",
            Source(
                "http://m.test/debian/",
                ("sid",),
                ("main",),
                {"Signed-By": "/k.gpg", "Trusted": "yes"},
            ),
        ),
        ("deb-src http://m.test/debian sid main", None),
        ("# deb http://m.test/debian sid main", None),
        ("", None),
    ],
)
def test_a_line_is_a_source(line: str, expected: Source | None) -> None:
    assert list(read_list(line)) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", "deb http://m.test/debian bookworm main\n"),
        ("sources.list.d/debian.list", "deb http://m.test/debian bookworm main\n"),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://m.test/debian\nSuites: sid\nComponents: main\n",
        ),
        (
            "sources.list.d/cloud.sources",
            (
                "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: trixie\n"
                "Components: main\n"
            ),
        ),
    ],
)
def test_the_archive_is_found_in_every_place(tmp_path: Path, name: str, text: str) -> None:
    other = tmp_path / "sources.list.d" / "a.list"
    other.parent.mkdir()
    other.write_text("deb http://m.test/debian-security x main\ndeb http://nodes.test/n x main\n")
    (tmp_path / name).write_text(text)
    assert archive(tmp_path).uri.endswith(("/debian", "/debian.list"))


def test_without_an_archive_the_error_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=str(tmp_path)):
        archive(tmp_path)
