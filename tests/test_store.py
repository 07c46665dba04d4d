"""Rows on the disk: whatever happens to a file, what was written whole is found again."""

import json
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import escalate as esc
from escalate.store import RECORD, Store, open_store, read_record

ABOUT = {"format": 1, "scenario": "a = 1\nb = 2\n", "replications": 3, "design": {"rows": [[1]]}}
POINTS = [["point", "channels"], [0, 1]]


def batch(number):
    return pa.record_batch(
        {"point": pa.array([number] * 3), "killed": pa.array([0.5, None, number])}
    )


def found(store):
    return [one.to_pydict() for one in store.batches()]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Give the bytes of a file of four batches."""
    store = open_store(tmp_path_factory.mktemp("whole") / "store", ABOUT, POINTS)
    for number in range(4):
        store.append(batch(number))
    store.close()
    return (store.folder / "rows-000000.arrows").read_bytes()


def test_what_was_appended_is_found_by_each_writer(tmp_path):
    one = open_store(tmp_path / "store", ABOUT, POINTS)
    two = open_store(tmp_path / "store", ABOUT, POINTS)
    for store, number in ((one, 0), (two, 1), (one, 2)):
        store.append(batch(number))
    assert [rows["point"][0] for rows in found(one)] == [0, 2, 1]  # while both still write
    one.close(), two.close()
    three = open_store(tmp_path / "store", ABOUT, POINTS)
    three.append(batch(3))
    three.close()
    assert found(three) == [batch(n).to_pydict() for n in (0, 2, 1, 3)]
    assert len(list(one.folder.glob("rows-*.arrows"))) == 3


def test_other_programs_read_it(tmp_path):
    store = open_store(tmp_path / "store", ABOUT, POINTS)
    store.append(batch(7))
    store.close()
    with pa.OSFile(str(store.folder / "rows-000000.arrows")) as file:
        assert pa.ipc.open_stream(file).read_all()["point"].to_pylist() == [7, 7, 7]
    assert (store.folder / "points.csv").read_text() == "point,channels\n0,1\n"
    assert json.loads((store.folder / RECORD).read_text()) == ABOUT


@settings(max_examples=200)
@given(data=st.data())
def test_a_torn_or_spoilt_file_gives_what_comes_before(written, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("torn")
    length = data.draw(st.integers(0, len(written)), label="length")
    torn = bytearray(written[:length])
    if length and data.draw(st.booleans(), label="spoilt"):
        at = data.draw(st.integers(0, length - 1), label="at")
        torn[at] ^= data.draw(st.integers(1, 255), label="flip")
    (folder / "rows-000000.arrows").write_bytes(torn)
    rows = found(Store(folder, ABOUT))
    assert rows == [batch(n).to_pydict() for n in range(4)][: len(rows)]


def test_only_the_end_is_lost(written, tmp_path):
    sizes = []
    for length in range(0, len(written), 8):
        (tmp_path / "rows-000000.arrows").write_bytes(written[:length])
        sizes.append(len(found(Store(tmp_path, ABOUT))))
    assert sizes == sorted(sizes) and set(sizes) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("there", ["file", "folder"])
def test_what_it_did_not_make_is_left_alone(tmp_path, there):
    place = tmp_path / "store"
    if there == "folder":
        place.mkdir()
        (place / "thesis.tex").write_text("mine")
    else:
        place.write_text("mine")
    with pytest.raises(esc.EscalateError, match="there is something else, which is kept, at"):
        open_store(place, ABOUT, POINTS)
    assert (place / "thesis.tex" if there == "folder" else place).read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"replications": 4}, "replications was 3 and is 4 now"),
        ({"scenario": "a = 1\nb = 3\n"}, "scenario: -b = 2 +b = 3"),
        ({"design": {"rows": [[2]]}}, "design.rows[0][0] was 1 and is 2 now"),
        ({"design": {"rows": [[1], [2]]}}, "design.rows has 1 entries then and 2 now"),
        ({"outcomes": {"b": 1, "a": 1}}, "outcomes was 'nothing' and is"),
        ({"versions": {"numba": "9"}}, "versions was 'nothing' and is {'numba': '9'} now"),
    ],
)
def test_another_sweep_is_refused_with_the_difference(tmp_path, change, message):
    open_store(tmp_path / "store", ABOUT, POINTS)
    before = (tmp_path / "store" / RECORD).read_bytes()
    with pytest.raises(esc.EscalateError, match=re.escape(message)):
        open_store(tmp_path / "store", {**ABOUT, **change}, POINTS)
    assert (tmp_path / "store" / RECORD).read_bytes() == before


def test_a_beginning_that_was_interrupted_is_no_obstacle(tmp_path):
    place = tmp_path / "store"
    place.mkdir()
    (place / f".new-1-{RECORD}").write_text('{"format"')
    open_store(place, ABOUT, POINTS)
    assert read_record(place) == ABOUT
    (place / "points.csv").unlink()  # as if stopped before it was there
    open_store(place, ABOUT, POINTS)
    assert (place / "points.csv").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', "\ud800"])
def test_a_record_that_cannot_be_read(tmp_path, text):
    (tmp_path / RECORD).write_text(text, errors="surrogatepass")
    with pytest.raises(esc.EscalateError, match="is no store of a sweep, or a damaged one"):
        read_record(tmp_path)
