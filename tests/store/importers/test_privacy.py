"""Who bought stays behind: pseudonyms under a salt, nothing personal in any byte written."""

import json
import os
import stat

import pytest

from ecomlab.store.importers import ImportProblem, read_salt
from ecomlab.store.importers.privacy import make_pseudonyms, make_salt, write_salt

CANARIES = ["Zanzibar Quokka", "quokka@example.org", "+49 151 555 0199", "7 Quokka Lane"]
MAPPING = """[store]
currency = "EUR"
time_zone = "UTC"
[columns]
order_id = "order"
ordered_at = "at"
sku = "sku"
price = "price"
customer_id = "mail"
[privacy]
drop = ["name", "phone", "street"]
[tables.sessions]
files = "web*"
columns = { session_id = "id", date = "day", visitor_id = "mail" }
"""


def export(canaries):
    name, mail, phone, street = canaries
    personal = f'{mail},{name},{phone},"{street}"'
    rows = [f"1,2024-05-01,a,1.00,{personal}", f"2,someday,a,1.00,{personal}",
            f"3,2024-05-01,,x,{personal}", f"4,2024-05-01,a,-1.00,{personal}",
            f"5,2024-05-01,a,1.00,{personal},{personal}", f"{personal}"]  # fmt: skip
    return "order,at,sku,price,mail,name,phone,street\n" + "\n".join(rows) + "\n"


@pytest.fixture
def imported(bring_in):
    web = f"id,day,mail\n1,2024-05-01,{CANARIES[1]}\n"
    return bring_in(export(CANARIES), MAPPING, salt="pepper", web__csv=web)


def test_no_personal_value_and_no_salt_is_in_any_byte_of_the_store(imported, tmp_path):
    store = imported.save(tmp_path / "out" / "store")
    assert imported.reconciliation.rows_rejected == 4
    written = [p.read_bytes() for p in (tmp_path / "out" / "store").iterdir()]
    tables = [store.table(name).to_csv().encode() for name in store.tables]
    shown = [imported.report().encode(), repr(imported).encode(), repr(store).encode()]
    for secret in [*CANARIES, "pepper"]:
        for data in [*written, *tables, *shown]:
            assert secret.encode() not in data
            assert secret.split()[-1].encode() not in data
    assert (tmp_path / "out" / "store.salt").read_text().strip() == "pepper"


def test_error_messages_show_no_cells(bring_in):
    text = export(CANARIES).replace("2024-05-01", "never")
    with pytest.raises(ImportProblem) as caught:
        bring_in(text, MAPPING)
    assert not any(secret in str(caught.value) for secret in CANARIES)


def test_one_person_is_one_pseudonym_in_all_tables(imported):
    ids = {
        *imported.store.table("orders")["customer_id"],
        *imported.store.table("customers")["customer_id"],
        *imported.store.table("returns")["customer_id"],
        *imported.store.table("sessions")["visitor_id"],
    }
    assert len(ids) == 1


def test_pseudonyms_are_stable_under_a_salt_and_unlinkable_under_another():
    people = [f"person{n}@example.org" for n in range(2_000)]
    one, again, other = (make_pseudonyms(salt) for salt in ("a", "a", "b"))
    assert [one(p) for p in people] == [again(p) for p in people]
    assert len({one(p) for p in people}) == len(people)
    assert not {one(p) for p in people} & {other(p) for p in people}


def test_a_fresh_salt_is_random_and_kept_for_its_owner_alone(tmp_path):
    assert make_salt() != make_salt()
    file = write_salt(tmp_path / "store", "abc")
    assert read_salt(tmp_path / "store") == "abc"
    assert read_salt(tmp_path / "other") is None
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_importing_again_with_another_salt_is_refused(bring_in, tmp_path):
    folder = tmp_path / "out"
    text = "order,at,sku,price,mail,name,phone,street\n1,2024-05-01,a,1.00,m,,,\n"
    bring_in(text, MAPPING, salt="one").save(folder)
    bring_in(text, MAPPING, salt="one").save(folder)
    with pytest.raises(ImportProblem, match="another salt"):
        bring_in(text, MAPPING, salt="two").save(folder)


def test_the_same_salt_gives_the_same_bytes(bring_in, tmp_path):
    for name in ("a", "b"):
        bring_in(export(CANARIES), MAPPING, salt="s").save(tmp_path / name)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert {"rejected.csv", "import_report.json", "import_report.txt"} <= set(files)
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    report = json.loads((tmp_path / "a" / "import_report.json").read_text(encoding="utf-8"))
    assert report["rows"]["read"] == report["rows"]["accepted"] + report["rows"]["rejected"]


def test_a_mapping_cannot_let_a_personal_column_through(bring_in):
    for role in ("product_name", "region"):
        broken = MAPPING.replace("[privacy]", f'{role} = "Name"\n[privacy]')
        with pytest.raises(ImportProblem, match=f"{role} uses a personal column"):
            bring_in(export(CANARIES), broken)
