"""`roost prices` against the library whose figures the table is made from."""

import datetime
import os
import pathlib
import re
import subprocess

import pytest
from genai_prices.data import providers
from genai_prices.types import ClauseEquals, ClauseOr, TieredPrices, TimeOfDateConstraint

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
    if isinstance(match, ClauseEquals):
        return [match.equals]
    if isinstance(match, ClauseOr):
        return [name for part in match.or_ for name in names(part)]
    return []


def cases():
    now = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
    for provider in providers:
        if provider.id not in NAMES:
            continue
        for model in provider.models:
            if isinstance(model.prices, list) and any(
                isinstance(entry.constraint, TimeOfDateConstraint) for entry in model.prices
            ):
                # A line of the table holds all day.
                continue
            rates = model.get_prices(now)
            for name in [name for name in names(model.match) if " " not in name][:1]:
                expected = {}
                for shown, field in FIELDS.items():
                    value = getattr(rates, field, None)
                    if isinstance(value, TieredPrices):
                        value = value.base
                    if value is not None:
                        expected[shown] = float(value)
                if "input" in expected:
                    yield NAMES[provider.id], name, expected


def test_hundreds_of_models_cost_what_the_library_says():
    wrong, asked = [], 0
    for provider, name, expected in cases():
        answer = prices(name, "--provider", provider, "--at", "2026-11-20")
        shown = {
            key: float(value)
            for key, value in re.findall(r"^    (\w+) +([\d.e-]+)$", answer.stdout, re.M)
        }
        asked += 1
        if any(abs(shown.get(key, -1) - value) > 1e-9 for key, value in expected.items()):
            wrong.append((provider, name, expected, shown))
    assert asked >= 200
    assert wrong == []


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["fleet-coder-7b"], "is unknown"),
        (["gpt-4o", "--tier", "cheap"], "is no tier"),
        (["gpt-4o", "--at", "yesterday"], "is no date"),
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
