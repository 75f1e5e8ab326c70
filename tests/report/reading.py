"""A report read as a stranger would: the texts of a page by section, those of its document, and what their numbers were rounded from.

`executed(path)` runs the cells of the report's notebook in this process, without a kernel. `unrecorded(html, document)` and
`unshown(html, document)` are the texts with a number that only one of the two has; `unfounded(document)` lists numbers in the
document's texts that no raw value beside them rounds to.
"""

import ast
import json
import re
from collections import Counter, defaultdict
from html.parser import HTMLParser
from pathlib import Path

import nbformat

from workbench.report import numbers

TEMPLATES = Path(numbers.__file__).parent / "templates"

BLOCKS = {"h1", "h2", "h3", "p", "li", "dt", "dd", "th", "td", "summary", "figcaption", "small"}
SILENT = {"script", "style", "svg", "pre", "nav", "button", "unseen"}
VOID = {"meta", "br", "hr", "img", "input", "link"}

TOKEN = re.compile(
    r"(?<![\w.])(?<![A-Za-z]-)[−+-]?\d[\d\u202f]*(?:\.\d+)?(?:e[+-]?\d+)?(?!\w|\.\d)"
)
FAMILY = re.compile(
    r"(\w+(?:-T)?) over (\d+) comparisons(?:, (?:all|10000) sign flips of \d+ \w+)?"
)

NAMES_OF_DOCUMENTS = {"evidence-map"}
"""Sections whose numbers are names: AI 600-1, MEASURE 2.5."""

CODE = "notebook-code"
"""The section in which the notebook shows itself."""

SCALES = (1, 100, 1e-6, 1e-9, 1 / 60)

CONSTANTS = {95.0, 99.9, 4.0, 5.0, 2.0, 0.05}
"""95 % intervals (99.9 % of a calibration), found 4 times in 5, cheapest within 2 points, p < 0.05."""


def executed(path, *, template="comparison", **parameters):
    """The report's notebook with its outputs, its cells run one after another."""
    source = nbformat.read(TEMPLATES / f"{template}.ipynb", as_version=4)
    names = {}
    for cell in source.cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<cell>", "exec"), names)
        if "parameters" in cell.metadata.get("tags", []):
            names |= {"path": str(path), **parameters}
        shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None
        if shown is not None:
            data = json.loads(json.dumps(shown._repr_mimebundle_(), allow_nan=False))
            cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
    return source


def html_of(notebook):
    """What a page shows of a notebook."""
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    return f"<main>{''.join(one.data['text/html'] for one in outputs)}</main>"


def document_of(notebook):
    """The document, as whoever reads the file has it."""
    return json.loads(json.dumps(numbers.collected(notebook), allow_nan=False))


