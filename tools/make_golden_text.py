#!/usr/bin/env python3
"""Makes tests/golden/chat_templates.json: what jinja2, set up as transformers does, renders for small templates and for
SmolLM2's own; tests/golden/chat_talks.json: conversations with tools and reasoning, and the hashes of what it renders of
them with Hone's own test template and with the models' templates of the shared data, which are not in the repository;
tests/golden/tokenizer_tiny.json: a tiny byte-level BPE tokenizer with the ids that Hugging Face's tokenizers gives for
hostile texts; and tests/golden/tokenizer_letters.json: the same for tiny SentencePiece-type ones.

    python3 tools/make_golden_text.py --gguf SmolLM2.gguf        writes all four
    python3 tools/make_golden_text.py --talks                    writes chat_talks.json alone
    python3 tools/make_golden_text.py --cases TEMPLATES... > F   prints cases for whole templates instead (by hand)
    python3 tools/make_golden_text.py --classes                  prints the code points of the classes that
                                                                 src/text/split_pattern.cc and utf8.cc adjust

Needs jinja2, tokenizers and gguf, and for the talks the shared data (HONE_SHARED_DATA or ../shared/data). Texts and templates here were written for Hone, but for SmolLM2's template
(Apache-2.0, read from the model file).
"""
import argparse
import datetime
import functools
import hashlib
import json
import os
import pathlib
import random

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("HONE_SHARED_DATA", ROOT.parent / "shared/data"))
TODAY = "2026-11-24"


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("keep"), [], [], body).set_lineno(line)

    def keep(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.datetime.fromisoformat(TODAY).strftime(f)
    return env


def plain(message):
    """A message as transformers hands it to a template; a content that is missing is an empty text."""
    message = {name: value for name, value in message.items() if value is not None}
    reasoning = next((message[name] for name in ("reasoning_content", "thinking", "reasoning") if name in message), None)
    if reasoning is not None:
        message = {"thinking": reasoning, **message, "reasoning_content": reasoning}
    message.setdefault("content", "")
    return message


@functools.lru_cache
def compiled(env, template):
    return env.from_string(template)


def render(env, case):
    extra = {"tools": None, "documents": None, **(case.get("extra") or {})}
    try:
        return compiled(env, case["template"]).render(
            messages=[plain(message) for message in case["messages"]], add_generation_prompt=case["add_generation_prompt"],
            bos_token=case["bos_token"], eos_token=case["eos_token"], **extra)
    except Exception:  # the golden only says that it fails
        return None


def case(template, messages, prompt=True, extra=None):
    return {"template": template, "messages": messages, "add_generation_prompt": prompt, "bos_token": "<s>",
            "eos_token": "</s>", "today": TODAY, "extra": extra}


# Each line is a template of its own.
SNIPPETS = r"""
{{ messages[0].content | trim }}|{{ messages[0]['content'].strip() }}|{{ messages[-1].role }}
{% for m in messages %}{{ loop.index }}/{{ loop.index0 }}/{{ loop.length }}/{{ loop.first }}/{{ loop.last }}/{{ loop.revindex }}/{{ loop.revindex0 }} {% endfor %}
{% for m in messages if m.role == 'user' %}{{ loop.index }}:{{ m.content }};{% else %}none{% endfor %}
{% for m in messages if m.role == 'nobody' %}x{% else %}none{% endfor %}
{% for m in messages[::-1] %}{{ m.role }},{% endfor %}{{ 'abcdef'[::-1] }}{{ 'abcdef'[1:4] }}{{ 'abcdef'[-2:] }}{{ 'abcdef'[::2] }}{{ 'häßlich'[1:3] }}{{ [1,2,3,4][-3:-1] }}{{ 'abc'[5:] }}{{ 'abc'[2:0:-1] }}
{% set ns = namespace(n=0, seen=false) %}{% for m in messages %}{% set ns.n = ns.n + loop.index %}{% if m.role == 'system' %}{% set ns.seen = true %}{% endif %}{% endfor %}{{ ns.n }} {{ ns.seen }}
{% set x = 0 %}{% for i in range(3) %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
{% set x = 'outer' %}{% for i in [1, 2] %}{{ x }}{% set x = 'inner' %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 'if' %}{% endif %}{{ x }}
{% macro turn(role, content='-', last=false) %}<{{ role }}:{{ content }}{% if last %}!{% endif %}>{% endmacro %}{{ turn('a') }}{{ turn('b', 'c') }}{{ turn(role='d', last=true) }}{{ turn('e', content=turn('f')) }}
{% macro rec(n) %}{{ n }}{% if n > 0 %}{{ rec(n - 1) }}{% endif %}{% endmacro %}{{ rec(4) }}
{% set block %}  [{{ messages[0].content }}]  {% endset %}{{ block | trim }}{% set up | upper %}abc{% endset %}{{ up }}
{%- set a, b = 'x', ['y', 'z'] -%} {{ a }}{{ b }}{% for k, v in {'p': 1, 'q': [true, none]}.items() %} {{ k }}={{ v }}{% endfor %}
{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 10 - 2 - 3 }} {{ 1.5 + 1 }} {{ 1e3 }} {{ 3 == 3.0 }} {{ -2 ** 2 }} {{ 1 ~ 2 ~ 'x' }} {{ 7 % -3 }} {{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e-5 }} {{ 123456789.123 }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' < 'b' }} {{ not true or true }} {{ 'x' in 'xyz' }} {{ 'q' not in ['q'] }} {{ 'a' in {'a': 1} }} {{ 2 in (1, 2) }} {{ [1, 2] == [1, 2] }} {{ (1,) }} {{ () }} {{ true == 1 }}
{{ messages is defined }} {{ nothing is defined }} {{ nothing is undefined }} {{ none is none }} {{ 'a' is string }} {{ 1 is number }} {{ {} is mapping }} {{ [] is sequence }} {{ 'x' is iterable }} {{ 3 is iterable }} {{ true is true }} {{ 1 is true }} {{ 4 is even }} {{ 4 is divisibleby 2 }} {{ 'a' is equalto 'a' }} {{ 'a' is in ['a'] }} {{ 1.0 is float }} {{ 1 is integer }} {{ true is boolean }} {{ none is not none }} {{ 'a' is sameas 'b' }} {{ range is callable }} {{ 3 is lt 4 }} {{ 'AB' is upper }}
{{ none }} {{ true }} {{ false }} {{ 1.0 }} {{ [1, 'a', none, true, 1.5, {'k': 'v'}] }} {{ nothing }}| {{ {'a': "it's", 'b': 'say "x"', 'c': "both ' and \"", 'd': 'l\n\t\\'} }}
{{ tools | default('none', true) }} {{ nothing | default('d') }} {{ nothing | default }}| {{ '' | default('e') }}| {{ '' | default('e', true) }} {{ 0 | d(5, boolean=true) }}
{{ {'b': [1, 2.5, {'x': none}], 'a': 'ü "q" \\ / \n\t\x01 <>&\u2028'} | tojson }} {{ {'b': 1, 'a': [[], {}, [1]]} | tojson(indent=2) }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }} {{ 'ü😀' | tojson(ensure_ascii=true) }} {{ [1,2] | tojson(separators=(',', ':')) }}
{{ messages | length }} {{ 'häß😀' | length }} {{ 'aB c' | upper }} {{ 'aB' | lower }} {{ 'hello wOrld-foo (bar' | title }} {{ 'hELLO wORLD' | capitalize }} {{ "they're bill's" .title() }}
{{ ['a', 'b', 3] | join('-') }} {{ ['a', 'b'] | join }} {{ messages | map(attribute='role') | join(', ') }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | rejectattr('role', 'equalto', 'user') | map(attribute='role') | list }} {{ messages | selectattr('content') | list | length }} {{ ['a', 'B'] | map('upper') | list }} {{ [1, 2, 3, 4] | select('odd') | list }} {{ [0, 1, ''] | reject | list }}
{{ 'aXbXc'.split('X') }} {{ 'aXbXc'.split('X', 1) }} {{ '  a  b c '.split() }} {{ '  a  b c '.split(none, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a b  c '.rsplit(none, 1) }} {{ 'abc'.split('zz') }} {{ ''.split(',') }} {{ 'a\nb\r\nc\n'.splitlines() }}
{{ 'xxabxx'.strip('x') }} {{ 'xxabxx'.lstrip('x') }} {{ 'xxabxx'.rstrip('x') }} {{ '<think>\n'.strip('\n') }} {{ 'abc'.startswith('ab') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('bc') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'abc'.replace('', '-') }} {{ 'abc' | replace('b', 'X') }} {{ 'a.b'.find('.') }} {{ 'üb'.find('b') }} {{ 'banana'.rfind('a') }} {{ 'banana'.count('an') }} {{ '-'.join(['a', 'b']) }} {{ 'ab'.removeprefix('a') }}
{% set d = {'role': 'x', 'n': 1} %}{{ d.role }} {{ d['role'] }} {{ d.get('role') }} {{ d.get('zz', 'q') }} {{ d.get('zz') }} {{ d.keys() | list }} {{ d.values() | list }} {{ d | items | list }} {{ d.zz is defined }} {{ d | length }} {{ d | dictsort }} {{ d | list }}
{{ [3, 1, 2] | sort }} {{ [3, 1, 2] | sort(reverse=true) }} {{ ['b', 'A', 'c'] | sort }} {{ ['a', 'A', 'b'] | unique | list }} {{ [1, 2] | first }} {{ [1, 2] | last }} {{ 'abc' | first }} {{ [] | first is defined }} {{ [1, 2, 3] | reverse | list }} {{ 'abc' | reverse }} {{ [1, 5, 3] | max }} {{ [4, 2] | min }}
{{ '42' | int }} {{ 'x' | int }} {{ 'x' | int(7) }} {{ 3.9 | int }} {{ '2.5' | float }} {{ 42 | string ~ '!' }} {{ -5 | abs }} {{ ' 8 ' | int }} {{ '2.7' | int }}
{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent(1, blank=true) }}|{{ 'a\nb' | indent('> ') }}
{{ 'yes' if messages else 'no' }} {{ 'yes' if nothing }}| {{ ('a' if false else 'b') ~ 'c' }} {{ 1 if true else 2 if true else 3 }}
{{ strftime_now('%d %b %Y') }} {{ strftime_now("%Y-%m-%d %A %j") }}
{{ messages[0].nothing is defined }} {{ messages[99] is defined }} {{ messages[0]['nothing'] }}| {{ messages[0].content[0] }}
{{ messages[0].nothing.deeper }}
{{ messages[99].content }}
{{ raise_exception('no: ' + messages[0].role) }}
{{ 'a' + 1 }}
{{ nothing + 'a' }}
{{ nothing() }}
{{ [1] | first + 'x' }}
{{ 1 / 0 }}
{% for x in 3 %}{% endfor %}
{{ messages.append(1) }}
{% for m in messages %}{% if loop.index == 2 %}{% continue %}{% endif %}{% if loop.index == 4 %}{% break %}{% endif %}{{ m.role }};{% endfor %}
{% for a in [1, 2] %}{% for b in [3, 4] %}{{ loop.index }}{{ a }}{{ b }} {% endfor %}{{ loop.index }}{% endfor %}
{% for a, b in [(1, 2), [3, 4]] %}{{ a }}-{{ b }};{% endfor %}{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined }}>{{ loop.nextitem.role if not loop.last }}{{ loop.cycle('A', 'B') }} {% endfor %}
{% generation %}{{ messages[0].content }}{% endgeneration %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{% filter upper | trim %} abc {% endfilter %}
{% raw %}{{ not }} {% this %}{% endraw %}{# comment {{ x }} #}{{ '{{' }}{{ "%}" }}{{ '}}' }} {{ {'a': {'b': 1}}.a.b }} {{ {'a': {'b': 1}} }}
{{ 'a' 'b' "c" }} {{ "\x41\u00e9\U0001F600\101\q\'\"" }} {{ 'ü' }} {{ "tab\there" }}
{% if messages[0].role == 'system' and messages | length > 1 %}S{% elif messages[0].role != 'user' %}O{% else %}U{% endif %}{% if not (tools is none or tools) %}x{% endif %}{% if not tools is none %}y{% endif %}
{% set m = messages[1:] %}{{ m | length }}{% set messages = [] %}{{ messages | length }}{{ messages[-1] is defined }}
{{ [[1, 2], [3]] | map('length') | list }} {{ [{'a': {'b': 5}}] | map(attribute='a.b') | list }} {{ [{'a': 1}, {}] | map(attribute='a', default='z') | list }} {{ ['x', 'y'] | list | tojson }} {{ ('a', 'b') | tojson }} {{ dict(a=1) | tojson }}
{{ 'ab' * 3 }} {{ [0] * 2 }} {{ 2 * 'x' }} {{ [1] + [2] }} {{ 'x' * 0 }}|{{ true + 1 }}
{{ messages | string | length > 10 }} {{ (messages[0].content ~ '') is string }} {{ messages[0].items() | list | length }} {{ messages[0] | items | list | length }}
{{ ns.x }}
{{ messages | tojson }}
{{ messages[0].content.upper().lower() | replace('e', 'E') | trim | capitalize }} {{ 'Straße ǅ'.upper() }} {{ 'ÀÉ'.lower() }}
{{ '%s' | length }}{{- 'x' -}} {{+ 'y' }}  {{- 'z' }}
""".strip("\n").split("\n")

# Templates about white space; they hold line ends.
BLOCKS = [
    "  {% if true %}\n  a\n  {% endif %}\n  b\n",
    "a\n{%- if true -%}\n  b  \n{%- endif -%}\n  c",
    "{% for m in messages %}\n{{ m.role }}\n{% endfor %}\nend\n\n",
    "x  {% set a = 1 %}  y\n\t {%+ set b = 2 +%}\nz {#- c -#}  w\n  {# d #}\n  v",
    "{%- raw -%}  r {{ }} {%- endraw -%}  s\n  {% raw %}\n t {% endraw %}\n u",
    "l1\r\nl2\rl3\n{{ 'a\r\nb' }}\n",
    "{% macro f(x) %}\n  [{{ x }}]\n{% endmacro %}\n{{ f(1) }}\n\n{{- f(2) -}}\n\n!",
    "{{ 1 }}\n{% if false %}n{% else %}\ne\n{% endif %}{{ 2 }}\n \n",
    "{% set t %}\n  multi\n  line\n{% endset %}\n<{{ t }}>",
    "\u00a0{%- if true %}\u3000{{- 'u' }}{% endif %}\u2003\n  {%- if true %}v{% endif %}",
    "{{ bos_token }}{% for m in messages %}{{ '<' + m['role'] + '>\n' + m['content'] | trim + eos_token }}{% endfor %}",
]


def conversations(count):
    rng = random.Random(5)
    words = ["hello", "  spaced  ", "", "\n", "Grüße", "日本語", "😀👩‍🚀", "a\n\nb\n", "<|im_end|>", "</think>", "<think>x</think>y",
             "<tool_response>r</tool_response>", "{{ 7 }}", "'quoted\"", "tab\t", "\u2028", "/no_think", "/think", "\\", "e\u0301"]

    def text():
        return " ".join(rng.choice(words) for _ in range(rng.randint(0, 4)))

    made = []
    for i in range(count):
        turns = []
        if i % 3 == 0:
            turns.append({"role": "system", "content": text()})
        for _ in range(rng.randint(1, 4)):
            turns.append({"role": "user", "content": text()})
            turns.append({"role": "assistant", "content": text()})
        if i % 4:
            turns.pop()
        if i % 11 == 7:
            turns.insert(rng.randint(0, len(turns)), {"role": "tool", "content": text()})
        made.append(turns)
    return made


def call(rng, name):
    arguments = rng.choice([{}, {"x": 1}, {"city": "Zürich", "days": [1, 2.5, None, True], "deep": {"a": {"b": "</tool_call>"}}}, {"q": "say \"hi\"\n<|im_end|>"}])
    made = {"type": "function", "function": {"name": name, "arguments": arguments}}
    if rng.random() < 0.5:
        made["id"] = "call_0001"
    return made


def tool_talks():
    """Conversations with tool calls, reasoning, contents that are no text, odd orders."""
    rng = random.Random(6)
    user, answer = {"role": "user", "content": "What is it like in Zürich?"}, {"role": "assistant", "content": "Fine.\n"}
    made = []
    for i in range(24):
        talk = [{"role": "system", "content": "Be brief."}] if i % 2 else []
        calls = [call(rng, rng.choice(["weather", "f"])) for _ in range(1 + i % 2)]
        if i % 5 == 4:
            for one in calls:
                one["function"]["arguments"] = json.dumps(one["function"]["arguments"])
        turn = {"role": "assistant", "content": [None, "", "Let me look.", "<think>\nhm\n</think>\n\nWell."][i % 4], "tool_calls": calls}
        if i % 3 == 0:
            turn["reasoning_content"] = "I need the weather.\n"
        talk += [dict(user), turn]
        for one in calls:
            talk.append({"role": "tool", "name": one["function"]["name"], "tool_call_id": "call_0001", "content": rng.choice(["12 °C", "{\"t\": 12}", ""])})
        if i % 3:
            talk.append(dict(answer))
        if i % 4 == 1:
            talk += [{"role": "user", "content": "And tomorrow?"}, {"role": "assistant", "content": "Same.", "reasoning_content": "dunno"}, dict(user)]
        made.append(talk)
    parts = [{"type": "text", "text": "Look at "}, {"type": "text", "text": "this"}]
    return made + [[{"role": "user", "content": parts}], [{"role": "system", "content": parts}, {"role": "user", "content": parts}, dict(answer), dict(user)],
                   [dict(user), {"role": "assistant", "content": parts}, dict(user)], [], [dict(answer)], [dict(user), dict(user)], [{"role": "nobody", "content": "x"}],
                   [{"role": "system", "content": "only"}], [{"role": "tool", "content": "r"}], [dict(user), dict(answer), {"role": "ipython", "content": "out"}],
                   [{"role": "developer", "content": "dev"}, dict(user)], [dict(user), {"role": "assistant", "content": "", "reasoning": "hm"}, dict(user)],
                   [dict(user), {"role": "assistant", "thinking": "\n a \n", "content": "b", "tool_calls": None}]]


def options():
    tools = [{"type": "function", "function": {"name": "f", "description": "d \u00fc \"q\"", "parameters": {
        "type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}}},
        {"type": "function", "function": {"name": "weather", "description": "The weather\nof a city", "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "Its name", "enum": ["Zürich", "Bern"]}, "days": {"type": "array", "items": {"type": "number"}},
            "deep": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}, "unit": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}},
            "required": ["city"]}, "return": {"type": "string"}}}]
    documents = [{"title": "One", "text": "First <|im_end|>", "contents": "First"}, {"title": "Two", "text": "", "contents": ""}]
    return [None, {"enable_thinking": False}, {"enable_thinking": True, "keep_past_thinking": True}, {"tools": tools},
            {"tools": tools, "tools_in_user_message": False, "enable_thinking": False}, {"custom_tools": tools}, {"tools": tools[:1], "builtin_tools": ["code_interpreter"]},
            {"documents": documents, "citation_mode": "accurate"}]


