"""Makes the built-in table of prices: `generate.py GENAI_PRICES_WHEEL LITELLM_WHEEL TABLE C_FILE`.

The figures are those inside two wheels from PyPI, both under the MIT licence: genai-prices, which
says since when a price holds and how a model's names begin, and litellm, which adds models and the
tiers of batch, priority and flex. Nothing of either is run but genai-prices' own table of data.

A line of the table, in US dollars per million tokens, `-` where there is no price of its own:

    provider match from tier above input cache_read cache_write cache_write_1h output reasoning call

`match` begins with `=` (the whole name), `^` (it begins so), `$` (it ends so) or `~` (it holds it).
`from`: a date, `-` for always, and hours in UTC behind an `@` where a price holds for a part of the
day. `above`: only for requests with more input tokens than that. `call`, where there is one, is in US
dollars for each call.
"""

import json
import re
import sys
import zipfile

# Providers as OpenTelemetry calls them.
GENAI = {
    "anthropic": "anthropic", "aws": "aws.bedrock", "azure": "azure.ai.openai",
    "cerebras": "cerebras", "cohere": "cohere", "deepseek": "deepseek", "fireworks": "fireworks",
    "google": "gcp.gemini", "groq": "groq", "meta": "meta", "minimax": "minimax",
    "mistral": "mistral_ai", "moonshotai": "moonshot_ai", "openai": "openai",
    "openrouter": "openrouter", "perplexity": "perplexity", "together": "together",
    "voyageai": "voyageai", "x-ai": "x_ai", "zai": "zai",
}
LITELLM = {
    "openai": "openai", "text-completion-openai": "openai", "anthropic": "anthropic",
    "bedrock": "aws.bedrock", "bedrock_converse": "aws.bedrock", "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference", "gemini": "gcp.gemini",
    "vertex_ai-language-models": "gcp.vertex_ai", "vertex_ai-anthropic_models": "gcp.vertex_ai",
    "vertex_ai-embedding-models": "gcp.vertex_ai", "mistral": "mistral_ai", "codestral": "mistral_ai",
    "cohere": "cohere", "cohere_chat": "cohere", "deepseek": "deepseek", "groq": "groq",
    "xai": "x_ai", "perplexity": "perplexity", "moonshot": "moonshot_ai", "watsonx": "ibm.watsonx.ai",
}
MODES = {"chat", "completion", "responses", "embedding"}
TIERS = {"": "standard", "_batches": "batch", "_priority": "priority", "_flex": "flex"}


def number(value):
    if value is None:
        return "-"
    text = f"{float(value):.10f}".rstrip("0").rstrip(".")
    return text or "0"


def base(price):
    return price.base if hasattr(price, "tiers") else price


def at(price, start):
    """The price of a request with more than `start` input tokens."""
    if not hasattr(price, "tiers"):
        return price
    found = price.base
    for tier in price.tiers:
        if tier.start <= start:
            found = tier.price
    return found


FIELDS = [
    "input_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "output_mtok",
    "output_reasoning_mtok",
]


# How the names of prices of other things end: of sound, images, searches and the like.
UNITS = ("_mtok", "_kcount", "_hours", "_kpages", "_mchars")
# In US dollars for a thousand calls.
CALLS = "requests_kcount"


def clauses(match, skipped):
    kind = type(match).__name__
    if kind == "ClauseOr":
        return [found for part in match.or_ for found in clauses(part, skipped)]
    for name, sign, attribute in [
        ("ClauseEquals", "=", "equals"), ("ClauseStartsWith", "^", "starts_with"),
        ("ClauseEndsWith", "$", "ends_with"), ("ClauseContains", "~", "contains"),
    ]:
        if kind == name:
            text = getattr(match, attribute).lower()
            if " " not in text:
                return [sign + text]
    if kind == "ClauseRegex" and (found := dated(match.regex)):
        return found
    if kind == "ClauseAnd":
        # That a name is none of those for speech: those have lines of their own, which are longer.
        parts = [part for part in match.and_ if getattr(part, "regex", "") != NO_SPEECH]
        if len(parts) == 1:
            return clauses(parts[0], skipped)
    skipped.append(str(match))
    return []


NO_SPEECH = "^(?!.*-[tT][tT][sS](?:$|-))"


def dated(regex):
    """The matches for a name with a date or a version behind it, where that is all that is asked."""
    found = re.fullmatch(
        r"\^((?:[\w/-]|\\[./-])+?)"
        r"(-\\d\{8\}|\[-@\]\\d\{8\}|-\\d\{4\}-\\d\{2\}-\\d\{2\})\$", regex)
    if found:
        # A date behind a name is left out before names are compared.
        return ["=" + found[1].replace("\\", "").lower()]
    if found := re.fullmatch(r"\^((?:[\w/-]|\\[./-])+?)-\\d", regex):
        return [f"^{found[1].replace(chr(92), '').lower()}-{digit}" for digit in range(10)]
    return []


