# %% [markdown]
# # Assignment 02 · n-grams
# **After lesson 02 · about 100 minutes · 30 points.** You count, share the counts out in three ways, measure what each is worth on text that was held out, and catch a program that has peeked at its test. NumPy and Python's own library are all you need; your functions must not import anything else.
#
# Every question has a cell to fill in: a comment, a `raise NotImplementedError`, or a program with bugs. The cell below it holds the visible tests; run it as often as you like. When your work is marked, other tests are run as well, with other numbers. A question gives all of its points or none. Each function must stand alone: none may call a function of another question. A table may be an array or a list of rows.
#
# Work on your own: your text is drawn from your student id. Write the id into the next cell first.

# %% [markdown] lang="zh"
# # 作业 02 · n 元语法
# **学完第 02 课再做 · 约 100 分钟 · 30 分。** 你要数数，用三种办法分配计数，在留出文本上量出它们各值多少，还要揪出一个偷看测试文本的程序。只用 NumPy 和 Python 自带的库；你的函数不要导入别的。
#
# 每道题有一格要你填：一行注释、一句 `raise NotImplementedError`，或者一段有错的程序。下面一格是公开测试，随便运行多少次。批改时还会运行别的测试，用的是别的数。一道题要么得满分，要么得零分。每个函数都要能单独运行，不得调用别的题里的函数。表可以是数组，也可以是由各行组成的列表。
#
# 请独立完成：你的文本由学号抽出。先把学号写进下一格。

# %%
STUDENT = ""  # your student id, such as "s01" · 你的学号

# %%
from collections import Counter

import numpy as np
from numpy.testing import assert_allclose

from lmcourse.classroom.draw import draw

# %% [markdown]
# ## 1 · By hand (4 points)
# The next cell prints your text, a context $h$ and a token $w$. The vocabulary is `a`, `b`, `c`, `d`, `e`, whether or not all of them occur. The text is one stream without a beginning or end mark. Find, with a pencil:
#
# - `ml`: the maximum likelihood estimate $P_{\text{ML}}(w \mid h)$;
# - `add_one`: the probability $P_{+1}(w \mid h)$ with $k = 1$;
# - `bits`: how many **bits** the add-one model pays for $w$ after $h$;
# - `continuation`: the continuation counts $N_{1+}(\cdot\, w)$ of `a`, `b`, `c`, `d`, `e`, in this order.
#
# Give fractions, such as `2 / 7`, or three decimals. A calculator is allowed, a program is not needed.

# %% [markdown] lang="zh"
# ## 1 · 动手算（4 分）
# 下一格打印出你的文本、一个上下文 $h$ 和一个词元 $w$。词表是 `a`、`b`、`c`、`d`、`e`，不管是不是都出现了。文本是一整条流，没有开头和结尾的记号。用铅笔算出：
#
# - `ml`：极大似然估计 $P_{\text{ML}}(w \mid h)$；
# - `add_one`：$k = 1$ 时的概率 $P_{+1}(w \mid h)$；
# - `bits`：加一模型要为 $h$ 之后的 $w$ 付多少**比特**；
# - `continuation`：`a`、`b`、`c`、`d`、`e` 各自的接续计数 $N_{1+}(\cdot\, w)$，按这个顺序。
#
# 写分数（如 `2 / 7`），或保留三位小数。可以用计算器，不必写程序。


# %%
def my_text(student):
    """Draw a text, a context h and a token w."""
    random = draw(student, "02/by hand")
    names = random.permutation(list("abcde"))
    patterns = "BBDADABDCABAAA DCCCAABDAABBDA CCCDACABABABCA CADBABBAABADCA BADDBABCABAADA"
    patterns = f"{patterns} CCDDDAABCAAABA CABCAAABBCDDAA DDAABCABCACCBA".split()
    text = "".join(names["ABCD".index(letter)] for letter in random.choice(patterns))
    return text, str(names[0]), str(names[1])


my_ten, my_h, my_w = my_text(STUDENT)
print("text:", my_ten, "   h:", my_h, "   w:", my_w)

# %% part="by_hand" role="stub"
ml = ...
add_one = ...
bits = ...
continuation = ...  # [a, b, c, d, e]


# %% part="by_hand" role="solution"
def worked(text, h, w):
    pairs = list(zip(text, text[1:], strict=False))
    after = sum(pair[0] == h for pair in pairs)
    seen = pairs.count((h, w))
    p = (seen + 1) / (after + 5)
    kinds = [len({v for v, x in pairs if x == letter}) for letter in "abcde"]
    return seen / after, p, float(-np.log2(p)), kinds


ml, add_one, bits, continuation = worked(my_ten, my_h, my_w)

# %% part="by_hand" role="tests" points=4
assert 0 < ml < 1 and 0 < add_one < 1, "two probabilities, each between 0 and 1"
assert bits > 0
assert np.shape(continuation) == (5,), "five counts, one for each letter"

# %% part="by_hand" role="hidden"
right = [key.ml, key.add_one, key.bits, *key.continuation]
got = np.append(np.asarray([ml, add_one, bits], float), np.asarray(continuation, float))
no_id = my_text("")
other = key.worked(*no_id)
other = [*other[:3], *other[3]]
if not np.allclose(right, other, atol=0.01):
    with hint("without_id"):
        assert np.shape(continuation) != (5,) or not np.allclose(got, other, atol=0.006)


def near(value, *wrongs, atol=0.003):
    return any(abs(float(value) - wrong) < atol for wrong in wrongs)


def short(value, exact):
    return any(np.isclose(value, round(exact, places)) for places in (1, 2))


with hint("too_few_decimals"):
    numbers = list(zip((ml, add_one, bits), (key.ml, key.add_one, key.bits), strict=True))
    cut = all(near(value, exact) or short(value, exact) for value, exact in numbers)
    close = near(ml, key.ml) and near(add_one, key.add_one) and near(bits, key.bits, atol=0.01)
    assert close or not cut
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), sum(pair[0] == my_h for pair in pairs)
into = sum(pair[1] == my_w for pair in pairs)
kinds = len({pair[1] for pair in pairs if pair[0] == my_h})
with hint("last_letter"):
    assert not near(ml, seen / (after + 1))
with hint("joint"):
    assert not near(ml, seen / len(pairs), seen / len(my_ten))
with hint("backwards"):
    assert not near(ml, seen / into, seen / my_ten.count(my_w), pairs.count((my_w, my_h)) / after)
with hint("ml_wrong"):
    assert near(ml, key.ml)
with hint("wrong_vocabulary"):
    assert not near(add_one, *((seen + 1) / (after + size) for size in (4, kinds, 26)))
with hint("denominator_of_one"):
    assert not near(add_one, (seen + 1) / (after + 1), (seen + 1) / after, seen / (after + 5))
with hint("last_letter"):
    assert not near(add_one, (seen + 1) / (after + 6))
with hint("add_one_wrong"):
    assert near(add_one, key.add_one)
p = key.add_one
with hint("nats"):
    assert not near(bits, -np.log(p), atol=0.01)
with hint("bits_of_another"):
    assert not near(bits, -np.log2(key.ml), -np.log2(1 - p), atol=0.01)
    assert not near(bits, -key.ml * np.log2(key.ml), -p * np.log2(p), atol=0.01)
with hint("not_bits"):
    assert not near(bits, p, 1 / p, -np.log10(p), -key.bits, atol=0.01)
with hint("bits_wrong"):
    assert near(bits, key.bits, atol=0.01)
got = np.asarray(continuation, float)
with hint("continuation_wrong"):
    assert got.shape == (5,)
raw = np.array([my_ten.count(letter) for letter in "abcde"])
entered = np.array([sum(pair[1] == letter for pair in pairs) for letter in "abcde"])
followers = np.array([len({b for a, b in pairs if a == letter}) for letter in "abcde"])
with hint("raw_counts"):
    assert not (got == raw).all() and not (got == entered).all()
with hint("followers"):
    assert not (got == followers).all()
with hint("not_itself"):
    itself = np.array([(letter, letter) in pairs for letter in "abcde"])
    assert not itself.any() or not (got == np.array(key.continuation) - itself).all()
with hint("shares"):
    assert not np.allclose(got, np.array(key.continuation) / sum(key.continuation), atol=0.006)
with hint("continuation_wrong"):
    assert (got == key.continuation).all()

