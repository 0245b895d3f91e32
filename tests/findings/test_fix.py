"""Fixes change what they must and nothing else, and what they promise is proved."""

from __future__ import annotations

import pytest

from entrysem import DockerfileError, ImageConfig, resolve
from entrysem.findings import find
from entrysem.findings.fix import FixError, apply, fix_all, prove
from entrysem.findings.model import Edit, Fix

BASE = {"acme/web": ImageConfig(("/docker-entrypoint.sh",), ("nginx",))}

FIXED = [
    ("FROM scratch\nCMD ['a', 'b']\n", 'FROM scratch\nCMD ["a", "b"]\n'),
    ("FROM scratch\r\nCMD ['a', 'b']\r\n", 'FROM scratch\r\nCMD ["a", "b"]\r\n'),
    ("\ufeffFROM scratch\nCMD ['a']", '\ufeffFROM scratch\nCMD ["a"]'),
    (
        "FROM scratch\n\tcmd  [ 'a', \\\n  # why\n\n     'b' \\\n ]  \n# end\n",
        "\ufeff"[1:] + 'FROM scratch\n\tcmd  [ "a", \\\n  # why\n\n     "b" \\\n ]  \n# end\n',
    ),
    (
        "# escape=`\nFROM scratch\nCMD ['a', `\n 'C:\\\\x'[0:0]\n".replace(
            "'C:\\\\x'[0:0]", "'x']"
        ),
        '# escape=`\nFROM scratch\nCMD ["a", `\n "x"]\n',
    ),
    ("FROM scratch\nCMD [\u201ca\u201d, 'b',]\n", 'FROM scratch\nCMD ["a", "b"]\n'),
    ("FROM scratch\nCMD ['say \"x\"']\n", 'FROM scratch\nCMD ["say \\"x\\""]\n'),
    ('FROM scratch\nCMD ["\xe9" "b"]\n', 'FROM scratch\nCMD ["\xe9", "b"]\n'),
    ('FROM scratch\nCMD ["a\tb"]\n', 'FROM scratch\nCMD ["a\\tb"]\n'),
    ('FROM scratch\nCMD ["C:\\new\\x.exe"]\n', 'FROM scratch\nCMD ["C:\\\\new\\\\x.exe"]\n'),
    ('FROM scratch\nCMD "a", "b"]\n', 'FROM scratch\nCMD ["a", "b"]\n'),
    ('FROM scratch\nCMD ["a", "b]\n', 'FROM scratch\nCMD ["a", "b"]\n'),
    ('FROM scratch\nCMD ["a"  \n', 'FROM scratch\nCMD ["a"]  \n'),
    (
        "FROM scratch\nONBUILD  CMD ['a']\nCMD [\"b\"]",
        'FROM scratch\nONBUILD  CMD ["a"]\nCMD ["b"]',
    ),
    ('FROM scratch\n  CMD ["a"] # why\r\n', 'FROM scratch\n  # why\r\n  CMD ["a"]\r\n'),
    ('FROM scratch\nCMD ["a"];\n', 'FROM scratch\nCMD ["a"]\n'),
    ('FROM scratch\nCMD ["a  b", "-x y"]\n', 'FROM scratch\nCMD ["a", "b", "-x", "y"]\n'),
    ('FROM scratch\nENTRYPOINT [ "" ]\nCMD ["a"]\n', 'FROM scratch\nENTRYPOINT [  ]\nCMD ["a"]\n'),
    ('FROM scratch\nENTRYPOINT ["a"]\nCMD', 'FROM scratch\nENTRYPOINT ["a"]\nCMD []'),
    (
        "FROM scratch\nENTRYPOINT a \\\n   'b c' \"d\"\n",
        'FROM scratch\nENTRYPOINT ["a", \\\n   "b c", "d"]\n',
    ),
    (
        'FROM scratch\nCMD ["a"]\n# keep\nEXPOSE 1\nCMD ["a"]',
        'FROM scratch\n# keep\nEXPOSE 1\nCMD ["a"]',
    ),
    (
        'FROM scratch\nCMD ["a", \\\n# keep\n "b"]\nCMD ["a", "b"]\n',
        'FROM scratch\n# keep\nCMD ["a", "b"]\n',
    ),
    (
        'FROM scratch\nSHELL ["/bin/bash", "-c"]\nCMD a "b" \\\n  | c\\d\n',
        'FROM scratch\nSHELL ["/bin/bash", "-c"]\nCMD ["/bin/bash", "-c", "a \\"b\\" \\\n  | c\\\\d"]\n',
    ),
    (
        'FROM scratch\nENTRYPOINT ["sh", "-c"]\nCMD ["npm", \\\n  "start"]\n',
        'FROM scratch\nENTRYPOINT ["sh", "-c"]\nCMD ["npm \\\nstart"]\n',
    ),
    (
        'FROM scratch\nCMD ["bash", "-c", "a > b"]\n',
        'FROM scratch\nCMD ["bash", "-c", "exec a > b"]\n',
    ),
    (
        'FROM acme/web\r\n  ENTRYPOINT ["tini", "--"]',
        'FROM acme/web\r\n  ENTRYPOINT ["tini", "--"]\n  CMD ["nginx"]',
    ),
    (
        'FROM acme/web\r\n  ENTRYPOINT ["tini", "--"]\r\nEXPOSE 1',
        'FROM acme/web\r\n  ENTRYPOINT ["tini", "--"]\r\n  CMD ["nginx"]\r\nEXPOSE 1',
    ),
]


