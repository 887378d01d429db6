/** The measures and the outcomes of cases in plain words; docs/evaluation.md defines them. */
const stages = (/** @type {(k: number) => string} */ hit, /** @type {(k: number) => string} */ page, /** @type {(k: number) => string} */ within) =>
  Object.fromEntries([
    ...[1, 3, 5, 10].map((k) => [`hit@${k}`, hit(k)]),
    ...[1, 10].map((k) => [`page_hit@${k}`, page(k)]),
    ...[300, 600, 1200, 2400].map((k) => [`within_${k}`, within(k)]),
  ]);

/** @type {{ zh: Record<string, string>, en: Record<string, string> }} */
export const measures = {
  zh: {
    "mrr@10": "平均排名得分（MRR@10，满分 1）",
    "ndcg@10": "正确内容的排名质量（nDCG@10）",
    ...stages(
      (k) => (k === 1 ? "第一条就是正确内容" : `前 ${k} 条里有正确内容`),
      (k) => (k === 1 ? "第一条就在正确的页" : `前 ${k} 条里有正确的页`),
      (k) => `前 ${k} 个字里有答案`,
    ),
    exact_match: "回答与标准答案完全一致",
    f1: "回答与标准答案的重合程度（F1）",
    contains_answer: "回答包含标准答案",
    evidence_holds_answer: "引用的原文包含标准答案",
    citation_precision: "引用的出处是正确的",
    citation_recall: "正确的出处被引用到",
    refusal_accuracy: "该回答时回答，该拒答时拒答",
    chinese: "用中文回答",
    numbers_supported: "回答里的数字都有出处",
    interval: "95% 区间 {low}–{high}，{count} 题",
    count: "{count} 题",
  },
  en: {
    "mrr@10": "Average rank (MRR@10, 1 is best)",
    "ndcg@10": "Quality of the ranking (nDCG@10)",
    ...stages(
      (k) => (k === 1 ? "The first passage is right" : `One of the first ${k} passages is right`),
      (k) => (k === 1 ? "The first passage is on the right page" : `One of the first ${k} is on the right page`),
      (k) => `The answer is within the first ${k} characters`,
    ),
    exact_match: "The answer is a known answer",
    f1: "Overlap with a known answer (F1)",
    contains_answer: "The answer holds a known answer",
    evidence_holds_answer: "What is cited holds a known answer",
    citation_precision: "Citations are in the right place",
    citation_recall: "The right place is cited",
    refusal_accuracy: "Answered or refused, as it should be",
    chinese: "Answered in Chinese",
    numbers_supported: "All numbers of the answer have a source",
    interval: "95% interval {low}–{high}, {count} questions",
    count: "{count} questions",
  },
};

/** @type {{ zh: Record<string, string>, en: Record<string, string> }} */
export const outcomes = {
  zh: {
    "cites another place": "引用了别处",
    failed: "出错",
    "answered, though the documents do not answer": "文档里没有答案，却作了回答",
    "refused, though the documents answer": "文档里有答案，却拒答了",
    "lacks the gold answer": "回答不含标准答案",
    "not found": "没有找到",
    answered: "已回答",
    searched: "已检索",
    "rightly refused": "正确拒答",
    "holds the gold answer": "回答正确",
    found: "已找到",
  },
  en: {
    "lacks the gold answer": "lacks the known answer",
    "holds the gold answer": "holds the known answer",
  },
};
