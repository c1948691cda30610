"""docs/deployment.md leads to everything in deploy/, and nowhere else."""

import re

from fakes.deploy_tools import DEPLOY, ROOT

MANUAL = ROOT / "docs" / "deployment.md"


def links():
    return [target for target in re.findall(r"\]\(([^)#]+)\)", MANUAL.read_text()) if "://" not in target]


def test_its_links_lead_somewhere():
    assert [target for target in links() if not (MANUAL.parent / target).exists()] == []


def test_every_part_of_deploy_is_in_it():
    linked = [(MANUAL.parent / target).resolve() for target in links()]

    for part in DEPLOY.iterdir():
        assert any(target == part or part in target.parents for target in linked) or part.name in {
            "Dockerfile.dockerignore",
            "compose",
        }, part.name


def test_the_readme_leads_to_it():
    assert "(docs/deployment.md)" in (ROOT / "README.md").read_text()
