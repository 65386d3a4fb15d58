"""The calls that every instrumentation of the Anthropic client is shown."""

import anthropic


def run(url):
    client = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)
    question = [{"role": "user", "content": "What is two plus two?"}]
    client.messages.create(model="claude-sonnet-4-5", max_tokens=64, messages=question)
    with client.messages.create(
        model="claude-sonnet-4-5", max_tokens=64, messages=question, stream=True
    ) as stream:
        for _ in stream:
            pass
    try:
        client.messages.create(model="missing", max_tokens=64, messages=question)
    except anthropic.NotFoundError:
        pass