class _Texts(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.section = defaultdict(list), ""
        self._open, self._texts = [], []

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "section":
            self.section = told.get("aria-labelledby", "")
        if tag not in VOID:
            self._open.append("unseen" if told.get("class") == "unseen" else tag)
        if tag in BLOCKS:
            self._texts.append([])
        if told.get("aria-label") and "plot" in (told.get("class") or ""):
            self.found[self.section].append(shown(told["aria-label"]))

    def handle_endtag(self, tag):
        while self._open and self._open.pop() not in (tag, "unseen"):
            pass
        if tag in BLOCKS and self._texts:
            text = shown("".join(self._texts.pop()))
            if text:
                self.found[self.section].append(text)

    def handle_data(self, data):
        if SILENT & set(self._open) or "main" not in self._open:
            return
        if self._texts:
            self._texts[-1].append(data)
        elif data.strip():
            self.found[self.section].append(shown(data))


def page_texts(html):
    """Section -> the texts of its blocks, as they are seen."""
    reader = _Texts()
    reader.feed(html)
    return dict(reader.found)


def shown(text):
    """A text without differences that nobody sees: kinds of space, and how signs that are no letters are written."""
    seen = "".join(_seen(sign) for sign in text)
    return re.sub(r"\s+", " ", seen.replace("\u00a0", " ")).strip()


def _seen(sign):
    code = ord(sign)
    plain = sign in "\n\t" or not (
        code < 0x20
        or 0x7F <= code < 0xA0
        or code in range(0x202A, 0x202F)
        or 0x2066 <= code <= 0x2069
    )
    return sign if plain else f"\\u{code:04x}"


def document_texts(document):
    """Section -> every text that its document holds, as they are seen."""
    found = defaultdict(list)
    for section in document["sections"]:
        told = [section["title"], *section["headings"], *section["words"]]
        told += [one["text"] for one in section["sentences"]]
        told += [one[part] for one in section["facts"] for part in ("name", "text")]
        for table in section["tables"]:
            told += table_texts(table)
        for one in section["figures"]:
            title = one["title"][:1].upper() + one["title"][1:]
            told += [f"{title} {one['caption']}", one["alt"], "Numbers of this figure"]
            told += table_texts(one["table"])
        # What stands above the first section has no heading of its own.
        name = "" if section["title"] == document["title"] else section["anchor"]
        found[name] += [text for one in told if (text := shown(one))]
    return dict(found)


def table_texts(table):
    told = [table["caption"]]
    told += [column[part] for column in table["columns"] for part in ("title", "note", "count")]
    for row in table["rows"]:
        for cell in row["cells"]:
            told += [cell["text"], cell.get("beside", ""), cell.get("under", "")]
            if cell.get("left_out"):
                told.append(f"… {cell['left_out']} more characters")
    return told


def unrecorded(html, document):
    """Texts with a number that a page shows more often than its document has them, each with its section."""
    return sorted((numbered(page_texts(html)) - numbered(document_texts(document))).elements())


def unshown(html, document):
    """Texts with a number that a document has more often than its page shows them."""
    return sorted((numbered(document_texts(document)) - numbered(page_texts(html))).elements())


def numbered(texts):
    """How often each text with a number stands in each section."""
    return Counter(
        (section, text)
        for section, found in texts.items()
        for text in found
        if section != CODE and re.search(r"\d", text)
    )


def unfounded(document):
    """Numbers in the document's texts that no raw value beside them rounds to, each with the text it stands in."""
    tables = [table for section in document["sections"] for table in tables_of(section)]
    sizes = {tested_in(table) for table in tables}
    found = []
    for section in document["sections"]:
        if section["anchor"] in NAMES_OF_DOCUMENTS:
            continue
        found += [one for table in tables_of(section) for one in _in_table(table, sizes)]
        shown_here = numbers_in([section["tables"], section["facts"], section["figures"]])
        for one in section["facts"]:
            if one["raw"] != one["text"]:
                several = {float(len(one["raw"]))} if isinstance(one["raw"], list) else set()
                known = numbers_in(one["raw"]) | several
                found += _missing(f"{one['name']}: {one['text']}", known)
        for one in section["sentences"]:
            found += _missing(one["text"], numbers_in(one["numbers"]) or shown_here)
        for one in section["figures"]:
            known = numbers_in([one["table"], one["series"], one["references"]])
            known |= {float(len(one["series"])), float(len(one["table"]["rows"]))}
            found += [miss for part in ("title", "alt") for miss in _missing(one[part], known)]
            found += _missing(FAMILY.sub("", one["caption"]), known)
    return found


def tables_of(section):
    """The tables of a section, those of its figures too."""
    return [*section["tables"], *(one["table"] for one in section["figures"])]


def tested_in(table):
    """How many differences of a table have a corrected p-value."""
    keys = [column["key"] for column in table["columns"]]
    pairs = [
        pair
        for row in table["rows"]
        for pair in (
            *row["more"].items(),
            *zip(keys, (cell["raw"] for cell in row["cells"]), strict=True),
        )
    ]
    return sum(
        (key == "p" or key.endswith("p_corrected")) and value is not None for key, value in pairs
    )


def _in_table(table, sizes):
    found = []
    for row in table["rows"]:
        more = numbers_in(row["more"])
        for cell in row["cells"]:
            own, stored = numbers_in(cell["raw"]), [cell["raw"], *row["more"].values()]
            for part in ("text", "beside", "under"):
                text = cell.get(part, "")
                if text in stored:
                    continue
                small = set() if part == "text" else more | numbers_in(cell.get("numbers"))
                found += _missing(text, own | small, constants=set(), is_signed=True)
    known = numbers_in(table) | {float(len(table["rows"]))}
    for column in table["columns"]:
        for part in ("title", "note", "count"):
            found += _missing(column[part], known)
    for name, count in FAMILY.findall(table["caption"]):
        if int(count) not in sizes:
            found.append((table["caption"], f"{name} over {count}"))
    return found + _missing(FAMILY.sub("", table["caption"]), known)


def _missing(text, known, *, constants=CONSTANTS, is_signed=False):
    below = set(re.findall(r"< (\d[\d.]*)", text))
    return [
        (text, token)
        for token in tokens(text)
        if not rounds_to(token, known | constants, is_signed=is_signed)
        if not (token in below and any(0 <= one < float(token) for one in known))
    ]


def tokens(text):
    """The numbers in a text; those that are part of a name are none."""
    return TOKEN.findall(text)


def rounds_to(token, raws, *, is_signed=False):
    """Whether one of the raw values, as it is, in percent, in mega- or gigabytes or in minutes, rounds to what is shown."""
    written = token.replace("\u202f", "").replace("−", "-").lstrip("+")
    if not is_signed:
        written, raws = written.lstrip("-"), map(abs, raws)
    mantissa, _, power = written.partition("e")
    decimals = len(mantissa.partition(".")[2])
    half = 0.5 * 10.0 ** (int(power or 0) - decimals) * (1 + 1e-9) + 1e-12
    value = float(written)
    return any(abs(raw * scale - value) <= half for raw in raws for scale in SCALES)


def numbers_in(value):
    """Every number in what JSON holds, however deep."""
    if isinstance(value, dict):
        return numbers_in(list(value.values()))
    if isinstance(value, list):
        return set().union(*map(numbers_in, value)) if value else set()
    if isinstance(value, bool) or value is None:
        return set()
    if isinstance(value, str):
        return {float(value)} if re.fullmatch(r"-?\d+(\.\d+)?", value) else set()
    return {float(value)}