def genai_lines(wheel, skipped, partly):
    sys.path.insert(0, wheel)
    from genai_prices.data import providers

    for provider in providers:
        name = GENAI.get(provider.id)
        if not name:
            continue
        for model in provider.models:
            prices = model.prices
            if not isinstance(prices, list):
                prices = [type("Always", (), {"constraint": None, "prices": prices})]
            rows = []
            since = None
            for entry in prices:
                hours = ""
                if hasattr(entry.constraint, "start_date"):
                    since = entry.constraint.start_date
                elif entry.constraint is not None:
                    # A part of each day, as long as the price before it holds for the rest.
                    hours = f"@{entry.constraint.start_time:%H:%M}-{entry.constraint.end_time:%H:%M}"
                values = [getattr(entry.prices, field, None) for field in FIELDS]
                calls = getattr(entry.prices, CALLS, None)
                call = f" {number(float(base(calls)) / 1000)}" if calls is not None else ""
                others = {
                    field for field, value in vars(entry.prices).items()
                    if value is not None and field.endswith(UNITS)
                } - {*FIELDS, CALLS}
                if others:
                    partly.add((provider.id, model.id))
                if all(value is None for value in values):
                    continue
                starts = {0}
                for value in values:
                    starts |= {tier.start for tier in getattr(value, "tiers", [])}
                for above in sorted(starts):
                    rates = [number(at(v, above) if above else base(v)) if v is not None else "-"
                             for v in values]
                    rows.append(f"{since or '-'}{hours} standard {above} {' '.join(rates)}{call}")
            for match in clauses(model.match, skipped) if rows else []:
                for row in rows:
                    yield f"{name} {match} {row}"


def litellm_lines(wheel):
    with zipfile.ZipFile(wheel) as archive:
        models = json.loads(archive.read("litellm/model_prices_and_context_window_backup.json"))
    for key, model in sorted(models.items()):
        name = LITELLM.get(model.get("litellm_provider"))
        if not name or model.get("mode") not in MODES or " " in key:
            continue
        # Prices of single regions stand behind a second slash.
        if key.count("/") > 1:
            continue
        short = key.lower().split("/")[-1]
        starts = {0} | {
            int(found[1]) * 1000
            for found in (re.search(r"_above_(\d+)k_tokens", field) for field in model) if found
        }
        for suffix, tier in TIERS.items():
            for above in sorted(starts):
                size = f"_above_{above // 1000}k_tokens" if above else ""

                def price(field, size=size, suffix=suffix):
                    for end in (size + suffix, suffix) if suffix or size else ("",):
                        if (value := model.get(field + end)) is not None:
                            return value * 1e6
                    return None

                if model.get("input_cost_per_token" + size + suffix) is None:
                    continue
                values = [
                    price("input_cost_per_token"), price("cache_read_input_token_cost"),
                    price("cache_creation_input_token_cost"),
                    None if suffix or size else (
                        (model.get("cache_creation_input_token_cost_above_1hr") or 0) * 1e6 or None),
                    price("output_cost_per_token"), price("output_cost_per_reasoning_token"),
                ]
                yield (
                    f"{name} ={short} - {tier} {above} "
                    + " ".join(number(None if value is None else round(value, 9)) for value in values)
                )


def fits(match, name):
    sign, text = match[0], match[1:]
    return {
        "=": name == text, "^": name.startswith(text), "$": name.endswith(text), "~": text in name,
    }[sign]


REGION = re.compile(r"(us-gov|us|eu|apac|jp|au|in|ca|global)\.(?=\w+\.)")


def is_known(name, matches):
    """Whether a rule is meant for the name: one that fits every region knows none of their prices,
    and those of the government's regions are told as those of others."""
    region = REGION.match(name)
    if not region:
        return any(fits(match, name) for match in matches)
    rest = name[region.end():]
    return region[1] != "us-gov" and any(
        fits(match, name) and not fits(match, rest) for match in matches)


def version(wheel):
    return re.search(r"-(\d[^-]*)-", wheel)[1]


def main():
    genai, litellm, table, source = sys.argv[1:]
    skipped = []
    partly = set()
    lines = list(genai_lines(genai, skipped, partly))
    known = {}
    for line in lines:
        provider, match = line.split()[:2]
        known.setdefault(provider, set()).add(match)
    added = []
    for line in litellm_lines(litellm):
        provider, match, _, tier, *_ = line.split()
        # A price that has a date and a source of its own is not told again.
        if tier != "standard" or not is_known(match[1:], known.get(provider, ())):
            added.append(line)
    # Of a name that both tell only what was preferred stays.
    told = {line.split(" standard ")[0] for line in added}
    lines = [line for line in lines if line.split(" standard ")[0] not in told]
    # Lines of one name stand together.
    lines += added
    lines = list(dict.fromkeys(lines))
    order = {}
    for line in lines:
        order.setdefault(tuple(line.split()[:2]), []).append(line)
    lines = [line for group in order.values() for line in group]
    head = [
        "# Prices in US dollars per million tokens, made by Prices/generate.py from",
        f"# genai-prices {version(genai)} and litellm {version(litellm)}, both MIT; see NOTICE.",
        f"# Left out, since a line cannot say them: {len(skipped)} rules, and of {len(partly)} models what"
        " sound, images, searches and the like cost.",
        "# provider match from tier above input cache_read cache_write cache_write_1h output"
        " reasoning call",
    ]
    text = "\n".join(head + lines) + "\n"
    with open(table, "w") as file:
        file.write(text)
    with open(source, "w") as file:
        file.write("// Made by Prices/generate.py from Prices/prices.txt.\n")
        file.write('#include "prices.h"\n\nconst char roost_prices[] =\n')
        for line in text.splitlines():
            escaped = line.replace("\\", "\\\\").replace('"', '\\"')
            file.write(f'    "{escaped}\\n"\n')
        file.write(";\nconst unsigned long roost_prices_size = sizeof(roost_prices) - 1;\n")
    print(f"{len(lines)} lines, {len(text)} bytes, {len(skipped)} rules left out")


main()