# The constructs of the models' templates in one that was written here.
OWN = """
{%- macro shown(content) -%}
    {%- if content is string %}{{ content | trim }}
    {%- elif content is iterable and content is not mapping %}
        {%- for part in content if part.type == 'text' %}{{ part.text }}{{ '|' if not loop.last }}{% endfor %}
    {%- else %}{{ content | tojson }}{% endif %}
{%- endmacro %}
{{- bos_token }}{% set today = strftime_now('%d %b %Y') %}
{%- set ns = namespace(last_user=-1, calls=0) %}
{%- for message in messages[::-1] %}
    {%- if message.role == 'user' and not (message.content is string and message.content.startswith('<result>')) %}
        {%- set ns.last_user = messages | length - 1 - loop.index0 %}{% break %}
    {%- endif %}
{%- endfor %}
{%- if messages and messages[0].role == 'system' %}
    {%- set system = messages[0]['content'] %}{% set turns = messages[1:] %}
{%- else %}
    {%- set system = 'Today is ' ~ today %}{% set turns = messages %}
{%- endif %}
{%- if tools %}
    {%- set system = [shown(system), '# Tools'] | join('\n') %}
    {%- for tool in tools %}
        {%- set function = tool.function if tool.function is defined else tool %}
        {%- set system = system ~ '\n' ~ (function | tojson(indent=2)) %}
    {%- endfor %}
{%- endif %}
<|system|>{{ shown(system) }} {{- (' {' ~ (tools | map(attribute='function.name') | join(', ')) ~ '}') if tools }}
{%- for message in turns %}
    {%- set place = loop.index0 + messages | length - turns | length %}
    {%- if message.role not in ['user', 'assistant', 'tool', 'system'] %}
        {{- raise_exception('No turn of ' + message.role + ' after turn ' ~ place) }}
    {%- elif message.role == 'tool' %}
        {%- if loop.first or loop.previtem.role != 'tool' %}{{ '\n<|user|>' }}{% endif %}<result>{{ shown(message.content) }}</result>
        {%- continue %}
    {%- endif %}
    {{- '\n<|' + message.role + '|>' }}
    {%- if message.reasoning_content and place > ns.last_user and enable_thinking | default(true) %}
        {{- '<think>' ~ message.reasoning_content.strip('\n') ~ '</think>' }}
    {%- endif %}
    {%- generation %}{{ shown(message.content).split('</think>')[-1].lstrip() }}{% endgeneration %}
    {%- for call in message.tool_calls or [] %}
        {%- set call = call.function if call.function else call %}{% set ns.calls = ns.calls + 1 %}
        {{- '<call ' ~ ns.calls ~ '>{"name": "' ~ call.name ~ '", "arguments": ' }}
        {{- call.arguments if call.arguments is string else call.arguments | tojson }}{{ '}</call>' }}
    {%- endfor %}
    {{- eos_token }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '\n<|assistant|>' }}{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}
{%- endif %}
"""


