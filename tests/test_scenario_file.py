"""Scenario files: what is written is what is read, and everything wrong is said at once."""

import dataclasses
import math
import pathlib
import tomllib
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escalate import scenario_file
from escalate.errors import ScenarioError
from escalate.rules import CATEGORIES, RULES, Rule, answer
from escalate.scenario import CALENDAR, Entry, Plan, Retaliation, Scenario, Weapon, schema
from escalate.scenario_file import (
    load_scenario,
    read_scenario,
    save_scenario,
    scenario_names,
    source_of,
    unsourced,
    write_scenario,
)
from tests import strategies
from tests.strategies import rules, scenarios

WAR = """\
title = "A border war"
start = 2023-12-01
end = 2023-12-31T06:30:00
figures = ["F1", "F2"]

[sides.UA]
source = "assumption: quiet"
alert_hours = 2

[sides.UA.regions]
north = { depth_km = 100 }
south = { depth_km = 5.5 }

[sides.UA.layers.short_range]
kill_prob = { drone = 0.4 }

[sides.UA.layers.long_range]
kill_prob = { cruise = { value = 0.8, source = "F22; assumption: half" }, drone = 1 }
magazine = { source = "assumption: never empty" }
channels = 4
regions = ["north"]

[sides.UA.targets.site]
category = "air_defence"
region = "north"
layer = "long_range"

[sides.RU.weapons]
missile = { category = "cruise", stock = 40, unit_cost_usd = 1.5e6, range_km = inf }

[sides.RU.plans.night]
targets = { site = 1 }
size = 10.5

[sides.RU.retaliations.vow]
plan = "night"
rule = { name = "capped", cap = 50, of = [{ name = "proportional", gain = 1.2 }] }

[sides.RU.retaliations.habit]
plan = "night"
rule = "tit_for_tat"

[[calendar]]
kind = "delivery"
side = "RU"
at = 2023-12-05
weapons = { missile = { value = 5, source = "the news" } }

[[calendar]]
kind = "truce"
at = 2023-12-24T18:00:00
until = 2023-12-26
"""


def listed(names):
    return "Known: " + ", ".join(sorted(names)) + ","


def keys(cls):
    return listed([*(schema(cls).keys() - {"sources"}), "source"])


def changed(*swaps):
    text = WAR
    for old, new in swaps:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def problems(text, file="winter.toml"):
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text, file)
    assert caught.value.file == file
    assert all(line.endswith(f"({file})") for line in str(caught.value).split("\n")[-1:])
    return [(p.place, p.message) for p in caught.value.problems]


# Reading what is right.


def test_a_file_says_what_a_scenario_is():
    war = read_scenario(WAR, "folder/border.toml")
    assert war.name == "border"
    assert war.start == datetime(2023, 12, 1)
    assert war.end == datetime(2023, 12, 31, 6, 30)
    assert list(war.sides) == ["UA", "RU"]
    assert list(war.sides["UA"].layers) == ["short_range", "long_range"]
    assert dict(war.sides["UA"].layers["long_range"].kill_prob) == {"cruise": 0.8, "drone": 1.0}
    assert war.sides["UA"].layers["long_range"].magazine is None
    assert war.sides["UA"].layers["long_range"].regions == ("north",)
    assert war.sides["RU"].weapons["missile"].range_km == math.inf
    assert war.sides["RU"].retaliations["vow"].rule == Rule(
        "capped", Rule("proportional", gain=1.2), cap=50
    )
    assert war.sides["RU"].retaliations["habit"].rule == Rule("tit_for_tat")
    assert [type(entry) for entry in war.calendar] == [CALENDAR["delivery"], CALENDAR["truce"]]
    assert war.calendar[1].until == datetime(2023, 12, 26)


def test_a_name_in_the_file_comes_before_that_of_the_file():
    assert read_scenario('name = "x"\n' + WAR, "border.toml").name == "x"
    assert read_scenario(WAR).name == ""


def test_a_rule_may_hold_bare_names_and_lists():
    text = changed(
        (
            '"tit_for_tat"',
            '{ name = "any_of", of = ["grim", { name = "red_line", weapons = ["drone"] }] }',
        )
    )
    rule = read_scenario(text).sides["RU"].retaliations["habit"].rule
    assert rule == Rule("any_of", "grim", Rule("red_line", weapons=("drone",)))


