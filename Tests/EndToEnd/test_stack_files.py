"""The files of the stack: each is what its program takes, and they fit each other."""

import importlib.resources
import ipaddress
import json
import re
import shutil
import subprocess

import jsonschema
import kubernetes_validate
import pytest
import yaml
from stack import (
    ROOT, config_map, dockerfile_stages, load, load_all, manifests, packages,
)

COMPOSE = load("docker-compose.yml")
SERVICES = COMPOSE["services"]


def test_compose_file_follows_its_schema():
    schema = importlib.resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.validate(COMPOSE, json.loads(schema.read_text()))


def test_images_are_pinned():
    for name, service in SERVICES.items():
        tag = service["image"].rpartition(":")[2]
        assert tag == "local" if "build" in service else re.fullmatch(r"v?\d+\.\d+\.\d+", tag), name


def test_every_service_has_a_health_check_without_a_shell():
    for name, service in SERVICES.items():
        assert service["healthcheck"]["test"][0] == "CMD", name


def test_ports_are_published_on_loopback_only():
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            address, outside, inside = port.split(":")
            assert ipaddress.ip_address(address).is_loopback, name
            assert outside == inside
    assert "ports" in SERVICES["roost"]


def test_one_network_and_declared_volumes():
    assert len(COMPOSE["networks"]) == 1
    for service in SERVICES.values():
        assert service["networks"] == list(COMPOSE["networks"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), source
                assert volume.endswith(":ro"), volume
            else:
                assert source in COMPOSE["volumes"], source


def hosts_in_configurations():
    """(where, host, port) of everything that one program of the stack calls another by."""
    for scrape in load("prometheus/compose.yml")["scrape_configs"]:
        for group in scrape["static_configs"]:
            for target in group["targets"]:
                yield "compose.yml", *target.split(":")
    texts = {
        "roost.yaml": (ROOT / "deploy/roost.yaml").read_text(),
        "configmap.yaml": config_map(),
        "jaeger.yaml": (ROOT / "deploy/jaeger/jaeger.yaml").read_text(),
        "datasources": (ROOT / "grafana/provisioning/datasources/roost.yaml").read_text(),
    }
    for where, text in texts.items():
        for host, port in re.findall(r"https?://([^:/\s]+):(\d+)", text):
            yield where, host, port


def test_every_host_is_a_service_of_the_compose_file():
    found = list(hosts_in_configurations())
    assert {where for where, _, _ in found} == {
        "compose.yml", "roost.yaml", "configmap.yaml", "jaeger.yaml", "datasources"}
    for where, host, _ in found:
        assert host in SERVICES, f"{where}: {host}"


def test_every_port_is_one_that_its_service_listens_on():
    jaeger = load("deploy/jaeger/jaeger.yaml")
    listening = {
        "roost": {address.split(":")[1] for address in load("deploy/roost.yaml")["listen"].values()},
        "prometheus": {"9090"},
        "grafana": {"3000"},
        "jaeger": {
            str(jaeger["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]
                ["prometheus"]["port"]),
            *re.findall(r"0\.0\.0\.0:(\d+)", (ROOT / "deploy/jaeger/jaeger.yaml").read_text()),
        },
    }
    for where, host, port in hosts_in_configurations():
        assert port in listening[host], f"{where}: {host}:{port}"
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.split(":")[2] in listening[name]


def test_jaeger_reads_the_metrics_that_roost_makes():
    jaeger = load("deploy/jaeger/jaeger.yaml")
    extensions = jaeger["extensions"]
    storage = extensions["jaeger_query"]["storage"]
    assert storage["traces"] in extensions["jaeger_storage"]["backends"]
    prometheus = extensions["jaeger_storage"]["metric_backends"][storage["metrics"]]["prometheus"]
    assert prometheus["normalize_calls"] and prometheus["normalize_duration"]
    assert (prometheus["metric_namespace"], prometheus["latency_unit"]) == ("traces_span_metrics", "s")
    assert set(jaeger["service"]["extensions"]) == set(extensions)
    pipeline = jaeger["service"]["pipelines"]["traces"]
    for part in ("receivers", "processors", "exporters"):
        assert set(pipeline[part]) == set(jaeger[part])
    ui = json.loads((ROOT / "deploy/jaeger/ui.json").read_text())
    assert ui["monitor"]["menuEnabled"]


# Prometheus


def promtool(*arguments):
    return subprocess.run(
        ["promtool", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_prometheus_takes_its_configuration_and_rules():
    for arguments in (
        ("check", "config", "prometheus/prometheus.yml"),
        ("check", "rules", "prometheus/rules/roost.yml"),
        ("test", "rules", "prometheus/tests/roost.yml"),
    ):
        result = promtool(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_of_the_compose_file_differs_in_native_histograms_alone():
    service = SERVICES["prometheus"]
    assert "./prometheus/compose.yml:/etc/prometheus/prometheus.yml:ro" in service["volumes"]
    # The key is known from 3.8 on, and the flag does nothing since 3.9.
    major, minor = re.fullmatch(r".*:v(\d+)\.(\d+)\.\d+", service["image"]).groups()
    assert (int(major), int(minor)) >= (3, 8)
    assert not any("native-histograms" in word for word in service["command"])
    config = load("prometheus/compose.yml")
    assert config["scrape_configs"][0].pop("scrape_native_histograms") is True
    # Debian's promtool, which does not know the key, checks the rest as prometheus.yml.
    assert config == load("prometheus/prometheus.yml")


def test_every_alert_is_tried_and_applications_keep_their_names():
    alerts = {
        rule["alert"] for group in load("prometheus/rules/roost.yml")["groups"]
        for rule in group["rules"]
    }
    tried = (ROOT / "prometheus/tests/roost.yml").read_text()
    assert [alert for alert in sorted(alerts) if f'alertname="{alert}"' not in tried] == []
    roost = load("prometheus/prometheus.yml")["scrape_configs"][0]
    assert roost["job_name"] == "roost" and roost["honor_labels"] is True


# Grafana


def dashboards():
    return [json.loads(path.read_text()) for path in (ROOT / "grafana/dashboards").glob("*.json")]


def test_grafana_knows_every_data_source_of_the_dashboards():
    sources = load("grafana/provisioning/datasources/roost.yaml")["datasources"]
    known = {source["uid"]: source["type"] for source in sources}
    assert known == {"prometheus": "prometheus", "jaeger": "jaeger"}
    link = sources[0]["jsonData"]["exemplarTraceIdDestinations"][0]
    assert link["name"] == "trace_id" and link["datasourceUid"] == "jaeger"
    for dashboard in dashboards():
        for found in re.findall(r'"datasource": (\{[^}]*\})', json.dumps(dashboard)):
            source = json.loads(found)
            assert known[source["uid"]] == source["type"]
    provider = load("grafana/provisioning/dashboards/roost.yaml")["providers"][0]
    mounts = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounts


def test_panels_stand_side_by_side():
    for dashboard in dashboards():
        panels = dashboard["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        taken = set()
        for panel in panels:
            at = panel["gridPos"]
            cells = {
                (x, y) for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
            taken |= cells
            if panel["type"] != "row":
                assert panel["description"] and panel["targets"], panel["title"]


# Kubernetes


@pytest.mark.parametrize("version", ["1.25", "1.37"])
def test_manifests_follow_their_schemas(version):
    checked = []
    for _, manifest in manifests():
        if not manifest["apiVersion"].startswith("monitoring.coreos.com/"):
            kubernetes_validate.validate(manifest, version, strict=True)
            checked.append(manifest["kind"])
    assert sorted(checked) == [
        "ConfigMap", "PodDisruptionBudget", "Service", "Service", "StatefulSet"]


def test_service_monitor_keeps_names_and_finds_each_replica_once():
    objects = [manifest for _, manifest in manifests()]
    monitor = next(m for m in objects if m["kind"] == "ServiceMonitor")
    # The part of the operator's v1 schema that is used here.
    strings = {"type": "object", "additionalProperties": {"type": "string"}}
    jsonschema.validate(monitor["spec"], {
        "type": "object", "required": ["selector", "endpoints"], "additionalProperties": False,
        "properties": {
            "jobLabel": {"type": "string"},
            "selector": {"type": "object", "properties": {"matchLabels": strings}},
            "endpoints": {"type": "array", "items": {
                "type": "object", "additionalProperties": False, "properties": {
                    "port": {"type": "string"}, "path": {"type": "string"},
                    "interval": {"type": "string", "pattern": r"^\d+s$"},
                    "honorLabels": {"const": True}}, "required": ["port", "honorLabels"]}},
        }})
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    services = [m for m in objects if m["kind"] == "Service"]
    matched = [s for s in services if wanted <= s["metadata"]["labels"].items()]
    assert [s["metadata"]["name"] for s in matched] == ["roost-headless"]
    assert monitor["spec"]["endpoints"][0]["port"] in {p["name"] for p in matched[0]["spec"]["ports"]}


def test_stateful_set_runs_as_it_should():
    objects = {(m["kind"], m["metadata"]["name"]): m for _, m in manifests()}
    spec = objects["StatefulSet", "roost"]["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    assert ("Service", spec["serviceName"]) in objects
    assert objects["Service", spec["serviceName"]]["spec"]["clusterIP"] == "None"

    path = lambda probe: container[probe]["httpGet"]["path"]
    assert path("startupProbe") == path("readinessProbe") == "/ready"
    assert path("livenessProbe") == "/health"
    shutdown = int(re.search(r"shutdown: (\d+)s", config_map())[1])
    assert pod["terminationGracePeriodSeconds"] > shutdown

    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["fsGroup"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert container["resources"]["requests"] and container["resources"]["limits"]

    claim = spec["volumeClaimTemplates"][0]["metadata"]["name"]
    mount = next(m for m in container["volumeMounts"] if m["name"] == claim)
    config = yaml.safe_load(config_map())
    assert mount["mountPath"] == config["store"]["path"]
    for destination in config["export"]:
        assert destination["queue"]["path"].startswith(mount["mountPath"] + "/")
    budget = objects["PodDisruptionBudget", "roost"]["spec"]
    assert budget["maxUnavailable"] == 1
    labels = spec["template"]["metadata"]["labels"]
    for selector in (spec["selector"]["matchLabels"], budget["selector"]["matchLabels"],
                     objects["Service", "roost"]["spec"]["selector"]):
        assert selector.items() <= labels.items()
    listed = load_all("deploy/kubernetes/kustomization.yaml")[0]["resources"]
    assert set(listed) == {name for name, _ in manifests()}


# The image and the unit


def test_image_is_small_runs_as_nobody_and_needs_no_shell():
    build, runtime = dockerfile_stages()
    assert re.fullmatch(r"swift:6\.\d+(\.\d+)?-bookworm AS build", build[0][1])
    assert runtime[0] == ("FROM", "debian:12-slim")
    instructions = dict(runtime)
    assert instructions["USER"] == "10001:10001"
    assert json.loads(instructions["ENTRYPOINT"])[0] == "/usr/local/bin/roost"
    health = instructions["HEALTHCHECK"].partition("CMD ")[2]
    assert json.loads(health) == ["/usr/local/bin/roost", "health"]
    assert not [name for name in packages(runtime) if name.endswith("-dev")]
    assert all(name.endswith("-dev") for name in packages(build))


def test_build_stage_gets_every_folder_that_the_package_names(tmp_path):
    allowed = (ROOT / ".dockerignore").read_text().split()
    copied = [rest.split()[0] for instruction, rest in dockerfile_stages()[0] if instruction == "COPY"]
    assert allowed[0] == "*"
    for name in copied:
        assert f"!{name}" in allowed
        (tmp_path / name).symlink_to(ROOT / name)
    result = subprocess.run(
        ["swift", "package", "--package-path", tmp_path, "describe", "--type", "json"],
        capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "roost" in {product["name"] for product in json.loads(result.stdout)["products"]}


def test_containers_get_longer_than_the_drain_takes():
    for text in ((ROOT / "deploy/roost.yaml").read_text(), config_map()):
        shutdown = int(re.search(r"shutdown: (\d+)s", text)[1])
        assert int(SERVICES["roost"]["stop_grace_period"].removesuffix("s")) > shutdown


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path):
    text = (ROOT / "deploy/systemd/roost.service").read_text()
    unit = tmp_path / "roost.service"
    # The program is not installed on the machine that tests.
    unit.write_text(text.replace("/usr/local/bin/roost", str(shutil.which("true"))))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert result.returncode == 0 and "roost.service" not in result.stderr, result.stderr
    assert int(re.search(r"TimeoutStopSec=(\d+)s", text)[1]) > 20
    # The exit of another command than ExecStart prevents no restart.
    settings = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert settings["RestartPreventExitStatus"] == "2" and "ExecStartPre" not in settings
    # getifaddrs(3) asks by netlink.
    assert "AF_NETLINK" in settings["RestrictAddressFamilies"].split()
    # systemd's own judgement of what a service could do to the machine, in tenths; 10.0 is the worst.
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True, text=True, check=False)  # fmt: skip
    assert exposed.returncode == 0, exposed.stdout
