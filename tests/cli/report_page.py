#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds a page of `sluice report` against what the other commands say.

report_page.py PAGE [--plan JSON] [--list JSON] [--cost JSON]: JSON of `plan -jv`, of `list -j` and of
bench/cost. Prints what is wrong; exit status 1 if anything is.
"""
import argparse
import collections
import html.parser
import json
import re
import sys

VOID = {"meta", "br"}
# Where the drawing ends and what HTML has again begins; those end themselves.
KNOWN = {"html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "div", "p",
         "h1", "h2", "h3", "span", "small", "b", "i", "em", "br", "code", "a", "ul", "ol", "li", "dl", "dt", "dd",
         "details", "summary", "table", "tr", "td", "svg", "g", "defs", "marker", "path", "rect", "circle",
         "text", "tspan"}
ATTRIBUTES = {"class", "id", "href", "title", "style", "open", "lang", "charset", "http-equiv", "content", "name",
              "role", "aria-label", "viewbox", "width", "height", "x", "y", "rx", "r", "cx", "cy", "d", "refx",
              "refy", "markerwidth", "markerheight", "orient", "marker-end"}
PLAN_WORDS = {"early": "early", "hook": "netfilter", "maybe": "maybe", "kernel": "kernel", "behind": "behind",
              "unmet": "not met"}


# What is no UTF-8: a number on the page, ? in JSON.
BYTE = re.compile(r"\\x[0-9a-f]{2}")


class Page(html.parser.HTMLParser):
    """Rules, and all that is not well-formed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.problems, self.stack, self.ids, self.links = [], [], [], []
        self.rules, self.measured, self.policy = [], {}, None
        self.chain, self.boxes, self.edges, self.jumps = None, [], 0, []
        self.feed(text)
        self.close()
        if self.stack:
            self.problems.append(f"not closed: {self.stack}")

    def handle_starttag(self, tag, attrs, ends_itself=False):
        attributes = dict(attrs)
        if tag not in KNOWN:
            self.problems.append(f"a tag that is not ours: {tag}")
        self.problems += [f"an attribute that is not ours: {tag} {name}" for name in attributes
                          if name not in ATTRIBUTES]
        if len(attributes) != len(attrs):
            self.problems.append(f"an attribute twice: {tag}")
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if "href" in attributes:
            self.links.append(attributes["href"])
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        kind = (attributes.get("class") or "").split(" ")[0]
        if tag == "a" and kind == "box":
            self.boxes.append(attributes["href"])
        if tag == "path" and kind == "jump":
            self.edges += 1
        if tag == "a" and self.is_in_chain():
            self.jumps.append(("#" + self.chain, attributes["href"]))
        if tag == "details" and kind == "chain":
            self.chain = attributes["id"]
        if tag == "li" and self.is_in_chain():
            self.rules.append({"class": attributes["class"].split()[0], "text": "", "count": None})
        if tag == "span" and attributes.get("class") == "n" and self.is_in("li") and self.is_in_chain():
            self.rules[-1]["count"] = [int(n) for n in re.findall(r"\d+", attributes["title"])]
        if tag not in VOID and not ends_itself:
            self.stack.append((tag, attributes.get("class")))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs, ends_itself=True)

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1][0] != tag:
            self.problems.append(f"{tag} ends in {self.stack[-3:]} (line {self.getpos()[0]})")
            return
        self.stack.pop()

    def is_in(self, tag):
        return tag in [name for name, _ in self.stack]

    def is_in_chain(self):
        return any(tag == "details" and kind and kind.split()[0] == "chain" for tag, kind in self.stack)

    def handle_data(self, data):
        if self.is_in("li") and self.is_in_chain():
            if self.is_in("code"):
                self.rules[-1]["text"] += data
            elif self.stack[-1][0] == "small" and re.fullmatch(r"#\d+", data):
                self.rules[-1]["handle"] = int(data[1:])
        match = re.fullmatch(r"(.*), (\d+) rules: (.*) million packets a second", data)
        if match and self.is_in("circle"):
            self.measured[match[1], int(match[2])] = match[3]


def look_at_frame(page, text):
    yield from page.problems
    yield from (f"{link} leads nowhere" for link in page.links
                if not re.fullmatch(r"#c\d+", link) or link[1:] not in page.ids)
    if len(set(page.ids)) != len(page.ids):
        yield "an id is there twice"
    if page.policy != "default-src 'none'; style-src 'unsafe-inline'":
        yield f"the page's policy is {page.policy}"
    if re.search(r"url\((?!#)|@import", text):
        yield "the style fetches something"


def look_at_map(page):
    """Chains are drawn once, and all jumps between those that are."""
    if not page.boxes or len(set(page.boxes)) != len(page.boxes):
        yield f"the chains that are drawn: {page.boxes}"
    jumps = sum(set(jump) <= set(page.boxes) for jump in page.jumps)
    if page.edges != jumps:
        yield f"{page.edges} jumps are drawn, of {jumps}"


def bare(text):
    """Counts stand beside the rule, not in it."""
    return re.sub(r"(?<!\S)counter packets \d+ bytes \d+", "counter", text, count=1)


def compare_plan(page, plan):
    """Each rule and policy once, where `plan` says that it is decided."""
    device = plan["devices"][0]
    wanted = collections.Counter((item.get("handle"), bare(item["text"]) if "text" in item
                                  else "policy " + item["policy"], item["decided"])
                                 for item in device["rule_by_rule"])
    got = collections.Counter((rule.get("handle"), BYTE.sub("?", rule["text"]), PLAN_WORDS[rule["class"]])
                              for rule in page.rules)
    yield from (f"not on the page: {item}" for item in wanted - got)
    yield from (f"only on the page: {item}" for item in got - wanted)


def compare_list(page, listed):
    """[early packets, early bytes, the kernel's packets, the kernel's bytes] of what counts."""
    wanted = collections.Counter(
        (rule.get("handle"), rule["early_packets"], rule["early_bytes"], rule["packets"] - rule["early_packets"],
         rule["bytes"] - rule["early_bytes"])
        for rule in listed["rules"] + listed["policies"] if "packets" in rule)
    got = collections.Counter((rule.get("handle"), *rule["count"]) for rule in page.rules if rule["count"])
    yield from (f"not counted so: {item}" for item in wanted - got)
    yield from (f"counted otherwise: {item}" for item in got - wanted)


def compare_cost(page, cost):
    """The chart's figures are the measured ones."""
    for cell in cost["cells"]:
        if (cell["flavour"], cell["family"]) != ("acl", "ip") or not cell["rules"]:
            continue
        for name in ("sluice", "nft", "iptables-legacy"):
            wanted = f'{cell["contestants"][name]["mpps"]["dropped"]["mpps"]:.4f}'
            got = page.measured.pop((name, cell["rules"]), None)
            if got != wanted:
                yield f'{name}, {cell["rules"]} rules: {wanted} was measured, the chart has {got}'
    yield from (f"never measured: {point}" for point in page.measured)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("page")
    for name in ("plan", "list", "cost"):
        parser.add_argument("--" + name)
    options = parser.parse_args()
    with open(options.page, encoding="utf-8") as file:  # strict: what is no UTF-8 raises
        text = file.read()
    page = Page(text)
    wrong = [*look_at_frame(page, text), *look_at_map(page)]
    for path, compare in ((options.plan, compare_plan), (options.list, compare_list), (options.cost, compare_cost)):
        if path:
            with open(path, encoding="utf-8") as file:
                wrong += compare(page, json.load(file))
    print(*wrong[:20], sep="\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
