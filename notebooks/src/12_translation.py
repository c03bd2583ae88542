# %% [markdown]
# # 12 · Translation
# **Prerequisites:** [11 · Transformer](11_transformer.ipynb), [08 · LSTM](08_lstm.ipynb), [04 · Tokenization](04_tokenization.ipynb) · **Minutes:** 80 · **Modules:** `text/pairs.py`, `models/seq2seq.py`, `training/fit.py` · **Previous:** [11 · Transformer](11_transformer.ipynb) · **Next:** [13 · GPT](13_gpt.ipynb)
#
# In lesson 11 a small Transformer translated 我爱北京天安门, in a language of 48 words whose grammar we had written ourselves. There every sentence had one right answer, and we could count the mistakes. Real languages are not so kind: of most words there is hardly an example, and of most sentences there are several good translations.
#
# **Question: how do you learn to translate from pairs, and how do you judge a translation when many are right?**
#
# We take the second half first. Without a judge there is no race.

# %% [markdown] lang="zh"
# # 12 · 翻译
# **先修：** [11 · Transformer](11_transformer.ipynb)、[08 · LSTM](08_lstm.ipynb)、[04 · 分词](04_tokenization.ipynb) · **用时：** 80 分钟 · **模块：** `text/pairs.py`、`models/seq2seq.py`、`training/fit.py` · **上一课：** [11 · Transformer](11_transformer.ipynb) · **下一课：** [13 · GPT](13_gpt.ipynb)
#
# 第 11 课里，一个小 Transformer 译出了“我爱北京天安门”，用的是一门只有 48 个词的语言，语法还是我们自己定的。在那里每句话只有一个正确答案，错几处数一数就行。真实的语言没这么客气：多数词几乎没有例子，多数句子却有好几种好译法。
#
# **问题：怎样从成对的句子里学会翻译？正确的译法不止一种，又怎样评判译文？**
#
# 先答后一半。没有裁判，就没法比赛。

# %%
import re
from collections import Counter
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose
from sacrebleu.metrics import BLEU, CHRF

from lmcourse import plots
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.softmax import log_softmax
from lmcourse.text.corpora import hsk
from lmcourse.text.pairs import pair_batches, pair_rows
from lmcourse.text.tokenizers import WordTokenizer

rng = setup(seed=0)

# %% [markdown]
# ## The pairs
#
# The corpus is `hsk` from lesson 04: sentences for learners of Chinese, graded from level 1 (beginners) to 6, each with an English translation. Sentences that say nearly the same stand in one split, so that no test sentence is a training sentence in disguise.

# %% [markdown] lang="zh"
# ## 句对
#
# 语料是第 04 课的 `hsk`：给汉语学习者的句子，从 1 级（入门）到 6 级，每句配一个英文译文。几乎说同一件事的句子都划在同一边，测试句不会是换了身衣服的训练句。

# %%
pairs = {split: [] for split in ("train", "validation", "test")}
for pair in hsk():
    pairs[pair.split].append(pair)
print({split: len(some) for split, some in pairs.items()})
for level in (1, 3, 6):
    for pair in [pair for pair in pairs["train"] if pair.level == level][:2]:
        print(f"  level {level}  {pair.chinese}  {pair.english}")
short = [len(pair.chinese) for pair in pairs["train"]]
print(f"{np.median(short):.0f} characters are usual, {max(short)} the most")

# %% [markdown]
# Short, clean, everyday. Now the trouble with *the* right translation, from the corpus itself. The same Chinese sentence stands in it with two English ones, the same English sentence with two Chinese ones:

# %% [markdown] lang="zh"
# 短小、干净、日常。而“唯一正确的译文”有什么毛病，语料自己就能说明：同一句中文配着两句英文，同一句英文配着两句中文。

# %%
both_ways = ({}, {})
for pair in hsk():
    both_ways[0].setdefault(pair.chinese, set()).add(pair.english)
    both_ways[1].setdefault(pair.english, set()).add(pair.chinese)
for table in both_ways:
    twice = {sentence: sorted(found) for sentence, found in table.items() if len(found) > 1}
    print(len(twice), "sentences with several translations, such as")
    for sentence in list(twice)[:3]:
        print("  ", sentence, "→", *twice[sentence], sep="  ")

# %% [markdown]
# A judge who asks for the exact sentence would call *blocked* a mistake wherever the corpus has *closed*. A human judge would not, but she is slow, dear, and judges differently tomorrow. What machines can do is compare a translation with one or more **references**, translations made by people, and give credit for the parts that agree.
#
# ## BLEU by hand
#
# How much of what the system wrote also stands in the reference? That share is a precision (lesson 04). Take single words first:

# %% [markdown] lang="zh"
# 裁判要是只认原句，语料里写的是 *closed*，译成 *blocked* 就算错。人来评不会这样，可是人慢、贵，明天的标准也和今天不同。机器能做的，是拿译文与一份或几份**参考译文**（人译的）相比，凡是对得上的部分就给分。
#
# ## BLEU，动手算
#
# 系统写的东西，有多少也出现在参考译文里？这个比例就是第 04 课的精确率。先看单个的词：

# %%
reference = "I love Beijing and I love tea".split()
for written in ("I love tea and love Beijing", "I I I I I", "tea"):
    words = written.split()
    found = sum(word in reference for word in words)
    print(f"{found} of {len(words)} words are in the reference: {written}")
    assert found == len(words)

# %% [markdown]
# Three perfect scores, two of them undeserved. Each calls for a repair.
#
# **Clipping.** `I` stands in the reference twice, so it can be matched twice and not five times. Every word of the translation counts as found at most as often as the reference has it: 2 of 5.
#
# **Longer pieces.** Words can be right and their order wrong. So count pairs of words too, and threes, and fours: n-grams, as in lesson 02. Predict: how many of the five pairs in *I love tea and love Beijing* are found?

# %% [markdown] lang="zh"
# 三个满分，有两个不该得。各修一处。
#
# **截断计数。** 参考译文里 `I` 只出现两次，那就最多算找到两次，不能算五次。译文里的每个词，算数的次数不超过它在参考译文里的次数：5 个里 2 个。
#
# **更长的片段。** 词都对，次序也可能不对。所以还要数两个词、三个词、四个词连在一起的片段，就是第 02 课的 n 元语法。猜一猜：*I love tea and love Beijing* 里的五个二元组，找得到几个？

# %%
predict("2 of 5", "3 of 5", "5 of 5")


