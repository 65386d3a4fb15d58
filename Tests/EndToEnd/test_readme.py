"""The README says what the program says."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOST = os.environ.get("ROOST_BINARY", str(ROOT / ".build/release/roost"))


def test_the_configuration_reference_is_the_programs_own():
    page = (ROOT / "README.md").read_text()
    begin = "<!-- begin: roost help config -->\n"
    start = page.index(begin) + len(begin)
    printed = subprocess.run(
        [ROOST, "help", "config"], capture_output=True, text=True, check=True
    ).stdout
    assert page[start : page.index("<!-- end -->", start)] == printed


def test_every_link_leads_somewhere():
    import re

    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
