"""What the tests of the shipped stack share: where its files are and what they hold."""

import pathlib
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load(path):
    return yaml.safe_load((ROOT / path).read_text())


def load_all(path):
    return [document for document in yaml.safe_load_all((ROOT / path).read_text()) if document]


def manifests():
    """Every Kubernetes object, with the name of its file."""
    for path in sorted((ROOT / "deploy/kubernetes").glob("*.yaml")):
        if path.name != "kustomization.yaml":
            for document in load_all(path):
                yield path.name, document


def config_map():
    """The configuration inside the ConfigMap, as text."""
    return load("deploy/kubernetes/configmap.yaml")["data"]["roost.yaml"]


def dockerfile_stages():
    """The Dockerfile as a list of stages, each a list of (instruction, rest)."""
    text = (ROOT / "deploy/Dockerfile").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    stages = []
    for line in filter(str.strip, text.splitlines()):
        instruction, _, rest = line.strip().partition(" ")
        if instruction == "FROM":
            stages.append([])
        stages[-1].append((instruction, " ".join(rest.split())))
    return stages


def packages(stage):
    """What a stage installs, without the options of the installer."""
    names = []
    for instruction, rest in stage:
        for command in rest.split("&&") if instruction == "RUN" else []:
            words = command.split()
            if words[:2] == ["apt-get", "install"]:
                names += [word for word in words[2:] if not word.startswith("-")]
    return names


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sink:
    """Takes OTLP over HTTP as a Jaeger would, and keeps the bodies with their paths.

    As a program, `stack.py ADDRESS PORT`, it prints the path and size of each instead.
    """

    def __init__(self, address="127.0.0.1", port=0):
        self.bodies = []
        self.keep = lambda path, body: self.bodies.append((path, body))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    body = self._chunks()
                else:
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.keep(self.path, body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _chunks(self):
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    sink = Sink(sys.argv[1], int(sys.argv[2]))
    sink.keep = lambda path, body: print(path, len(body), flush=True)
    print("listening", flush=True)
    threading.Event().wait()
