"""Writes cases.json: small templates, rendered by Jinja2 itself the way chat templates are rendered.

Usage: python make_cases.py   (needs jinja2 3.1.6)
A case: template, variables (messages and add_generation_prompt among them) and one of
rendered (the text), raised (the message given to raise_exception), fails (true: any other error).
"""
import datetime
import json
import os

from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Raised(TemplateError):
    pass


def raise_exception(message):
    raise Raised(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def strftime_now(format):
    return datetime.datetime(2024, 7, 4, 15, 5, 9).strftime(format)


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return CallBlock(self.call_method("body"), [], [], body).set_lineno(line)

    def body(self, caller):
        return caller()


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
env.filters["tojson"] = tojson
env.globals.update(raise_exception=raise_exception, strftime_now=strftime_now)

CHAT = [{"role": "system", "content": " Be brief.\n"}, {"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"},
        {"role": "user", "content": "数据 😀 'x' \"y\""}]
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather <b>now</b> & \"later\"\n",
          "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Köln", "東京"]}, "days": {"type": "integer", "minimum": 0}},
                         "required": ["city"]}}}]
CALLS = [{"role": "user", "content": "Weather?"},
         {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "id": "c1", "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 2}}}]},
         {"role": "tool", "name": "get_weather", "tool_call_id": "c1", "content": "sunny"},
         {"role": "tool", "name": "get_weather", "tool_call_id": "c2", "content": "{\"t\": 1.5}"},
         {"role": "assistant", "content": "<think>\nhm\n</think>\n\nSunny."},
         {"role": "user", "content": [{"type": "text", "text": "and "}, {"type": "image"}, {"type": "text", "text": "here?"}]}]
VALUES = {"s": "  Ab cD-ef\n", "u": "a😀b数ß", "n": 7, "m": -7, "f": 2.5, "t": True, "z": None, "l": [3, 1, 2, 1], "e": [], "d": {"b": 1, "a": [1, {"c": None}], "items": 5},
          "w": ["b", "A", "a", "c"], "o": [{"k": 2, "g": "x"}, {"k": 1, "g": "y"}, {"g": "X"}], "q": "it's", "x": "<a href=\"1\">&'", "big": 12345678901234567890}

TEXTS = [s.rstrip("\n") for s in open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "snippets.txt"), encoding="utf-8").read().split("\n====\n")]
MODELS = [s for s in open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "dialogues.txt"), encoding="utf-8").read().split("\n====\n")]


def case(template, variables):
    result = {"template": template, "variables": variables}
    try:
        result["rendered"] = env.from_string(template).render(**{"tools": None, "documents": None, **variables})
    except Raised as e:
        result["raised"] = str(e)
    except Exception:
        result["fails"] = True
    return result


cases = [case(t, {**VALUES, "messages": [], "add_generation_prompt": False}) for t in TEXTS]
for t in MODELS:
    for messages, tools in ((CHAT, None), (CHAT[1:], TOOLS), (CALLS, TOOLS), (CALLS[:1], None), (CHAT[2:], None), ([], None)):
        for prompt in (True, False):
            cases.append(case(t, {"messages": messages, "tools": tools, "add_generation_prompt": prompt, "bos_token": "<s>", "eos_token": "</s>"}))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json"), "w", encoding="utf-8") as out:
    out.write("{\"jinja2\": \"3.1.6\", \"cases\": [\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]}\n")
