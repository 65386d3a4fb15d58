"""The image without a container engine: a bare Debian with exactly the packages of the Dockerfile's
runtime stage, in which the program starts as nobody on a read-only disk, serves on the address that
a network namespace of its own has, and forwards to the host that its configuration names."""

import hashlib
import os
import select
import shutil
import subprocess
import sys
import time

import pytest
from conftest import roost_binary
from stack import ROOT, config_map, dockerfile_stages, packages

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for chroot and namespaces")

ADDRESS = "10.213.77.2"
JAEGER = "10.213.77.3"
USER = dict(dockerfile_stages()[1])["USER"]


def run(*command, **options):
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=300, check=False,
        **options)


def configuration(name):
    return config_map() if name == "kubernetes" else (ROOT / "deploy/roost.yaml").read_text()


@pytest.fixture(scope="module")
def bare_root():
    """Debian's smallest installation and the runtime stage's packages, kept under .build."""
    wanted = sorted(packages(dockerfile_stages()[1]))
    name = hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:12]
    root = ROOT / ".build" / f"bare-debian-{name}"
    if not (root / ".complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        result = run(
            "debootstrap", "--variant=minbase", f"--include={','.join(wanted)}", "bookworm", root)
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr
        (root / ".complete").touch()
    (root / "etc/roost").mkdir(exist_ok=True)
    (root / "var/lib/roost").mkdir(exist_ok=True)
    shutil.copy(roost_binary(), root / "usr/local/bin/roost")
    return root


@pytest.fixture
def networks():
    """Two namespaces with a cable between them: one for Roost, one for its Jaeger."""
    names = [f"roost-test-{os.getpid()}", f"jaeger-test-{os.getpid()}"]
    ours, theirs = names
    for command in (
        ["netns", "add", ours],
        ["netns", "add", theirs],
        ["-n", ours, "link", "add", "cable0", "type", "veth", "peer", "name", "cable1"],
        ["-n", ours, "link", "set", "cable1", "netns", theirs],
        ["-n", ours, "addr", "add", f"{ADDRESS}/24", "dev", "cable0"],
        ["-n", theirs, "addr", "add", f"{JAEGER}/24", "dev", "cable1"],
        ["-n", ours, "link", "set", "lo", "up"],
        ["-n", ours, "link", "set", "cable0", "up"],
        ["-n", theirs, "link", "set", "cable1", "up"],
    ):
        result = run("ip", *command)
        assert result.returncode == 0, result.stderr
    yield ours, theirs
    for name in names:
        run("ip", "netns", "delete", name)


@pytest.fixture
def jaeger(networks):
    """Takes OTLP where the compose file would have Jaeger; its lines tell what came."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", networks[1], sys.executable, ROOT / "Tests/EndToEnd/stack.py",
         JAEGER, "4318"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "listening\n"
    yield process
    process.terminate()
    process.wait(10)
    process.stdout.close()


# In a mount namespace of its own, so that nothing of it is left behind.
ENTER = """
set -e
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o mode=0750,uid=${USER%:*},gid=${USER#*:} tmpfs "$ROOT/var/lib/roost"
exec chroot --userspec="$USER" "$ROOT" "$@"
"""


def inside(root, namespace, *command):
    """The command that runs `command` in the bare root and the namespace, as the image's user."""
    return (
        ["ip", "netns", "exec", namespace, "unshare", "--mount", "sh", "-c", ENTER, "enter",
         *command],
        {**os.environ, "ROOT": str(root), "USER": USER},
    )


@pytest.mark.parametrize("config", ["image", "kubernetes"])
def test_configurations_are_valid(config, tmp_path):
    path = tmp_path / "roost.yaml"
    path.write_text(configuration(config))
    result = run(roost_binary(), "check", "--config", path)
    assert result.returncode == 0, result.stderr


def test_no_library_is_missing(bare_root):
    listed = run("chroot", bare_root, "ldd", "/usr/local/bin/roost")
    assert listed.returncode == 0 and "not found" not in listed.stdout, listed.stdout


@pytest.mark.parametrize("config", ["image", "kubernetes"])
def test_serves_on_its_own_address(bare_root, networks, jaeger, config, tmp_path):
    namespace = networks[0]
    (bare_root / "etc/roost/roost.yaml").write_text(configuration(config))
    (bare_root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{JAEGER} jaeger\n")
    command, environment = inside(
        bare_root, namespace, "/usr/local/bin/roost", "serve", "--config", "/etc/roost/roost.yaml")
    log = tmp_path / "log"
    with log.open("w") as stderr:
        roost = subprocess.Popen(command, env=environment, stderr=stderr, stdout=stderr)
    try:
        def curl(url, *options):
            return run(
                "ip", "netns", "exec", namespace, "curl", "-sS", "-o", "/dev/null", "-w",
                "%{http_code}", "--max-time", "5", *options, url).stdout

        deadline = time.monotonic() + 20
        while curl(f"http://{ADDRESS}:8080/ready") != "200":
            assert roost.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        assert curl(f"http://{ADDRESS}:8080/health") == "200"
        assert curl(f"http://{ADDRESS}:8080/metrics") == "200"
        assert curl(
            f"http://{ADDRESS}:4318/v1/traces", "-H", "Content-Type: application/json",
            "--data", "{}") == "200"

        health, environment = inside(bare_root, namespace, "/usr/local/bin/roost", "health")
        assert run(*health, env=environment).returncode == 0
        demo, environment = inside(
            bare_root, namespace, "/usr/local/bin/roost", "demo", "--for", "1", "--rate", "60",
            "--endpoint", f"http://{ADDRESS}:4317")
        played = run(*demo, env=environment)
        assert played.returncode == 0, played.stderr
        assert select.select([jaeger.stdout], [], [], 20)[0], "nothing was forwarded"
        assert jaeger.stdout.readline().startswith("/v1/traces ")
    finally:
        roost.terminate()
        assert roost.wait(30) == 0, log.read_text()
