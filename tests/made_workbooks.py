"""Workbooks and files of separated fields as teams have them, with what each row says and questions about cells."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class MadeFile:
    """A file.

    Attributes:
        name: of the file, with its ending.
        write: writes it to a path.
        rows: the place and the text of each row of its tables below the header, in reading order.
        questions: questions about a cell, with the place of its row.
    """

    name: str
    write: Callable[[Path], None]
    rows: Sequence[tuple[str, str]]
    questions: Sequence[tuple[str, str]]


def book(
    *sheets: tuple[str, Rows],
    merged: Sequence[str] = (),
    formats: dict[str, str] | None = None,
    change: Callable[[Any], None] | None = None,
) -> Callable[[Path], None]:
    """What writes a workbook. ``merged`` and ``formats`` are those of its first sheet."""

    def write(path: Path) -> None:
        import openpyxl

        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        for name, rows in sheets:
            sheet = workbook.create_sheet(name)
            for row in rows:
                sheet.append(list(row))
        for place, code in (formats or {}).items():
            workbook.worksheets[0][place].number_format = code
        for reference in merged:
            workbook.worksheets[0].merge_cells(reference)
        if change is not None:
            change(workbook)
        workbook.save(path)

    return write


def text_file(text: str, encoding: str) -> Callable[[Path], None]:
    """What writes a text."""

    def write(path: Path) -> None:
        path.write_bytes(text.encode(encoding))

    return write


def _hide(workbook: Any) -> None:
    sheet = workbook.worksheets[0]
    sheet.column_dimensions["C"].hidden = True
    sheet.row_dimensions[3].hidden = True
    workbook.create_sheet("旧价格").append(["型号", "价格"])
    workbook["旧价格"].sheet_state = "hidden"


_LONG = (
    "设备每次启动之前，操作人员应当检查冷却水的压力、液压油的温度和急停按钮的状态，三者都正常才可以通电；"
    "任何一项不正常，先通知值班的维修工程师，并在交接班记录上写明时间和现象。"
)

MADE_FILES = (
    MadeFile(
        "01销售汇总.xlsx",
        book(
            (
                "销售",
                [
                    ["2024年销售汇总"],
                    ["单位：万元"],
                    ["地区", "2024年收入", None, "2024年成本", None],
                    [None, "一季度", "二季度", "一季度", "二季度"],
                    ["华东", 1200.5, 1300, 800, 900],
                    ["华北", 700, 750.25, 400, 410],
                    ["西南", 320, 350, 200, 215],
                    ["注：西南含成都和重庆。"],
                ],
            ),
            merged=("A1:E1", "A3:A4", "B3:C3", "D3:E3"),
            formats={"B5": "#,##0.00"},
        ),
        [
            (
                "销售!A5:E5",
                "地区：华东；2024年收入 一季度（万元）：1,200.50；2024年收入 二季度（万元）：1300；"
                "2024年成本 一季度（万元）：800；2024年成本 二季度（万元）：900",
            ),
            (
                "销售!A6:E6",
                "地区：华北；2024年收入 一季度（万元）：700；2024年收入 二季度（万元）：750.25；"
                "2024年成本 一季度（万元）：400；2024年成本 二季度（万元）：410",
            ),
            (
                "销售!A7:E7",
                "地区：西南；2024年收入 一季度（万元）：320；2024年收入 二季度（万元）：350；"
                "2024年成本 一季度（万元）：200；2024年成本 二季度（万元）：215",
            ),
        ],
        [
            ("华北2024年二季度收入是多少？", "销售!A6:E6"),
            ("西南地区2024年一季度的成本是多少？", "销售!A7:E7"),
        ],
    ),
    MadeFile(
        "02门店.xlsx",
        book(
            (
                "门店 名单",
                [
                    ["城市", "门店", "店长", "面积（平方米）"],
                    ["上海", "徐汇店", "陈立", 320],
                    [None, "静安店", "周敏", 280],
                    ["杭州", "西湖店", "吴昊", 410],
                ],
            ),
            merged=("A2:A3",),
        ),
        [
            ("'门店 名单'!A2:D2", "城市：上海；门店：徐汇店；店长：陈立；面积（平方米）：320"),
            ("'门店 名单'!A3:D3", "城市：上海；门店：静安店；店长：周敏；面积（平方米）：280"),
            ("'门店 名单'!A4:D4", "城市：杭州；门店：西湖店；店长：吴昊；面积（平方米）：410"),
        ],
        [("静安店的店长是谁？", "'门店 名单'!A3:D3"), ("西湖店有多大面积？", "'门店 名单'!A4:D4")],
    ),
    MadeFile(
        "03两张表.xlsx",
        book(
            (
                "库存",
                [
                    ["一号仓库库存"],
                    ["物料", "数量"],
                    ["轴承", 120],
                    ["齿轮", 45],
                    [],
                    ["二号仓库库存"],
                    ["物料", "库位", "数量"],
                    ["电机", "B-07", 9],
                    ["传感器", "B-11", 64],
                ],
            ),
            merged=("A1:B1", "A6:C6"),
        ),
        [
            ("库存!A3:B3", "物料：轴承；数量：120"),
            ("库存!A4:B4", "物料：齿轮；数量：45"),
            ("库存!A8:C8", "物料：电机；库位：B-07；数量：9"),
            ("库存!A9:C9", "物料：传感器；库位：B-11；数量：64"),
        ],
        [("齿轮还有多少库存？", "库存!A4:B4"), ("传感器放在哪个库位？", "库存!A9:C9")],
    ),
    MadeFile(
        "04并排.xlsx",
        book(
            (
                "班次",
                [
                    ["早晚班安排"],
                    ["早班", "工位", None, "晚班", "工位"],
                    ["林雪", "焊接", None, "高峰", "喷漆"],
                    ["马超", "装配", None, "许晴", "质检"],
                ],
            ),
            merged=("A1:E1",),
        ),
        [
            ("班次!A3:B3", "早班：林雪；工位：焊接"),
            ("班次!A4:B4", "早班：马超；工位：装配"),
            ("班次!D3:E3", "晚班：高峰；工位：喷漆"),
            ("班次!D4:E4", "晚班：许晴；工位：质检"),
        ],
        [("晚班许晴在哪个工位？", "班次!D4:E4"), ("早班林雪在什么工位？", "班次!A3:B3")],
    ),
    MadeFile(
        "05隐藏.xlsx",
        book(
            (
                "价格",
                [
                    ["型号", "含税价", "底价", "保修"],
                    ["K200", 5200, 4100, "两年"],
                    ["K250", 6000, 5000, "两年"],
                    ["K300", 8800, 7000, "三年"],
                ],
            ),
            formats={"B2": '"¥"#,##0', "B4": '"¥"#,##0'},
            change=_hide,
        ),
        [
            ("价格!A2:D2", "型号：K200；含税价：¥5,200；保修：两年"),
            ("价格!A4:D4", "型号：K300；含税价：¥8,800；保修：三年"),
        ],
        [("K300保修几年？", "价格!A4:D4"), ("K200的含税价是多少？", "价格!A2:D2")],
    ),
    MadeFile(
        "06日期和比例.xlsx",
        book(
            (
                "项目",
                [
                    ["项目", "验收日期", "启动月份", "完成率", "是否延期"],
                    ["雨水管网", datetime.datetime(2024, 3, 5), datetime.datetime(2023, 1, 1), 0.873, False],
                    ["路灯改造", datetime.datetime(2024, 11, 20), datetime.datetime(2023, 9, 1), 0.5, True],
                ],
            ),
            formats={
                "B2": 'yyyy"年"m"月"d"日"',
                "B3": "yyyy-mm-dd",
                "C2": "yyyy-mm",
                "C3": 'yyyy"年"m"月"',
                "D2": "0.0%",
                "D3": "0%",
            },
        ),
        [
            (
                "项目!A2:E2",
                "项目：雨水管网；验收日期：2024年3月5日；启动月份：2023-01；完成率：87.3%；是否延期：FALSE",
            ),
            (
                "项目!A3:E3",
                "项目：路灯改造；验收日期：2024-11-20；启动月份：2023年9月；完成率：50%；是否延期：TRUE",
            ),
        ],
        [("雨水管网项目哪天验收？", "项目!A2:E2"), ("路灯改造的完成率是多少？", "项目!A3:E3")],
    ),
    MadeFile(
        "07客户.csv",
        text_file("客户,联系人,信用额度\n蓝海贸易,郑洁,50000\n远山物流,韩冰,80000\n", "gbk"),
        [
            ("A2:C2", "客户：蓝海贸易；联系人：郑洁；信用额度：50000"),
            ("A3:C3", "客户：远山物流；联系人：韩冰；信用额度：80000"),
        ],
        [("远山物流的联系人是谁？", "A3:C3"), ("蓝海贸易的信用额度是多少？", "A2:C2")],
    ),
    MadeFile(
        "08试剂.csv",
        text_file("试剂;浓度;存放温度\n盐酸;1,5 mol/L;室温\n酶液;0,2 mol/L;零下20度\n", "utf-8-sig"),
        [
            ("A2:C2", "试剂：盐酸；浓度：1,5 mol/L；存放温度：室温"),
            ("A3:C3", "试剂：酶液；浓度：0,2 mol/L；存放温度：零下20度"),
        ],
        [("酶液要在多少度存放？", "A3:C3"), ("盐酸的浓度是多少？", "A2:C2")],
    ),
    MadeFile(
        "09航班.tsv",
        text_file("航班\t起飞机场\t起飞时间\nMU5101\t虹桥\t08:00\nCA1832\t首都\t10:25\n", "utf-16"),
        [
            ("A2:C2", "航班：MU5101；起飞机场：虹桥；起飞时间：08:00"),
            ("A3:C3", "航班：CA1832；起飞机场：首都；起飞时间：10:25"),
        ],
        [("CA1832几点起飞？", "A3:C3"), ("MU5101从哪个机场起飞？", "A2:C2")],
    ),
    MadeFile(
        "10操作规程.xlsx",
        book(
            (
                "规程",
                [
                    ["序号", "环节", "要求"],
                    [1, "开机", _LONG],
                    [2, "停机", "先退刀，再断电。"],
                    [3, "清洁", "每班结束后清理铁屑，不得用压缩空气吹导轨。"],
                ],
            )
        ),
        [
            ("规程!A2:C2", f"序号：1；环节：开机；要求：{_LONG}"),
            ("规程!A3:C3", "序号：2；环节：停机；要求：先退刀，再断电。"),
            ("规程!A4:C4", "序号：3；环节：清洁；要求：每班结束后清理铁屑，不得用压缩空气吹导轨。"),
        ],
        [("清洁时能不能用压缩空气吹导轨？", "规程!A4:C4"), ("启动设备之前要检查什么？", "规程!A2:C2")],
    ),
    MadeFile(
        "11利润表.xlsx",
        book(
            (
                "利润表",
                [
                    ["利润表"],
                    ["编制单位：青禾食品有限公司", None, "单位：元"],
                    ["项目", "本年金额", "上年金额"],
                    ["一、营业收入", 5600000, 4800000],
                    ["减：营业成本", 3900000, 3500000],
                    ["二、营业利润", 900000, -120000],
                ],
            ),
            merged=("A1:C1",),
            formats={"B4": "#,##0", "C6": "#,##0;(#,##0)"},
        ),
        [
            ("利润表!A4:C4", "项目：一、营业收入；本年金额（元）：5,600,000；上年金额（元）：4800000"),
            ("利润表!A5:C5", "项目：减：营业成本；本年金额（元）：3900000；上年金额（元）：3500000"),
            ("利润表!A6:C6", "项目：二、营业利润；本年金额（元）：900000；上年金额（元）：(120,000)"),
        ],
        [
            ("青禾食品上年的营业利润是多少？", "利润表!A6:C6"),
            ("青禾食品本年营业成本多少元？", "利润表!A5:C5"),
        ],
    ),
    MadeFile(
        "12预算.xlsx",
        book(
            (
                "预算",
                [
                    ["科目", "预算数", "执行数"],
                    ["一、人员经费"],
                    ["基本工资", 300, 290],
                    ["津贴补贴", 80, 85],
                    ["二、公用经费"],
                    ["差旅费", 40, 22],
                    ["培训费", 15, 15],
                ],
            ),
            merged=("A2:C2", "A5:C5"),
        ),
        [
            ("预算!A2:C2", "一、人员经费"),
            ("预算!A3:C3", "一、人员经费；科目：基本工资；预算数：300；执行数：290"),
            ("预算!A4:C4", "一、人员经费；科目：津贴补贴；预算数：80；执行数：85"),
            ("预算!A5:C5", "二、公用经费"),
            ("预算!A6:C6", "二、公用经费；科目：差旅费；预算数：40；执行数：22"),
            ("预算!A7:C7", "二、公用经费；科目：培训费；预算数：15；执行数：15"),
        ],
        [("公用经费里差旅费执行数是多少？", "预算!A6:C6"), ("津贴补贴的预算数是多少？", "预算!A4:C4")],
    ),
    MadeFile(
        "13分组.xlsx",
        book(
            (
                "课程",
                [
                    ["学院", "课程", "学分"],
                    ["数学院", "拓扑学", 3],
                    [None, "数论", 2],
                    ["物理院", "光学", 4],
                    [None, "热学", 3],
                ],
            )
        ),
        [
            ("课程!A2:C2", "学院：数学院；课程：拓扑学；学分：3"),
            ("课程!A3:C3", "学院：数学院；课程：数论；学分：2"),
            ("课程!A4:C4", "学院：物理院；课程：光学；学分：4"),
            ("课程!A5:C5", "学院：物理院；课程：热学；学分：3"),
        ],
        [("数论有几个学分？", "课程!A3:C3"), ("热学是哪个学院的课程？", "课程!A5:C5")],
    ),
    MadeFile(
        "14空行.xlsx",
        book(
            (
                "电费",
                [
                    ["月份", "用电量（度）", "电费（元）"],
                    ["1月", 5100, 3800],
                    ["2月", 4700, 3500],
                    [],
                    ["7月", 9200, 7100],
                    ["8月", 9800, 7600],
                ],
            )
        ),
        [
            ("电费!A2:C2", "月份：1月；用电量（度）：5100；电费（元）：3800"),
            ("电费!A3:C3", "月份：2月；用电量（度）：4700；电费（元）：3500"),
            ("电费!A5:C5", "月份：7月；用电量（度）：9200；电费（元）：7100"),
            ("电费!A6:C6", "月份：8月；用电量（度）：9800；电费（元）：7600"),
        ],
        [("8月的电费是多少元？", "电费!A6:C6"), ("2月用了多少度电？", "电费!A3:C3")],
    ),
    MadeFile(
        "15公司信息.xlsx",
        book(
            (
                "信息",
                [
                    ["公司名称", "澄湖新材料有限公司"],
                    ["法定代表人", "沈文"],
                    ["注册地址", "苏州市工业园区金鸡湖路8号"],
                    ["成立日期", datetime.datetime(2015, 6, 18)],
                ],
            ),
            formats={"B4": "yyyy-mm-dd"},
        ),
        [
            ("信息!A1:B1", "公司名称：澄湖新材料有限公司"),
            ("信息!A2:B2", "法定代表人：沈文"),
            ("信息!A3:B3", "注册地址：苏州市工业园区金鸡湖路8号"),
            ("信息!A4:B4", "成立日期：2015-06-18"),
        ],
        [("澄湖新材料的法定代表人是谁？", "信息!A2:B2"), ("注册地址在哪里？", "信息!A3:B3")],
    ),
    MadeFile(
        "16年份.xlsx",
        book(
            (
                "产量",
                [
                    ["产品", 2022, 2023, 2024],
                    ["水泥（万吨）", 81, 84, 79],
                    ["玻璃（万箱）", 36, 31, 33],
                ],
            )
        ),
        [
            ("产量!A2:D2", "产品：水泥（万吨）；2022: 81；2023: 84；2024: 79"),
            ("产量!A3:D3", "产品：玻璃（万箱）；2022: 36；2023: 31；2024: 33"),
        ],
        [("2023年玻璃产量是多少万箱？", "产量!A3:D3"), ("2024年水泥产量是多少？", "产量!A2:D2")],
    ),
    MadeFile(
        "17English.xlsx",
        book(
            (
                "Survey 2024",
                [
                    ["Buoy", "Depth (m)", "Salinity", "Last service"],
                    ["Heron-1", 12.5, 0.034, datetime.datetime(2024, 2, 9)],
                    ["Heron-2", 48, 0.0355, datetime.datetime(2024, 5, 30)],
                ],
            ),
            formats={"C2": "0.0%", "C3": "0.00%", "D2": "dd/mm/yyyy", "D3": "d-mmm-yy"},
        ),
        [
            (
                "'Survey 2024'!A2:D2",
                "Buoy: Heron-1; Depth (m): 12.5; Salinity: 3.4%; Last service: 2024-02-09",
            ),
            (
                "'Survey 2024'!A3:D3",
                "Buoy: Heron-2; Depth (m): 48; Salinity: 3.55%; Last service: 2024-05-30",
            ),
        ],
        [
            ("How deep is Heron-2?", "'Survey 2024'!A3:D3"),
            ("When was Heron-1 last serviced?", "'Survey 2024'!A2:D2"),
        ],
    ),
    MadeFile(
        "18多张工作表.xlsx",
        book(
            ("一月", [["油品", "销量"], ["92号汽油", 510], ["柴油", 220]]),
            ("二月", [["油品", "销量"], ["92号汽油", 470], ["柴油", 260]]),
        ),
        [
            ("一月!A2:B2", "油品：92号汽油；销量：510"),
            ("一月!A3:B3", "油品：柴油；销量：220"),
            ("二月!A2:B2", "油品：92号汽油；销量：470"),
            ("二月!A3:B3", "油品：柴油；销量：260"),
        ],
        [("二月柴油的销量是多少？", "二月!A3:B3"), ("一月92号汽油卖了多少？", "一月!A2:B2")],
    ),
    MadeFile(
        "19三层表头.xlsx",
        book(
            (
                "体检",
                [
                    ["班级", "男生", None, None, None, "女生", None],
                    [None, "身高", None, "视力", None, "身高", None],
                    [None, "平均", "最高", "左眼", "右眼", "平均", "最高"],
                    ["三班", 171, 186, 4.8, 4.9, 162, 173],
                    ["四班", 169, 181, 4.7, 4.6, 160, 175],
                ],
            ),
            merged=("A1:A3", "B1:E1", "F1:G1", "B2:C2", "D2:E2", "F2:G2"),
        ),
        [
            (
                "体检!A4:G4",
                "班级：三班；男生 身高 平均：171；男生 身高 最高：186；男生 视力 左眼：4.8；男生 视力 右眼：4.9；"
                "女生 身高 平均：162；女生 身高 最高：173",
            ),
            (
                "体检!A5:G5",
                "班级：四班；男生 身高 平均：169；男生 身高 最高：181；男生 视力 左眼：4.7；男生 视力 右眼：4.6；"
                "女生 身高 平均：160；女生 身高 最高：175",
            ),
        ],
        [("四班女生最高身高是多少？", "体检!A5:G5"), ("三班男生左眼视力平均是多少？", "体检!A4:G4")],
    ),
    MadeFile(
        "20错误值.xlsx",
        book(
            (
                "R1",
                [
                    ["考核指标", "目标", "实际", "差额"],
                    ["投诉率", 0.02, 0.013, "#REF!"],
                    ["准点率", 0.95, 0.968, "#DIV/0!"],
                ],
            ),
            formats={"B2": "0.0%", "C2": "0.0%", "B3": "0.0%", "C3": "0.0%"},
        ),
        [
            ("'R1'!A2:D2", "考核指标：投诉率；目标：2.0%；实际：1.3%；差额：#REF!"),
            ("'R1'!A3:D3", "考核指标：准点率；目标：95.0%；实际：96.8%；差额：#DIV/0!"),
        ],
        [("准点率实际达到多少？", "'R1'!A3:D3"), ("投诉率的目标是多少？", "'R1'!A2:D2")],
    ),
)
"""Names differ from file to file, so that a question is about one row of all."""


def _two_tables(workbook: Any) -> None:
    """A second table below the first one on the same sheet."""
    sheet = workbook.worksheets[0]
    for number, row in enumerate((["Office", "Rent"], ["Lisbon", 2100], ["Porto", 1650]), 12):
        for column, value in enumerate(row, 1):
            sheet.cell(number, column, value)


HELD_OUT_FILES = (
    MadeFile(
        "h1 fleet.xlsx",
        book(
            (
                "Fleet",
                [
                    ["Vehicle", "Plate", "Mileage (km)", "Next inspection"],
                    ["Delivery van", "KX-204", 84200, datetime.date(2026, 3, 12)],
                    ["Forklift", "FL-11", 5100, datetime.date(2026, 7, 1)],
                    ["Refrigerated truck", "RT-9", 131000, datetime.date(2026, 1, 20)],
                    ["Pool car", "PC-77", 22900, datetime.date(2026, 11, 5)],
                ],
            ),
        ),
        [],
        [
            ("What is the mileage of the refrigerated truck?", "Fleet!A4:D4"),
            ("When is the next inspection of the forklift?", "Fleet!A3:D3"),
            ("Which plate does the pool car have?", "Fleet!A5:D5"),
            ("How many kilometres has the delivery van driven?", "Fleet!A2:D2"),
        ],
    ),
    MadeFile(
        "h2 budget.xlsx",
        book(
            (
                "Budget 2025",
                [
                    ["Department budget 2025"],
                    ["in thousands of EUR"],
                    ["Department", "Plan", None, "Actual", None],
                    [None, "H1", "H2", "H1", "H2"],
                    ["Research", 410, 455, 398, 470],
                    ["Logistics", 230, 240, 251, 236],
                    ["Legal", 95, 90, 88, 93],
                ],
            ),
            merged=("A1:E1", "A3:A4", "B3:C3", "D3:E3"),
        ),
        [],
        [
            ("What did Logistics actually spend in H1?", "'Budget 2025'!A6:E6"),
            ("What was planned for Research in the second half?", "'Budget 2025'!A5:E5"),
            ("What was the actual figure of the Legal department in H2?", "'Budget 2025'!A7:E7"),
        ],
    ),
    MadeFile(
        "h3实验室.xlsx",
        book(
            (
                "设备台账",
                [
                    ["实验室设备台账"],
                    ["填报人：高远", None, None, "填报日期：2025-06-30"],
                    ["设备名称", "编号", "存放地点", "原值（元）"],
                    ["高速离心机", "SY-013", "B座302", 86000],
                    ["恒温培养箱", "SY-027", "B座305", 23500],
                    ["紫外分光光度计", "SY-031", "A座110", 47800],
                    ["超低温冰箱", "SY-044", "A座地下室", 68900],
                ],
            ),
            merged=("A1:D1",),
        ),
        [],
        [
            ("恒温培养箱放在哪里？", "设备台账!A5:D5"),
            ("超低温冰箱的原值是多少？", "设备台账!A7:D7"),
            ("紫外分光光度计的编号是什么？", "设备台账!A6:D6"),
            ("高速离心机存放在哪个房间？", "设备台账!A4:D4"),
        ],
    ),
    MadeFile(
        "h4人口.csv",
        text_file(
            "乡镇;户数;常住人口;耕地（亩）\n青石镇;4120;13860;21400\n柳河乡;2380;7910;15300\n松岭镇;3055;9470;8700\n",
            "gb18030",
        ),
        [],
        [
            ("柳河乡有多少户？", "A3:D3"),
            ("松岭镇的耕地有多少亩？", "A4:D4"),
            ("青石镇的常住人口是多少？", "A2:D2"),
        ],
    ),
    MadeFile(
        "h5并排.xlsx",
        book(
            (
                "库存",
                [
                    ["原料", "数量（吨）", None, "成品", "数量（箱）"],
                    ["面粉", 46, None, "苏打饼干", 1280],
                    ["白糖", 19, None, "蛋卷", 640],
                    ["棕榈油", 8.5, None, "威化", 905],
                ],
            ),
        ),
        [],
        [
            ("蛋卷的库存有多少箱？", "库存!D3:E3"),
            ("棕榈油还剩多少吨？", "库存!A4:B4"),
            ("威化有多少箱？", "库存!D4:E4"),
            ("面粉有多少吨？", "库存!A2:B2"),
        ],
    ),
    MadeFile(
        "h6 sites.xlsx",
        book(
            (
                "Sites",
                [
                    ["Branch", "Manager", "Staff"],
                    ["Ghent", "Els Vermeer", 34],
                    ["Namur", "Luc Dubois", 21],
                    ["Liège", "Anne Petit", 48],
                ],
            ),
            change=_two_tables,
        ),
        [],
        [
            ("Who manages the branch in Namur?", "Sites!A3:C3"),
            ("How much is the rent of the office in Porto?", "Sites!A14:B14"),
            ("How many staff are there in Liège?", "Sites!A4:C4"),
            ("What is the rent in Lisbon?", "Sites!A13:B13"),
        ],
    ),
    MadeFile(
        "h7排课.xlsx",
        book(
            (
                "排课",
                [
                    ["教室", "时间", "课程", "教师"],
                    ["东201", "周一上午", "有机化学", "苏明"],
                    [None, "周三下午", "分析化学", "袁丽"],
                    ["西105", "周二上午", "流体力学", "段宏"],
                    [None, "周四上午", "传热学", "邵芳"],
                ],
            ),
            merged=("A2:A3", "A4:A5"),
        ),
        [],
        [
            ("传热学在哪个教室上课？", "排课!A5:D5"),
            ("分析化学由谁讲授？", "排课!A3:D3"),
            ("流体力学什么时候上课？", "排课!A4:D4"),
        ],
    ),
    MadeFile(
        "h8费率.xlsx",
        book(
            (
                "费率",
                [
                    ["险种", "基准费率", "免赔额（元）"],
                    ["一、财产险"],
                    ["火灾险", 0.0012, 2000],
                    ["洪水险", 0.0035, 5000],
                    ["二、责任险"],
                    ["公众责任险", 0.0021, 1000],
                    ["雇主责任险", 0.0048, 500],
                ],
            ),
            merged=("A2:C2", "A5:C5"),
            formats={"B3": "0.00%", "B4": "0.00%", "B6": "0.00%", "B7": "0.00%"},
        ),
        [],
        [
            ("洪水险的基准费率是多少？", "费率!A4:C4"),
            ("雇主责任险的免赔额是多少？", "费率!A7:C7"),
            ("公众责任险的基准费率是多少？", "费率!A6:C6"),
            ("火灾险免赔多少元？", "费率!A3:C3"),
        ],
    ),
)
"""Written after the reader, with other words and shapes: a benchmark tells how often their rows are found. They have no
``rows``."""