# %% part="by_hand" role="mistake" name="without_id"
# These are the numbers of a notebook without an id. Write yours into the first code cell, run all cells again and work with the text that is printed then.
# 这是没填学号的笔记本里的数。先把学号写进第一个代码格，重新运行所有的格，再用新打印的文本来算。
text, h, w = my_text("")
pairs = list(zip(text, text[1:], strict=False))
after = sum(pair[0] == h for pair in pairs)
ml = pairs.count((h, w)) / after
add_one = (pairs.count((h, w)) + 1) / (after + 5)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="too_few_decimals"
# Your numbers are the right ones, cut too short. Three decimals are asked, or fractions.
# 数算对了，可位数留得太少。要么保留三位小数，要么写分数。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), sum(pair[0] == my_h for pair in pairs)
ml, add_one = round(seen / after, 1), round((seen + 1) / (after + 5), 1)
bits = round(float(-np.log2((seen + 1) / (after + 5))), 1)
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="last_letter"
# You count every h in the text. The last one is followed by nothing: c(h ·) counts only the h after which something comes.
# 你把文本里所有的 h 都数进去了。最后一个 h 后面什么也没有：c(h ·) 只数后面跟着东西的 h。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, total = pairs.count((my_h, my_w)), my_ten.count(my_h)
ml, add_one = seen / total, (seen + 1) / (total + 5)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="joint"
# You divided by all the pairs of the text. The condition is that h has come: divide by the pairs that begin with h.
# 你除以了整段文本的字母对总数。条件是 h 已经出现：该除以以 h 开头的对数。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen = pairs.count((my_h, my_w))
ml, add_one = seen / len(pairs), (seen + 1) / (len(pairs) + 5)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="backwards"
# Your condition stands on the wrong side: asked is how often w comes after h, among all that comes after h.
# 条件放反了：问的是 h 后面的东西里，有多少是 w。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, into = pairs.count((my_h, my_w)), sum(pair[1] == my_w for pair in pairs)
ml, add_one = seen / into, (seen + 1) / (into + 5)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="wrong_vocabulary"
# The V of your add-one denominator is wrong: it is the size of the whole vocabulary, with the letters that never come.
# 加一的分母里 V 取错了：V 是整个词表的大小，从没出现的字母也算。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), sum(pair[0] == my_h for pair in pairs)
ml, add_one = seen / after, (seen + 1) / (after + len(set(my_ten)))
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="denominator_of_one"
# With add-one every letter of the vocabulary is given one imaginary case: w gets one in the numerator, and the denominator grows by all of them.
# 加一是给词表里每个字母各添一个想象的例子：分子里添 w 的那一个，分母要添上全部。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), sum(pair[0] == my_h for pair in pairs)
ml, add_one = seen / after, (seen + 1) / (after + 1)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="nats"
# Your cost is in nats. For bits take the logarithm to base 2.
# 你的代价单位是奈特。要比特，就取以 2 为底的对数。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 1) / (after + 5)
bits = float(-np.log(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="bits_of_another"
# These bits belong to another probability. Asked is what the add-one model pays for the one token w that came.
# 这些比特是另一个概率的。问的是加一模型为真正出现的 w 这一个词元付多少。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 1) / (after + 5)
bits = float(-np.log2(ml))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="not_bits"
# That is no number of bits: minus the logarithm to base 2 of the probability is asked, not the probability, its inverse or another logarithm.
# 这不是比特数：要的是概率以 2 为底的对数再取负，不是概率本身，不是它的倒数，也不是别的对数。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 1) / (after + 5)
bits = 1 / add_one
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="raw_counts"
# You give the letters' counts. A continuation count asks in how many different contexts a letter has come, however often.
# 你写的是字母的次数。接续计数问的是字母在多少种不同的上下文后面出现过，不管出现多少次。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 1) / (after + 5)
bits = float(-np.log2(add_one))
continuation = [my_ten.count(letter) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="followers"
# You count what comes after each letter. Look to the other side: what stands before it?
# 你数的是每个字母后面有什么。看另一边：它前面站着什么？
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 1) / (after + 5)
bits = float(-np.log2(add_one))
continuation = [len({b for a, b in pairs if a == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="not_itself"
# A letter may come after itself: then it is one of its own contexts, and counts.
# 字母可以跟在自己后面：这时它自己也是一种上下文，要算进去。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 1) / (after + 5)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if a != b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="shares"
# Your continuation counts are divided by their sum. Asked are the counts themselves, whole numbers.
# 你的接续计数除过总和了。要的是计数本身，是整数。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 1) / (after + 5)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) / len(set(pairs)) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="ml_wrong"
# `ml` is not right. Underline each h in your text, then look at the letter after each of them: how many are there, and how many of them are w?
# `ml` 不对。在你的文本里给每个 h 画上线，再看它后面的字母：一共有几个，其中几个是 w？
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after + 0.02, (seen + 1) / (after + 5)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="add_one_wrong"
# `ml` is right, `add_one` is not. Write down c(hw), c(h ·), k and V first, then put them into the formula of the lesson.
# `ml` 对了，`add_one` 不对。先写下 c(hw)、c(h ·)、k、V 各是多少，再代进课里的公式。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 2) / (after + 10)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="bits_wrong"
# Your probabilities are right, `bits` is not: it is the cost of one token, w after h, and it need not be whole.
# 概率都对了，`bits` 不对：它是一个词元的代价，即 h 之后的 w，不一定是整数。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 1) / (after + 5)
bits = float(np.ceil(-np.log2(add_one)))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]

# %% part="by_hand" role="mistake" name="continuation_wrong"
# Everything but the continuation counts is right. For each letter list the letters that stand before it, each once; the first letter of the text has nothing before it.
# 除了接续计数都对。给每个字母列出站在它前面的字母，每种只记一次；文本的第一个字母前面什么也没有。
pairs = list(zip(my_ten, my_ten[1:], strict=False))
seen, after = pairs.count((my_h, my_w)), my_ten[:-1].count(my_h)
ml, add_one = seen / after, (seen + 1) / (after + 5)
bits = float(-np.log2(add_one))
continuation = [len({a for a, b in pairs if b == letter}) for letter in "abcde"]
continuation["abcde".index(my_ten[0])] += 1

# %% part="by_hand" role="alternative" name="rounded"
joined = [my_ten[i : i + 2] for i in range(len(my_ten) - 1)]
after = len([pair for pair in joined if pair[0] == my_h])
ml = round(joined.count(my_h + my_w) / after, 3)
add_one = round((joined.count(my_h + my_w) + 1) / (after + 5), 3)
bits = round(float(-np.log2(add_one)), 3)
continuation = tuple(sum(pair[1] == letter for pair in set(joined)) for letter in "abcde")

# %% part="by_hand" role="alternative" name="arrays"
ids = np.array(["abcde".index(letter) for letter in my_ten])
table = np.zeros((5, 5))
np.add.at(table, (ids[:-1], ids[1:]), 1)
row, column = "abcde".index(my_h), "abcde".index(my_w)
ml = table[row, column] / table[row].sum()
add_one = (table[row, column] + 1) / (table[row] + 1).sum()
bits = np.array(np.log(1 / add_one) / np.log(2))
continuation = (table > 0).sum(axis=0)

# %% part="by_hand" role="alternative" name="counter"
often = Counter(zip(my_ten, my_ten[1:], strict=False))
total = sum(count for (a, b), count in often.items() if a == my_h)
ml = often[my_h, my_w] / total
add_one = (often[my_h, my_w] + 1) / (total + 5)
bits = float(np.log2(total + 5) - np.log2(often[my_h, my_w] + 1))
before = Counter(b for a, b in often)
continuation = [float(before[letter]) for letter in "abcde"]

# %% [markdown]
# ## 2 · Count and add k (5 points)
# Write `add_k(ids, V, k)`. `ids` is a text, a list of ids from $0$ to $V - 1$, one at least; $k > 0$ need not be whole. Count its pairs of neighbours and return the table of the bigram model with $k$ added to every count, $V$ rows and $V$ columns: row $h$ is the distribution after $h$. A token that is in the vocabulary, but not in the text, has its row and its column, too.

# %% [markdown] lang="zh"
# ## 2 · 数数，再加 k（5 分）
# 写出 `add_k(ids, V, k)`。`ids` 是一段文本，即一列编号，每个在 $0$ 到 $V - 1$ 之间，至少一个；$k > 0$，不一定是整数。数出相邻的对，每个计数加 $k$，返回二元语法模型的表，$V$ 行 $V$ 列：第 $h$ 行是 $h$ 之后的分布。词表里有、文本里没有的词元，也有自己的行和列。


# %% part="add_k" role="stub"
def add_k(ids, V, k):
    raise NotImplementedError


# %% part="add_k" role="solution"
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    np.add.at(table, (ids[:-1], ids[1:]), 1)
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="tests" points=5
ten = [0, 1, 0, 2, 0, 1, 0, 2, 0, 3]  # abacabacad, as in the lesson
table = np.asarray(add_k(ten, 4, 1))
assert table.shape == (4, 4)
assert_allclose(table[1], [1 / 2, 1 / 6, 1 / 6, 1 / 6], rtol=1e-5)  # after b
assert_allclose(table[0], [1 / 9, 3 / 9, 3 / 9, 2 / 9], rtol=1e-5)  # after a
assert_allclose(table[3], [1 / 4] * 4, rtol=1e-5)  # nothing comes after d

# %% part="add_k" role="hidden"
V, k = 6, float(rng.choice([0.3, 0.4, 0.7]))
order = rng.permutation(5)  # the last token of the vocabulary never comes
ids = [int(order[i]) for i in [0, 1, 0, 1, 0, 2, 0, 3, 1, 1, 1, 2, 4, 0, 2, 3, 3, 0, 1, 2]]
right, got = key.add_k(ids, V, k), np.asarray(add_k(ids, V, k), float)


def same(*wrongs):
    return any(got.shape == np.shape(wrong) and np.allclose(got, wrong) for wrong in wrongs)


def tabled(pairs, size=V):
    counted = np.zeros((size, size))
    np.add.at(counted, tuple(np.transpose(list(pairs))), 1)
    return counted


ten = [0, 1, 0, 2, 0, 1, 0, 2, 0, 3]
with hint("hard_coded"):
    assert got.shape == (V, V) or not same(key.add_k(ten, 4, 1))
with hint("too_small"):
    assert got.shape == (V, V)
with hint("rounded"):
    for places in (1, 2, 3, 4, 5):
        assert not np.allclose(got, right.round(places), rtol=0, atol=1e-7)
c = tabled(zip(ids, ids[1:], strict=False))
row, kinds = c.sum(axis=1, keepdims=True), (c > 0).sum(axis=1, keepdims=True)
often = np.bincount(ids, minlength=V)[:, None]
with hint("k_ignored"):
    assert not same(key.add_k(ids, V, 1))
    assert np.isfinite(got).all()
with hint("logarithm"):
    assert (got >= 0).all()
with hint("last_one_counts"):
    once = (c > 0).astype(float)
    assert not same((once + k) / (kinds + k * V), (once + k) / (row + k * V))
with hint("columns"):
    assert not same(right.T, (c + k) / (c + k).sum(axis=0))
    assert not same(((c + k) / (c + k).sum(axis=0)).T)
with hint("denominator"):
    assert not same((c + k) / (often + k * V))
with hint("wrong_vocabulary"):
    sizes = (4, 5, 7, np.maximum(kinds, 1), (c > 0).sum(), len(ids))
    assert not same(*((c + k) / (row + k * size) for size in sizes))
with hint("k_without_v"):
    assert not same((c + k) / (row + k), (c + k) / (row + V), (c + k) / np.maximum(row, 1))
with hint("joint"):
    assert not same((c + k) / (c.sum() + k * V), (c + k) / (c + k).sum())
with hint("unseen_alone"):
    filled = np.where(c == 0, k, c)
    assert not same(filled / filled.sum(axis=1, keepdims=True), filled / (row + k * V))
with hint("itself"):
    others = c * (1 - np.eye(V)) + k
    assert not same(others / others.sum(axis=1, keepdims=True))
with hint("run_of_one_token"):
    swallowed = c + k
    swallowed[order[1], order[1]] -= 1
    assert not same(swallowed / swallowed.sum(axis=1, keepdims=True), swallowed / (row + k * V))
with hint("wrapped_around"):
    assert not same(key.add_k([*ids, ids[0]], V, k))
with hint("blocks"):
    blocks = tabled(zip(ids[::2], ids[1::2], strict=False)) + k
    assert not same(blocks / blocks.sum(axis=1, keepdims=True))
with hint("pair_left_out"):
    assert not same(key.add_k(ids[:-1], V, k), key.add_k(ids[1:], V, k))
with hint("sums"):
    assert_allclose(got.sum(axis=1), 1, rtol=1e-5)
assert_allclose(got, right, rtol=1e-5)
with hint("remembers"):
    assert_allclose(np.asarray(add_k(ids, V, k), float), right, rtol=1e-5)
with hint("no_pairs"):
    assert_allclose(np.asarray(add_k([1], 3, k)), np.full((3, 3), 1 / 3), rtol=1e-5)
with hint("digits_run_together"):
    large = rng.permutation(40).tolist() * 3
    assert_allclose(np.asarray(add_k(large, 41, 2)), key.add_k(large, 41, 2), rtol=1e-5)


# %% part="add_k" role="mistake" name="hard_coded"
# Your function returns the table of the visible test, whatever text it gets. Compute it from `ids`, `V` and `k`.
# 不管给什么文本，你的函数都返回公开测试里的那张表。要由 `ids`、`V` 和 `k` 算出来。
def add_k(ids, V, k):
    after_a, even = [1 / 9, 3 / 9, 3 / 9, 2 / 9], [1 / 4] * 4
    after_b = [1 / 2, 1 / 6, 1 / 6, 1 / 6]
    return np.array([after_a, after_b, after_b, even])


# %% part="add_k" role="mistake" name="too_small"
# Your table doesn't have V rows and V columns. The vocabulary is given as V; a text need not use all of it.
# 你的表不是 V 行 V 列。词表大小由 V 给定，文本不一定用到全部。
def add_k(ids, V, k):
    size = max(ids) + 1
    table = np.full((size, size), float(k))
    for h, w in zip(ids, ids[1:], strict=False):
        table[h, w] += 1
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="logarithm"
# Your table has negative entries: these are logarithms, or counts taken away. Return probabilities.
# 你的表里有负数：那是对数，或者减过头的计数。该返回概率。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    for h, w in zip(ids, ids[1:], strict=False):
        table[h, w] += 1
    return np.log(table / table.sum(axis=1, keepdims=True))


# %% part="add_k" role="mistake" name="last_one_counts"
# A pair that comes several times counts only once in your table: `table[rows, columns] += 1` writes each cell once. Count pair by pair, or see np.add.at.
# 一个对出现几次，在你的表里只算一次：`table[rows, columns] += 1` 每格只写一次。逐对来数，或者看看 np.add.at。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    table[np.array(ids[:-1], int), np.array(ids[1:], int)] += 1
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="columns"
# Rows and columns are exchanged. The row is what came first, h; each row sums to one.
# 行和列弄反了。行是先出现的 h；每一行加起来等于一。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    for h, w in zip(ids, ids[1:], strict=False):
        table[w, h] += 1
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="denominator"
# The row of the text's last token doesn't sum to one: at the end of the text nothing follows it. The denominator counts the pairs that begin with h, not every h.
# 文本最后一个词元的那一行，加起来不等于一：它在文末那一次，后面没有东西。分母数的是以 h 开头的对，不是所有的 h。
def add_k(ids, V, k):
    table = np.zeros((V, V))
    for h, w in zip(ids, ids[1:], strict=False):
        table[h, w] += 1
    often = np.bincount(ids, minlength=V)
    return (table + k) / (often[:, None] + k * V)


# %% part="add_k" role="mistake" name="wrong_vocabulary"
# Your denominator counts k for the wrong number of tokens: not only for those that occur, nor for those seen after h, but for all V.
# 你的分母里，k 乘错了个数：不是只给出现过的词元，也不是只给在 h 后面见过的，而是给全部 V 个。
def add_k(ids, V, k):
    table = np.zeros((V, V))
    for h, w in zip(ids, ids[1:], strict=False):
        table[h, w] += 1
    return (table + k) / (table.sum(axis=1, keepdims=True) + k * len(set(ids)))


# %% part="add_k" role="mistake" name="k_without_v"
# Each of the V tokens is given k, so together they get kV. Your denominator grows by another amount.
# V 个词元各添 k，一共添了 kV。你的分母添的不是这个数。
def add_k(ids, V, k):
    table = np.zeros((V, V))
    for h, w in zip(ids, ids[1:], strict=False):
        table[h, w] += 1
    return (table + k) / (table.sum(axis=1, keepdims=True) + k)


# %% part="add_k" role="mistake" name="joint"
# You divide by the pairs of the whole text. Each context h has a denominator of its own: c(h ·) plus its share of k.
# 你除以了整段文本的对数。每个上下文 h 有自己的分母：c(h ·) 加上添的那些 k。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    for h, w in zip(ids, ids[1:], strict=False):
        table[h, w] += 1
    return table / table.sum()


# %% part="add_k" role="mistake" name="unseen_alone"
# You add k only to what was never seen. Every count gets it, the seen ones as well.
# 你只给没见过的加了 k。每个计数都要加，见过的也一样。
def add_k(ids, V, k):
    table = np.zeros((V, V))
    for h, w in zip(ids, ids[1:], strict=False):
        table[h, w] += 1
    table[table == 0] = k
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="k_ignored"
# Your function doesn't add just k. How much is added is the argument k, which need not be whole; an array of integers would cut it off.
# 你的函数加的不是 k。加多少由参数 k 说了算，不一定是整数；整数数组会把小数部分切掉。
def add_k(ids, V, k):
    table = np.ones((V, V))
    for h, w in zip(ids, ids[1:], strict=False):
        table[h, w] += 1
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="itself"
# A token that follows itself is missing from your counts: such a pair is a pair like any other.
# 词元跟在自己后面的对，你没有数：它和别的对一样要数。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    for h, w in zip(ids, ids[1:], strict=False):
        if h != w:
            table[h, w] += 1
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="wrapped_around"
# You count one pair too many: the last token and the first one are no neighbours.
# 你多数了一对：最后一个词元和第一个不是邻居。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    np.add.at(table, (np.asarray(ids), np.roll(ids, -1)), 1)
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="blocks"
# You cut the text into blocks of two. Pairs overlap: every token but the first ends one, every token but the last begins one.
# 你把文本切成了两个一块。对是重叠的：除了第一个，每个词元都结束一对；除了最后一个，每个词元都开始一对。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    for h, w in zip(ids[::2], ids[1::2], strict=False):
        table[h, w] += 1
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="pair_left_out"
# One pair is missing, at an end of the text: T tokens have T − 1 pairs. Check where your loop ends.
# 文本的一头漏了一对：T 个词元有 T − 1 对。检查循环在哪里结束。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    for t in range(len(ids) - 2):
        table[ids[t], ids[t + 1]] += 1
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="sums"
# A row of your table doesn't sum to one. Numerators and denominator must hold the same imaginary cases.
# 你的表里有的行加起来不等于一。分子和分母里想象的例子必须一样多。
def add_k(ids, V, k):
    table = np.zeros((V, V))
    for h, w in zip(ids, ids[1:], strict=False):
        table[h, w] += 1
    return table / (table.sum(axis=1, keepdims=True) + k * V)


# %% part="add_k" role="mistake" name="rounded"
# Your probabilities are rounded: then a row no longer sums to one. Return them as they are.
# 你把概率四舍五入了：这样一行加起来就不再是一。算出来是多少，就返回多少。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    np.add.at(table, (ids[:-1], ids[1:]), 1)
    return np.round(table / table.sum(axis=1, keepdims=True), 4)


# %% part="add_k" role="mistake" name="run_of_one_token"
# Where a token comes three times running there are two pairs, and the middle token is in both. You find one: so does `count` of a text, which never uses a letter twice.
# 同一个词元连着来三次，里面有两对，中间那个两对都要用。你只数到一对：字符串的 `count` 就是这样，一个字符不会用两次。
def add_k(ids, V, k):
    text = "".join(chr(97 + i) for i in ids)
    names = [chr(97 + i) for i in range(V)]
    table = np.array([[text.count(h + w) + k for w in names] for h in names], float)
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="remembers"
# Called a second time your function still knows the counts of the first. Begin each call with an empty table: what is made outside the function, or as a default value, is made once.
# 第二次调用时，你的函数还记着上一次的计数。每次调用都要从空表开始：写在函数外面的，或写成参数默认值的，只创建一次。
counts = Counter()


def add_k(ids, V, k):
    counts.update(zip(ids, ids[1:], strict=False))
    table = np.array([[counts[h, w] + k for w in range(V)] for h in range(V)])
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="digits_run_together"
# In a vocabulary of 41 your counts are wrong. An id may have two digits, and not every context has come: use the ids as numbers, not as characters of a text.
# 词表大到 41，你的计数就错了。编号可以有两位数字，上下文也不一定都出现过：把编号当数用，不要当成文本里的字符。
def add_k(ids, V, k):
    def split(pair):
        return int(pair[0]), int(pair[1:])

    counts = Counter(split(f"{h}{w}") for h, w in zip(ids, ids[1:], strict=False))
    table = np.array([[counts[h, w] + k for w in range(V)] for h in range(V)])
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="mistake" name="no_pairs"
# A text of one token has no pairs, and your function fails there. With k added to zero counts, every row is uniform.
# 只有一个词元的文本没有对，你的函数在这里出错。零计数加上 k，每一行都是均匀的。
def add_k(ids, V, k):
    table = np.full((V, V), float(k))
    h, w = zip(*[(ids[t], ids[t + 1]) for t in range(len(ids) - 1)], strict=True)
    np.add.at(table, (h, w), 1)
    return table / table.sum(axis=1, keepdims=True)


# %% part="add_k" role="alternative" name="counter"
def add_k(ids, V, k):
    pairs, firsts = Counter(zip(ids, ids[1:], strict=False)), Counter(ids[:-1])
    return [[(pairs[h, w] + k) / (firsts[h] + k * V) for w in range(V)] for h in range(V)]


# %% part="add_k" role="alternative" name="bincount"
def add_k(ids, V, k):
    ids = np.asarray(ids, int)
    counts = np.bincount(ids[:-1] * V + ids[1:], minlength=V * V).reshape(V, V)
    return (counts + k) / (counts.sum(1)[:, None] + k * V)


# %% part="add_k" role="alternative" name="einsum"
def add_k(ids, V, k):
    one_hot = np.eye(V)[np.asarray(ids)]
    counts = np.einsum("th,tw->hw", one_hot[:-1], one_hot[1:]) + k
    return np.einsum("hw,h->hw", counts, 1 / counts.sum(axis=1))


# %% [markdown]
# ## 3 · Interpolation (5 points)
# Now the counts are given: `singles` of shape `(V,)` are the counts $c(w)$ of the tokens in a text, `pairs` of shape `(V, V)` the counts $c(hw)$ of its pairs. Write `interpolated(singles, pairs, weight)`, the table `(V, V)` of $P(w \mid h)$ from the lesson, with the same $\lambda$ = `weight`, $0 < \lambda < 1$, for both orders and the floor $1/V$ at the bottom:
#
# $$P(w) = \lambda\, \frac{c(w)}{c(\cdot)} + (1 - \lambda)\, \frac1V, \qquad P(w \mid h) = \lambda\, \frac{c(hw)}{c(h\,\cdot)} + (1 - \lambda)\, P(w)$$
#
# After a context $h$ that was never seen, $P(w \mid h) = P(w)$.

# %% [markdown] lang="zh"
# ## 3 · 插值（5 分）
# 这回计数是现成的：`singles`，形状 `(V,)`，是文本里各词元的计数 $c(w)$；`pairs`，形状 `(V, V)`，是各个对的计数 $c(hw)$。写出 `interpolated(singles, pairs, weight)`，返回课里的 $P(w \mid h)$ 的表，形状 `(V, V)`；两阶用同一个 $\lambda$ = `weight`，$0 < \lambda < 1$，最下面是地板 $1/V$：
#
# $$P(w) = \lambda\, \frac{c(w)}{c(\cdot)} + (1 - \lambda)\, \frac1V, \qquad P(w \mid h) = \lambda\, \frac{c(hw)}{c(h\,\cdot)} + (1 - \lambda)\, P(w)$$
#
# 若上下文 $h$ 从没见过，则 $P(w \mid h) = P(w)$。


# %% part="interpolated" role="stub"
def interpolated(singles, pairs, weight):
    raise NotImplementedError


# %% part="interpolated" role="solution"
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    after = pairs.sum(axis=1, keepdims=True)
    share = np.where(after > 0, weight, 0)
    return share * pairs / np.maximum(after, 1) + (1 - share) * below


# %% part="interpolated" role="tests" points=5
singles = np.array([5, 2, 2, 1])  # of abacabacad
pairs = np.array([[0, 2, 2, 1], [2, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]])
table = np.asarray(interpolated(singles, pairs, 0.5))
assert_allclose([table[0, 3], table[1, 3]], [0.1875, 0.0875], rtol=1e-5)  # d after a, d after b
assert_allclose(table[3], [0.375, 0.225, 0.225, 0.175], rtol=1e-5)  # d was never a context
assert_allclose(table.sum(axis=1), 1, rtol=1e-5)

# %% part="interpolated" role="hidden"
V, weight = 5, float(rng.choice([0.3, 0.4, 0.6, 0.8]))
order = rng.permutation(V)
ids = order[[2, 0, 1, 0, 1, 0, 2, 0, 3, 1, 1, 1, 2, 4, 0, 2, 3, 3, 0, 1, 2, 0, 0]]


def counted(ids, V):
    pairs = np.zeros((V, V), int)
    np.add.at(pairs, (ids[:-1], ids[1:]), 1)
    return np.bincount(ids, minlength=V), pairs


singles, pairs = counted(ids, V)
right = key.interpolated(singles, pairs, weight)
got = np.asarray(interpolated(singles, pairs, weight), float)
ml, single = pairs / pairs.sum(axis=1, keepdims=True), singles / singles.sum()
below, rest = weight * single + (1 - weight) / V, 1 - weight


def same(*wrongs):
    return any(got.shape == np.shape(wrong) and np.allclose(got, wrong) for wrong in wrongs)


def scaled(table):
    return table / table.sum(axis=1, keepdims=True)


with hint("shape"):
    assert got.shape == (V, V)
with hint("rounded"):
    for places in (1, 2, 3, 4, 5):
        assert not np.allclose(got, right.round(places), rtol=0, atol=1e-7)
with hint("last_row"):
    assert np.allclose(got[-1], right[-1]) or not np.allclose(got[-1], below)
with hint("swapped"):
    assert not same(key.interpolated(singles, pairs, rest))
    assert not same(rest * ml + weight * below)
    assert not same(weight * ml + rest * (rest * single + weight / V))
with hint("weight_ignored"):
    assert not same(key.interpolated(singles, pairs, 0.5), (ml + single + 1 / V) / 3)
with hint("geometric"):
    product = ml**weight * below**rest
    assert not same(product, scaled(product), ml * below, scaled(ml * below))
with hint("longest_alone"):
    assert not same(ml, weight * ml)
with hint("backing_off"):
    off = [np.where(pairs > 0, a, b) for a in (ml, weight * ml) for b in (below, rest * below)]
    assert not same(*off, *(scaled(table) for table in off))
    assert not np.allclose(got[pairs > 0], ml[pairs > 0])
    assert not np.allclose(got[pairs > 0], weight * ml[pairs > 0])
with hint("no_floor"):
    assert not same(weight * ml + rest * single)
    short = weight * ml + rest * weight * single
    assert not same(short, scaled(short))
with hint("straight_to_floor"):
    assert not same(weight * ml + rest / V)
with hint("mixed_counts"):
    mixed = weight * pairs + rest * singles
    assert not same(mixed, scaled(mixed), scaled(pairs + singles))
with hint("denominator"):
    assert not same(weight * pairs / singles[:, None] + rest * below)
with hint("columns"):
    upright = pairs / pairs.sum(axis=0)
    assert not same(weight * upright + rest * below, weight * upright.T + rest * below)
    assert not same(weight * ml.T + rest * below, weight * ml + rest * below[:, None])
    assert not same(right.T)
with hint("joint"):
    assert not same(weight * pairs / pairs.sum() + rest * below)
with hint("from_pairs"):
    entered, left = pairs.sum(axis=0), pairs.sum(axis=1)
    for counts in (entered, left):
        wrong = weight * counts / counts.sum() + rest / V
        assert not same(weight * ml + rest * wrong)
with hint("sums"):
    assert_allclose(got.sum(axis=1), 1, rtol=1e-5)
assert_allclose(got, right, rtol=1e-5)
# two contexts never seen: one token ends the text, another does not occur
V = 7
order = rng.permutation(V)
singles, pairs = counted(order[[0, 1, 0, 2, 2, 3, 0, 4, 0, 1, 5]], V)
with hint("floor_of_seen"):
    got = np.asarray(interpolated(singles, pairs, weight), float)
    wrong = weight * singles / singles.sum() + rest / (singles > 0).sum()
    nothing = pairs.sum(axis=1) == 0
    assert not np.allclose(got[~nothing][:, singles > 0], 0)
    ml = pairs[~nothing] / pairs[~nothing].sum(axis=1, keepdims=True)
    for cut in (wrong, np.where(singles > 0, wrong, 0)):
        assert not np.allclose(got[~nothing], weight * ml + rest * cut)
with hint("unseen_context"):
    assert_allclose(got, key.interpolated(singles, pairs, weight), rtol=1e-5)


# %% part="interpolated" role="mistake" name="shape"
# The result must be a table of V rows and V columns: for each context h a whole distribution.
# 结果应是 V 行 V 列的表：每个上下文 h 都有一整个分布。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    entered = pairs.sum(axis=0)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    return weight * entered / entered.sum() + (1 - weight) * below


# %% part="interpolated" role="mistake" name="swapped"
# λ and 1 − λ are exchanged. λ is the share of the longer context, in both orders.
# λ 和 1 − λ 弄反了。两阶都一样：λ 是较长上下文的份额。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = (1 - weight) * singles / singles.sum() + weight / len(singles)
    rows = []
    for row in pairs:
        rows.append((1 - weight) * row / row.sum() + weight * below if row.sum() else below)
    return np.array(rows)


# %% part="interpolated" role="mistake" name="weight_ignored"
# Your function mixes in fixed shares, such as half and half, whatever the weight.
# 不管权重是多少，你的函数总按固定的比例混合，比如对半。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = 0.5 * singles / singles.sum() + 0.5 / len(singles)
    return np.array([0.5 * row / row.sum() + 0.5 * below if row.sum() else below for row in pairs])


# %% part="interpolated" role="mistake" name="geometric"
# You multiply the orders, a geometric mean: one zero makes the product zero, and the sum is no longer one. Interpolation adds, an arithmetic mean.
# 你把两阶相乘，那是几何平均：有一个零，乘积就是零，总和也不再是一。插值是相加，即算术平均。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    rows = []
    for row in pairs:
        ml = row / row.sum() if row.sum() else below
        rows.append(ml**weight * below ** (1 - weight))
    return np.array(rows)


# %% part="interpolated" role="mistake" name="longest_alone"
# Only the longer context speaks in your table; a pair never seen keeps probability zero. Add the share of the shorter one.
# 你的表里只有长上下文说了话，没见过的对仍是零概率。还要加上短上下文的那一份。
def interpolated(singles, pairs, weight):
    pairs = np.asarray(pairs, float)
    return pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1)


# %% part="interpolated" role="mistake" name="backing_off"
# This is backing off: you ask the shorter context only about what was never seen after h. In a mixture it has its share in every probability, also of the seen.
# 这是回退：只有在 h 后面没见过的，你才去问短上下文。混合的时候，见过的概率里也有短上下文的一份。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    ml = pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    return np.where(pairs > 0, weight * ml, (1 - weight) * below)


# %% part="interpolated" role="mistake" name="no_floor"
# The floor is missing: the unigrams, too, are mixed, with 1/V below them.
# 少了地板：一元语法也要混合，它下面是 1/V。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = singles / singles.sum()
    return np.array(
        [weight * row / row.sum() + (1 - weight) * below if row.sum() else below for row in pairs]
    )


# %% part="interpolated" role="mistake" name="straight_to_floor"
# You go from the pairs straight to the floor. The unigrams lie between them.
# 你从二元语法直接落到了地板。中间还有一元语法。
def interpolated(singles, pairs, weight):
    pairs = np.asarray(pairs, float)
    V = len(pairs)
    return np.array(
        [weight * row / row.sum() + (1 - weight) / V if row.sum() else row + 1 / V for row in pairs]
    )


# %% part="interpolated" role="mistake" name="mixed_counts"
# You mix counts. Then frequent contexts outweigh the rest; turn each order into probabilities first and mix those.
# 你混合的是计数，次数大的就压过别的。先把每一阶变成概率，再混合。
def interpolated(singles, pairs, weight):
    mixed = weight * np.asarray(pairs, float) + (1 - weight) * np.asarray(singles, float)
    return mixed / mixed.sum(axis=1, keepdims=True)


# %% part="interpolated" role="mistake" name="denominator"
# One row doesn't sum to one: that of the text's last token, which is in singles once more than it is a context. c(h ·) is the sum of the row of pairs.
# 有一行加起来不等于一：文本最后一个词元的那一行，它在 singles 里比当上下文的次数多一次。c(h ·) 是 pairs 里那一行的和。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    return weight * pairs / np.maximum(singles, 1)[:, None] + (1 - weight) * below


# %% part="interpolated" role="mistake" name="columns"
# Rows and columns are exchanged somewhere: h is the row, w the column, and each row of the result sums to one.
# 有的地方行和列弄反了：h 是行，w 是列，结果的每一行加起来等于一。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    return weight * pairs / np.maximum(pairs.sum(axis=0), 1) + (1 - weight) * below


# %% part="interpolated" role="mistake" name="joint"
# You divide the pairs by the sum of the whole table. Each row h has its own sum.
# 你把对的计数除以了整张表的和。每一行 h 有自己的和。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    return weight * pairs / pairs.sum() + (1 - weight) * below


# %% part="interpolated" role="mistake" name="from_pairs"
# You take the unigrams from sums of pairs. There one end of the text is missing; use `singles`.
# 你的一元语法取自对的和，那里缺了文本的一头。请用 `singles`。
def interpolated(singles, pairs, weight):
    pairs = np.asarray(pairs, float)
    entered = pairs.sum(axis=0)
    below = weight * entered / entered.sum() + (1 - weight) / len(entered)
    return np.array(
        [weight * row / row.sum() + (1 - weight) * below if row.sum() else below for row in pairs]
    )


# %% part="interpolated" role="mistake" name="sums"
# A row of your table doesn't sum to one. What the shorter context gets must be just what the longer one leaves, 1 − λ.
# 你的表里有的行加起来不等于一。短上下文得到的，应正好是长上下文留下的 1 − λ。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    return np.array([weight * row / max(row.sum(), 1) + weight * below for row in pairs])


# %% part="interpolated" role="mistake" name="floor_of_seen"
# Your floor is shared by the tokens that occur. The vocabulary has V tokens, the length of `singles`, also those with count 0.
# 你的地板只由出现过的词元来分。词表有 V 个词元，即 `singles` 的长度，计数为 0 的也算。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / (singles > 0).sum()
    return np.array(
        [weight * row / row.sum() + (1 - weight) * below if row.sum() else below for row in pairs]
    )


# %% part="interpolated" role="mistake" name="rounded"
# Your probabilities are rounded. Return them as they are: a sum or a logarithm comes after you.
# 你把概率四舍五入了。算出来是多少就返回多少：后面还要求和、取对数。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    after = pairs.sum(axis=1, keepdims=True)
    share = np.where(after > 0, weight, 0)
    return np.round(share * pairs / np.maximum(after, 1) + (1 - share) * below, 4)


# %% part="interpolated" role="mistake" name="last_row"
# You treat the last row as a context that was never seen. Which contexts were never seen differs from text to text: their rows hold nothing but zeros.
# 你把最后一行当成了没见过的上下文。哪些上下文没见过，每段文本都不一样：看哪一行全是零。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    table = weight * pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    table += (1 - weight) * below
    table[-1] = below
    return table


# %% part="interpolated" role="mistake" name="unseen_context"
# After a context that was never seen something is wrong: a division by zero, or a row that isn't P(w). All of it goes to the shorter context there, not 1 − λ.
# 上下文从没见过时出了错：除以了零，或者那一行不是 P(w)。这时全部交给短上下文，不是只交 1 − λ。
def interpolated(singles, pairs, weight):
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    below = weight * singles / singles.sum() + (1 - weight) / len(singles)
    ml = pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    return weight * ml + (1 - weight) * below


# %% part="interpolated" role="alternative" name="loop"
def interpolated(singles, pairs, weight):
    V, total = len(singles), sum(singles)
    below = [weight * c / total + (1 - weight) / V for c in singles]
    table = []
    for row in pairs:
        n = sum(row)
        mixed = (
            [weight * c / n + (1 - weight) * p for c, p in zip(row, below, strict=True)]
            if n
            else below
        )
        table.append(mixed)
    return table


# %% part="interpolated" role="alternative" name="masked"
def interpolated(singles, pairs, weight):
    below = weight * np.divide(singles, np.sum(singles)) + (1 - weight) / np.size(singles)
    result = np.tile(below, (len(pairs), 1))
    seen = np.sum(pairs, axis=1) > 0
    counts = np.array(pairs, float)[seen]
    result[seen] *= 1 - weight
    result[seen] += weight * counts / counts.sum(axis=1)[:, None]
    return result


# %% part="interpolated" role="alternative" name="einsum"
def interpolated(singles, pairs, weight):
    V = len(singles)
    below = (1 - weight) * np.ones(V) / V + weight * np.asarray(singles) / np.sum(singles)
    ml = np.asarray(pairs, float).copy()
    ml[ml.sum(1) == 0] = below  # a row that sums to one, so that it mixes with itself
    return weight * np.einsum("hw,h->hw", ml, 1 / ml.sum(1)) + np.einsum(
        "h,w->hw", np.full(V, 1 - weight), below
    )


# %% [markdown]
# ## 4 · Kneser–Ney (5 points)
# Write `kneser_ney(pairs, discount)`: the counts $c(hw)$ of the pairs, shape `(V, V)`, and $D$ = `discount`, $0 < D < 1$; the result is the table `(V, V)` of
#
# $$P(w \mid h) = \frac{\max(c(hw) - D,\, 0)}{c(h\,\cdot)} + \gamma(h)\, P'(w), \qquad \gamma(h) = \frac{D\, N_{1+}(h\,\cdot)}{c(h\,\cdot)}$$
#
# where $P'(w)$ comes from continuation counts, as in the lesson. There is no floor: a token that never follows anything keeps probability 0. After a context that was never seen, $P(w \mid h) = P'(w)$. One pair at least was seen.

# %% [markdown] lang="zh"
# ## 4 · Kneser–Ney（5 分）
# 写出 `kneser_ney(pairs, discount)`：给定各个对的计数 $c(hw)$，形状 `(V, V)`，以及 $D$ = `discount`，$0 < D < 1$；结果是下式的表，形状 `(V, V)`：
#
# $$P(w \mid h) = \frac{\max(c(hw) - D,\, 0)}{c(h\,\cdot)} + \gamma(h)\, P'(w), \qquad \gamma(h) = \frac{D\, N_{1+}(h\,\cdot)}{c(h\,\cdot)}$$
#
# 其中 $P'(w)$ 由接续计数得出，与课里一样。这里没有地板：从没跟在任何东西后面的词元，概率仍是 0。若上下文从没见过，则 $P(w \mid h) = P'(w)$。至少见过一个对。


# %% part="kneser_ney" role="stub"
def kneser_ney(pairs, discount):
    raise NotImplementedError


# %% part="kneser_ney" role="solution"
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    seen = pairs > 0
    below = seen.sum(axis=0) / seen.sum()
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * seen.sum(axis=1, keepdims=True), 1)
    after = np.maximum(after, 1)
    return np.maximum(pairs - discount, 0) / after + gamma / after * below


# %% part="kneser_ney" role="tests" points=5
pairs = np.array([[0, 2, 2, 1], [2, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]])  # abacabacad
table = np.asarray(kneser_ney(pairs, 0.75))
assert_allclose(table[0], [0.18, 0.34, 0.34, 0.14], rtol=1e-5)  # after a, as in the lesson
assert_allclose(table[3], [0.4, 0.2, 0.2, 0.2], rtol=1e-5)  # d was never a context

# %% part="kneser_ney" role="hidden"
V, D = 5, float(rng.choice([0.4, 0.6, 0.7]))
c = [[1, 2, 3, 1, 0], [5, 1, 0, 0, 0], [1, 0, 0, 0, 4], [3, 0, 0, 0, 0], [2, 6, 1, 0, 0]]
c = np.array(c)[rng.permutation(V)][:, rng.permutation(V)]
right, got = key.kneser_ney(c, D), np.asarray(kneser_ney(c, D), float)
n, kinds = c.sum(axis=1, keepdims=True), (c > 0).sum(axis=1, keepdims=True)
alpha, gamma, below = np.maximum(c - D, 0) / n, D * kinds / n, (c > 0).sum(axis=0) / (c > 0).sum()


def same(*wrongs):
    return any(got.shape == np.shape(wrong) and np.allclose(got, wrong) for wrong in wrongs)


def scaled(table):
    return table / table.sum(axis=1, keepdims=True)


with hint("shape"):
    assert got.shape == (V, V) and not np.allclose(got, got[0])
with hint("rounded"):
    for places in (1, 2, 3, 4, 5):
        assert not np.allclose(got, right.round(places), rtol=0, atol=1e-7)
with hint("last_row"):
    assert not np.allclose(got[-1], below)
with hint("add_k"):
    assert not same((c + D) / (n + D * V), (c + 1) / (n + V), (c + 1 - D) / (n + (1 - D) * V))
with hint("discount_ignored"):
    assert not same(key.kneser_ney(c, 0.75), key.kneser_ney(c, 0.5))
with hint("negative"):
    assert not same((c - D) / n + gamma * below)
    assert (got >= 0).all()
with hint("nothing_passed_on"):
    assert not same(alpha, scaled(alpha), c / n)
with hint("backing_off"):
    off = np.where(c > 0, alpha, gamma * below)
    assert not same(off, scaled(off))
    assert not np.allclose(got[c > 0], alpha[c > 0])
with hint("not_subtracted"):
    assert not same(c / n + gamma * below, scaled(c / n + gamma * below))
with hint("raw_counts"):
    raw = c.sum(axis=0) / c.sum()
    assert not same(alpha + gamma * raw, key.kneser_ney(c, D) + gamma * (n.T / n.sum() - below))
    assert not same(alpha + gamma * c.sum(axis=0) / kinds.sum())
with hint("followers"):
    assert not same(alpha + gamma * kinds.T / kinds.sum(), alpha + gamma * kinds / kinds.sum())
with hint("uniform_below"):
    assert not same(alpha + gamma / V)
with hint("below_total"):
    continuation = (c > 0).sum(axis=0)
    wrongs = [alpha + gamma * continuation / total for total in (1, V, c.sum(), n, kinds)]
    assert not same(*wrongs, *(scaled(wrong) for wrong in wrongs))
with hint("share_of_one"):
    for other in (below, raw, np.full(V, 1 / V)):
        assert not same((1 - D) * c / n + D * other, D * c / n + (1 - D) * other)
with hint("kinds_left_out"):
    wrongs = [alpha + x * below for x in (D, D / n, 1 - D, D * V / n, kinds / n)]
    assert not same(*wrongs, *(scaled(wrong) for wrong in wrongs))
with hint("columns"):
    turned = key.kneser_ney(c.T, D)
    assert not same(turned, turned.T, right.T)
with hint("sums"):
    assert_allclose(got.sum(axis=1), 1, rtol=1e-5)
with hint("other_below"):
    used = (got - alpha) / gamma
    assert not np.allclose(used, used[0], atol=1e-6) or np.allclose(used, below, atol=1e-6)
assert_allclose(got, right, rtol=1e-5)
with hint("other_below"):
    c = np.zeros((6, 6), int)
    c[:4, :5] = [[2, 1, 0, 0, 0], [3, 0, 1, 1, 0], [1, 0, 0, 0, 0], [0, 2, 0, 0, 4]]
    c = c[rng.permutation(6)][:, rng.permutation(6)]
    right, got = key.kneser_ney(c, D), np.asarray(kneser_ney(c, D), float)
    came, never = c.sum(axis=1) > 0, c.sum(axis=0) == 0
    assert not (got[came][:, never] > 0).any()
with hint("unseen_context"):
    assert_allclose(got, right, rtol=1e-5)


# %% part="kneser_ney" role="mistake" name="shape"
# The result must be a table of V rows and V columns: each context h has a distribution of its own.
# 结果应是 V 行 V 列的表：每个上下文 h 都有自己的分布。
def kneser_ney(pairs, discount):
    seen = np.asarray(pairs) > 0
    return seen.sum(axis=0) / seen.sum()


# %% part="kneser_ney" role="mistake" name="add_k"
# This is add-k smoothing: you add to every count. Kneser–Ney subtracts from the seen, and hands what it collects to the shorter context.
# 这是加 k 平滑：你给每个计数都加了一点。Kneser–Ney 是从见过的那里减，把收上来的交给短上下文。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    after = pairs.sum(axis=1, keepdims=True)
    return (pairs + discount) / (after + discount * pairs.shape[1])


# %% part="kneser_ney" role="mistake" name="discount_ignored"
# Your function always takes off the same D. How much is the argument `discount`.
# 你的函数总是减同一个 D。减多少由参数 `discount` 说了算。
def kneser_ney(pairs, discount):
    pairs, D = np.asarray(pairs, float), 0.75
    seen = pairs > 0
    below = seen.sum(axis=0) / seen.sum()
    after = np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    gamma = np.where(seen.any(axis=1), D * seen.sum(axis=1), 1)[:, None] / after
    return np.maximum(pairs - D, 0) / after + gamma * below


# %% part="kneser_ney" role="mistake" name="negative"
# A count of zero becomes negative when D is taken off. Only the seen pay.
# 零计数减去 D 就成了负数。只有见过的才付。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    seen = pairs > 0
    below = seen.sum(axis=0) / seen.sum()
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * seen.sum(axis=1, keepdims=True), 1)
    after = np.maximum(after, 1)
    return (pairs - discount) / after + gamma / after * below


# %% part="kneser_ney" role="mistake" name="nothing_passed_on"
# In your table the unseen receive nothing. Take D off the seen; what is collected in a row goes to the shorter context.
# 在你的表里，没见过的什么也没领到。从见过的那里减去 D，一行里收上来的交给短上下文。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    after = np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    return np.maximum(pairs - discount, 0) / after


# %% part="kneser_ney" role="mistake" name="backing_off"
# You give what is collected to the unseen alone: that is backing off. Here the seen receive their share of γ(h) as well.
# 你把收上来的只给了没见过的，那是回退。这里见过的也从 γ(h) 里领自己的一份。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    seen = pairs > 0
    below = seen.sum(axis=0) / seen.sum()
    table = []
    for row in pairs:
        n = row.sum()
        if n == 0:
            table.append(below)
            continue
        gamma = discount * (row > 0).sum() / n
        table.append(np.where(row > 0, (row - discount) / n, gamma * below))
    return np.array(table)


# %% part="kneser_ney" role="mistake" name="not_subtracted"
# The seen keep their full counts, and yet something is passed on: a row sums to more than one. Take D off every positive count.
# 见过的一分没减，却还往下传：一行的总和超过了一。每个正计数都要减去 D。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    seen = pairs > 0
    below = seen.sum(axis=0) / seen.sum()
    after = np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    return pairs / after + discount * seen.sum(axis=1, keepdims=True) / after * below


# %% part="kneser_ney" role="mistake" name="raw_counts"
# Your shorter context counts how often a token came: that is absolute discounting, and Francisco wins again. Count after how many different tokens it came.
# 你的短上下文数的是词元出现了多少次：这是绝对折扣，Francisco 又赢了。该数它跟在多少种不同的词元后面。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    below = pairs.sum(axis=0) / pairs.sum()
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * (pairs > 0).sum(axis=1, keepdims=True), 1)
    after = np.maximum(after, 1)
    return np.maximum(pairs - discount, 0) / after + gamma / after * below


