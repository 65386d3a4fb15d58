"""The stack's Prometheus and Grafana files at work: Roost runs with its image's configuration, the
demo plays into it, Debian's Prometheus scrapes it with the shipped prometheus.yml, and every
expression of every dashboard answers with data. Once with native histograms and exemplars, as in the
compose file (Debian's Prometheus is told of both by flags), once with neither."""

import contextlib
import json
import re
import subprocess
import time

import httpx
import pytest
import yaml
from conftest import roost_binary, starter, wait_until
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from stack import ROOT, Sink, free_port, load

SECONDS = 14
FLAVOURS = {"flags": ["--enable-feature=native-histograms,exemplar-storage"], "plain": []}


def answers(url):
    """Whether somebody there says yes."""
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class Prometheus:
    """Debian's Prometheus with the shipped files, on ports of this machine."""

    def __init__(self, folder, flavour, roost_port, cleanup):
        folder.mkdir()
        self.port = free_port()
        config = load("prometheus/prometheus.yml")
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(ROOT / "prometheus" / pattern) for pattern in config["rule_files"]]
        # Jaeger and Grafana are not here: their targets are down, which is data as well.
        ports = {"roost": roost_port, "prometheus": self.port, "jaeger": 9, "grafana": 9}
        for scrape in config["scrape_configs"]:
            scrape["scrape_interval"] = scrape["scrape_timeout"] = "1s"
            for group in scrape["static_configs"]:
                group["targets"] = [
                    f"127.0.0.1:{ports[target.split(':')[0]]}" for target in group["targets"]]
        path = folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.port}", *FLAVOURS[flavour]],
            stdout=subprocess.DEVNULL, stderr=(folder / "log").open("w"))
        cleanup.callback(self.close)
        self.url = f"http://127.0.0.1:{self.port}"
        wait_until(lambda: answers(self.url + "/-/ready"), 20, what="a ready Prometheus")

    def api(self, path, **parameters):
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def query(self, expression, **more):
        return self.api("query", query=expression, **more)["result"]

    def close(self):
        self.process.terminate()
        self.process.wait(10)


class Stack:
    """Roost between the demo and a stand-in for Jaeger, and two that scrape it."""

    def __init__(self, folder, cleanup):
        self.sink = Sink()
        cleanup.callback(self.sink.close)
        config = load("deploy/roost.yaml")
        config["listen"] = {name: "127.0.0.1:0" for name in config["listen"]}
        config["export"][0]["endpoint"] = f"http://127.0.0.1:{self.sink.port}"
        config["store"]["path"] = str(folder / "data")
        self.roost = cleanup.enter_context(starter(folder))(yaml.safe_dump(config))
        web_port = int(self.roost.web.rpartition(":")[2])
        self.prometheus = {
            flavour: Prometheus(folder / flavour, flavour, web_port, cleanup)
            for flavour in FLAVOURS}
        self.began = time.time()
        demo = subprocess.run(
            [roost_binary(), "demo", "--endpoint", f"http://{self.roost.grpc}", "--rate", "600",
             "--for", str(SECONDS), "--seed", "21"],
            capture_output=True, text=True, timeout=90, check=False)
        assert demo.returncode == 0, demo.stderr
        self.report = json.loads(demo.stdout)
        spans = self.report["sent"]["spans"]
        for prometheus in self.prometheus.values():
            wait_until(
                lambda p=prometheus: self.value(
                    p.query(
                        "sum(roost_exporter_sent_spans_total{exporter!=\"store\"})")) == spans,
                20, what="a scrape that shows everything forwarded")
        self.ended = time.time()

    @staticmethod
    def value(result):
        return float(result[0]["value"][1]) if result else None


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with contextlib.ExitStack() as cleanup:
        yield Stack(tmp_path_factory.mktemp("stack"), cleanup)


@pytest.fixture(params=list(FLAVOURS))
def prometheus(stack, request):
    return stack.prometheus[request.param]