# %%
def ngrams(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


words = "I love tea and love Beijing".split()
counts = []
for n in (1, 2, 3, 4):
    ours, theirs = ngrams(words, n), ngrams(reference, n)
    found = ours & theirs  # of each n-gram the smaller of the two counts: clipping
    counts.append((found.total(), ours.total()))
    print(f"n = {n}: {found.total()} of {ours.total()}  ", *map(" ".join, found), sep="  ")
assert counts == [(6, 6), (3, 5), (1, 4), (0, 3)]
assert (ngrams("I I I I I".split(), 1) & ngrams(reference, 1)).total() == 2

# %% [markdown]
# The four precisions are to become one number. A system that has few long pieces right should feel it, so they are *multiplied*: the geometric mean, $\bigl(p_1 p_2 p_3 p_4\bigr)^{1/4}$. Ours would be zero, because of the last one. That is hard on a single sentence, and the usual remedy is to put a small number in place of nothing: the first $p_n$ that found nothing becomes half a find, $\tfrac{1}{2}$ of 3, the next a quarter, and so on (**smoothing**, as in lesson 02; sacreBLEU calls this one `exp`).
#
# **Brevity.** The third repair. *tea* is still perfect: all that it says is right, but it says too little. Recall would be the natural counterpart, but with several references it is unclear what should be recalled. So BLEU takes a **brevity penalty**: with $c$ words written and $r$ in the reference,
#
# $$\mathrm{BLEU} = \underbrace{\min\bigl(1,\; e^{\,1 - r/c}\bigr)}_{\text{brevity penalty}} \cdot \Bigl(\prod_{n=1}^{4} p_n\Bigr)^{1/4}$$
#
# Being too long needs no penalty of its own: whatever is too much is not found, and the precisions pay for it. By hand, $c = 6$ and $r = 7$:

# %% [markdown] lang="zh"
# 四个精确率要合成一个数。长片段对得少的系统，应该觉得疼，所以把它们**乘**起来，取几何平均 $\bigl(p_1 p_2 p_3 p_4\bigr)^{1/4}$。照这样，我们的得分是零，就因为最后一个。对单独一句话，这未免太狠，通常的办法是用一个小数代替零：第一个一无所获的 $p_n$ 算找到半个，即 3 个里的 $\tfrac12$ 个；再下一个算四分之一个，依此类推（这是**平滑**，见第 02 课；sacreBLEU 管这一种叫 `exp`）。
#
# **过短。** 第三处修补。*tea* 现在仍是满分：说的全对，只是说得太少。按理该用召回率来补，可参考译文有好几份时，该召回哪一份就说不清了。所以 BLEU 用**过短惩罚**：设写了 $c$ 个词，参考译文有 $r$ 个，
#
# $$\mathrm{BLEU} = \underbrace{\min\bigl(1,\; e^{\,1 - r/c}\bigr)}_{\text{过短惩罚}} \cdot \Bigl(\prod_{n=1}^{4} p_n\Bigr)^{1/4}$$
#
# 写得太长不必另罚：多出来的都找不到，精确率自会吃亏。动手算，$c = 6$，$r = 7$：

# %%
p = [6 / 6, 3 / 5, 1 / 4, (1 / 2) / 3]
brevity = np.exp(1 - 7 / 6)
by_hand = brevity * np.prod(p) ** (1 / 4)
print(f"brevity {brevity:.3f}, mean of the precisions {np.prod(p) ** 0.25:.3f}, BLEU {by_hand:.3f}")
assert_allclose(np.prod(p), 1 / 40)
theirs = BLEU(tokenize="none").corpus_score([" ".join(words)], [[" ".join(reference)]])
print("sacreBLEU:", round(theirs.score, 1), "of 100")
assert_allclose(theirs.score, 100 * by_hand)

# %% [markdown]
# sacreBLEU is the program that papers use today; it writes the score times 100.
#
# One more decision, and it is not a small one. A test set has hundreds of sentences. BLEU adds up the counts of *all* of them first and divides once: it is the score of a corpus, and not the mean of the scores of sentences. So a sentence without a single pair of right words costs a few counts, and not everything. Here is the whole of it:

# %% [markdown] lang="zh"
# sacreBLEU 是如今论文里通用的程序，分数乘了 100。
#
# 还有一个决定，而且不算小。测试集有几百句话，BLEU 先把**所有**句子的计数加起来，最后才除一次：它是整个语料的分数，不是各句分数的平均。于是有一句话连一个二元组都没对上，损失的只是几个计数，不是全部。写全了就是这样：


# %%
def bleu(written, references, split=str.split):
    """Score a list of translations against one reference each, from 0 to 100."""
    found, total, lengths = np.zeros(4), np.zeros(4), np.zeros(2)
    for ours, theirs in zip(map(split, written), map(split, references), strict=True):
        lengths += len(ours), len(theirs)
        for n in (1, 2, 3, 4):
            found[n - 1] += (ngrams(ours, n) & ngrams(theirs, n)).total()
            total[n - 1] += max(len(ours) - n + 1, 0)
    if not found.any() or not total.all():
        return 0.0
    halves = np.cumsum(found == 0)  # nothing found: a half, then a quarter ...
    precisions = np.where(found > 0, found, 0.5**halves) / total
    brevity = min(1.0, np.exp(1 - lengths[1] / lengths[0]))
    return 100 * brevity * np.exp(np.log(precisions).mean())


# %%
assert_allclose(bleu([" ".join(words)], [" ".join(reference)]), 100 * by_hand)
together = ["I love tea and love Beijing", "this road is blocked today"]
right = ["I love Beijing and I love tea", "this road is closed today"]
alone = [bleu([a], [b]) for a, b in zip(together, right, strict=True)]
print("each alone", np.round(alone, 1), " mean", np.mean(alone).round(1), end="  ")
print("as a corpus", bleu(together, right).round(1))
assert_allclose(bleu(together, right), BLEU(tokenize="none").corpus_score(together, [right]).score)

# %% [markdown]
# ## The same, letter by letter: chrF
#
# *He likes cat* for *He likes cats*: for BLEU a word is right or wrong, and so the missing *s* costs as much as a wrong animal. **chrF** takes n-grams of *characters*, spaces left out, for $n$ from 1 to 6. And it does ask for recall: of the reference's pieces, the share that was found. With the mean precision $P$ and the mean recall $R$ over all $n$,
#
# $$\mathrm{chrF} = \frac{(1+\beta^2)\,P\,R}{\beta^2 P + R}, \qquad \beta = 2$$
#
# This is the $F$ value of lesson 04 with recall counted twice as important. *cat* against *cats* has only pieces up to three characters. Precision: all of 3, of 2, of 1. Recall: 3 of 4, 2 of 3, 1 of 2. So $P = 1$, $R = (\tfrac34 + \tfrac23 + \tfrac12)/3 = \tfrac{23}{36}$, and the score is $5R/(4+R) = \tfrac{115}{167}$:

# %% [markdown] lang="zh"
# ## 一个字母一个字母地比：chrF
#
# 把 *He likes cats* 译成 *He likes cat*：在 BLEU 眼里，一个词非对即错，漏一个 *s* 和认错动物一样贵。**chrF** 数的是**字符**的 n 元组，空格不算，$n$ 从 1 到 6；而且它也问召回率：参考译文的片段，找回了多少。设 $P$ 和 $R$ 是各个 $n$ 的精确率和召回率的平均，
#
# $$\mathrm{chrF} = \frac{(1+\beta^2)\,P\,R}{\beta^2 P + R}, \qquad \beta = 2$$
#
# 这就是第 04 课的 $F$ 值，只是召回率的分量加倍。*cat* 对 *cats*，片段最长三个字符。精确率：3 个全对，2 个全对，1 个全对；召回率：4 个里 3 个，3 个里 2 个，2 个里 1 个。所以 $P = 1$，$R = (\tfrac34 + \tfrac23 + \tfrac12)/3 = \tfrac{23}{36}$，得分 $5R/(4+R) = \tfrac{115}{167}$：


# %%
def chrf_counts(ours, theirs, longest=6):
    """Count for n from 1 to 6 what was found, written, and in the reference: -> (6, 3)."""
    ours, theirs = "".join(ours.split()), "".join(theirs.split())
    table = np.zeros((longest, 3))
    for n in range(1, longest + 1):
        a, b = ngrams(ours, n), ngrams(theirs, n)
        table[n - 1] = (a & b).total(), a.total() * bool(b), b.total()
    return table


def chrf_of(table, beta=2):
    """Make one number, from 0 to 100, of counts: (6, 3) -> ()."""
    found, total, wanted = table[(table[:, 1:] > 0).all(axis=1)].T
    P, R = (found / total).mean(), (found / wanted).mean()
    return 100 * (1 + beta**2) * P * R / (beta**2 * P + R) if P + R else 0.0


def chrf(written, references):
    """Score a list of translations by their character n-grams."""
    return chrf_of(sum(map(chrf_counts, written, references)))


# %%
print("cat for cats", round(chrf(["cat"], ["cats"]), 1), " dog for cats", chrf(["dog"], ["cats"]))
assert_allclose(chrf(["cat"], ["cats"]), 100 * 115 / 167)
assert_allclose(chrf(together, right), CHRF().corpus_score(together, [right]).score)

# %% [markdown]
# ## What is a word? Name your tokenizer
#
# So far our words stood neatly between spaces. In *I love tea.* the last token would be `tea.`, with the full stop, and `tea` would not match it. So sacreBLEU cuts off punctuation first (its tokenizer `13a`). And Chinese has no spaces at all: to `13a` the sentence 我爱北京天安门 is one long word. For Chinese there is `zh`, which makes a token of every character. Predict: what does the BLEU of the following pair become with `13a`, and with `zh`?

# %% [markdown] lang="zh"
# ## 什么算一个词？分词方式要报出来
#
# 到此为止，词都乖乖地站在空格之间。可 *I love tea.* 的最后一个词元会是带句号的 `tea.`，和 `tea` 对不上，所以 sacreBLEU 先把标点切下来（它的分词方式叫 `13a`）。中文则根本没有空格：在 `13a` 看来，“我爱北京天安门”是一个长词。对中文要用 `zh`，一个字算一个词元。猜一猜：下面这一对的 BLEU，用 `13a` 是多少，用 `zh` 又是多少？

# %%
predict("13a: 0, zh: 60 or more", "13a: 30, zh: 30", "13a: 60, zh: 0")

# %%
chinese = ["我爱北京天安门广场，我们明天再去。"], ["我爱北京天安门，我们明天再去。"]
signatures = []
for name in ("13a", "zh", "char"):
    judge = BLEU(tokenize=name)
    print(
        f"{name:<5} {judge.corpus_score(chinese[0], [chinese[1]]).score:5.1f}   {judge.get_signature()}"
    )
    signatures.append(str(judge.get_signature()))
assert len(set(signatures)) == 3


# %%
def split_zh(text):
    """Cut a text into its characters where it is Chinese, at spaces elsewhere."""
    return re.sub(r"([\u2e80-\u9fff\uff00-\uffef。，、？！])", r" \1 ", text).split()


print(*split_zh("我爱北京 Tian'anmen。"), sep=" | ")
theirs = BLEU(tokenize="zh").corpus_score(chinese[0], [chinese[1]]).score
assert_allclose(bleu(*chinese, split=split_zh), theirs)

# %% [markdown]
# The same two sentences, and nothing or a good deal, by a decision that has nothing to do with translating. A BLEU without the name of its tokenizer is not a number one can compare. That is what the **signature** beside it is for: how many references, upper and lower case, tokenizer, smoothing, version. chrF needs no tokenizer. We give both.
#
# What do these numbers see, and what don't they? Here is one reference, and five translations that a human would put in another order:

# %% [markdown] lang="zh"
# 同样两句话，或得零分，或得高分，只取决于一个和翻译毫不相干的决定。不报分词方式的 BLEU，是没法比较的数。旁边那串**签名**就是干这个的：几份参考译文、分不分大小写、用什么分词、什么平滑、哪个版本。chrF 不需要分词。两个我们都报。
#
# 这些数看得见什么，看不见什么？这里有一份参考译文，五份译文，人来排，次序会很不一样：

# %%
reference = "I do not think that he will come today."
others = [
    "I do not think that he will come today.",
    "I do think that he will come today.",
    "I doubt that he will come today.",
    "He probably won't be here today.",
    "Today that will not do, he come I think.",
]
judges = BLEU(effective_order=True), CHRF()
rated = []
for written in others:
    rated.append([judge.sentence_score(written, [reference]).score for judge in judges])
    print(f"BLEU {rated[-1][0]:5.1f}  chrF {rated[-1][1]:5.1f}   {written}")
assert rated[1][0] > rated[2][0] > rated[3][0] and rated[1][1] > rated[2][1] > rated[3][1]

# %% [markdown]
# The opposite of the truth scores better than either good translation in other words. Both measures count agreement on the surface. They are of use on many sentences at once, to compare systems of the same kind on the same test, and that is how we use them; for a single sentence, read it. More references help, as they show more of what is right:

# %% [markdown] lang="zh"
# 意思正相反的那句，反而比两句换了说法的好译文得分高。两个指标数的都是表面上的吻合。它们的用处，在于同一份测试、许多句子、同类系统之间的比较，我们也只这么用；只有一句话时，请自己读。多几份参考译文会有帮助，因为对的说法露出来得更多：

# %%
for references in (["This road is closed."], ["This road is closed.", "This road is blocked."]):
    score = BLEU(effective_order=True).sentence_score("This road is blocked.", references).score
    print(f"{score:5.1f}   with", references)
assert_allclose(score, 100)

# %% [markdown]
# ## Two lines to beat
#
# Before any network: what do you get for nothing? First, one and the same sentence for everything. Second, a phrase book: look for the training sentence that resembles ours most, and copy its translation. Resemblance is the share of characters and pairs of characters that two sentences have in common (of all that either has).

# %% [markdown] lang="zh"
# ## 两条底线
#
# 先不用网络：白捡能捡到多少？其一，不管什么都回同一句话。其二，会话手册：找训练句里和它最像的一句，把那句的译文抄来。像不像，看两句共有的单字和双字，占两句所有单字和双字的多少。


# %%
def pieces(sentence):
    marked = "^" + sentence + "$"
    return {marked[i : i + n] for n in (1, 2) for i in range(len(marked) - n + 1)}


book = [(pieces(pair.chinese), pair) for pair in pairs["train"]]


def look_up(sentence):
    mine = pieces(sentence)
    return max(book, key=lambda entry: len(mine & entry[0]) / len(mine | entry[0]))[1]


def judged(written, split):
    references = [pair.english for pair in pairs[split]]
    return tuple(j.corpus_score(written, [references]).score for j in (BLEU(), CHRF()))


# %%
scores = {}
for split in ("validation", "test"):
    copied = [look_up(pair.chinese).english for pair in pairs[split]]
    scores["one sentence", split] = judged(["He is very happy."] * len(copied), split)
    scores["phrase book", split] = judged(copied, split)
for (name, split), (b, c) in scores.items():
    print(f"{name:<13} {split:<11} BLEU {b:4.1f}   chrF {c:4.1f}")
for pair in pairs["validation"][:4]:
    found = look_up(pair.chinese)
    print(f"  {pair.chinese} → {found.english}   (copied from {found.chinese})")
assert scores["phrase book", "test"][0] > 8 > 1 > scores["one sentence", "test"][0]

# %% [markdown]
# The phrase book is a rival to be taken seriously. Graded sentences are built from patterns, and where the pattern has been met with another noun, half of the words are right for nothing. It writes perfect English, too. It just says something else.
#
# ## Which tokens?
#
# Now the network. One table of vectors serves both languages, so we need one list of tokens. Chinese could come as characters or as words (`words` of the corpus), English as words or as pieces by byte-pair encoding (lesson 04). What each choice costs can be counted on the validation sentences: how long do they become, and how many contain a token that training has shown less than twice, and about which next to nothing can be learned?

# %% [markdown] lang="zh"
# 会话手册是个不能小看的对手。分级例句是照着句型造的，句型见过，只换个名词，一半的词就白白对了。它写的英文也无可挑剔，只是说的是另一回事。
#
# ## 用什么词元？
#
# 轮到网络了。两种语言共用一张向量表，所以词元要排成一张单子。中文可以用字，也可以用词（语料里的 `words`）；英文可以用词，也可以用字节对编码的片段（第 04 课）。各要付出什么代价，在验证句上数一数就知道：句子变多长？有多少句含有训练中只见过一次、甚至没见过的词元？那样的词元，几乎什么也学不到。

# %%
from lmcourse.text.bytepair import BytePairTokenizer

english_text = "\n".join(pair.english for pair in pairs["train"])
ways = {
    "zh characters": lambda pair: list(pair.chinese),
    "zh words": lambda pair: list(pair.words),
    "en words": lambda pair: WordTokenizer.split(pair.english),
}
for merges in (300, 1200):
    pieces_of = BytePairTokenizer.train(english_text, 256 + merges).encode
    ways[f"en {merges} merges"] = lambda pair, encode=pieces_of: encode(pair.english).tolist()
counted = {}
for name, way in ways.items():
    seen = Counter(token for pair in pairs["train"] for token in way(pair))
    kept = {token for token, count in seen.items() if count > 1}
    lengths = [len(way(pair)) for pair in pairs["validation"]]
    rare = np.mean([not kept.issuperset(way(pair)) for pair in pairs["validation"]])
    counted[name] = len(kept), np.mean(lengths), rare
    print(
        f"{name:<15} {len(kept):>5} tokens, length {np.mean(lengths):4.1f}, {rare:.0%} with a rare one"
    )
assert counted["zh characters"][2] < 0.3 < 0.6 < counted["zh words"][2]

# %% [markdown]
# Chinese words would be a bad bargain: most sentences contain a word that is as good as unknown, while its characters have mostly been met. English words are hardly better; pieces are hardly ever unknown, and with 1,200 merges the sentences stay short, which keeps training cheap. So: characters for Chinese, pieces for English, all in one list. Characters that training shows only once become `<unk>`, so that this token has a meaning as well. (What is *counted* here is no proof of what translates best. It is a choice, made before the race, on validation text.)

# %% [markdown] lang="zh"
# 中文用词不划算：多数句子都含有等于没见过的词，可那些词里的字多半是见过的。英文用词也好不了多少；用片段就几乎没有不认识的，合并 1200 次，句子也还短，训练便宜。于是：中文用字，英文用片段，排成一张单子。训练里只出现一次的字一律当 `<unk>`，这样 `<unk>` 也有了意思。（这里**数**出来的，并不能证明怎样译得最好。这是赛前在验证文本上作的选择。）

# %%
PAD, BEGIN, END, UNKNOWN = range(4)
MERGES = 1200
seen = Counter("".join(pair.chinese for pair in pairs["train"]))
characters = [character for character, count in seen.most_common() if count > 1]
zh_id = {character: id for id, character in enumerate(characters, 4)}
bpe = BytePairTokenizer.train(english_text, 256 + MERGES)
used = sorted(set(bpe.encode(english_text)))  # most of the 256 bytes never occur
en_id = {piece: id for id, piece in enumerate(used, 4 + len(characters))}
tokens = ["<pad>", "<s>", "</s>", "<unk>", *characters, *(bpe.vocabulary[piece] for piece in used)]


def encode(pair):
    source = [zh_id.get(character, UNKNOWN) for character in pair.chinese]
    return source, [en_id.get(piece, UNKNOWN) for piece in bpe.encode(pair.english)]


def decode_en(ids):
    first = 4 + len(characters)
    return bpe.decode([used[id - first] for id in ids if id >= first]).strip()


coded = {split: [encode(pair) for pair in some] for split, some in pairs.items()}
print(len(characters), "characters +", len(used), "pieces + 4 =", len(tokens), "tokens")
assert all(
    decode_en(y) == p.english for p, (_, y) in zip(pairs["train"], coded["train"], strict=True)
)

# %% [markdown]
# ## Two texts in one row
#
# A decoder learns to continue: given the source and the target so far, what comes next? During training the target so far is the *true* one, whatever the model would have written itself. This is **teacher forcing**, and it is what makes training fast: all places of all targets are scored at once, under the causal mask, as in a language model. A row holds the source, padded to $S$ places, then `<s>` and the target, padded to $T$:

# %% [markdown] lang="zh"
# ## 两段文本，一行装下
#
# 解码器学的是接着往下写：给定源句和已有的译文，下一个是什么？训练时，“已有的译文”用的是**真实**的那一份，不管模型自己会写成什么样。这就是**教师强制**，训练之所以快，全靠它：有因果掩码在，所有译文的所有位置可以一次打完分，与语言模型一样。一行里先是源句，填充到 $S$ 格，然后是 `<s>` 和译文，填充到 $T$ 格：

# %%
S, T = 14, 18  # the longest one percent is left out of training, not out of the tests
short = [(x, y) for x, y in coded["train"] if len(x) <= S and len(y) < T]
rows = pair_rows(*zip(*short, strict=True), S, T, begin=BEGIN, end=END, pad_id=PAD)
print(f"{len(short)} of {len(coded['train'])} pairs, rows of {rows[0].shape[1]} ids")
print(f"of these places, {np.mean(rows[2] > 0):.0%} count in the loss")
for name, row in zip(("input ", "target"), rows, strict=False):
    print(name, *[tokens[id].replace("<pad>", "·") for id in row[0]])
print("weight", *rows[2][0].astype(int))
assert len(short) > 0.98 * len(coded["train"])

# %%
show_source(pair_rows)

# %% [markdown]
# The two texts share a row so that the contract of lesson 03 holds: ids in, scores for the next token out. The source is a prompt, and weights of 0 say that nobody is paid for guessing it. `pair_batches` shuffles the rows anew for every pass and is, like all batches of lesson 09, a function of the step.
#
# ## Two translators
#
# **A recurrent network with attention** (2014). A GRU reads the source and leaves a state at each character. A second GRU writes; after each token it compares its state with all states of the reader, as query with keys, and takes home their weighted mean. This was the invention of attention: before, the writer got the reader's last state, one suitcase for any sentence.
#
# **A Transformer** (2017). The encoder reads with self-attention, the decoder writes with masked self-attention and looks across. **Cross-attention** is the attention of lesson 10 with the queries from one text and the keys and values from the other:
#
# $$Q = Y W_q, \qquad K = M W_k, \qquad V = M W_v$$
#
# with $Y$ the decoder's vectors, `(T, D)`, and $M$ the memory that the encoder made of the source, `(S, D)`. The weights are a table `(T, S)`: for each word written, where in the source it looked. Padding may not be looked at.

# %% [markdown] lang="zh"
# 两段文本放在一行，第 03 课的约定就照样成立：进去的是 id，出来的是下一个词元的分数。源句就是提示，权重 0 表示猜它不给钱。`pair_batches` 每一遍都重新打乱各行；和第 09 课的批一样，它只是步数的函数。
#
# ## 两位译者
#
# **带注意力的循环网络**（2014）。一个 GRU 读源句，每读一个字留下一个状态。另一个 GRU 写；每写一个词元，就拿自己的状态当查询，与读者的所有状态（当键）比对，取回它们的加权平均。注意力就是这么发明出来的：在那之前，写的一方只拿得到读者的最后一个状态，什么句子都是一只箱子。
#
# **Transformer**（2017）。编码器用自注意力读，解码器用带掩码的自注意力写，同时看对面。**交叉注意力**就是第 10 课的注意力，查询来自一段文本，键和值来自另一段：
#
# $$Q = Y W_q, \qquad K = M W_k, \qquad V = M W_v$$
#
# $Y$ 是解码器的向量，`(T, D)`；$M$ 是编码器由源句得出的记忆，`(S, D)`。权重是一张 `(T, S)` 的表：写每个词时，看了源句的哪里。填充不许看。

# %%
import keras
from keras import ops

from lmcourse.models.seq2seq import EncoderDecoder, EncoderDecoderConfig, RecurrentEncoderDecoder
from lmcourse.text.batches import pad
from lmcourse.training.fit import fit
from lmcourse.training.schedules import linear, warmup

V = len(tokens)
config = EncoderDecoderConfig(
    vocabulary_size=V,
    source_length=S,
    target_length=40,  # room for longer sentences than those of training
    layers=2,
    width=64,
    heads=4,
    hidden=128,
    norm="rms",
    activation="relu_squared",
    bias=False,
    quiet=True,
    dropout=0.2,
)
show_source(EncoderDecoder.decode)

# %% [markdown]
# Before training, one check, the most important one in this lesson: a future token of the target must not reach an earlier score, and everything in the source must reach every score.

# %% [markdown] lang="zh"
# 训练之前先查一件事，也是本课最要紧的一件：译文里后面的词元，绝不能影响前面的分数；源句里的每个字，则应当影响每一处的分数。

# %%
keras.utils.set_random_seed(0)
probe = EncoderDecoder(replace(config, quiet=False))
row = rows[0][:1].copy()
before = np.asarray(probe(row))
for place, name in ((S + 3, "target place 3"), (0, "source place 0")):
    changed = row.copy()
    changed[0, place] = 200
    moved = abs(np.asarray(probe(changed)) - before)[0, S : S + 6].max(axis=-1) > 1e-6
    print(f"{name} changed: scores moved at target places {np.flatnonzero(moved).tolist()}")
    assert moved.tolist() == ([False] * 3 + [True] * 3 if place > 0 else [True] * 6)

# %% [markdown]
# ## The race
#
# From Chinese to English, the same rows in the same batches, the same number of steps. Each network gets the optimizer that suits it (lesson 09). Which learns faster from little text?

# %% [markdown] lang="zh"
# ## 比一比
#
# 从中文到英文，同样的行、同样的批、同样的步数，各用各合手的优化器（第 09 课）。文本这么少，谁学得快？

# %%
predict("RNN with attention", "Transformer")

# %%
STEPS, BATCH = 600, 32
sources = {split: pad([x for x, _ in some], PAD, 18) for split, some in coded.items()}
longest = 1 + max(len(y) for _, y in coded["validation"])
validation = pair_rows(*zip(*coded["validation"], strict=True), 18, longest, BEGIN, END)


def nats_by_place(model, rows, written=None):
    """Score the true target after its true prefix, or after another: -> (N, T) nats."""
    source, target = rows[0][:, :18], rows[0][:, 18:] if written is None else written
    logits = ops.convert_to_numpy(model.decode(target, model.encode(source), source))
    true = rows[1][:, 18 : 18 + target.shape[1], None]
    return -np.take_along_axis(log_softmax(logits), true, axis=-1)[..., 0]


def train(model, rows, steps, seed=0, **how):
    def validate():
        part = [array[::3] for array in validation]  # every third sentence of every level
        return float(np.average(nats_by_place(model, part), weights=part[2][:, 18:]))

    batches = pair_batches(rows, BATCH, seed)
    return fit(model, batches, steps=steps, validate=validate, validate_every=steps // 2, **how)


# %% tags=["nbval-ignore-output"]
def make(name):
    keras.utils.set_random_seed(0)
    if name == "RNN":
        model = RecurrentEncoderDecoder(V, S, width=64, units=128, dropout=0.2)
        return model, dict(learning_rate=3e-3)
    muon = keras.optimizers.Muon(momentum=0.85, adam_lr_ratio=1.3, weight_decay=None)
    how = dict(optimizer=muon, learning_rate=1e-2, clip_norm=None)
    return EncoderDecoder(config), how | dict(schedule=lambda share: warmup(share, linear, 0.03))


translators, reached = {}, {}
for name in ("RNN", "Transformer"):
    model, how = make(name)
    history = train(model, rows, STEPS, **how)
    translators[name] = model
    nats = [round(nats, 2) for _, nats in history.validation]
    reached[name] = min(nats)
    print(f"{name:<12} {model.count_params():>7,} parameters, validation nats {nats}")
    assert reached[name] < 5.2 < np.log(V) - 2.5
print("foresees the next token better:", min(reached, key=reached.get))

# %% [markdown]
# Nats per token say how well the next piece is foreseen. They say nothing yet about translations, because nobody has written one. Writing is a loop: begin with `<s>`, read off the most probable token, append it, read again, until `</s>`. That is **greedy decoding**, here for all sentences at once; who is done is filled up with padding. The source is encoded once. (Looking at several continuations at a time, beam search, is for lesson 20.)

# %% [markdown] lang="zh"
# 每词元的奈特数，说的是下一个片段预料得准不准；译得怎样，它还没说，因为谁也没写出一句来。写，是一个循环：从 `<s>` 开始，读出概率最大的词元，接上，再读，直到 `</s>`。这叫**贪心解码**，这里所有句子一起写，先写完的，后面用填充占位；源句只编码一次。（同时考虑几种接法的束搜索，留给第 20 课。）


# %%
def write(model, sources, longest=24):
    """Append the most probable token until all have ended: ids (N, S) -> (N, T)."""
    memory = model.encode(sources)
    written, done = np.full((len(sources), 1), BEGIN), np.zeros(len(sources), bool)
    while not done.all() and written.shape[1] <= longest:
        logits = ops.convert_to_numpy(model.decode(written, memory, sources))[:, -1]
        logits[:, : UNKNOWN + 1] += np.where(np.arange(UNKNOWN + 1) == END, 0, -1e9)
        following = np.where(done, PAD, logits.argmax(axis=-1))
        done |= following == END
        written = np.column_stack([written, following])
    return written[:, 1:]


def translate(model, sources):
    return [decode_en(row) for row in write(model, sources)]


# %%
cut_13a = BLEU(tokenize="13a").tokenizer


def split_13a(text):
    return cut_13a(text).split()


print(*split_13a("I love tea."), sep=" | ")

# %% tags=["nbval-ignore-output"]
translated = {}
for name, model in translators.items():
    translated[name] = translate(model, sources["test"])
    scores[name, "test"] = judged(translated[name], "test")
translated["phrase book"] = copied
for name in ("one sentence", "phrase book", *translators):
    b, c = scores[name, "test"]
    print(f"{name:<13} BLEU {b:4.1f}   chrF {c:4.1f}")
test_references = [pair.english for pair in pairs["test"]]
for name in translators:  # our own judge agrees with sacreBLEU
    assert_allclose(bleu(translated[name], test_references, split_13a), scores[name, "test"][0])
    assert_allclose(chrf(translated[name], test_references), scores[name, "test"][1])
    assert scores["one sentence", "test"][1] < scores[name, "test"][1]
    assert scores[name, "test"][1] + 3 < scores["phrase book", "test"][1]

# %% [markdown]
# Both networks beat the constant sentence, and the phrase book beats both networks. It has read the same pairs and needs no training at all. Let us look at what they write before we judge:

# %% [markdown] lang="zh"
# 两个网络都胜过了一句话应付到底，会话手册又胜过了两个网络。它读的是同样的句对，一步也不用训练。先别下结论，看看它们各写了什么：

# %% tags=["nbval-ignore-output"]
best = max(translators, key=lambda name: scores[name, "test"][1])
alone = [chrf([w], [r]) for w, r in zip(translated[best], test_references, strict=True)]
order = np.argsort(alone)
for place in (-1, -12, len(order) // 2, len(order) // 4, 3):
    n = order[place]
    print(f"{pairs['test'][n].chinese}  (true: {test_references[n]})")
    for name, lines in translated.items():
        print(f"    {name:<12} {lines[n]}")
assert alone[order[-1]] > 40 > 20 > alone[order[3]]

# %% [markdown]
# The best first, then down to one of the worst. The frame comes before the words. How much of it the networks have can be counted: whether a question ends as a question, whether 我 at the beginning becomes *I* (where the reference has it, too), and whether the words exist at all, since whoever writes in pieces can put together some that stand nowhere in the training text:

# %% [markdown] lang="zh"
# 最好的排在前面，一路往下，直到最差的里挑一句。架子先于词汇。架子学到了几分，数得出来：问句是不是以问号收尾，开头的“我”是不是译成了 *I*（只数参考译文也这样开头的）；还有，写出来的词到底有没有，因为用片段写的人，拼得出训练文本里根本没有的词：

# %% tags=["nbval-ignore-output"]
known = {word for pair in pairs["train"] for word in split_13a(pair.english)}
asks = np.array(["？" in pair.chinese for pair in pairs["test"]])
mine = np.array([pair.chinese[0] == "我" and pair.english[:2] == "I " for pair in pairs["test"]])
marks, made_up = {}, {}
for name, lines in translated.items():
    marks[name] = np.array([line.endswith("?") for line in lines])
    me = np.array([line.startswith("I ") for line in lines])
    made_up[name] = np.mean([word not in known for line in lines for word in split_13a(line)])
    print(
        f"{name:<12} ends in ?: {marks[name][asks].mean():.0%} of the questions, "
        f"{marks[name][~asks].mean():.0%} of the rest;  I: {me[mine].mean():.0%} of 我;  "
        f"made-up words: {made_up[name]:.1%}"
    )
assert max(marks[name][asks].mean() - marks[name][~asks].mean() for name in translators) > 0.3
assert made_up["phrase book"] == 0

# %% [markdown]
# What the networks lack is nouns and verbs. Where one is missing they write a common word, or the same piece over and over. The phrase book makes no such mistakes; it is confident, fluent, and about something else.
#
# Does it depend on the level? Beginners' sentences use frequent words, and they are fewer:

# %% [markdown] lang="zh"
# 网络缺的是名词和动词，缺了就拿常见的词顶上，或者把同一个片段翻来覆去地写。会话手册不犯这种错；它自信、流畅，说的却是别的事。
#
# 和级别有没有关系？入门句用的是常用词，不过句数也少：

# %% tags=["nbval-ignore-output"]
levels = np.array([pair.level for pair in pairs["test"]])
tables = {
    name: np.array([chrf_counts(w, r) for w, r in zip(lines, test_references, strict=True)])
    for name, lines in translated.items()
}
by_level = {
    name: [chrf_of(table[levels == level].sum(axis=0)) for level in range(1, 7)]
    for name, table in tables.items()
}
figure, axes = plt.subplots()
plots.bars(axes, [str(level) for level in range(1, 7)], by_level)
axes.set(xlabel="HSK level of the test sentence", ylabel="chrF (0 to 100)")
plt.show()
print("sentences", np.bincount(levels)[1:].tolist())
assert all(0 < score < 60 for row in by_level.values() for score in row)
assert by_level["phrase book"][5] > by_level["phrase book"][0]

# %% [markdown]
# **Figure.** chrF of both networks and of the phrase book on the test sentences of each HSK level, from 1 (beginners) to 6. Below the figure: how many sentences there are; with thirty of them a bar moves by several points from one sample to the next.

# %% [markdown] lang="zh"
# **图.** 两个网络和会话手册在各级测试句上的 chrF，从 1 级（入门）到 6 级。图下方是各级的句数；只有三十来句时，换一批句子，柱子就会上下好几分。

# %% [markdown]
# The highest level is no harder for the phrase book than the first: of such sentences it has the most pages.
#
# ## Learned, or learned by heart?
#
# The same judge on sentences that were trained on. Predict for both: is the score on old sentences much higher than on new ones?

# %% [markdown] lang="zh"
# 对会话手册来说，最高一级并不比第一级难：那样的句子，它的页数最多。
#
# ## 学会了，还是背下来了？
#
# 同一个裁判，去评训练过的句子。两位译者都猜一猜：旧句的分数比新句高得多吗？

# %%
predict("Transformer much, phrase book little", "Transformer little, phrase book much")

# %% tags=["nbval-ignore-output"]
old = short[::12]  # some of every level
old_sources, old_references = pad([x for x, _ in old], PAD, 18), [decode_en(y) for _, y in old]
from_book = [look_up("".join(tokens[id] for id in x)).english for x, _ in old]
on_old = {"Transformer": translate(translators["Transformer"], old_sources)}
on_old["phrase book"] = from_book
gap = {}
for name, lines in on_old.items():
    pair_of_scores = chrf(lines, old_references), scores[name, "test"][1]
    gap[name] = pair_of_scores[0] - pair_of_scores[1]
    print(f"{name:<12} chrF on old pairs {pair_of_scores[0]:4.1f}, on new {pair_of_scores[1]:4.1f}")
assert gap["phrase book"] > 50 and gap["phrase book"] - 20 > gap["Transformer"] > 1

# %% [markdown]
# The phrase book is the learner by heart in person: whatever stands in it, it knows by the letter. The Transformer has been over these pairs a few times only. It does better on them than on new ones: learning by heart has begun, and is far from its end. A longer training would take it there (lesson 09 stopped before that), and what is learned by heart doesn't carry over: see the phrase book. The remedy is more pairs. How many more? That can be estimated with the phrase book, which needs no training, by giving it ever more pages:

# %% [markdown] lang="zh"
# 会话手册就是死记硬背的化身：手册里有的，一字不差。Transformer 把这些句对只看了几遍，旧句已经比新句译得好些：背书开了头，离背完还远。训练久些，它也会全背下来（第 09 课正是在那之前就停的），可背下来的换个句子就用不上，会话手册便是例子。药方是更多的句对。要多多少？会话手册不用训练，正好拿来估计，一页一页地加给它：

# %%
everything, curve = list(book), []
amounts = [len(everything) // k for k in (32, 16, 8, 4, 2, 1)]
for amount in amounts[:-1]:
    book = everything[:: len(everything) // amount][:amount]
    answers = [look_up(pair.chinese).english for pair in pairs["validation"]]
    curve.append(judged(answers, "validation")[1])
book = everything
curve.append(scores["phrase book", "validation"][1])
figure, axes = plt.subplots()
axes.set_xscale("log")
axes.plot(amounts, curve, "o-")
axes.set(xlabel="training pairs (logarithmic)", ylabel="chrF on validation (0 to 100)")
axes.set_xticks(amounts, labels=amounts)
axes.minorticks_off()
plt.show()
slope = np.polyfit(np.log2(amounts), curve, 1)[0]
print(f"a doubling adds {slope:.1f} points of chrF on average")
assert 1 < slope < 4 and min(np.diff(curve)) > 0.5

# %% [markdown]
# **Figure.** chrF of the phrase book on the validation sentences against the number of pairs in it, each point twice the one before. Every doubling adds some points, and no end is in sight.

# %% [markdown] lang="zh"
# **图.** 会话手册在验证句上的 chrF，横轴是手册里的句对数，每一点是前一点的两倍。每翻一倍都添上几分，还看不到头。

# %% [markdown]
# A few thousand pairs are the beginning of that curve. Systems that people use were trained on a thousand to a million times as many.
#
# ## On its own feet
#
# In training the decoder stands on the true prefix. When it writes, it stands on its own, mistakes included, which it has never seen in training. This is **exposure bias**. How much does it cost? We score the true target twice, once after the true prefix and once after what the model itself has written so far. Predict: at which place of the sentence do the two begin to differ?

# %% [markdown] lang="zh"
# 几千对，只是这条曲线的开头。人们实际使用的系统，训练用的句对多一千倍到一百万倍。
#
# ## 自己走路
#
# 训练时，解码器踩的是真实的前文；写的时候，踩的是自己写的，连同其中的错，而那些错它训练时从没见过。这叫**曝光偏差**。要付多少代价？给真实的译文打两次分，一次跟在真实的前文后面，一次跟在模型自己写的后面。猜一猜：两者从句子的第几个位置起开始不同？

# %%
predict("place 1", "place 2", "place 5")

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots()
lines, part = {}, [array[:, :28] for array in validation]  # the source and ten places
first = np.full(len(part[0]), BEGIN)
for name, model in translators.items():
    own = np.column_stack([first, write(model, sources["validation"], 9)])
    for prefix, written in {"true prefix": part[0][:, 18:], "own prefix": own}.items():
        nats = nats_by_place(model, part, written)
        lines[f"{name}, {prefix}"] = np.average(nats, axis=0, weights=part[2][:, 18:])
plots.curves(axes, range(1, 11), lines)
axes.set(xlabel="place in the target (tokens)", ylabel="nats for the true token", xlim=(0.7, 15))
axes.set_xticks(range(1, 11))
plt.show()
for name in translators:
    true, own = lines[f"{name}, true prefix"], lines[f"{name}, own prefix"]
    print(f"{name:<12} own prefix costs {np.mean(own[1:] - true[1:]):.1f} nats more a place")
    assert_allclose(true[0], own[0], atol=1e-3)
    assert own[1:].mean() > true[1:].mean() + 0.3

# %% [markdown]
# **Figure.** Nats for the true token at the first ten places of the target, after the true prefix and after the model's own, for both networks (mean of the validation sentences). At place 1 there is no prefix, and the two agree. From then on the own prefix costs more.

# %% [markdown] lang="zh"
# **图.** 译文前十个位置上，真实词元花费的奈特数：跟在真实前文之后，以及跟在模型自己写的之后，两个网络都画了（验证句的平均）。第 1 个位置没有前文，两者相等；从那以后，跟在自己写的后面更贵。

# %% [markdown]
# Part of the difference is not a mistake at all. Whoever begins *On rainy days I* has left *I dislike rainy days* for good, and could still be right; the loss only knows one translation, and that is the question of this lesson again. So the gap is an upper bound of what exposure costs. But it tells you that a low loss in training promises less than it seems to.
#
# ## Where does it look?
#
# Every head of cross-attention leaves a table: for each token written, how much it looked at each character. In the best case it is an **alignment**, which says what translates what. We ask the Transformer about a sentence and about its own translation:

# %% [markdown] lang="zh"
# 这个差距不全是错。谁要是以 *On rainy days I* 开头，就永远离开了 *I dislike rainy days*，可它照样可能译对；损失只认识一种译法，又回到了本课的问题。所以差距是曝光代价的上限。但它告诉你：训练时损失低，能保证的比看上去少。
#
# ## 它在看哪里？
#
# 交叉注意力的每个头都留下一张表：写每个词元时，看每个字看了多少。最好的情形下，这就是一张**对齐**表，说明什么译成了什么。拿一句话，和 Transformer 自己给出的译文，问问它：

# %% tags=["nbval-ignore-output"]
transformer = translators["Transformer"]


def looks(sentence):
    """Give the characters, the tokens written, and who looked at whom below (H, T, S)."""
    source = np.array([[zh_id.get(character, UNKNOWN) for character in sentence]])
    written = write(transformer, source)
    before = np.column_stack([[BEGIN], written[:, :-1]])
    memory = transformer.encode(source)
    _, weights = transformer.decode(before, memory, source, return_weights=True)
    return list(sentence), [tokens[id] for id in written[0]], np.asarray(weights)[0, 0]


sentence = "这个办法很巧妙。"
read, wrote, weights = looks(sentence)


def draw(axes, head):
    plots.heat_map(axes, weights[head - 1], wrote, read, largest=1)
    axes.set(xlabel="looked at", ylabel="token written")


explore(draw, head=[1, 2, 3, 4])
print(*wrote)
assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)

# %% [markdown]
# **Figure.** Cross-attention of the four heads of the lower layer while the Transformer translates 这个办法很巧妙。 (*This method is ingenious.*) A row is the token that is being written (printed below), a column a character of the source, darker for more. Each row sums to one.

# %% [markdown] lang="zh"
# **图.** Transformer 翻译“这个办法很巧妙。”时，下面一层四个头的交叉注意力。一行是正在写的词元（印在下方），一列是源句的一个字，越深看得越多，每行之和为一。

# %% [markdown]
# Is that an alignment? Take pairs about which there can be no doubt, 我 and *I*, 他 and *He*, ？ and *?*, in the test sentences: when the Transformer writes the English one, does it look at the Chinese one more than at anything else?

# %% [markdown] lang="zh"
# 这算对齐吗？挑几对不会有争议的：“我”和 *I*，“他”和 *He*，“？”和 *?*。在测试句里，Transformer 写下英文那个的时候，是不是看中文那个看得最多？

# %% tags=["nbval-ignore-output"]
certain = {"我": "I", "他": "He", "她": "She", "。": ".", "？": "?"}
source = sources["test"]
written = write(transformer, source)
before = np.column_stack([np.full(len(written), BEGIN), written[:, :-1]])
_, seen = transformer.decode(before, transformer.encode(source), source, return_weights=True)
seen = np.asarray(seen)[0]  # (N, H, T, S)
rates = []
for zh, en in certain.items():
    hits = []
    for n, pair in enumerate(pairs["test"]):
        for t in (
            np.flatnonzero(written[n] == en_id[bpe.encode(en)[0]]) if zh in pair.chinese else ()
        ):
            hits.append([pair.chinese[row.argmax()] == zh for row in seen[n, :, t]])
    rates.append(np.mean(hits or [[0] * 4], axis=0))
    print(f"{zh} → {en:<4} {len(hits):>3} times; looks there most, by head: {rates[-1].round(2)}")
assert np.max(rates) > np.min(rates) + 0.1 and np.min(rates) < 0.5

# %% [markdown]
# Some heads do more often than others, and the right word is also written while a head looks elsewhere. Nothing forces attention to be an alignment. After the encoder's self-attention the vector above a character is a mixture of the whole sentence, so what 我 has to say may be fetched at any other character. Koehn & Knowles (2017) met a large system whose attention pointed steadily at the neighbour of the right word. A map of attention is a question about the model and no answer (Jain & Wallace 2019).
#
# ## Remove a part: the padding mask
#
# Sentences share a batch with longer companions and are filled up. The mask hides the filling. What if one forgets it? The same weights, once with the mask and once without, and a sentence that is filled up further and further:

# %% [markdown] lang="zh"
# 有的头常常如此，有的头难得一次：词写对了，头却看着别处。没有什么逼着注意力去当对齐表。过了编码器的自注意力，一个字上方的向量已经掺进了整句，“我”要说的话，完全可以到别的字那儿去取。Koehn 和 Knowles（2017）就遇到过一个大系统，注意力总是指着正确那个词的邻居。注意力图是向模型提的一个问题，不是答案（Jain、Wallace，2019）。
#
# ## 拿掉一个部件：填充掩码
#
# 句子与更长的同伴同在一批，要填充到一样长，掩码把填充遮住。忘了它会怎样？同一套权重，一个带掩码，一个不带；同一句话，填充得越来越长：

# %% tags=["nbval-ignore-output"]
unmasked = EncoderDecoder(replace(config, pad_id=V - 1))  # an id that no source contains
unmasked.set_weights(transformer.get_weights())
ours = encode(pairs["test"][0])[0]
for length in (len(ours), 18, 30):
    padded = pad([ours], PAD, length)
    first = [
        np.asarray(model.decode(np.array([[BEGIN]]), model.encode(padded), padded))[0, 0]
        for model in (transformer, unmasked)
    ]
    if length == len(ours):
        alone = first
    moved = [abs(now - then).max() for now, then in zip(first, alone, strict=True)]
    print(
        f"{length:>2} places: with the mask {translate(transformer, padded)}, moved {moved[0]:.3f}"
    )
    print(f"           without       {translate(unmasked, padded)}, moved {moved[1]:.3f}")
assert moved[0] < 1e-3 < 0.01 < moved[1]

# %% tags=["nbval-ignore-output"]
wide = pad([x for x, _ in coded["test"][::3]], PAD, 30)
with_mask, without = (translate(model, wide) for model in (transformer, unmasked))
changed = np.mean([a != b for a, b in zip(with_mask, without, strict=True)])
print(f"{changed:.0%} of the translations are others without the mask")
third = test_references[::3]
print(f"chrF {chrf(with_mask, third):.1f} with, {chrf(without, third):.1f} without")
pairs_of_two = zip(with_mask, translated["Transformer"][::3], strict=True)
assert np.mean([a == b for a, b in pairs_of_two]) > 0.95  # filling up changes nothing
assert changed > 0.03

# %% [markdown]
# With the mask a sentence doesn't notice its companions. Without it, the same sentence gets another translation in other company, and nobody will find out why. Nothing crashes, and the score on the test depends on how far its sentences were filled up.

# %% [markdown] lang="zh"
# 有掩码，一句话察觉不到自己的同伴。没有掩码，同一句话换一批同伴，就换一个译文，而且谁也查不出缘故。什么都不会报错，测试分数却要看句子填充到了多长。

# %% [markdown]
# ## Try it
#
# 1. *Easy.* The reference is *This road is closed.*, the system writes *This road is blocked.* Work out its BLEU with a pencil, tokenizer `13a` (the full stop is a token). What would it be with one word more that is right, *This old road is blocked.* against *This old road is closed.*? Why should one never compare BLEU across test sets?
#
# <details><summary>Hint</summary>Five tokens each. Which n-grams contain the wrong word? For n = 4 there are two n-grams in all. The brevity penalty is 1.</details>
#
# 2. *Medium.* The two networks don't have the same chrF. Is that more than chance? Draw the test sentences with replacement a thousand times and compare the two scores on each draw (the bootstrap of lesson 05; `tables` holds the counts of every sentence, so that nothing need be translated again).
#
# <details><summary>Hint</summary>Draw the same sentences for both. Sum the tables of the drawn sentences, then call `chrf_of`.</details>
#
# 3. *Hard.* Turn around: from English to Chinese. Train the Transformer with sources and targets exchanged, write Chinese, and judge it with the right tokenizer. Is the phrase book as strong in this direction?
#
# <details><summary>Hint</summary>`pair_rows` with the two lists exchanged, S and T as well. The end of the written text is found as before; ids from 4 on below `len(characters) + 4` are characters. For the phrase book, make the pieces of the English sentence from its words.</details>

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. **容易。** 参考译文是 *This road is closed.*，系统写的是 *This road is blocked.* 用纸笔算它的 BLEU，分词用 `13a`（句号算一个词元）。要是两边各多一个对的词，*This old road is blocked.* 对 *This old road is closed.*，又是多少？为什么不同测试集上的 BLEU 绝不能拿来比？
#
# <details><summary>提示</summary>两边各五个词元。哪些 n 元组含有那个错词？四元组一共只有两个。过短惩罚是 1。</details>
#
# 2. **中等。** 两个网络的 chrF 不一样高，这是不是碰巧？把测试句有放回地抽一千次，每次比一比两者的分数（第 05 课的自助法；`tables` 里存着每句的计数，不必重译）。
#
# <details><summary>提示</summary>两边抽同样的句子。把抽中的表加起来，再调用 `chrf_of`。</details>
#
# 3. **较难。** 反过来，从英文到中文。把源句和译文对调，训练 Transformer，让它写中文，用合适的分词方式评判。反方向上，会话手册还这么强吗？
#
# <details><summary>提示</summary>`pair_rows` 的两个列表对调，S 和 T 也对调。译文的结尾照旧；从 4 起、小于 `len(characters) + 4` 的 id 是汉字。会话手册改用英文句子的词来比。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** Found: 4 of 5 words, 2 of 4 pairs, 1 of 3 threes, 0 of 2 fours, which count as half a one. $\tfrac45\cdot\tfrac24\cdot\tfrac13\cdot\tfrac14 = \tfrac1{30}$, and its fourth root is 0.427. With one word more: $\tfrac56\cdot\tfrac35\cdot\tfrac24\cdot\tfrac13 = \tfrac1{12}$. The same single mistake costs less in a longer sentence, so a test set of long sentences gives other numbers than one of short ones, whatever the system.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 找到的：5 个词里 4 个，4 个二元组里 2 个，3 个三元组里 1 个，2 个四元组里 0 个，算半个。$\tfrac45\cdot\tfrac24\cdot\tfrac13\cdot\tfrac14 = \tfrac1{30}$，开四次方得 0.427。各多一个词：$\tfrac56\cdot\tfrac35\cdot\tfrac24\cdot\tfrac13 = \tfrac1{12}$。同样只错一处，句子越长罚得越轻；所以系统不变，长句子的测试集和短句子的测试集，分数就不一样。

# %%
for old, expected in (("", 1 / 30), (" old", 1 / 12)):
    written, reference = (f"This{old} road is {word}." for word in ("blocked", "closed"))
    score = bleu([written], [reference], split_13a)
    print(f"{score:.1f}   {written}")
    assert_allclose(score, 100 * expected ** (1 / 4))

# %% [markdown]
# **2.** The distribution of the difference says it: if its middle 95 percent lie on one side of zero, the test sentences agree. (That answers for the sentences. For another seed of the training one has to train again, lesson 09.)

# %% [markdown] lang="zh"
# **2.** 看差值的分布：中间的 95% 若都在零的一侧，测试句的意见就是一致的。（这只替句子作了答。换一个训练种子会怎样，还得重新训练，见第 09 课。）

# %% tags=["nbval-ignore-output"]
draws = rng.integers(0, len(test_references), (1000, len(test_references)))
for first, second in (("Transformer", "RNN"), ("phrase book", "Transformer")):
    differences = [
        chrf_of(tables[first][rows_drawn].sum(axis=0))
        - chrf_of(tables[second][rows_drawn].sum(axis=0))
        for rows_drawn in draws
    ]
    low, high = np.percentile(differences, [2.5, 97.5])
    verdict = "one side of zero" if low * high > 0 else "zero is inside"
    print(f"{first} − {second}: from {low:.1f} to {high:.1f} points of chrF, {verdict}")
assert low > 0  # the phrase book's lead is no accident of the sentences

# %% [markdown]
# **3.** Chinese has fewer tokens a sentence, so there is less to get wrong; and a character that is wrong spoils four n-grams of characters, as before a word did. Scores of the two directions can't be compared: other tokens, other numbers.

# %% [markdown] lang="zh"
# **3.** 中文每句的词元少，写错的机会也少；错一个字，照样毁掉四个 n 元组，和前面错一个词一样。两个方向的分数不能相比：词元不同，数就不同。

# %% tags=["nbval-ignore-output"]
turned = [(y, x) for x, y in short if len(x) < S]
back_rows = pair_rows(*zip(*turned, strict=True), T, S + 1, BEGIN, END)
_, how = make("Transformer")
back = EncoderDecoder(replace(config, source_length=T))
fit(back, pair_batches(back_rows, BATCH), steps=STEPS // 3, **how)
english = pad([y for _, y in coded["test"]], PAD)
texts = ["".join(tokens[id] for id in row if id > UNKNOWN) for row in write(back, english)]
true = [pair.chinese for pair in pairs["test"]]
assert len(texts) == len(true) and all(text == "".join(text.split()) for text in texts)

# %% tags=["nbval-ignore-output"]
book_en = [(set(WordTokenizer.split(pair.english)), pair.chinese) for pair in pairs["train"]]
nearest = []
for pair in pairs["test"]:
    mine = set(WordTokenizer.split(pair.english))
    nearest.append(max(book_en, key=lambda e: len(mine & e[0]) / len(mine | e[0]))[1])
for name, lines in {"Transformer": texts, "phrase book": nearest}.items():
    by_zh = BLEU(tokenize="zh").corpus_score(lines, [true]).score
    print(f"{name:<12} BLEU (tok:zh) {by_zh:4.1f}   chrF {chrf(lines, true):4.1f}   {lines[:3]}")
assert chrf(nearest, true) > chrf(texts, true) + 1  # yes, it is as strong

# %% [markdown]
# ## What we know now
#
# - BLEU: clipped precisions of 1 to 4 words, their geometric mean, a penalty for brevity, counted over the whole test set. chrF: the $F_2$ of characters. Both see the surface. Name the tokenizer, the smoothing, the references: the signature.
# - A translator is trained by teacher forcing on rows of source and target, and writes by its own prefix, which costs it something from the second token on.
# - Cross-attention lets the writer look back at the source. Its map may be an alignment, and need not be.
# - Without a padding mask a translation depends on what else is in the batch.
# - A few thousand pairs teach the frame of a sentence and few of the words. A phrase book is the better translator here, and whoever leaves the baseline out of the table will never notice.
#
# ## What it still can't do
#
# Most of what a translator must know isn't about translating: what words there are, what goes with what, how a sentence ends. For that no pairs are needed. Plain text will do, and there is a million times more of it. In lesson 13 we drop the encoder, keep the decoder, and train it on plain text: GPT.
#
# ## References
#
# - K. Papineni, S. Roukos, T. Ward, W.-J. Zhu, *BLEU: a Method for Automatic Evaluation of Machine Translation* (2002).
# - I. Sutskever, O. Vinyals, Q. V. Le, *Sequence to Sequence Learning with Neural Networks* (2014).
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate* (2014).
# - B. Chen, C. Cherry, *A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU* (2014).
# - M.-T. Luong, H. Pham, C. D. Manning, *Effective Approaches to Attention-based Neural Machine Translation* (2015).
# - M. Popović, *chrF: character n-gram F-score for automatic MT evaluation* (2015).
# - M. Ranzato and others, *Sequence Level Training with Recurrent Neural Networks* (2016): exposure bias.
# - A. Vaswani and others, *Attention Is All You Need* (2017).
# - P. Koehn, R. Knowles, *Six Challenges for Neural Machine Translation* (2017): little text, and attention that is no alignment.
# - M. Post, *A Call for Clarity in Reporting BLEU Scores* (2018): sacreBLEU.
# - S. Jain, B. C. Wallace, *Attention is not Explanation* (2019).

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - BLEU：一到四个词的精确率（截断计数），取几何平均，过短要罚，整个测试集一起数。chrF：字符的 $F_2$。两者都只看表面。分词、平滑、参考译文的份数都要报出来，这就是签名。
# - 翻译模型用教师强制训练，一行里有源句也有译文；写的时候跟着自己的前文走，从第二个词元起就要付出代价。
# - 交叉注意力让写的一方回头看源句。它的图可以是对齐，也可以不是。
# - 没有填充掩码，译文就取决于同一批里还有谁。
# - 几千个句对，教得会句子的架子，教不会多少词。在这里会话手册译得更好；表里要是不列底线，这一点谁也发现不了。
#
# ## 它还做不到
#
# 翻译该懂的事，多半和翻译无关：有哪些词，什么配什么，句子怎么收尾。这些用不着句对，普通文本就行，而普通文本要多百万倍。第 13 课里，我们去掉编码器，留下解码器，用普通文本来训练：GPT。
#
# ## 参考文献
#
# - K. Papineni, S. Roukos, T. Ward, W.-J. Zhu, *BLEU: a Method for Automatic Evaluation of Machine Translation* (2002)。
# - I. Sutskever, O. Vinyals, Q. V. Le, *Sequence to Sequence Learning with Neural Networks* (2014)。
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate* (2014)。
# - B. Chen, C. Cherry, *A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU* (2014)：句子一级的平滑。
# - M.-T. Luong, H. Pham, C. D. Manning, *Effective Approaches to Attention-based Neural Machine Translation* (2015)。
# - M. Popović, *chrF: character n-gram F-score for automatic MT evaluation* (2015)。
# - M. Ranzato 等, *Sequence Level Training with Recurrent Neural Networks* (2016)：曝光偏差。
# - A. Vaswani 等, *Attention Is All You Need* (2017)。
# - P. Koehn, R. Knowles, *Six Challenges for Neural Machine Translation* (2017)：文本太少，以及不是对齐的注意力。
# - M. Post, *A Call for Clarity in Reporting BLEU Scores* (2018)：sacreBLEU。
# - S. Jain, B. C. Wallace, *Attention is not Explanation* (2019)。