# %% part="kneser_ney" role="mistake" name="followers"
# Your P'(w) counts what comes after w. The continuation count of w looks at what came before it: the column, not the row.
# 你的 P'(w) 数的是 w 后面有什么。w 的接续计数看的是它前面有过什么：是列，不是行。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    kinds = (pairs > 0).sum(axis=1)
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * kinds[:, None], 1)
    after = np.maximum(after, 1)
    return np.maximum(pairs - discount, 0) / after + gamma / after * kinds / kinds.sum()


# %% part="kneser_ney" role="mistake" name="uniform_below"
# What is passed on is shared out equally. It goes to P'(w), which knows who turns up in many contexts.
# 往下传的被你平均分了。该交给 P'(w)：它知道谁在许多上下文后面出现过。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * (pairs > 0).sum(axis=1, keepdims=True), 1)
    after = np.maximum(after, 1)
    return np.maximum(pairs - discount, 0) / after + gamma / after / len(pairs)


# %% part="kneser_ney" role="mistake" name="below_total"
# Your P'(w) doesn't sum to one: its denominator is the sum of all continuation counts, that is, the number of different pairs.
# 你的 P'(w) 加起来不等于一：它的分母是全部接续计数之和，也就是不同的对一共有多少种。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    below = (pairs > 0).sum(axis=0) / pairs.sum()
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * (pairs > 0).sum(axis=1, keepdims=True), 1)
    after = np.maximum(after, 1)
    return np.maximum(pairs - discount, 0) / after + gamma / after * below