def panels():
    for path in sorted((ROOT / "grafana/dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                name = f"{path.stem}: {panel['title']} {target['refId']}"
                yield pytest.param(target["expr"], id=name)


def filled_in(expression, seconds):
    """The expression as Grafana sends it with every variable on All."""
    values = {
        "$__rate_interval": f"{seconds}s", "$__range": f"{seconds}s", "$instance": ".*",
        "$service": ".*",
    }
    for name, value in values.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


@pytest.mark.parametrize("expression", list(panels()))
def test_every_panel_shows_data(stack, prometheus, expression):
    seconds = int(stack.ended - stack.began) + 2
    result = prometheus.query(filled_in(expression, seconds), time=stack.ended)
    assert result, expression
    values = [float(sample["value"][1]) for sample in result]
    assert any(value == value for value in values), f"only NaN: {expression}"


def test_variables_of_the_dashboards_have_values(prometheus):
    for path in (ROOT / "grafana/dashboards").glob("*.json"):
        for variable in json.loads(path.read_text())["templating"]["list"]:
            metric, label = re.fullmatch(
                r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
            assert prometheus.api(f"label/{label}/values", **{"match[]": metric})


def test_applications_keep_their_job_and_instance(prometheus):
    up = prometheus.query('up{job="roost"}')
    assert [sample["value"][1] for sample in up] == ["1"]
    coders = prometheus.query('fleet_tool_calls_total{job="demo/coder"}')
    assert {sample["metric"]["instance"] for sample in coders} == {"coder-0", "coder-1"}
    assert not prometheus.query('{exported_job!=""}')


def test_ledger_says_what_the_demo_says(stack, prometheus):
    for signal_name, count in stack.report["sent"].items():
        accepted = prometheus.query(f"sum(roost_receiver_accepted_{signal_name}_total)")
        assert stack.value(accepted) == count
    bodies = [body for path, body in stack.sink.bodies if path == "/v1/traces"]
    received = [
        span for body in bodies
        for resource in trace_service_pb2.ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans for span in scope.spans]
    assert len({span.span_id for span in received}) == len(received) == stack.report["sent"]["spans"]
    workflows = prometheus.query(
        'sum(traces_span_metrics_calls_total{span_name=~"invoke_workflow.*"})')
    assert stack.value(workflows) == stack.report["workflows"]["count"]
    tokens = prometheus.query("sum(gen_ai_client_token_usage_sum)")
    assert stack.value(tokens) == sum(stack.report["tokens"].values())


def test_rules_are_evaluated_and_nothing_is_wrong(prometheus):
    rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []
    firing = {alert["labels"]["alertname"] for alert in prometheus.api("alerts")["alerts"]}
    assert not firing & {"RoostDown", "RoostLedgerBroken", "RoostDroppingData", "RoostRefusing"}


def test_rules_name_only_metrics_that_exist(prometheus):
    names = set(prometheus.api("label/__name__/values"))
    prefixes = r"\b(?:roost|process|traces_span_metrics|gen_ai_client)_\w+"
    for group in load("prometheus/rules/roost.yml")["groups"]:
        for rule in group["rules"]:
            named = set(re.findall(prefixes, rule["expr"]))
            assert named <= names, f"{rule['alert']}: {named - names}"


def test_jaegers_monitor_tab_finds_its_metrics(stack, prometheus):
    settings = load("deploy/jaeger/jaeger.yaml")["extensions"]["jaeger_storage"]["metric_backends"]
    namespace = next(iter(settings.values()))["prometheus"]["metric_namespace"]
    calls, duration = f"{namespace}_calls_total", f"{namespace}_duration_seconds_bucket"
    of = 'service_name=~"coder", span_kind=~"SPAN_KIND_SERVER"'
    for expression in (
        f"sum(rate({calls}{{{of}}}[30s])) by (service_name, span_name)",
        f"histogram_quantile(0.95, sum(rate({duration}{{{of}}}[30s])) by (service_name, span_name, le))",
        f'sum(rate({calls}{{{of}}}[30s])) by (service_name)'
        f' - sum(rate({calls}{{{of}, status_code="STATUS_CODE_UNSET"}}[30s])) by (service_name)',
    ):
        result = prometheus.query(expression, time=stack.ended)
        assert result and result[0]["metric"]["service_name"] == "coder", expression


def test_exemplars_lead_to_traces_that_were_forwarded(stack):
    forwarded = {
        span.trace_id.hex() for path, body in stack.sink.bodies if path == "/v1/traces"
        for resource in trace_service_pb2.ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans for span in scope.spans}
    for name in ("traces_span_metrics_duration_seconds_bucket",
                 "gen_ai_client_operation_duration_seconds_bucket"):
        found = stack.prometheus["flags"].api(
            "query_exemplars", query=name, start=stack.began - 3600, end=stack.ended + 60)
        traces = {e["labels"]["trace_id"] for series in found for e in series["exemplars"]}
        assert traces and traces <= forwarded, name


def test_exponential_histograms_are_native_where_asked_for(stack):
    native = stack.prometheus["flags"].query("sum(histogram_count(fleet_tool_duration_seconds))")
    classic = stack.prometheus["plain"].query("sum(fleet_tool_duration_seconds_count)")
    calls = stack.report["calls"]["tools"]["count"]
    assert stack.value(native) == stack.value(classic) == calls
