"""Writes what Python's Jinja makes of every template of features.json and families.json, into the same files.

Run it after a template was added: python3 test/jinja/expected.py (needs jinja2, as transformers uses it for chat templates).
"""

import datetime
import json
from pathlib import Path

import jinja2
import jinja2.ext
import jinja2.sandbox

HERE = Path(__file__).parent
NOW = datetime.datetime(2024, 7, 4, 15, 5, 9)


class Generation(jinja2.ext.Extension):
    """{% generation %} marks what a model wrote; it prints what stands in it."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def refuse(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = refuse
    made.globals["strftime_now"] = NOW.strftime
    return made


def rendered(source, variables):
    try:
        return {"expected": environment().from_string(source).render(**variables)}
    except Exception as error:
        return {"fails": type(error).__name__}


for path in (HERE / "features.json", HERE / "families.json"):
    if not path.exists():
        continue
    document = json.loads(path.read_text())
    for template in document["templates"]:
        template.pop("expected", None)
        template.pop("fails", None)
        template.update(rendered(template["source"], {**document["variables"], **template.get("variables", {})}))
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    failing = [t["name"] for t in document["templates"] if "fails" in t]
    print(f"{path.name}: {len(document['templates'])} templates, refused by Python: {failing}")