def talks():
    return conversations(75) + tool_talks()


def golden_talks():
    env = environment()
    rows, extras = [(talk, i % 5 != 0) for i, talk in enumerate(talks())], options()

    def hashes(template):
        texts = [render(env, case(template, talk, prompt, extra)) for talk, prompt in rows for extra in extras]
        return [t if t is None else hashlib.sha256(t.encode()).hexdigest()[:8] for t in texts]

    named = {path.name: path.read_text(encoding="utf-8") for path in sorted((SHARED / "templates").glob("*.jinja"))}
    templates = [{"template": OWN, "hashes": hashes(OWN)}]
    templates += [{"file": name, "sha256": hashlib.sha256(text.encode()).hexdigest(), "hashes": hashes(text)} for name, text in named.items()]
    return {"talks": [{"messages": talk, "add_generation_prompt": prompt} for talk, prompt in rows], "extras": extras, "today": TODAY,
            "bos_token": "<s>", "eos_token": "</s>", "templates": templates}


def whole_cases(paths):
    """What jinja2 renders of whole templates, each over every conversation, the options by turns."""
    env = environment()
    for path in paths:
        template = pathlib.Path(path).read_text(encoding="utf-8")
        for i, messages in enumerate(talks()):
            for extra in options():
                one = case(template, messages, i % 5 != 0, extra)
                one["text"] = render(env, one)
                one["source"] = pathlib.Path(path).name
                yield one