@pytest.mark.parametrize(("before", "after"), FIXED)
def test_the_rest_of_the_file_stays(before: str, after: str) -> None:
    fixed = fix_all(before.encode(), bases=BASE)
    assert fixed.data.decode() == after
    assert fixed.mended
    assert fix_all(fixed.data, bases=BASE).data == fixed.data


@pytest.mark.parametrize(
    "text",
    [
        'FROM scratch\nCMD ["a"]',
        'FROM scratch\nCMD ["a", $X]\n',
        "FROM scratch\nCMD [npm start]\n",
        'FROM scratch\nCMD ["a, "b"]\n',
        "FROM scratch\nCMD ['it''s']\n",
        'FROM scratch\nCMD ["echo", "\\$HOME"]\n',
        'FROM scratch\nCMD ["a"] b\n',
        'FROM scratch\nCMD ["a && b"]\n',
        "FROM scratch\nENTRYPOINT java $OPTS\n",
        "FROM scratch\nENTRYPOINT cd x\n",
        "FROM scratch\nENTRYPOINT sh -c x\n",
        'FROM scratch\nENTRYPOINT a\nCMD ["b"]\n',
        'FROM scratch\nCMD ["a"]\nCMD ["b"]\n',
    ],
)
def test_where_somebody_would_have_to_guess_nothing_changes(text: str) -> None:
    assert fix_all(text.encode()).data == text.encode()


def test_only_the_wanted_kinds() -> None:
    text = b"FROM scratch\nENTRYPOINT ['a']\nCMD [\"\"]\n"
    assert fix_all(text, ["ES008"]).data == b"FROM scratch\nENTRYPOINT ['a']\nCMD []\n"
    assert fix_all(text, []).data is text


def test_argv_before_and_after_are_those_of_the_files() -> None:
    text = b"FROM scratch\nCMD ['a', 'b']\n"
    (finding,) = find(text)
    assert finding.fix is not None
    assert finding.fix.changes_argv
    assert finding.argv == ("/bin/sh", "-c", "['a', 'b']")
    assert finding.fixed_argv == ("a", "b") == resolve(apply(text, [finding.fix])).argv


def test_no_fix_is_the_same_object() -> None:
    assert apply(source := b"FROM scratch\n", []) is source


def test_overlapping_fixes() -> None:
    one = Fix("x", (Edit(0, 2, b"a"),), changes_argv=True)
    for other in (Edit(1, 3, b"b"), Edit(0, 0, b"c"), Edit(0, 1, b"")):
        with pytest.raises(FixError) as caught:
            apply(b"FROM", [one, Fix("y", (other,), changes_argv=True)])
        assert caught.value.code == "fixes-overlap"
    assert apply(b"FROM", [Fix("y", (Edit(2, 3, b"b"),), changes_argv=True), one]) == b"abM"


SAME = b'FROM scratch AS one\nENTRYPOINT [""]\nCMD ["a"]\nFROM one\nCMD ["b"]\n'


@pytest.mark.parametrize(
    ("edit", "changes", "code"),
    [
        (Edit(20, 30, b"FOO"), True, "fix-breaks-file"),
        (Edit(31, 35, b'["x"]'), False, "fix-changes-argv"),
        # Not of the last stage, but of one that somebody may build.
        (Edit(SAME.index(b'"a"'), SAME.index(b'"a"') + 3, b'"c"'), False, "fix-changes-argv"),
    ],
)
def test_a_fix_that_breaks_its_promise(edit: Edit, changes: bool, code: str) -> None:
    fix = Fix("break it", (edit,), changes)
    with pytest.raises(FixError) as caught:
        prove(SAME, apply(SAME, [fix]), [fix])
    assert caught.value.code == code


def test_a_fix_that_mends_nothing() -> None:
    (finding,) = find(SAME)
    assert finding.fix is not None
    with pytest.raises(FixError) as caught:
        prove(SAME, SAME, [finding.fix])
    assert caught.value.code == "fix-leaves-finding"
    prove(SAME, apply(SAME, [finding.fix]), [finding.fix])


def test_together_they_keep_argv_too() -> None:
    (finding,) = find(SAME)
    assert finding.fix is not None
    other = SAME.replace(b'[""]', b"[]").replace(b'"b"', b'"c"')
    with pytest.raises(FixError) as caught:
        prove(SAME, other, [finding.fix])
    assert caught.value.code == "fix-changes-argv"


def test_a_file_that_is_rejected_before() -> None:
    with pytest.raises(DockerfileError):
        fix_all(b"FOO\n")