# %% part="kneser_ney" role="mistake" name="share_of_one"
# You use D as a share, as λ in interpolation. It is an amount, taken off each positive count before the division.
# 你把 D 当成了份额，像插值里的 λ。它是一个数量，除之前从每个正计数里减去。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    below = (pairs > 0).sum(axis=0) / (pairs > 0).sum()
    return np.array(
        [(1 - discount) * r / r.sum() + discount * below if r.sum() else below for r in pairs]
    )


# %% part="kneser_ney" role="mistake" name="kinds_left_out"
# Your γ(h) is wrong: it must be what was taken away in row h, D from each different token that was seen there, divided by the row's count.
# 你的 γ(h) 不对：它应是第 h 行里收走的总量，即那里见过的每种词元各收 D，再除以这一行的总计数。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    below = (pairs > 0).sum(axis=0) / (pairs > 0).sum()
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount, 1)
    after = np.maximum(after, 1)
    return np.maximum(pairs - discount, 0) / after + gamma / after * below


# %% part="kneser_ney" role="mistake" name="columns"
# Rows and columns are exchanged: the row is the context h, and each row of the result sums to one.
# 行和列弄反了：行是上下文 h，结果的每一行加起来等于一。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float).T
    below = (pairs > 0).sum(axis=0) / (pairs > 0).sum()
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * (pairs > 0).sum(axis=1, keepdims=True), 1)
    after = np.maximum(after, 1)
    return np.maximum(pairs - discount, 0) / after + gamma / after * below


