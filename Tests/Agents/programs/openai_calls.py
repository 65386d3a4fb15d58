"""The calls that every instrumentation of the OpenAI client is shown: plain, streamed, with a tool,
an embedding, and one that fails."""

import json

import openai


def run(url):
    client = openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0)
    question = [{"role": "user", "content": "What is two plus two?"}]
    client.chat.completions.create(model="gpt-4o", messages=question)
    stream = client.chat.completions.create(
        model="gpt-4o", messages=question, stream=True, stream_options={"include_usage": True}
    )
    for _ in stream:
        pass
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    tool = {"type": "function", "function": {"name": "double", "parameters": schema}}
    answer = client.chat.completions.create(model="gpt-4o", messages=question, tools=[tool])
    call = answer.choices[0].message.tool_calls[0]
    json.loads(call.function.arguments)
    client.embeddings.create(model="text-embedding-3-small", input="two", encoding_format="float")
    try:
        client.chat.completions.create(model="missing", messages=question)
    except openai.NotFoundError:
        pass