# Sources.


def test_sources_are_kept_by_path():
    assert dict(read_scenario(WAR).sources) == {
        "sides.UA": "assumption: quiet",
        "sides.UA.layers.long_range.kill_prob.cruise": "F22; assumption: half",
        "sides.UA.layers.long_range.magazine": "assumption: never empty",
        "calendar[0].weapons.missile": "the news",
    }


def test_the_nearest_source_holds():
    war = read_scenario('source = "all else"\n' + WAR)
    layer = "sides.UA.layers.long_range"
    assert source_of(war, f"{layer}.kill_prob.cruise") == "F22; assumption: half"
    assert source_of(war, f"{layer}.kill_prob.drone") == "assumption: quiet"
    assert source_of(war, f"{layer}.cycle_hours") == "assumption: quiet"
    assert source_of(war, "calendar[0].weapons.missile") == "the news"
    assert source_of(war, "calendar[0].at") == "all else"
    assert source_of(war, "sides.RU.retaliations.vow.rule.of[0].gain") == "all else"
    assert source_of(war, "sides.RU.retaliations.vow.rule.of[0].cap") == "all else"
    assert source_of(read_scenario(WAR), "start") == ""


@pytest.mark.parametrize(
    "path",
    [
        "sides.UA.layers.long_rnge.channels",
        "sides.UA.alrt_hours",
        "sides.UA.alert_hours.x",
        "calendar[2].at",
        "calendar.at",
        "replace",
        "sides.RU.retaliations.vow.rule.gain",
        "sides.RU.retaliations.vow.rule.of[1].gain",
    ],
)
def test_there_is_no_source_of_what_is_not_there(path):
    with pytest.raises(ScenarioError, match="must be in the scenario, but there is no"):
        source_of(read_scenario(WAR), path)


def test_numbers_without_a_source_are_listed():
    assert unsourced(read_scenario(WAR)) == (
        "sides.RU.weapons.missile.stock",
        "sides.RU.weapons.missile.unit_cost_usd",
        "sides.RU.plans.night.targets.site",
        "sides.RU.plans.night.size",
        "sides.RU.retaliations.vow.rule.cap",
        "sides.RU.retaliations.vow.rule.of[0].gain",
        "start",
        "end",
        "calendar[0].at",
        "calendar[1].at",
        "calendar[1].until",
    )
    assert unsourced(read_scenario('source = "all"\n' + WAR)) == ()


def test_parameters_of_a_function_are_numbers_too():
    def calm(see, params, memory, u):
        return answer(params[0])

    war = read_scenario('source = "all"\n' + WAR)
    part = Retaliation(rule=Rule(calm, level=3), plan="night")
    war = war.replace({"sides.RU.retaliations": {"own": part}})
    assert unsourced(war) == ()
    war = dataclasses.replace(war, sources={})
    assert "sides.RU.retaliations.own.rule.level" in unsourced(war)
    assert source_of(war, "sides.RU.retaliations.own.rule.level") == ""


@pytest.mark.parametrize("name", scenario_names())
def test_every_number_of_a_shipped_scenario_has_a_source(name):
    war = load_scenario(name)
    assert war.name == name
    assert unsourced(war) == ()
    assert read_scenario(write_scenario(war)) == war


# Writing.


def orders(node):
    """Give the order of every mapping in a scenario."""
    if isinstance(node, Rule):
        return [list(node.params), *map(orders, node.of)]
    if dataclasses.is_dataclass(node):
        fields = (f.name for f in dataclasses.fields(node) if f.name != "sources")
        return [orders(getattr(node, name)) for name in fields]
    if isinstance(node, tuple):
        return [orders(item) for item in node]
    if hasattr(node, "items"):
        return [(key, orders(value)) for key, value in node.items()]
    return None


@given(scenarios())
def test_a_scenario_that_is_written_is_read_as_it_was(scenario):
    text = write_scenario(scenario)
    again = read_scenario(text, "another-name.toml")
    assert again == scenario
    assert orders(again) == orders(scenario)
    assert write_scenario(again) == text