def whole_templates(paths):
    for one in whole_cases(paths):
        print(json.dumps(one, ensure_ascii=False))


def golden_templates(own):
    env = environment()
    talk = [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "Hé\n"},
            {"role": "assistant", "content": "<b>ok</b>"}, {"role": "user", "content": "it's 'so' \"q\""}]
    cases = [case(t, talk) for t in SNIPPETS + BLOCKS]
    cases += [case(own, messages, i % 5 != 0) for i, messages in enumerate(conversations(12))]
    for one in cases:
        one["text"] = render(env, one)
    return cases


def golden_tokenizer():
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tokenizer.decoder = decoders.ByteLevel()
    corpus = ["the cat sat on the mat, and the hat that the cat had is there's 12 34", "aaaa bbbb abab the then there them",
              "  spaces   and\n\nlines\tand tabs ", "wir hätten öfter über das große Maß geredet"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(corpus * 3, trainers.BpeTrainer(vocab_size=360, initial_alphabet=sorted(alphabet),
                                                                  special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
    tokenizer.add_tokens([AddedToken("<left>", lstrip=True), AddedToken("<right>", rstrip=True),
                          AddedToken("word", single_word=True), AddedToken("<|im_end|>x")])
    rng = random.Random(3)
    spaces = [chr(c) for c in (9, 10, 11, 12, 13, 0x1C, 0x1D, 0x1E, 0x1F, 32, 32, 0x85, 0xA0, 0x1680, 0x180E, 0x2003,
                               0x200B, 0x2028, 0x202F, 0x205F, 0x3000, 0xFEFF)]
    others = ["the", " cat", "'s", "'ſ", "9", "٣", "Ⅷ", "½", "é", "e\u0301", "ß", "字", "😀", "👩‍🚀", "!", "?!", "𝟗", "\U00031400",
              "\U0001E4F0", "\x00", "\x7f", "_", "a" * 70, "aba" * 40]
    texts = ["".join(rng.choice(spaces + others) for _ in range(rng.randint(0, 12))) for _ in range(200)]
    marked = ["<|im_start|>user\nhi<|im_end|>\n", "a <left> b <right>  c", "word words sword word", "<|im_end|>x<|im_end|> x",
              "<|im_end|", "x<left>\t\n<left>y", "<right> <right>\u3000z"]
    state = json.loads(tokenizer.to_str())
    return {"tokenizer": state, "plain": [{"text": t, "ids": tokenizer.encode(t).ids} for t in texts],
            "marked": [{"text": t, "ids": tokenizer.encode(t).ids} for t in marked]}


LETTER_TEXTS = ["", " ", "  ", "the cat", " the  cat ", "\n\nthe\tcat\n", "a\u2581b \u2581", "\u2581\u2581", "cat\u00e4\u5b57\U0001F600", "<0x0A>", "\x00\x7f",
                "the then there", "aaaa aaaaa", "hat.the", "   the", "\u0085the\u00a0cat"]
LETTER_MARKED = ["<s>the cat</s>", "<s> the</s> cat", "the<s>", "<turn>\nthe cat\n\n\nhat<turn>  cat", "a word\u2581word words", "the <left> cat <right>  hat",
                 "two words and  two words", "\u2581\u2581<turn>\u2581\u2581\u2581", "\n\n\n\n\n <right>\n\n\nthe"]


def golden_letters():
    """Gemma's settings, Llama 2's, and Llama 2's as newer files have them."""
    from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, trainers

    mark = "\u2581"
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace(replacement=mark, prepend_scheme="always", split=True)
    learner.train_from_iterator(["the cat sat on the mat and the hat that the cat had", "then there them these aaaa aa"] * 3, trainers.BpeTrainer(vocab_size=70, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + sorted(learned["vocab"], key=learned["vocab"].get)
    blank = ["\n\n", "\n\n\n", mark * 2, mark * 3]
    vocab = {p: i for i, p in enumerate(dict.fromkeys(pieces + blank + ["\n"]))}
    merges = [tuple(m) for m in learned["merges"]]
    merges = [(mark, mark), (mark, mark * 2), (mark * 2, mark), ("\n", "\n"), ("\n", "\n\n"), ("\n\n", "\n")] + merges
    made = []
    for name in ("gemma", "llama2", "metaspace"):
        words = dict(vocab)
        if name == "gemma":
            words["\t"] = words["<0x09>"]
        tokenizer = Tokenizer(models.BPE(vocab=words, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        if name == "gemma":
            tokenizer.normalizer = normalizers.Replace(" ", mark)
            tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        elif name == "llama2":
            tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(mark), normalizers.Replace(" ", mark)])
        else:
            tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=mark, prepend_scheme="first", split=False)
        tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<unk>", "<s>", "</s>", "<turn>")])
        tokenizer.add_tokens([AddedToken(t, normalized=False) for t in blank if name == "gemma"])
        tokenizer.add_tokens([AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
                              AddedToken("word", single_word=True), AddedToken("two words")])
        state = json.loads(tokenizer.to_str())
        # Python's dict cannot hold two spellings of an id in a file made from it, but Gemma's file does.
        state["model"]["vocab"] = words
        made.append({"name": name, "tokenizer": state, "plain": [{"text": t, "ids": tokenizer.encode(t).ids} for t in LETTER_TEXTS],
                     "marked": [{"text": t, "ids": tokenizer.encode(t).ids} for t in LETTER_MARKED]})
    return made


def ranges(codes):
    out = []
    for code in codes:
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return " ".join(f"{a:X}-{b:X}" for a, b in out)


def print_classes():
    import unicodedata
    from tokenizers import Regex, normalizers, pre_tokenizers

    codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for name in (r"\p{L}", r"\p{N}", r"\s"):
        removing = pre_tokenizers.Split(Regex(name), "removed")
        print(name, ranges(c for c in codes if not removing.pre_tokenize_str(chr(c))))
    digits = pre_tokenizers.Digits(individual_digits=True)
    print("is_numeric", ranges(c for c in codes if len(digits.pre_tokenize_str(f"a{chr(c)}a")) == 3))
    from tokenizers import AddedToken, Tokenizer, models
    alone = Tokenizer(models.BPE(vocab={"z": 0}, merges=[]))
    alone.add_tokens([AddedToken("qq", single_word=True, normalized=False)])
    print("word characters", ranges(c for c, e in zip(codes, alone.encode_batch(["qq" + chr(c) for c in codes])) if chr(c) == "z" or not e.ids))
    nfc = normalizers.NFC().normalize_str
    print("marks that NFC does not reorder", ranges(
        c for c in codes if unicodedata.combining(chr(c)) not in (0, 240) and nfc("\u4e00\u0345" + chr(c))[1] == "\u0345"))


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf")
    parser.add_argument("--cases", nargs="*")
    parser.add_argument("--classes", action="store_true")
    parser.add_argument("--talks", action="store_true")
    arguments = parser.parse_args()
    if arguments.classes:
        print_classes()
        return
    if arguments.cases:
        whole_templates(arguments.cases)
        return
    folder = ROOT / "tests" / "golden"
    write(folder / "chat_talks.json", golden_talks())
    if arguments.talks:
        return
    from gguf import GGUFReader
    own = GGUFReader(arguments.gguf).fields["tokenizer.chat_template"].contents()
    for name, value in (("chat_templates.json", golden_templates(own)), ("tokenizer_tiny.json", golden_tokenizer()),
                        ("tokenizer_letters.json", golden_letters())):
        write(folder / name, value)


if __name__ == "__main__":
    main()
