"""Components are ES modules that import what others export, each mounted by mount.js, which catches what its view throws."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from explorer import components

TEXTS = components.modules()
SCRIPTS = sorted(name for name, text in TEXTS.items() if "export default" in text)
MOUNTS = sorted(path.name for path in components.HERE.glob("*.py") if "import component," in path.read_text("utf-8"))
TOP = re.compile(r"^(export )?(?:async )?(?:function|class|const|let) (\w+)", re.M)
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+\.js)";', re.M)


def exported(name: str) -> set[str]:
    return {found for export, found in TOP.findall(TEXTS[name]) if export}


def imports(name: str) -> dict[str, set[str]]:
    """Module -> names that are imported from it."""
    return {module: {each.strip() for each in names.split(",") if each.strip()} for names, module in IMPORT.findall(TEXTS[name])}


def test_there_are_components():
    assert len(SCRIPTS) >= 9 and len(MOUNTS) >= 7


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_nothing_outside_of_mount(name):
    body = re.search(r"export default function \(\{[^)]*\}\) \{\n(.*?)\n\}", TEXTS[name], re.S)
    assert body and re.match(r"  return mount\(\s*parentElement,", body[1]), "what stands before mount() is not caught"
    assert re.search(r"import\.meta\.url,?\s*\);$", body[1]), "mount.js knows a view's failures by the address of its script"


@pytest.mark.parametrize("name", MOUNTS)
def test_what_a_component_mounts_is_there(name):
    scripts = re.findall(r'js=script\("([^"]*)"\)', (components.HERE / name).read_text("utf-8"))
    assert scripts and set(scripts) <= set(SCRIPTS)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_module_imports_what_others_export_and_uses_it(name):
    rest = IMPORT.sub("", TEXTS[name])
    assert not re.findall(r"^import\b", rest, re.M), "imported in another way than the others"
    for module, names in imports(name).items():
        assert names <= exported(module), f"{module} exports no {names - exported(module)}"
        assert all(re.search(rf"\b{each}\b", rest) for each in names)


def test_all_that_is_exported_is_imported_somewhere():
    used = {(module, each) for name in TEXTS for module, names in imports(name).items() for each in names}
    assert {(name, each) for name in TEXTS for each in exported(name)} == used


def test_no_function_or_class_is_written_twice():
    written = re.compile(r"^(?:export )?(?:async )?(?:function|class) (\w+)", re.M)
    counts = Counter(each for text in TEXTS.values() for each in written.findall(text))
    assert counts["unframe"] == counts["loadPlotly"] == 1
    assert not [name for name, count in counts.items() if count > 1]


def test_modules_are_served_under_their_version_and_nothing_else_is():
    client = TestClient(Starlette(routes=components.routes()))
    base = f"/{components.PATH}/{components.version()}"
    answer = client.get(f"{base}/mount.js")
    assert answer.text == TEXTS["mount.js"] and answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(f"/{components.PATH}/old/mount.js").headers["cache-control"] == "no-store"
    for other in ("lso.py", "no_such.js", "..%2Fapp.py", "%2e%2e/app.py"):
        assert client.get(f"{base}/{other}").status_code == 404


def test_what_a_component_is_told_goes_in_a_list_and_comes_out_of_it(monkeypatch):
    """Among the values of a mapping Streamlit would look for tables, with pandas."""
    made, shown = {}, []

    def registered(name, **look):
        made[name] = look
        return lambda **options: shown.append((name, options))

    monkeypatch.setattr(components.v2, "component", registered)
    view = components.component("view", '<p class="ip waiting"></p>', "p {}", components.script("lso.js"), brief=True)
    view({"a": {"b": 1}}, key="k")
    view({"brief": True}, key="k")
    assert shown == [("view", {"data": [{"a": {"b": 1}}], "key": "k"}), ("view_brief", {"data": [{"brief": True}], "key": "k"})]
    assert made["view"]["html"] == '<p class="ip waiting"></p>' and made["view_brief"]["html"] == '<p class="ip brief waiting"></p>'
    assert made["view"]["isolate_styles"] is False and "data: args.data[0]" in made["view"]["js"]
    texts = [(components.HERE / name).read_text("utf-8") for name in MOUNTS]
    assert not [text for text in texts if "components.v2" in text]


def test_a_module_comes_after_all_that_it_needs():
    needed = [address.rpartition("/")[2] for address in components.needed("lso.js", "guide.js")]
    assert len(needed) == len({*needed}) and {"lso.js", "guide.js"} <= {*needed}
    for at, name in enumerate(needed):
        assert imports(name).keys() <= {*needed[:at]}


def test_what_streamlit_is_given_finds_the_module_beside_the_page():
    text = components.script("lso.js")
    assert f'new URL("{components.PATH}/{components.version()}/lso.js", document.baseURI)' in text and "\n" in text


EXPORT = re.compile(r"^export (?:default )?(?:async )?(?:(class) (\w+)|function ?(\w*)\((.*?)\) \{$|const (\w+) = (?:\((.*?)\) =>)?)", re.M)


def arguments(listed: str) -> int:
    """How many parameters a list has: commas within brackets separate none."""
    while listed != (flat := re.sub(r"\{[^{}]*\}|\[[^][]*\]|\([^()]*\)", "_", listed)):
        listed = flat
    return len([each for each in listed.split(",") if each.strip()])


def doc_before(text: str, at: int) -> str:
    """The JSDoc that ends right above a place; "" where there is none."""
    before = text[:at].rstrip()
    return before[before.rfind("/**") :] if before.endswith("*/") else ""


def untyped(text: str) -> list[str]:
    """Exports of a module whose JSDoc does not say of what types each parameter and the answer are."""
    found = []
    for each in EXPORT.finditer(text):
        _, of_class, of_function, listed, constant, of_arrow = each.groups()
        doc, name = doc_before(text, each.start()), of_class or of_function or constant or "default"
        if of_class:
            body = text[each.start() :]
            made = re.search(r"^  constructor\((.*?)\) \{$", body[: body.index("\n}\n")], re.M)
            good = bool(doc) and (not made or typed(doc_before(body, made.start()), made[1], ""))
        elif constant and of_arrow is None:
            good = "@type {" in doc
        else:
            good = typed(doc, listed if listed is not None else of_arrow, "@returns {")
        found += [] if good else [name]
    return found


def typed(doc: str, listed: str, answer: str) -> bool:
    return len(re.findall(r"@param \{.*?\} \[?\w+\]?(?![\w.])", doc)) == arguments(listed) and answer in doc


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_what_is_exported_says_its_types(name):
    assert untyped(TEXTS[name]) == []


def test_an_export_without_types_is_noticed():
    said = "/** @param {number} a @param {string} [b] @returns {void} */\n"
    body = "export function f(a, b = g(1, 2)) {\n}\n"
    assert untyped(said + body) == [] and untyped(body) == untyped(said.replace("@param {string} [b] ", "") + body) == ["f"]
    assert untyped("/** A thing. */\nexport class C {\n  constructor(a) {\n  }\n}\n") == ["C"]
    assert untyped("export const N = 3;\nexport const h = (x) => x;\n") == ["N", "h"]