@given(rules())
@example(Rule("capped", "never", cap=math.inf))
@example(Rule("red_line", weapons="drone", targets=("urban",)))
def test_every_rule_is_read_as_it_was(rule):
    part = Retaliation(rule=rule, plan="night")
    war = read_scenario(WAR).replace({"sides.RU.retaliations": {"own": part}})
    assert read_scenario(write_scenario(war)).sides["RU"].retaliations["own"].rule == rule


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_text_is_read_as_it_was(text, name):
    if name == "source" or set(name) & set(".[]="):
        name = "plain"
    war = read_scenario(WAR)
    ru = dataclasses.replace(war.sides["RU"], weapons={name: Weapon(category="drone", stock=3)})
    sources = {"": text, f"sides.RU.weapons.{name}.stock": text}
    war = dataclasses.replace(
        war, sides={"UA": war.sides["UA"], "RU": ru}, calendar=(), title=text, sources=sources
    )
    assert read_scenario(write_scenario(war)) == war


def test_what_is_written_looks_written_by_hand():
    war = read_scenario('source = "all else"\n' + WAR, "border.toml")
    war = dataclasses.replace(
        war,
        sources={**war.sources, "sides.RU.retaliations.vow.rule.of[0].gain": "a guess"},
        figures=tuple(f"F{i}" for i in range(100, 120)),
    )
    assert (
        write_scenario(war)
        == """\
name = "border"
title = "A border war"
source = "all else"
start = 2023-12-01
end = 2023-12-31T06:30:00
figures = [
    "F100", "F101", "F102", "F103", "F104", "F105", "F106", "F107", "F108", "F109", "F110", "F111",
    "F112", "F113", "F114", "F115", "F116", "F117", "F118", "F119",
]

[sides.UA]
source = "assumption: quiet"
alert_hours = 2

[sides.UA.layers.short_range]
kill_prob = { drone = 0.4 }

[sides.UA.layers.long_range]
channels = 4
magazine = { source = "assumption: never empty" }
regions = ["north"]

[sides.UA.layers.long_range.kill_prob]
cruise = { value = 0.8, source = "F22; assumption: half" }
drone = 1

[sides.UA.regions.north]
depth_km = 100

[sides.UA.regions.south]
depth_km = 5.5

[sides.UA.targets.site]
category = "air_defence"
region = "north"
layer = "long_range"

[sides.RU.weapons.missile]
category = "cruise"
stock = 40
unit_cost_usd = 1_500_000

[sides.RU.plans.night]
targets = { site = 1 }
size = 10.5

[sides.RU.retaliations.vow]
plan = "night"

[sides.RU.retaliations.vow.rule]
name = "capped"
cap = 50

[[sides.RU.retaliations.vow.rule.of]]
name = "proportional"
gain = { value = 1.2, source = "a guess" }

[sides.RU.retaliations.habit]
rule = "tit_for_tat"
plan = "night"

[[calendar]]
kind = "delivery"
at = 2023-12-05
side = "RU"

[calendar.weapons]
missile = { value = 5, source = "the news" }

[[calendar]]
kind = "truce"
at = 2023-12-24T18:00:00
until = 2023-12-26
"""
    )


def test_a_default_is_written_if_it_has_a_source():
    war = read_scenario(WAR)
    sources = {
        "sides.UA.assessment.delay_hours": "a guess",
        "sides.UA.permitted_weapons": "a guess",
        "sides.UA.ladder": "a guess",
    }
    with pytest.raises(ScenarioError) as caught:  # for there is no ladder to carry it
        write_scenario(dataclasses.replace(war, sources=sources))
    assert [p.place for p in caught.value.problems] == ["sides.UA.ladder"]
    del sources["sides.UA.ladder"]
    war = dataclasses.replace(war, sources=sources)
    text = write_scenario(war)
    assert 'delay_hours = { value = 0, source = "a guess" }' in text
    assert read_scenario(text, "x.toml") == war


def own_policy(*_):
    return ()


class Surprise(Entry):
    """An entry of a user's own."""


