"""`roost prices` against the library whose figures the table is made from."""

import collections
import datetime
import os
import pathlib
import re
import subprocess

import pytest
from genai_prices.data import providers
from genai_prices.types import (
    ClauseAnd,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    TieredPrices,
    TimeOfDateConstraint,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOST = os.environ.get("ROOST_BINARY", str(ROOT / ".build/release/roost"))
NAMES = {
    "openai": "openai", "anthropic": "anthropic", "google": "gcp.gemini", "mistral": "mistral_ai",
    "x-ai": "x_ai", "deepseek": "deepseek", "cohere": "cohere", "groq": "groq",
    "aws": "aws.bedrock", "azure": "azure.ai.openai",
}
FIELDS = {
    "input": "input_mtok", "cache_read": "cache_read_mtok", "cache_write": "cache_write_mtok",
    "output": "output_mtok",
}


def prices(*arguments):
    return subprocess.run([ROOST, "prices", *arguments], capture_output=True, text=True, timeout=30)


def names(match):
    """Some names that a rule of the library is for."""
    if isinstance(match, ClauseEquals):
        return [match.equals]
    if isinstance(match, ClauseOr):
        return [name for part in match.or_ for name in names(part)]
    if isinstance(match, ClauseAnd):
        return [part.starts_with for part in match.and_ if isinstance(part, ClauseStartsWith)]
    if isinstance(match, ClauseRegex):
        example = match.regex.strip("^$").replace("[-@]", "-")
        for digits, date in [(r"\d{8}", "20260301"), (r"\d{4}", "2026"), (r"\d{2}", "03"),
                             (r"\d", "0")]:
            example = example.replace(digits, date)
        example = example.replace("\\", "")
        return [example] if re.search(match.regex, example) else []
    return []


def hourly(model):
    return isinstance(model.prices, list) and any(
        isinstance(entry.constraint, TimeOfDateConstraint) for entry in model.prices
    )


def cases():
    for provider in providers:
        if provider.id not in NAMES:
            continue
        for model in provider.models:
            # Where the time of day matters, one of every part of a day.
            for hour in (2, 5, 8, 12, 20) if hourly(model) else (12,):
                rates = model.get_prices(datetime.datetime(2026, 11, 20, hour, tzinfo=datetime.UTC))
                found = [name for name in names(model.match) if " " not in name]
                for name in set(found[:1] + found[-1:]):
                    expected = {}
                    for shown, field in FIELDS.items():
                        value = getattr(rates, field, None)
                        if isinstance(value, TieredPrices):
                            value = value.base
                        if value is not None:
                            expected[shown] = float(value)
                    if "input" in expected:
                        yield NAMES[provider.id], name, hour, expected


def test_hundreds_of_models_cost_what_the_library_says():
    wrong, asked = [], collections.Counter()
    for provider, name, hour, expected in cases():
        answer = prices(name, "--provider", provider, "--at", f"2026-11-20T{hour:02}:00")
        shown = {
            key: float(value)
            for key, value in re.findall(r"^    (\w+) +([\d.e-]+)$", answer.stdout, re.M)
        }
        asked[hour] += 1
        if any(abs(shown.get(key, -1) - value) > 1e-9 for key, value in expected.items()):
            wrong.append((provider, name, hour, expected, shown))
    assert asked[12] >= 200 and asked[2] >= 3
    assert wrong == []


def test_the_hours_of_a_price_are_shown():
    for time, words in [("2026-11-20T12:00", "always, 00:30-16:30 UTC each day"),
                        ("2026-11-20T20:00", "always\n")]:
        answer = prices("deepseek-reasoner", "--provider", "deepseek", "--at", time)
        assert f"holds since     {words}" in answer.stdout, answer.stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["fleet-coder-7b"], "is unknown"),
        (["gpt-4o", "--tier", "cheap"], "is no tier"),
        (["gpt-4o", "--at", "yesterday"], "is no date"),
        (["gpt-4o", "--at", "2026-11-20T24:00"], "is no date"),
    ],
)
def test_what_it_cannot_answer(arguments, words):
    answer = prices(*arguments)
    assert answer.returncode in (1, 2)
    assert words in answer.stderr


def test_a_users_table(tmp_path):
    table = tmp_path / "prices.txt"
    table.write_text("vllm ^fleet- - standard 0 0.1 - - - 0.2 -\n")
    config = tmp_path / "roost.yaml"
    config.write_text(f"agents: {{ prices: {table} }}\n")
    answer = prices("fleet-coder-7b", "--provider", "vllm", "--config", str(config))
    assert answer.returncode == 0
    assert "agents.prices" in answer.stdout
    table.write_text("vllm ^fleet- - standard 0 dear - - - 0.2 -\n")
    answer = prices("fleet-coder-7b", "--config", str(config))
    assert answer.returncode == 2
    assert f"{table}:1:27: " in answer.stderr


@pytest.mark.parametrize("page", ["README.md", "docs/agents.md"])
def test_the_table_that_is_shown_is_taken(tmp_path, page):
    (shown,) = re.findall(r"```\n(# provider match .*?)```", (ROOT / page).read_text(), re.S)
    table = tmp_path / "prices.txt"
    table.write_text(shown)
    config = tmp_path / "roost.yaml"
    config.write_text(f"agents: {{ prices: {table} }}\n")
    for time, words in [("T23:00", "2026-01-01, 22:00-06:00 UTC"), ("T12:00", "2026-01-01\n")]:
        answer = prices("gpt-4o", "--at", f"2026-11-20{time}", "--config", str(config))
        assert answer.returncode == 0, answer.stderr
        assert words in answer.stdout, answer.stdout


def test_names_print_a_file_that_is_taken(tmp_path):
    printed = subprocess.run([ROOST, "names"], capture_output=True, text=True, check=True).stdout
    names = tmp_path / "names.yaml"
    names.write_text(printed)
    config = tmp_path / "roost.yaml"
    config.write_text(f"agents: {{ names: {names} }}\n")
    again = subprocess.run(
        [ROOST, "names", "--config", str(config)], capture_output=True, text=True, check=True
    )
    assert again.stdout == printed