# %% part="kneser_ney" role="mistake" name="sums"
# A row of your table doesn't sum to one. Add up by hand what the seen keep and what is passed on, for one row.
# 你的表里有的行加起来不等于一。拿一行来，把见过的留下的和往下传的用手加一加。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    below = (pairs > 0).sum(axis=0) / (pairs > 0).sum()
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * (pairs == 1).sum(axis=1, keepdims=True), 1)
    after = np.maximum(after, 1)
    return np.maximum(pairs - discount, 0) / after + gamma / after * below


# %% part="kneser_ney" role="mistake" name="other_below"
# What the longer context keeps and passes on is right, P'(w) is not. For each w count all the different h with c(hw) > 0, w itself and pairs seen once included; discount nothing there and add nothing.
# 长上下文留下的和往下传的都对，P'(w) 不对。对每个 w，数出 c(hw) > 0 的不同的 h，w 自己和只见过一次的对也算；这里不再打折扣，也不另加什么。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    kinds = (pairs > 0).sum(axis=0) - (np.diag(pairs) > 0)
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * (pairs > 0).sum(axis=1, keepdims=True), 1)
    after = np.maximum(after, 1)
    return np.maximum(pairs - discount, 0) / after + gamma / after * kinds / kinds.sum()


# %% part="kneser_ney" role="mistake" name="rounded"
# Your probabilities are rounded. Return them as they are: a sum or a logarithm comes after you.
# 你把概率四舍五入了。算出来是多少就返回多少：后面还要求和、取对数。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    below = (pairs > 0).sum(axis=0) / (pairs > 0).sum()
    after = pairs.sum(axis=1, keepdims=True)
    gamma = np.where(after > 0, discount * (pairs > 0).sum(axis=1, keepdims=True), 1)
    after = np.maximum(after, 1)
    return np.round(np.maximum(pairs - discount, 0) / after + gamma / after * below, 4)