def test_what_a_file_cannot_hold_is_refused_all_at_once():
    war = read_scenario(WAR)
    ru = dataclasses.replace(
        war.sides["RU"],
        plans={"night": Plan(targets={"site": 1}, policy=own_policy)},
        retaliations={
            "own": Retaliation(rule=Rule("any_of", Rule(own_policy), "never"), plan="night")
        },
    )
    war = dataclasses.replace(
        war,
        sides={"UA": war.sides["UA"], "RU": ru},
        places={"source": ["north"]},
        calendar=(Surprise(at=war.start),),
        sources={"sides.RU.weapons.misile.stock": "F1", "calendar": "F2"},
    )
    with pytest.raises(ScenarioError) as caught:
        write_scenario(war)
    nothing = "a source must be that of a value or a table, but there is none"
    function = f"a file can hold no function, but got {own_policy!r}"
    assert [(p.place, p.message) for p in caught.value.problems] == [
        ("sides.RU.plans.night.policy", function),
        ("sides.RU.retaliations.own.rule.of[0]", function),
        ("calendar[0]", f"a file can hold no entry of one's own, but got {war.calendar[0]!r}"),
        ("places.source", "in a file `source` says where numbers come from, and is no name,"),
        ("sides.RU.weapons.misile.stock", nothing),
        ("calendar", nothing),
    ]


def test_functions_without_a_name_are_refused_by_a_file():
    policy, rule = lambda *_: (), lambda *_: ()
    war = read_scenario(WAR).replace(
        {"sides.RU.plans.night.policy": policy, "sides.RU.retaliations.habit.rule": Rule(rule)}
    )
    with pytest.raises(ScenarioError) as caught:
        write_scenario(war)
    assert [(p.place, p.message) for p in caught.value.problems] == [
        ("sides.RU.plans.night.policy", f"a file can hold no function, but got {policy!r}"),
        ("sides.RU.retaliations.habit.rule", f"a file can hold no function, but got {rule!r}"),
    ]


def test_a_place_is_called_anything():
    places = {"St. Petersburg [sic] = Leningrad": ("north",), "": ("south",)}
    war = dataclasses.replace(read_scenario(WAR), places=places)
    assert read_scenario(write_scenario(war)) == war


