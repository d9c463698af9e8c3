"""The workbook, read back with another library and compared cell by cell with the statement."""

import datetime
import decimal
import random
import sys
import time

import documents
import statements

openpyxl = documents.import_openpyxl()
Decimal = decimal.Decimal

LINE_COLUMNS = {1: "usage_month", 3: "sku", 5: "contract", 6: "price_book", 7: "quantity", 8: "unit_price", 9: "net",
                10: "tax_rate", 11: "tax", 12: "gross", 13: "eligible_quantity", 14: "eligible_amount"}
WHOLE = ["quantity", "net", "tax", "gross", "eligible_quantity", "eligible_amount"]
TEXTS = {"usage_month", "sku", "contract", "price_book"}


def workbook(bytes_):
    import io
    return openpyxl.load_workbook(io.BytesIO(bytes_))


def assert_figure(cell, expected, digits_max=15):
    """A number that is the expected decimal at 15 significant digits, or text of more digits."""
    if expected is None or expected == "阶梯 tiers":
        assert cell.value == expected, (cell.coordinate, cell.value, expected)
        return
    expected = Decimal(expected)
    if len(expected.normalize().as_tuple().digits) > digits_max:
        assert cell.value == str(expected), (cell.coordinate, cell.value)
    else:
        assert cell.data_type == "n", (cell.coordinate, cell.value)
        assert Decimal(f"{cell.value:.15g}") == expected, (cell.coordinate, cell.value, expected)


def assert_text(cell, expected):
    assert (cell.value or "") == (expected or ""), (cell.coordinate, cell.value, expected)
    assert cell.data_type == "s" or not expected, cell.coordinate


def check_lines(sheet, statement):
    lines = statement["lines"]
    for row, line in enumerate(lines, 2):
        cells = [cell for cell in sheet[row]]
        assert_figure(cells[0], str(row - 1))
        for column, member in LINE_COLUMNS.items():
            expected = "阶梯 tiers" if member == "unit_price" and line[member] is None else line[member]
            (assert_text if member in TEXTS else assert_figure)(cells[column], expected)
        for member, before, after in zip(WHOLE, cells[16:22], cells[22:28]):
            assert_figure(before, line["before"][member] if line["adjustment"] else None)
            assert_figure(after, line["after"][member] if line["adjustment"] else None)
        for reason in line["ineligible"]:
            assert reason["quantity"] in cells[15].value
        for column in (9, 11, 12, 14):
            assert cells[column].number_format == "#,##0.00"
    total = sheet[len(lines) + 2]
    for column, member in ((9, "net"), (11, "tax"), (12, "gross"), (14, "eligible")):
        assert_figure(total[column], statement["totals"][member])


def check_projects(sheet, statement):
    row = 2
    for number, line in enumerate(statement["lines"], 1):
        for project in line["projects"]:
            cells = sheet[row]
            assert_figure(cells[0], str(number))
            for column, value in ((1, line["usage_month"]), (2, line["sku"]), (3, line["contract"]),
                                  (4, line["price_book"]), (5, project["project"])):
                assert_text(cells[column], value)
            assert_figure(cells[6], project["quantity"])
            assert_figure(cells[7], project["net"])
            row += 1
    assert sheet.max_row == row - 1


def check_daily(sheet, statement):
    for row, usage in enumerate(statement["daily"], 2):
        day, sku, _, project, quantity = sheet[row][:5]
        assert day.value == datetime.datetime.fromisoformat(usage["day"]), day.value
        assert_text(sku, usage["sku"])
        assert_text(project, usage["project"])
        assert_figure(quantity, usage["quantity"])
    assert sheet.max_row == len(statement["daily"]) + 1


def check_front(sheet, statement):
    labels = {row[0].value: row[1] for row in sheet.iter_rows() if row[0].value}
    for label, value in (("对账单号 Statement", statement["statement"]), ("账期 Period", "2026-03"),
                         ("企业 Firm", statement["firm"]["name"]), ("大写 In words", statement["payable_in_words"]),
                         ("政策 Policy", statement["policy"]), ("银行账号 Account", "3100 0000 0000 0000 001"),
                         ("账簿根 Journal root", statement["journal"]["root"])):
        assert_text(labels[label], value)
    # Codes of digits alone are text: a number would lose their last digits.
    assert labels["统一社会信用代码 USCC"].value == statement["firm"]["uscc"]
    assert labels["统一社会信用代码 USCC"].data_type == "s"
    refund = statement["totals"]["payable"].startswith("-")
    for label, member in (("不含税金额 Net", "net"), ("税额 Tax", "tax"), ("价税合计 Gross", "gross"),
                          ("可补贴金额 Eligible", "eligible"), ("补贴测算 Subsidy", "subsidy"),
                          ("应退 Refund" if refund else "应付 Payable", "payable")):
        assert_figure(labels[label], statement["totals"][member])
        assert labels[label].number_format == "#,##0.00"
    year = next(row for row in sheet.iter_rows() if row[0].value == "2026")
    members = ["eligible_to_date", "target", "granted_before", "this_statement", "cap", "other_centres", "remaining"]
    for cell, member in zip(year[1:], members):
        assert_figure(cell, statement["subsidy"][0][member])
    draft = any("草稿" in str(row[0].value) for row in sheet.iter_rows())
    assert draft == (statement["state"] == "open")
    assert ("付款期限 Due" in labels) == (statement["state"] == "closed")


def every_cell_is_the_statements():
    for name, make in statements.ALL.items():
        statement = make()
        book = workbook(documents.render("xlsx", statement))
        assert book.sheetnames == ["对账单 Statement", "明细 Lines", "每日用量 Daily usage", "项目 Projects"]
        check_front(book.worksheets[0], statement)
        check_lines(book.worksheets[1], statement)
        check_daily(book.worksheets[2], statement)
        check_projects(book.worksheets[3], statement)
        for sheet in book.worksheets[1:]:
            assert sheet.freeze_panes == "A2" and sheet.print_title_rows in ("1:1", "$1:$1"), sheet.print_title_rows
        for sheet in book.worksheets:
            assert sheet.page_setup.paperSize == 9 and sheet.page_setup.fitToHeight == 0, name
            assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def amounts_read_back_to_the_fen():
    """Random amounts up to 1e15 fen of either sign, and the ends; beyond, text that loses no digit."""
    seed = int(time.time())
    print("seed", seed)
    dice = random.Random(seed)
    amounts = [0, 1, -1, 99, 10**15, -10**15, 10**15 - 1, 2**53 // 10, 999_999_999_999_999]
    amounts += [dice.randint(-10**digits, 10**digits) for digits in range(1, 16) for _ in range(100)]
    beyond = [10**15 + 1, 2**53 + 1, 12_345_678_901_234_567_89]
    statement = statements.one_line()
    statement["lines"] = []
    for amount in amounts + beyond:
        line = statements.line("gpu.a800", 1, 1)
        line["net"] = statements.fen(amount)
        statement["lines"].append(line)
    sheet = workbook(documents.render("xlsx", statement)).worksheets[1]
    for row, amount in enumerate(amounts, 2):
        value = sheet[row][9].value
        assert sheet[row][9].data_type == "n" and round(value * 100) == amount, (value, amount)
        assert value == float(Decimal(amount) / 100) or abs(Decimal(repr(value)) - Decimal(amount) / 100) < Decimal("0.001")
    for row, amount in enumerate(beyond, len(amounts) + 2):
        assert sheet[row][9].value == statements.fen(amount), sheet[row][9].value


every_cell_is_the_statements()
amounts_read_back_to_the_fen()
print("ok")
sys.exit(0)