# %% part="kneser_ney" role="mistake" name="last_row"
# You treat the last row as a context that was never seen. Which contexts were never seen differs from text to text: their rows hold nothing but zeros.
# 你把最后一行当成了没见过的上下文。哪些上下文没见过，每段文本都不一样：看哪一行全是零。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    below = (pairs > 0).sum(axis=0) / (pairs > 0).sum()
    after = np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    gamma = discount * (pairs > 0).sum(axis=1, keepdims=True) / after
    table = np.maximum(pairs - discount, 0) / after + gamma * below
    table[-1] = below
    return table


# %% part="kneser_ney" role="mistake" name="unseen_context"
# After a context that was never seen something is wrong: a division by zero, or a row that isn't P'(w). All of it goes to the shorter context there.
# 上下文从没见过时出了错：除以了零，或者那一行不是 P'(w)。这时全部交给短上下文。
def kneser_ney(pairs, discount):
    pairs = np.asarray(pairs, float)
    below = (pairs > 0).sum(axis=0) / (pairs > 0).sum()
    after = np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    gamma = discount * (pairs > 0).sum(axis=1, keepdims=True) / after
    return np.maximum(pairs - discount, 0) / after + gamma * below


# %% part="kneser_ney" role="alternative" name="loop"
def kneser_ney(pairs, discount):
    V = len(pairs)
    continuation = [sum(pairs[h][w] > 0 for h in range(V)) for w in range(V)]
    below = [count / sum(continuation) for count in continuation]
    table = []
    for row in pairs:
        n, kinds = sum(row), sum(c > 0 for c in row)
        gamma = discount * kinds / n if n else 1
        table.append(
            [
                (max(c - discount, 0) / n if n else 0) + gamma * p
                for c, p in zip(row, below, strict=True)
            ]
        )
    return table


# %% part="kneser_ney" role="alternative" name="rest"
def kneser_ney(pairs, discount):
    """What the seen do not keep is passed on."""
    pairs = np.array(pairs, float)
    totals = np.maximum(pairs.sum(axis=1), 1e-9)[:, None]
    kept = np.where(pairs > 0, pairs - discount, 0) / totals
    continuation = np.count_nonzero(pairs, axis=0)
    return kept + np.outer(1 - kept.sum(axis=1), continuation / np.sum(continuation))


# %% part="kneser_ney" role="alternative" name="dictionary"
def kneser_ney(pairs, discount):
    counts = {(int(h), int(w)): int(pairs[h][w]) for h, w in zip(*np.nonzero(pairs), strict=True)}
    total, kinds, before = Counter(), Counter(), Counter()
    for (h, w), count in counts.items():
        total[h] += count
        kinds[h] += 1
        before[w] += 1
    V = len(pairs)
    table = np.tile([before[w] / len(counts) for w in range(V)], (V, 1))
    for h in total:
        table[h] *= discount * kinds[h] / total[h]
    for (h, w), count in counts.items():
        table[h, w] += (count - discount) / total[h]
    return table


# %% [markdown]
# ## 5 · Bits and perplexity (4 points)
# A model gave the tokens that came in a held-out text the probabilities `p`, shape `(T,)`. Write two functions of `p`, which return one number each: `bits_per_token(p)` and `perplexity(p)`. A text may be long: the product of all its probabilities must not underflow to 0. Where a token had probability 0, both are infinite (`np.inf`), without an error.

# %% [markdown] lang="zh"
# ## 5 · 比特与困惑度（4 分）
# 一个模型给留出文本里真正出现的各个词元的概率是 `p`，形状 `(T,)`。写出 `p` 的两个函数，各返回一个数：`bits_per_token(p)`（每词元比特数）和 `perplexity(p)`（困惑度）。文本可能很长：全部概率的乘积会下溢成 0，不能受它影响。只要有一个词元的概率是 0，两者都是无穷大（`np.inf`），且不能报错。


# %% part="perplexity" role="stub"
def bits_per_token(p):
    raise NotImplementedError


def perplexity(p):
    raise NotImplementedError


# %% part="perplexity" role="solution"
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(-np.log2(np.asarray(p, float)).mean())


def perplexity(p):
    return 2.0 ** bits_per_token(p)


# %% part="perplexity" role="tests" points=4
assert_allclose(bits_per_token([0.5, 0.5]), 1, rtol=1e-5)
assert_allclose(bits_per_token([0.5, 0.125]), 2, rtol=1e-5)
assert_allclose(perplexity([0.5, 0.125]), 4, rtol=1e-5)
assert_allclose(perplexity([0.1] * 5), 10, rtol=1e-5)  # as if among ten equally likely tokens

# %% part="perplexity" role="hidden"
p = np.array([0.3, *rng.permutation([0.5, 0.11, 0.04, 0.2, 0.04]), 0.9])  # ends of their own
p = p ** rng.choice([0.8, 0.9, 1.0, 1.1])
b, cost, ppl = -np.log2(p).mean(), bits_per_token(p), perplexity(p)
with hint("not_one_number"):
    assert np.shape(cost) == () and np.shape(ppl) == ()


def near(value, *wrongs):
    return any(np.isclose(value, wrong, rtol=1e-5) for wrong in wrongs)


nats = b * np.log(2)
with hint("rounded"):
    for value, exact in ((cost, b), (ppl, 2**b)):
        for places in (0, 1, 2, 3, 4):
            assert near(value, exact) or not np.isclose(value, round(exact, places), rtol=1e-9)
with hint("sign"):
    assert not near(cost, -b, -nats)
with hint("nats"):
    assert not near(cost, nats, -np.log10(p).mean())
with hint("not_averaged"):
    assert not near(cost, 7 * b, 7 * nats)
    assert not near(ppl, 2 ** (7 * b))
with hint("one_less"):
    assert not near(cost, b * 7 / 6, b * 7 / 8, -np.log2(p[1:]).mean(), -np.log2(p[:-1]).mean())
    assert not near(ppl, 2 ** (b * 7 / 6), 2 ** (b * 7 / 8))
with hint("arithmetic_mean"):
    assert not near(cost, -np.log2(p.mean()), np.log2((1 / p).mean()))
    assert not near(ppl, 1 / p.mean(), (1 / p).mean())
with hint("entropy"):
    assert not near(cost, -(p * np.log2(p)).sum(), -(p * np.log2(p)).mean())
    assert not near(ppl, 2 ** -(p * np.log2(p)).sum(), 2 ** -(p * np.log2(p)).mean())
with hint("each_once"):
    assert not near(cost, -np.log2(np.unique(p)).mean(), -np.log2(np.median(p)))
with hint("base"):
    assert not near(ppl, np.exp(b), 2**nats, 10**b)
with hint("inverse"):
    assert not near(ppl, 2**-b, b, nats)
assert_allclose(cost, b, rtol=1e-5)
assert_allclose(ppl, 2**b, rtol=1e-5)
with hint("underflow"):
    long = np.tile(p, 4000)  # more than a long double can hold
    assert_allclose([bits_per_token(long), perplexity(long)], [b, 2**b], rtol=1e-4)
with hint("impossible"):
    for zero in (rng.permutation([0.5, 0.0, 0.25]), np.zeros(1)):
        assert np.isposinf(bits_per_token(zero)) and np.isposinf(perplexity(zero))
with hint("rare"):
    tiny = np.array([1e-250, 0.5, 1e-30])
    assert_allclose(bits_per_token(tiny), key.bits_per_token(tiny), rtol=1e-4)
    assert_allclose(perplexity(tiny), key.perplexity(tiny), rtol=1e-4)
assert_allclose([bits_per_token([1.0]), perplexity([1.0])], [0, 1], atol=1e-9)


# %% part="perplexity" role="mistake" name="not_one_number"
# Each function returns one number, the mean over the text, not a list.
# 每个函数返回一个数，是对整段文本的平均，不是一串数。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return -np.log2(np.asarray(p, float))


def perplexity(p):
    with np.errstate(divide="ignore"):
        return 1 / np.asarray(p, float)


# %% part="perplexity" role="mistake" name="sign"
# Your bits are negative. A cost is minus the logarithm.
# 你的比特数是负的。代价是对数取负。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(np.log2(p).mean())


def perplexity(p):
    return 2.0 ** -bits_per_token(p)


# %% part="perplexity" role="mistake" name="nats"
# These are nats, or another unit: the natural logarithm stands where the one to base 2 belongs.
# 这是奈特，或别的单位：该取以 2 为底的对数，你取了自然对数。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(-np.log(p).mean())


def perplexity(p):
    return float(np.exp(bits_per_token(p)))


# %% part="perplexity" role="mistake" name="not_averaged"
# You add up the bits of the whole text. Per token means: divide by how many there are.
# 你把整段文本的比特加在了一起。“每词元”就要除以词元的个数。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(-np.log2(p).sum())


def perplexity(p):
    return 2.0 ** (bits_per_token(p) / len(p))


