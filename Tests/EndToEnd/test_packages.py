"""What `make` says and does before it installs anything, on machines made of stand-ins."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/packages.sh"
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


class Machine:
    """A PATH with nothing but a few tools and stand-ins that note how they were called."""

    def __init__(self, folder):
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.calls = folder / "calls"
        self.calls.touch()
        for name in ("bash", "cat"):
            (self.folder / name).symlink_to(shutil.which(name))
        self.has("swift")
        self.has("id", "echo 1000")
        self.has("dpkg-query", 'case "${!#}" in lib*-dev|zlib*) echo installed;; *) exit 1;; esac')

    def has(self, name, script="", noted=False):
        note = f'echo "{name} $*" >> {self.calls}\n' if noted else ""
        path = self.folder / name
        path.write_text(f"#!{self.folder}/bash\n{note}{script}\n")
        path.chmod(0o755)

    def run(self, *arguments):
        return subprocess.run(
            [self.folder / "bash", SCRIPT, *arguments], capture_output=True, text=True,
            timeout=30, check=False, env={"PATH": str(self.folder)})


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_nothing_missing_is_silent_and_quick(machine):
    result = machine.run("run")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_without_swift_it_says_where_it_looked(machine):
    os.remove(machine.folder / "swift")
    result = machine.run("run")
    assert result.returncode == 1
    assert "not on the PATH" in result.stderr and str(machine.folder) in result.stderr


def test_without_apt_the_packages_are_named(machine):
    result = machine.run("test")
    assert result.returncode == 1
    assert "no apt-get" in result.stderr and "python3-venv" in result.stderr


def test_without_root_and_sudo_it_says_what_root_has_to_type(machine):
    machine.has("apt-get", noted=True)
    result = machine.run("test")
    assert result.returncode == 1
    assert "apt-get install --no-install-recommends protobuf-c-compiler" in result.stderr
    assert "python3-venv" in result.stderr and "libuv1-dev" not in result.stderr
    assert machine.calls.read_text() == ""


def test_with_sudo_everything_that_needs_root_goes_through_it(machine):
    for name in ("apt-get", "env"):
        machine.has(name, noted=True)
    machine.has("sudo", "[ $1 != tee ] || cat", noted=True)
    result = machine.run("test")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Installing Debian packages (no recommended ones")
    calls = machine.calls.read_text().splitlines()
    # A policy that the machine has is put aside and back.
    first, last = (["mv"], "mv") if POLICY.exists() else ([], "rm")
    assert [line.split()[1] for line in calls if line.startswith("sudo ")] == [
        *first, "tee", "chmod", "apt-get", "env", last]
    assert len(calls) == len(first) + 5, "something did not go through sudo"
    install = calls[-2]
    assert install.startswith("sudo env DEBIAN_FRONTEND=noninteractive")
    assert "--no-install-recommends" in install and install.endswith(" openssl")


def test_a_wrong_word_is_told(machine):
    result = machine.run("everything")
    assert result.returncode == 2 and "run|test" in result.stderr