def test_saving_replaces_a_file_whole_or_not_at_all(tmp_path, monkeypatch):
    war = read_scenario(WAR, "border.toml")
    path = tmp_path / "größe.toml"
    save_scenario(war, path)
    assert load_scenario(path) == load_scenario(str(path)) == war
    with pytest.raises(ScenarioError):
        save_scenario(dataclasses.replace(war, sources={"nowhere": "F1"}), path)
    before = path.read_bytes()

    def full(self, content):
        pathlib.Path.touch(self)
        raise OSError("no space left")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        save_scenario(dataclasses.replace(war, title="another"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# Names and files.


def test_a_shipped_scenario_is_loaded_by_name(tmp_path, monkeypatch):
    (tmp_path / "border-war.toml").write_text(WAR, encoding="utf-8")
    (tmp_path / "SOURCES.md").touch()
    monkeypatch.setattr(scenario_file, "_SHIPPED", tmp_path)
    assert scenario_names() == ("border-war",)
    assert load_scenario("border-war") == read_scenario(WAR, "border-war.toml")
    with pytest.raises(ScenarioError) as caught:
        load_scenario("borderwar")
    assert str(caught.value) == (
        "unknown scenario 'borderwar': did you mean 'border-war'? Known: border-war"
    )


UNREADABLE = {
    "no TOML": (
        b"start = 2023-12-01\nend =\n",
        "must be TOML: invalid value, but got 'end =' at line 2, column 6",
    ),
    "a unit without quotes": (
        b"a = 1\nrange_km = 5 km\n",
        "must be TOML: expected newline or end of document after a statement, "
        "but got 'range_km = 5 km' at line 2, column 14",
    ),
    "a text that never ends": (
        b'title = "war',
        "must be TOML: unterminated string, but got 'title = \"war' at the end of the document",
    ),
    "a category twice in a line": (
        b"kill_prob = { drone = 1, drone = 1 }",
        "must be TOML: duplicate inline table key 'drone', "
        "but got 'kill_prob = { drone = 1, drone = 1 }' at line 1, column 35",
    ),
    "two layers of one name": (
        b"[sides.UA.layers.long_range]\n[sides.UA.layers.long_range]\n",
        "must be declared once, but line 2 declares it again at sides.UA.layers.long_range",
    ),
    "a table after its like in a line": (
        b"sides = { A = {} }\n[sides.A.layers.x]\n",
        "must be declared once, but line 2 declares it again at sides.A.layers.x",
    ),
    "a key twice": (
        b"[sides.UA] # the one\nalert_hours = 1\n\nalert_hours = 2\nx = 3\n",
        "must be given once, but line 4 gives it again at sides.UA.alert_hours",
    ),
    "a key twice at the end": (
        b"start = 2023-12-01\nstart = 2023-12-01",
        "must be given once, but line 2 gives it again at start",
    ),
    "a value as a table": (
        b"start = 2023-12-01\n[start.x]\n",
        "must be given once, but line 2 gives it again at start.x",
    ),
    "a number without end": (
        b"a = " + b"1" * 5000,
        "must be TOML: exceeds the limit (4300 digits) for integer string conversion: value has "
        "5000 digits; use sys.set_int_max_str_digits() to increase the limit",
    ),
    "no UTF-8": (
        "a = 1\ntitle = 'Größe'".encode("latin-1"),
        "the text must be UTF-8, but got the byte 0xf6 at line 2",
    ),
    "UTF-16": (
        WAR.encode("utf-16-le")[:1] + b"\xff",
        "the text must be UTF-8, but got the byte 0xff at line 1",
    ),
    "binary": (b"\x00", "must be TOML: invalid statement, but got '\\x00' at line 1, column 1"),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_is_one_error_with_its_name(tmp_path, content, message):
    path = tmp_path / "winter.toml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value) == f"{message} ({path})"


def test_a_file_that_is_not_there_is_one_error_with_its_name(tmp_path):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "winter.toml")
    assert str(caught.value) == f"there is no such file ({tmp_path / 'winter.toml'})"
    with pytest.raises(ScenarioError, match="no such file"):
        load_scenario("winter-of-nowhere.toml")
    with pytest.raises(ScenarioError, match="the file cannot be read: "):
        load_scenario(tmp_path)


def test_a_file_from_another_system_is_read(tmp_path):
    path = tmp_path / "border.toml"
    path.write_bytes(b"\xef\xbb\xbf" + WAR.replace("\n", "\r\n").encode())
    assert load_scenario(path) == read_scenario(WAR, "border.toml")


def test_an_empty_file_lacks_what_must_be_given():
    assert problems("") == [
        (key, "must be given, but is missing") for key in ("sides", "start", "end")
    ]


# What may be wrong in a file.

LAYER = "sides.UA.layers.long_range"
VOW = "sides.RU.retaliations.vow.rule"
WRONG = {
    "misspelt key": (
        [("channels = 4", "chanels = 4")],
        [(f"{LAYER}.chanels", "unknown key 'chanels': did you mean 'channels'? ")],
    ),
    "misspelt key at the top": (
        [("figures", "figurs")],
        [("figurs", f"unknown key 'figurs': did you mean 'figures'? {keys(Scenario)}")],
    ),
    "sources have no table of their own": (
        [('figures = ["F1", "F2"]', 'sources = { start = "F1" }')],
        [("sources", f"unknown key 'sources': did you mean 'source'? {keys(Scenario)}")],
    ),
    "missing key": (
        [('category = "cruise", ', "")],
        [("sides.RU.weapons.missile.category", "must be given, but is missing")],
    ),
    "unit in a text": (
        [("depth_km = 5.5", 'depth_km = "5 km"')],
        [
            (
                "sides.UA.regions.south.depth_km",
                "must be a number of kilometres, but got '5 km'",
            )
        ],
    ),
    "part of a channel": (
        [("channels = 4", "channels = 4.5")],
        [(f"{LAYER}.channels", "must be a whole number, but got 4.5")],
    ),
    "probability above 1": (
        [("drone = 1 }", "drone = 1.2 }")],
        [(f"{LAYER}.kill_prob.drone", "`0 <= kill_prob <= 1` must hold, but got 1.2")],
    ),
    "probability with a source below 0": (
        [("value = 0.8", "value = -0.8")],
        [(f"{LAYER}.kill_prob.cruise", "`0 <= kill_prob <= 1` must hold, but got -0.8")],
    ),
    "negative stock": (
        [("stock = 40", "stock = -40")],
        [("sides.RU.weapons.missile.stock", "`stock >= 0` must hold, but got -40")],
    ),
    "unknown category": (
        [("cruise = {", "cruse = {")],
        [
            (
                f"{LAYER}.kill_prob.cruse",
                f"unknown key 'cruse': did you mean 'cruise'? {listed(CATEGORIES)}",
            )
        ],
    ),
    "table for a number": (
        [("channels = 4", "channels = { north = 4 }")],
        [(f"{LAYER}.channels", "must be one value, with or without a source, but got a table")],
    ),
    "table in a value": (
        [("value = 0.8", "value = { low = 0.8 }")],
        [
            (
                f"{LAYER}.kill_prob.cruise",
                "must be one value, with or without a source, but got a table",
            )
        ],
    ),
    "list for a number": (
        [("channels = 4", "channels = [4]")],
        [(f"{LAYER}.channels", "must be a number, but got [4]")],
    ),
    "number too large": (
        [("channels = 4", "channels = 9223372036854775808")],
        [(f"{LAYER}.channels", "must be below 2**53, but got a number of 64 bits")],
    ),
    "number for a table": (
        [("kill_prob = { drone = 0.4 }", "kill_prob = 0.4")],
        [("sides.UA.layers.short_range.kill_prob", "must be a table, but got 0.4")],
    ),
    "number for a part": (
        [("north = { depth_km = 100 }", "north = 100")],
        [("sides.UA.regions.north", "must be a table, but got 100")],
    ),
    "word for a list": (
        [('regions = ["north"]', 'regions = "north"')],
        [(f"{LAYER}.regions", "must be a list of names, but got 'north'")],
    ),
    "value misspelt": (
        [("{ value = 0.8", "{ valu = 0.8")],
        [
            (
                f"{LAYER}.kill_prob.cruise.valu",
                "unknown key 'valu': did you mean 'value'? Known: source, value,",
            )
        ],
    ),
    "value missing": (
        [("value = 0.8, ", "")],
        [(f"{LAYER}.kill_prob.cruise.value", "must be given, but is missing")],
    ),
    "source of a value that is no text": (
        [('"F22; assumption: half"', "22")],
        [(f"{LAYER}.kill_prob.cruise.source", "must be a text, but got 22")],
    ),
    "source of a table that is no text": (
        [('source = "assumption: quiet"', "source = 22")],
        [("sides.UA.source", "must be a text, but got 22")],
    ),
    "source for a name": (
        [("[sides.UA.layers.short_range]", "[sides.UA.layers.source]")],
        [("sides.UA.layers.source", "must be a text, but got {'kill_prob': {'drone': 0.4}}")],
    ),
    "name with a dot": (
        [("[sides.UA.layers.short_range]", '[sides.UA.layers."short.range"]')],
        [
            (
                "sides.UA.layers.short.range",
                "must be a name other than `source`, without `.[]=`, but got 'short.range'",
            )
        ],
    ),
    "date with an offset": (
        [("2023-12-31T06:30:00", "2023-12-31T06:30:00Z")],
        [
            (
                "end",
                "must be a local time without an offset, but got 2023-12-31T06:30:00+00:00",
            )
        ],
    ),
    "date in a text": (
        [("until = 2023-12-26", 'until = "Christmas"')],
        [("calendar[1].until", "must be a date, but got 'Christmas'")],
    ),
    "date outside the horizon": (
        [("at = 2023-12-05", "at = 2024-12-05")],
        [
            (
                "calendar[0].at",
                "`2023-12-01T00:00:00 <= at <= 2023-12-31T06:30:00` must hold, "
                "but got 2024-12-05T00:00:00",
            )
        ],
    ),
    "target out of reach": (
        [("range_km = inf", "range_km = 50")],
        [
            (
                "sides.RU.plans.night.targets.site",
                "target 'site' lies 100 km deep and cannot be reached: the plan's weapons fly "
                "50 km at most,",
            )
        ],
    ),
    "unknown region": (
        [('region = "north"', 'region = "nort"')],
        [
            (
                "sides.UA.targets.site.region",
                "unknown region 'nort': did you mean 'north'? Known: north, south,",
            )
        ],
    ),
    "unknown side in the calendar": (
        [('side = "RU"', 'side = "RUS"')],
        [("calendar[0].side", "unknown side 'RUS': did you mean 'RU'? Known: RU, UA,")],
    ),
    "unknown kind of entry": (
        [('kind = "truce"', 'kind = "truc"')],
        [
            (
                "calendar[1].kind",
                f"unknown kind of entry 'truc': did you mean 'truce'? {listed(CALENDAR)}",
            )
        ],
    ),
    "no kind of entry": (
        [('kind = "truce"\n', "")],
        [("calendar[1].kind", f"unknown kind of entry '': {listed(CALENDAR)}")],
    ),
    "kind of entry that is no word": (
        [('kind = "truce"', 'kind = ["truce"]')],
        [
            (
                "calendar[1].kind",
                f"unknown kind of entry ['truce']: did you mean 'truce'? {listed(CALENDAR)}",
            )
        ],
    ),
    "unknown rule": (
        [('"tit_for_tat"', '"tit_for_ta"')],
        [
            (
                "sides.RU.retaliations.habit.rule",
                f"unknown rule 'tit_for_ta': did you mean 'tit_for_tat'? {listed(RULES)}",
            )
        ],
    ),
    "unknown rule in a table": (
        [('name = "proportional"', 'name = "proportonal"')],
        [
            (
                f"{VOW}.of[0].name",
                f"unknown rule 'proportonal': did you mean 'proportional'? {listed(RULES)}",
            )
        ],
    ),
    "rule without a name": (
        [('name = "proportional", ', "")],
        [(f"{VOW}.of[0].name", f"unknown rule '': {listed(RULES)}")],
    ),
    "no rule": (
        [('"tit_for_tat"', "1.5")],
        [
            (
                "sides.RU.retaliations.habit.rule",
                "must be a rule's name or a table with it, but got 1.5",
            )
        ],
    ),
    "parameters misspelt in a rule and in one it holds": (
        [("cap = 50", "cp = 50"), ("gain =", "gian =")],
        [
            (
                f"{VOW}.of[0].gian",
                "unknown key 'gian': did you mean 'gain'? "
                "Known: cap, gain, measure, name, of, source,",
            ),
            (f"{VOW}.cp", "unknown key 'cp': did you mean 'cap'? Known: cap, name, of, source,"),
        ],
    ),
    "parameter that means something to Python": (
        [("cap = 50", "rule = 50")],
        [(f"{VOW}.rule", "unknown key 'rule': Known: cap, name, of, source,")],
    ),
    "parameters wrong in a rule and in one it holds": (
        [("cap = 50", "cap = -50"), ("gain = 1.2", 'gain = "1.2"')],
        [
            (f"{VOW}.of[0].gain", "must be a number, but got '1.2'"),
            (f"{VOW}.cap", "`cap >= 0` must hold, but got -50"),
        ],
    ),
    "parameter that is a table": (
        [("cap = 50", "cap = { most = 50 }")],
        [(f"{VOW}.cap", "must be one value, with or without a source, but got a table")],
    ),
    "rules that are no list": (
        [('of = [{ name = "proportional", gain = 1.2 }]', 'of = "never"')],
        [(f"{VOW}.of", "must be a list of rules, but got 'never'")],
    ),
    "too many rules": (
        [("of = [", 'of = ["never", ')],
        [(f"{VOW}.of", "'capped' holds 1 rules, but got 2")],
    ),
    "places that are no list": (
        [('figures = ["F1", "F2"]', 'places = { Kyiv = "north" }')],
        [("places.Kyiv", "must be a list of names, but got 'north'")],
    ),
    "places in no region": (
        [('figures = ["F1", "F2"]', 'places = { Kyiv = ["nort"] }')],
        [("places.Kyiv", "unknown region 'nort': did you mean 'north'? Known: north, south,")],
    ),
}


@pytest.mark.parametrize(("swaps", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_once_with_its_path(swaps, expected):
    found = problems(changed(*swaps))
    assert [place for place, _ in found] == [place for place, _ in expected]
    for (_, message), (_, start) in zip(found, expected, strict=True):
        assert message == start or (start.endswith(" ") and message.startswith(start))


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        ("calendar = 5", ("calendar", "must be a list of tables, but got 5")),
        ("calendar = ['truce']", ("calendar[0]", "must be a table, but got 'truce'")),
    ],
)
def test_a_calendar_is_a_list_of_tables(calendar, expected):
    assert problems(calendar + "\n" + WAR.partition("[[calendar]]")[0]) == [expected]


def test_everything_wrong_is_said_at_once():
    text = changed(
        ("channels = 4", "chanels = 4"),
        ("depth_km = 5.5", 'depth_km = "5 km"'),
        ('category = "cruise", ', ""),
        ("stock = 40", "stock = 4.5"),
        ("gain = 1.2", "gain = -1"),
        ("size = 10.5", "size = -1"),
        ("until = 2023-12-26", "until = 2022-12-26"),
        ('side = "RU"\n', ""),
        ("weapons = { missile = {", "weapons = { missile = { vlue = 1, "),
        ("start = 2023-12-01", "start = 5"),
    )
    found = dict(problems(text))
    assert set(found) == {
        f"{LAYER}.chanels",
        "sides.UA.regions.south.depth_km",
        "sides.RU.weapons.missile.category",
        "sides.RU.weapons.missile.stock",
        "sides.RU.retaliations.vow.rule.of[0].gain",
        "sides.RU.plans.night.size",
        "calendar[0].weapons.missile.vlue",
        "calendar[0].side",
        "calendar[1].until",
        "start",
    }
    with pytest.raises(ScenarioError, match=r"^10 problems:\n  - ") as caught:
        read_scenario(text, "winter.toml")
    assert str(caught.value).count("(winter.toml)") == 10


def test_a_broken_part_is_no_further_error_where_it_is_named():
    """The site houses the broken layer, lies in a broken region, and is the plan's target."""
    text = changed(
        ("channels = 4", "channels = -4"),
        ("north = { depth_km = 100 }", "north = { depth = 100 }"),
        ("stock = 40", "stok = 40"),
        ('side = "RU"', 'side = "UA"'),
    )
    assert [place for place, _ in problems(text)] == [
        "sides.UA.regions.north.depth",
        f"{LAYER}.channels",
        "sides.RU.weapons.missile.stok",
    ]


def test_a_group_under_a_misspelt_key_is_one_error():
    text = changed(("[sides.RU.weapons]", "[sides.RU.wepons]"))
    assert [place for place, _ in problems(text)] == ["sides.RU.wepons"]


junk = st.recursive(
    st.none().map(lambda _: "")
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.dates()
    | st.datetimes()
    | st.times(),
    lambda held: (
        st.lists(held, max_size=2)
        | st.dictionaries(
            st.sampled_from(("value", "source", "name", "of", "kind")), held, max_size=3
        )
    ),
    max_leaves=3,
)


@given(scenarios(), st.data())
def test_whatever_a_file_holds_only_one_kind_of_error_comes_of_it(scenario, data):
    """Put junk somewhere into a good file: it is read, or refused with a path to the junk."""
    import tomlkit

    tables = tomllib.loads(write_scenario(scenario))
    node, path = tables, ""
    while isinstance(node, (dict, list)) and node:
        key = data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        path = f"{path}[{key}]" if isinstance(node, list) else f"{path}.{key}".lstrip(".")
        if not isinstance(node[key], (dict, list)) or not node[key] or data.draw(st.booleans()):
            node[key] = data.draw(junk)
            break
        node = node[key]
    try:
        again = read_scenario(tomlkit.dumps(tables))
    except ScenarioError as error:
        assert all(problem.message for problem in error.problems)
    else:
        assert read_scenario(write_scenario(again), again.name) == again


def test_the_strategies_draw_every_field():
    """A field that is new in the model must be drawn, or no property test ever sees it."""
    text = pathlib.Path(strategies.__file__).read_text(encoding="utf-8")
    parts = [Scenario, *(scenario_file._class(k) for k in vars(scenario_file.parts))]
    for cls in {cls for cls in parts if cls and cls is not Rule and cls is not Entry}:
        if cls.__module__ == Scenario.__module__:
            for name in schema(cls).keys() - {"sources"}:
                assert f"{name}=" in text or f'"{name}"' in text, (cls.__name__, name)