# %% part="perplexity" role="mistake" name="one_less"
# A token is missing, or the divisor is off by one: `p` has T entries, and all T are paid for.
# 少算了一个词元，或者除数差了一：`p` 有 T 项，T 项都要付。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(-np.log2(p).sum() / max(len(p) - 1, 1))


def perplexity(p):
    return 2.0 ** bits_per_token(p)


# %% part="perplexity" role="mistake" name="arithmetic_mean"
# You average probabilities, or their inverses: an arithmetic mean. The bits are averaged, so the mean of the probabilities is the geometric one.
# 你平均的是概率，或它们的倒数：那是算术平均。要平均的是比特，对概率来说就是几何平均。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(-np.log2(np.mean(p)))


def perplexity(p):
    with np.errstate(divide="ignore"):
        return float(1 / np.mean(p))


# %% part="perplexity" role="mistake" name="entropy"
# You weight the bits by the probabilities, as an entropy does. Here each entry is a token that came: each counts the same.
# 你用概率给比特加了权，那是熵的算法。这里每一项都是真正出现的词元，分量一样。
def bits_per_token(p):
    p = np.asarray(p, float)
    return float(-(p * np.log2(np.where(p > 0, p, 1))).sum())


def perplexity(p):
    return 2.0 ** bits_per_token(p)


# %% part="perplexity" role="mistake" name="each_once"
# You take each probability once, or only the middle one. Every token of the text counts, also where two have the same probability.
# 相同的概率你只算了一次，或者只取了中间的一个。文本里每个词元都要算，概率相同的也各算各的。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(-np.log2(list(set(p))).mean())


def perplexity(p):
    return 2.0 ** bits_per_token(p)


# %% part="perplexity" role="mistake" name="base"
# Base and unit don't fit: 2 to the power of bits, or e to the power of nats.
# 底和单位不配：要么是 2 的比特数次方，要么是 e 的奈特数次方。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(-np.log2(p).mean())


def perplexity(p):
    return float(np.exp(bits_per_token(p)))


# %% part="perplexity" role="mistake" name="inverse"
# A perplexity says among how many tokens the model seems to choose: it is at least 1, and it is neither the bits nor the mean probability.
# 困惑度说的是模型仿佛在多少个词元里选：它至少是 1，既不是比特数，也不是平均概率。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(-np.log2(p).mean())


def perplexity(p):
    return 2.0 ** -bits_per_token(p)


# %% part="perplexity" role="mistake" name="underflow"
# On a long text the product of the probabilities becomes 0. Add up logarithms instead of multiplying.
# 文本一长，概率的乘积就成了 0。不要相乘，把对数加起来。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return float(-np.log2(np.prod(p)) / len(p))


def perplexity(p):
    return 2.0 ** bits_per_token(p)


# %% part="perplexity" role="mistake" name="rounded"
# Your number is rounded. Return it as it is; how many decimals are shown is decided where it is printed.
# 你把结果四舍五入了。算出来是多少就返回多少；显示几位小数，到打印时再定。
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return round(float(-np.log2(np.asarray(p, float)).mean()), 2)


def perplexity(p):
    with np.errstate(divide="ignore"):
        return 2.0 ** float(-np.log2(np.asarray(p, float)).mean())


# %% part="perplexity" role="mistake" name="impossible"
# A token with probability 0 costs infinitely many bits. Don't leave it out, don't put a small number in its place, and don't let the logarithm stop the program.
# 概率为 0 的词元，代价是无穷多比特。不要跳过它，不要换成一个小数，也不要让对数中断程序。
def bits_per_token(p):
    return float(-np.log2(np.maximum(p, 1e-300)).mean())


def perplexity(p):
    return 2.0 ** bits_per_token(p)


# %% part="perplexity" role="mistake" name="rare"
# A very small probability is not 0, and nothing may be added to it: your costs are wrong for rare tokens.
# 很小的概率不是 0，也不能往上加什么：少见词元的代价，你算错了。
def bits_per_token(p):
    p = np.asarray(p, float)
    if (p < 1e-12).any():
        return np.inf
    return float(-np.log2(p).mean())


def perplexity(p):
    return 2.0 ** bits_per_token(p)


# %% part="perplexity" role="alternative" name="loop"
def bits_per_token(p):
    total = 0.0
    for probability in p:
        if probability == 0:
            return float("inf")
        total += float(np.log2(1 / probability))
    return total / len(p)


def perplexity(p):
    return 2 ** bits_per_token(p)


# %% part="perplexity" role="alternative" name="nats_inside"
def bits_per_token(p):
    with np.errstate(divide="ignore"):
        return np.mean(-np.log(p)) / np.log(2)


def perplexity(p):
    with np.errstate(divide="ignore"):
        return np.array(np.exp(-np.log(p).mean()))


# %% part="perplexity" role="alternative" name="roots"
def bits_per_token(p):
    value = perplexity(p)
    return float(np.log2(value)) if value < np.inf else np.inf


def perplexity(p):
    """The geometric mean of the inverses, each root taken before the product."""
    p = np.asarray(p, float)
    return float(np.prod(p ** (-1 / len(p)))) if p.all() else np.inf


# %% [markdown]
# ## 6 · Fix a bug: who has seen the test? (3 points)
# The next cell gives you `paid(read, lines, k)`: the bits per character that an add-$k$ model pays for `lines`, when it has counted the lines in `read`.
#
# `evaluate` below reports bits that look excellent, and a colleague doesn't believe them. It is given three lists of lines and the numbers `ks` to choose from. What it ought to do:
#
# - count the lines of `train` only; a line that stands also, letter for letter, in `validation` or in `test` is left out, each time it occurs in `train`. All other lines count as often as they occur;
# - choose the $k$ with the fewest bits on `validation`;
# - return this $k$ and, with it, the bits on `test`, in this order. Nothing is taken out of `validation` and `test`.

# %% [markdown] lang="zh"
# ## 6 · 改错：谁看过测试文本？（3 分）
# 下一格给你一个函数 `paid(read, lines, k)`：加 $k$ 模型数过 `read` 里的各行之后，为 `lines` 付的每字符比特数。
#
# 再下面的 `evaluate` 报出的比特数好得出奇，一位同事不信。它得到三列文本行，以及可供选择的若干个数 `ks`。它本该这样做：
#
# - 只数 `train` 里的行；某一行若一字不差地也出现在 `validation` 或 `test` 里，就不数，它在 `train` 里出现几次就去掉几次。其余的行，出现几次就数几次；
# - 选出在 `validation` 上比特数最少的 $k$；
# - 先返回这个 $k$，再返回用它在 `test` 上量出的比特数。`validation` 和 `test` 里的行，一行也不去掉。


# %%
def paid(read, lines, k):
    """Bits per character of `lines`, pairs counted in `read`; 30 characters; each line starts anew."""
    pairs = Counter(pair for line in read for pair in zip("\n" + line, line, strict=False))
    firsts = Counter(h for line in read for h in ("\n" + line)[:-1])
    came = [pair for line in lines for pair in zip("\n" + line, line, strict=False)]
    costs = [np.log2((firsts[h] + 30 * k) / (pairs[h, w] + k)) for h, w in came]
    return float(np.mean(costs))


