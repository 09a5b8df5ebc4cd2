"""The text of the pool's index."""

from wallcloud.build.apt import Version, stanzas_in
from wallcloud.build.packages import packages_in, render

INDEX = """\
Package: common
Version: 1.5
Architecture: all
Description: two
 lines
Size: 12
SHA256: aa
Filename: aa.deb

Package: server
Version: 1:1.0-1
Architecture: amd64
Depends: common
Size: 7
SHA256: bb
Filename: bb.deb
"""


def test_the_text_of_an_index() -> None:
    stanzas = {
        Version("server", "1:1.0-1", "amd64"): {
            "Package": "server",
            "Version": "1:1.0-1",
            "Architecture": "amd64",
            "Depends": "common",
            "Filename": "pool/main/s/server.deb",
            "Size": "7",
            "MD5sum": "0",
            "SHA256": "bb",
        },
        Version("common", "1.5", "all"): {
            "Package": "common",
            "Version": "1.5",
            "Architecture": "all",
            "Description": "two\n lines",
            "Description-md5": "1",
            "Size": "12",
            "SHA1": "2",
            "SHA256": "aa",
        },
    }
    assert render(stanzas) == INDEX
    assert [(each.name, each.size) for each in packages_in(INDEX)] == [("common", 12), ("server", 7)]
    assert next(stanzas_in(INDEX))["Description"] == "two\n lines"