# %% part="evaluate" role="stub"
def evaluate(train, validation, test, ks):
    read = train + validation + test
    best = min(ks, key=lambda k: paid(read, test, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="solution"
def evaluate(train, validation, test, ks):
    held_out = {*validation, *test}
    read = [line for line in train if line not in held_out]
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="tests" points=3
lines = ["to be or not", "to be to be", "the rest is silence"]
k, cost = evaluate(
    lines, ["to bet on the best"], ["the rest is silence", "or not to"], [0.01, 0.1, 9]
)
assert k == 0.1, "the k that is best on validation"
assert_allclose(cost, paid(lines[:2], ["the rest is silence", "or not to"], 0.1), rtol=1e-5)

# %% part="evaluate" role="hidden"
table = str.maketrans(
    "abcdefghiklmnopqrstuvwy", "".join(rng.permutation(list("abcdefghiklmnopqrstuvwy")))
)
copy, copied = "the wind of winter", "my lord my lord my lord"
train = ["the king is dead", "the queen is in the garden", "the king is dead"]
train += ["who is in the garden", "long live the king", copy, "is in the garden"]
validation = ["the king is in the garden", "the dead queen", "the queen likes a song", copied]
test = [copy, "cold rain falls upon my ruined town", "nobody hums", "we ask for mercy now"]
train, validation, test = ([line.translate(table) for line in x] for x in (train, validation, test))
train, test = rng.permutation(train).tolist(), rng.permutation(test).tolist()
place = int(rng.integers(len(train) + 1))
train[place:place] = [copied.translate(table)] * 2  # side by side
ks = rng.permutation([0.003, 0.01, 0.03, 0.1, 0.3, 1.1, 3.3]).tolist()
found = evaluate(train, validation, test, ks)
with hint("order"):
    got = np.asarray(found, float)
    assert got.shape == (2,) and np.isclose(got[0], ks).any()
clean = [line for line in train if line not in {*validation, *test}]


def reported(read, chosen=None, measured=None, pick=min):
    chosen, measured = chosen or validation, measured or test
    k = pick(ks, key=lambda k: paid(read, chosen, k))
    return np.allclose(got, [k, paid(read, measured, k)], rtol=1e-6)


with hint("rounded"):
    exact = key.evaluate(train, validation, test, ks)[1]
    for places in (0, 1, 2, 3, 4):
        assert np.isclose(got[1], exact) or not np.isclose(got[1], round(exact, places), rtol=1e-9)
lines_of = (train, clean, [line for line in train if line not in test])
with hint("test_counted"):
    for read in lines_of:
        for more in (test, validation + test):
            for chosen in (validation, test, train):
                assert not reported(read + more, chosen)
with hint("validation_counted"):
    for read in lines_of:
        assert not reported(read + validation) and not reported(read + validation, test)
        k = min(ks, key=lambda k: paid(read, validation, k))
        assert not np.isclose(got[1], paid(read + validation, test, k))
with hint("chosen_on_test"):
    for read in lines_of:
        assert not reported(read, test)
with hint("best_on_test"):
    for read in lines_of:
        assert not np.isclose(got[1], min(paid(read, test, k) for k in ks))
with hint("chosen_on_train"):
    for read in lines_of:
        assert not reported(read, read) and not reported(read, train)
with hint("most_bits"):
    for read in lines_of:
        assert not reported(read, pick=max) and not reported(read, test, pick=max)
with hint("wrong_report"):
    for read in lines_of:
        assert not reported(read, measured=validation)
        assert not reported(read, measured=validation + test)
with hint("copies_left"):
    assert not np.isclose(got[1], [paid(train, test, k) for k in ks]).any()
with hint("only_one_list"):
    assert not reported([line for line in train if line not in test])
    assert not reported([line for line in train if line not in validation])
with hint("first_copy_only"):
    rest = list(train)
    for line in [*validation, *test]:
        if line in rest:
            rest.remove(line)
    assert not reported(rest)
with hint("repeats_lost"):
    assert not reported(sorted(set(clean))) and not reported(sorted(set(train)))
with hint("test_shortened"):
    fewer = [line for line in test if line not in train]
    few = [line for line in validation if line not in train]
    for read in (train, clean):
        for chosen in (validation, few):
            for measured in (test, fewer):
                if (read is train or chosen is few or measured is fewer) and read + chosen:
                    assert not reported(read, chosen, measured)
with hint("chosen_on_both"):
    for read in lines_of:
        assert not reported(read, validation + test)
with hint("parts_of_lines"):
    joined = "\n".join(validation + test)
    assert not reported([line for line in train if line not in joined])
with hint("another_k"):
    assert np.isclose(got[0], key.evaluate(train, validation, test, ks)[0])
assert_allclose(got, key.evaluate(train, validation, test, ks), rtol=1e-5)
# lines that are only like a line of the test, and a validation text without a pair that was seen
train += [test[0].capitalize(), f" {test[1]}", test[2].upper(), f"{test[3]} "]
found, right = evaluate(train, ["zzzz"], test, ks), key.evaluate(train, ["zzzz"], test, ks)
got = np.asarray(found, float)
with hint("like_lines"):
    for alike in (str.strip, str.lower, lambda line: line.strip().lower()):
        read = [line for line in train if alike(line) not in {alike(line) for line in test}]
        assert not np.isclose(got[1], [paid(read, test, k) for k in ks]).any()
with hint("another_k"):
    assert np.isclose(got[0], right[0])
assert_allclose(got, right, rtol=1e-5)


# %% part="evaluate" role="mistake" name="order"
# Return two numbers: first the k that was chosen, one of `ks` and not its place in the list, then the bits on the test text.
# 返回两个数：先是选出的 k，即 `ks` 里的那个数，不是它的位置；再是测试文本上的比特数。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in validation and line not in test]
    best = min(ks, key=lambda k: paid(read, validation, k))
    return paid(read, test, best), best


# %% part="evaluate" role="mistake" name="test_counted"
# The test text is among the lines that are counted: the model has seen the questions of its exam. Count the lines of train alone.
# 测试文本也被数了进去：模型考试之前看过了题目。只数 train 里的行。
def evaluate(train, validation, test, ks):
    read = train + test
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="validation_counted"
# The validation text is among the lines that are counted. Then it can't judge which k does well on text that was not counted.
# 验证文本也被数了进去。这样它就判断不了哪个 k 在没数过的文本上好。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in test] + validation
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="chosen_on_test"
# Your k is chosen on the test text. Then the number you report is no longer measured on text that had no say: choose on validation.
# 你的 k 是在测试文本上选的。测试文本既然参与了选择，报出的数就不再可信：在 validation 上选。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in validation and line not in test]
    best = min(ks, key=lambda k: paid(read, test, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="best_on_test"
# You report the fewest bits that any k reaches on the test. That, too, is choosing on the test: measure only the one k that you return.
# 你报的是各个 k 在测试文本上的最低比特数。这也是在测试文本上挑选：只量你返回的那一个 k。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in validation and line not in test]
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, min(paid(read, test, k) for k in ks)


# %% part="evaluate" role="mistake" name="chosen_on_train"
# Your k is chosen on the lines that were counted. There the smallest always wins: it has to be text that was not counted.
# 你的 k 是在数过的行上选的。在那里总是最小的赢：要用没数过的文本来选。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in validation and line not in test]
    best = min(ks, key=lambda k: paid(read, read, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="chosen_on_both"
# You choose k on validation and test together. The test must have no say in any choice.
# 你把 validation 和 test 合在一起选 k。测试文本不能参与任何选择。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in validation and line not in test]
    best = min(ks, key=lambda k: paid(read, validation + test, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="most_bits"
# You choose the k with the most bits. Bits are a cost: fewer are better.
# 你选的是比特数最多的 k。比特是代价，越少越好。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in validation and line not in test]
    best = max(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="wrong_report"
# You report bits on the validation text. It has chosen k, so it flatters; report those on the test alone.
# 你报的是验证文本上的比特数。k 就是它选的，它会说好话；只报测试文本上的。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in validation and line not in test]
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, validation, best)


# %% part="evaluate" role="mistake" name="copies_left"
# Lines of the test and validation text stand in train as well, and you count them there. Leave out every copy.
# 测试文本和验证文本里的行，在 train 里也有，你照样数了。每一份都要去掉。
def evaluate(train, validation, test, ks):
    best = min(ks, key=lambda k: paid(train, validation, k))
    return best, paid(train, test, best)


# %% part="evaluate" role="mistake" name="only_one_list"
# You leave out the copies of one of the two held-out lists. Those of the other still stand in train.
# 两列留出文本，你只去掉了其中一列的副本。另一列的还在 train 里。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in test]
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="first_copy_only"
# Of a line that stands in train several times you leave out one copy only.
# 某一行在 train 里出现了好几次，你只去掉了一份。
def evaluate(train, validation, test, ks):
    read = list(train)
    for line in validation + test:
        if line in read:
            read.remove(line)
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="repeats_lost"
# A set forgets how often a line occurs. Lines that repeat within train alone count each time.
# 集合会忘掉一行出现了几次。只在 train 内部重复的行，出现几次就数几次。
def evaluate(train, validation, test, ks):
    read = sorted(set(train) - set(validation) - set(test))
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="parts_of_lines"
# You drop lines that are only a part of a held-out line. Compare whole lines: look for the line in a list or set of lines, not in one long text.
# 有的行只是留出文本某一行的一部分，你也去掉了。要整行比较：在由行组成的列表或集合里找，不要在一整段文本里找。
def evaluate(train, validation, test, ks):
    held_out = "\n".join(validation + test)
    read = [line for line in train if line not in held_out]
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="like_lines"
# You drop lines that are only like a held-out line: a space or a capital letter makes another line. Letter for letter the same is asked.
# 有的行只是跟留出的行很像，你也去掉了：多一个空格，换一个大写，就是另一行。要一字不差才去掉。
def evaluate(train, validation, test, ks):
    held_out = {line.strip().lower() for line in validation + test}
    read = [line for line in train if line.strip().lower() not in held_out]
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="another_k"
# Your k is not the one with the fewest bits on validation. Another validation text, another k: ask `paid` for each of `ks`.
# 你的 k 不是 validation 上比特数最少的那个。换一段验证文本，k 也会变：对 `ks` 里的每个数都用 `paid` 算一遍。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in validation and line not in test]
    best = 0.1 if 0.1 in ks else ks[len(ks) // 2]
    return best, paid(read, test, best)


# %% part="evaluate" role="mistake" name="rounded"
# Your bits are rounded. Return them as they are; a small difference between two models would be lost.
# 你把比特数四舍五入了。算出来是多少就返回多少；不然两个模型之间的小差别就看不见了。
def evaluate(train, validation, test, ks):
    read = [line for line in train if line not in validation and line not in test]
    best = min(ks, key=lambda k: paid(read, validation, k))
    return best, round(paid(read, test, best), 2)


# %% part="evaluate" role="mistake" name="test_shortened"
# You take lines out of the held-out text. It stays as it is; the copies in train go.
# 你从留出文本里删了行。留出文本保持原样，该去掉的是 train 里的副本。
def evaluate(train, validation, test, ks):
    validation = [line for line in validation if line not in train]
    test = [line for line in test if line not in train]
    best = min(ks, key=lambda k: paid(train, validation, k))
    return best, paid(train, test, best)


# %% part="evaluate" role="alternative" name="loop"
def evaluate(train, validation, test, ks):
    read = []
    for line in train:
        if line not in validation and line not in test:
            read.append(line)
    best, fewest = None, float("inf")
    for k in ks:
        bits_paid = paid(read, validation, k)
        if bits_paid < fewest:
            best, fewest = k, bits_paid
    return [best, paid(read, test, best)]


# %% part="evaluate" role="alternative" name="argmin"
def evaluate(train, validation, test, ks):
    forbidden = Counter(validation) + Counter(test)
    read = list(filter(lambda line: forbidden[line] == 0, train))
    k = np.array(ks)[np.argmin([paid(read, validation, k) for k in ks])]
    return np.array([k, paid(read, test, k)])


# %% part="evaluate" role="alternative" name="dictionary"
def evaluate(train, validation, test, ks):
    train = list(train)
    for line in set(validation) | set(test):
        while line in train:
            train.remove(line)
    by_cost = {paid(train, validation, k): k for k in ks}
    chosen = by_cost[min(by_cost)]
    return chosen, paid(train, test, chosen)


# %% [markdown]
# ## 7 · An experiment (4 points, marked by your teacher)
# Take a text of at least 3,000 characters, in any language. Give its characters ids, count on the first 80 %, and keep the last 20 % as held-out text; leave out of it what the first part doesn't contain. With your functions, measure the bits per character on the **counted** text and on the **held-out** text: for `add_k` with $k$ = 0.001, 0.01, 0.1, 1, 10, and for `kneser_ney` with $D$ = 0.1, 0.3, 0.5, 0.7, 0.9. Then count once more on the **whole** text and measure the last 20 % again. Add cells for it as you need them; all must run in under a minute. Explain below in 80 to 180 words what you found.
#
# **How it is marked:** a point each for (a) all numbers, and they fit the program, (b) why the counted text prefers the smallest $k$ and the held-out text doesn't, (c) which of the two smoothings wins on your held-out text, by how much, and an explanation from what it gives the unseen, (d) what the count on the whole text does to the numbers and to the best $k$ and $D$, and how a reader of your table could tell that something has leaked.

# %% [markdown] lang="zh"
# ## 7 · 实验（4 分，由老师批改）
# 取一段至少 3,000 个字符的文本，什么语言都行。给字符编号，数前 80%，后 20% 留作留出文本；其中前一部分没有的字符先去掉。用你写的函数，分别在**数过的**文本和**留出**文本上量每字符比特数：`add_k` 取 $k$ = 0.001、0.01、0.1、1、10，`kneser_ney` 取 $D$ = 0.1、0.3、0.5、0.7、0.9。然后改为数**整段**文本，再量一遍后 20%。需要几格就加几格，全部要在一分钟内跑完。在下面用 150 到 300 字说明你的发现。
#
# **评分：** 各 1 分：（a）数都齐全，且与程序相符；（b）数过的文本为什么偏爱最小的 $k$，留出文本却不；（c）在你的留出文本上，两种平滑谁赢、赢多少，并从“给没见过的多少、给谁”来解释；（d）数了整段文本之后，比特数、最好的 $k$ 和 $D$ 有什么变化，看表的人怎么看得出有泄漏。

# %% [markdown] part="experiment" role="stub" points=4
# *Write here.*

# %% [markdown] part="experiment" role="stub" points=4 lang="zh"
# *写在这里。*

# %% [markdown] part="experiment" role="solution" points=4
# *(With the table of 20 numbers, and 10 more for the whole text.)* On the counted text the smallest $k$ always wins: maximum likelihood is best there, and every $k$ moves away from it. The held-out text contains pairs that were never counted; with $k = 0.001$ each costs ten bits or more, with $k = 10$ the seen are robbed for imaginary cases, so the best $k$ lies in between. Kneser–Ney wins by a few hundredths to some tenths of a bit: what it takes depends on how many kinds have followed the context, not on $V$, and it goes to characters that turn up in many contexts instead of to all alike. For the same reason it is less sensitive to $D$ than add-$k$ is to $k$; the best $D$ lies well above 0.1. When the whole text is counted, no pair of the last 20 % is new. Its bits fall clearly, and the smallest $k$ and $D$ win there, too. That is the sign of a leak: held-out bits close to those of counted text, with no need of smoothing.

# %% [markdown] part="experiment" role="solution" points=4 lang="zh"
# （附上 20 个数的表，以及数整段文本后的另外 10 个。）在数过的文本上，总是最小的 $k$ 赢：那里极大似然最好，$k$ 越大离它越远。留出文本里有从没数过的对：$k = 0.001$ 时，每碰上一个就要付十来个比特；$k = 10$ 时，见过的被想象的例子抢走太多；所以最好的 $k$ 在中间。Kneser–Ney 胜出，少则百分之几比特，多则零点几比特：它收多少，取决于上下文后面来过多少种，而不是 $V$；收来的给在许多上下文后面出现过的字符，而不是人人平分。同样因为这个，它对 $D$ 不像加 $k$ 对 $k$ 那么敏感；最好的 $D$ 远大于 0.1。数了整段文本之后，后 20% 里不再有新的对，比特数明显下降，而且那里也成了最小的 $k$ 和 $D$ 赢。这就是泄漏的迹象：留出文本的比特数跟数过的文本差不多，平滑也成了多余。
