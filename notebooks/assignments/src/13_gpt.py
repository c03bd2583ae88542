# %% [markdown]
# # Assignment 13 · GPT
# **After lesson 13 · about 110 minutes · 30 points.** You count what a GPT is made of, cut texts into questions for it, wire one of its blocks, say what it costs in bits per character, and let it write. NumPy and Python's own library are all you need; your functions must not import anything else, and each must stand alone: it may not call what you wrote for another question.
#
# Every question has a cell with `...`, `raise NotImplementedError` or *Write here*: replace it. (In question 6 a function stands there that is wrong.) The cell below it holds the visible tests; run it as often as you like. When your work is marked, other tests are run as well, with other numbers. A question gives all of its points or none.
#
# Arrays or lists, both are fine as results. Axis letters are the lesson's: T time, D width of a vector, F hidden width, V vocabulary, L blocks, H heads.
#
# Work on your own: your numbers are drawn from your student id, and nobody else has them. Write it into the next cell first.

# %% [markdown] lang="zh"
# # 作业 13 · GPT
# **学完第 13 课再做 · 约 110 分钟 · 30 分。** 你要数清一个 GPT 由多少个数组成，把文本切成给它做的题，接好它的一个块，算出它每个字符要花多少比特，最后让它动笔。只用 NumPy 和 Python 自带的库；你的函数不要导入别的，而且要各自独立：不要调用你在别的题里写的函数。
#
# 每道题有一格，里面是 `...`、`raise NotImplementedError` 或“写在这里”：把它换成你的答案。（第 6 题那一格里是一个写错了的函数。）下面一格是公开测试，随便运行多少次。批改时还会运行别的测试，用的是别的数。一道题要么得满分，要么得零分。
#
# 结果用数组或列表都行。各轴的字母与课文相同：T 时间，D 向量的宽度，F 隐藏层宽度，V 词表大小，L 块数，H 头数。
#
# 请独立完成：你的数由学号抽出，别人没有一样的。先把学号写进下一格。

# %%
STUDENT = ""  # your student id, such as "s01" · 你的学号

# %%
import numpy as np
from numpy.testing import assert_allclose

from lmcourse.classroom.draw import draw

# %% [markdown]
# ## 1 · How many weights? (4 points)
# Count the weights, every single trainable number, of two GPTs of the same sizes, on paper. The sizes are printed below; the context is the longest text that the model can look at.
#
# **2019**, like GPT-2: learned positions, layer norm (a scale and an offset), biases in all six matrices of a block (four in the attention, two in the feed-forward part), as many heads of keys and values as of queries, tied weights.
#
# **2023**, like Llama: rotary positions, RMS norm (a scale), no biases, SwiGLU (up, gate and down), one head of keys and values for all heads of queries, untied: a matrix of its own for the scores.
#
# In both, each part of a block has its norm, and a last norm stands before the scores. The scores have no bias. What are the weights of one block of 2019, of the whole model of 2019, and of the whole model of 2023? Whole numbers.

# %% [markdown] lang="zh"
# ## 1 · 多少个权重？（4 分）
# 大小相同的两个 GPT，各有多少个权重，也就是可以训练的数，一个不落？在纸上数。大小印在下面；context 是模型最长能看多长的文本。
#
# **2019**，像 GPT-2：位置靠学，层归一化（一份 scale，一份 offset），块里的六个矩阵（注意力四个，前馈两个）都有偏置，键和值的头与查询的头一样多，权重共享。
#
# **2023**，像 Llama：旋转位置，均方根归一化（一份 scale），没有偏置，SwiGLU（up、gate、down），所有查询头共用一个键头和一个值头，权重不共享：打分另有一个矩阵。
#
# 两个模型里，块的每个部分都有自己的归一化，打分之前还有最后一个归一化；打分没有偏置。2019 的一个块有多少个权重？整个 2019 呢？整个 2023 呢？填整数。

# %%
dice = draw(STUDENT, "13/sizes")
V, context, L = (int(dice.choice(some)) for some in ([53, 59, 61, 67, 71], [19, 23, 29], [3, 5]))
D, H = ((8, 2), (8, 4), (12, 2))[int(dice.integers(3))]
F = 3 * D
print(f"V = {V}, context = {context}, L = {L} blocks, D = {D}, H = {H} heads, F = {F}")

# %% part="weights" role="stub"
block_2019 = ...  # one block
total_2019 = ...  # the whole model
total_2023 = ...  # the whole model

# %% part="weights" role="solution"
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 2 * 2 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D + D * V

# %% part="weights" role="tests" points=4
assert all(np.shape(count) == () for count in (block_2019, total_2019, total_2023))
assert 400 < block_2019 < total_2019 < 20_000
assert 2_000 < total_2023 < 20_000

# %% part="weights" role="hidden"
block, total, modern = (float(count) for count in (block_2019, total_2019, total_2023))
right, whole, llama = key.block_2019, key.total_2019, key.total_2023
one_llama = (llama - 2 * V * D - D) // L
with hint("four_times"):
    assert block != right + 2 * D * D + D and modern != llama + L * 3 * D * D
with hint("heads_multiply"):
    for times in (3, 4):
        for size in (D * D, D * D + D):
            assert block != right + times * (H - 1) * size
        assert block != right - times * (D * D - D * D // H)
        assert block != right - times * (D * D - D * D // H + D - D // H)
    assert block != right + 3 * (H - 1) * D * D + (H - 1) * D * D + 3 * (H - 1) * D
with hint("without_biases"):
    assert block not in (right - 5 * D - F, right - D, right - F)
with hint("norms_left_out"):
    assert block not in (right - 4 * D, right - 2 * D, right - 3 * D)
with hint("attention_left_out"):
    assert block not in (right - D * D - D, right - 4 * (D * D + D))
with hint("block_miscounted"):
    assert block == right
with hint("one_block"):
    assert total != whole - (L - 1) * right and modern != llama - (L - 1) * one_llama
with hint("scored_twice"):
    assert total not in (whole + V * D, whole + V * D + V)
with hint("places_left_out"):
    assert total not in [whole - context * D + some for some in (0, D, context, context * V)]
with hint("last_norm"):
    assert total not in (whole - 2 * D, whole - D) and modern != llama - D
with hint("total_miscounted"):
    assert total == whole
with hint("tied_again"):
    assert modern != llama - V * D
with hint("no_scales"):
    assert modern not in (llama - 2 * L * D, llama - 2 * L * D - D, llama - L * D)
with hint("full_keys"):
    assert modern != llama + L * (D * D - D * D // H)
    for some in (D * D, D * H, 0):
        assert modern != llama + 2 * L * (some - D * D // H)
with hint("two_matrices"):
    assert modern not in (llama - L * D * F, llama - 2 * L * D * F)
with hint("not_trained"):
    assert modern not in (llama + context * D, llama + 2 * L * D + D, llama + 2 * L * D)
    attention = 2 * D + 2 * D // H
    for biases in (attention, 4 * D, attention + 2 * F + D, 5 * D + 2 * F, 2 * F + D):
        assert modern != llama + L * biases
with hint("modern_miscounted"):
    assert modern == llama

# %% part="weights" role="mistake" name="four_times"
# You took a hidden width of 4 D out of habit. The F of these models is printed with the other sizes.
# 你习惯性地把隐藏层宽度取成了 4 D。这两个模型的 F 跟其他大小印在一起。
block_2019 = 4 * (D * D + D) + (4 * D * D + 4 * D) + (4 * D * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * 4 * D * D + 2 * D) + D

# %% part="weights" role="mistake" name="heads_multiply"
# The number of heads changes nothing in the attention of 2019: the heads share out the width D among them, and together they fill a D × D matrix.
# 在 2019 的注意力里，有几个头不影响个数：各个头分的是同一个宽度 D，合起来正好占满一个 D × D 的矩阵。
block_2019 = H * 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="without_biases"
# Biases are missing in the block of 2019: every one of its six matrices has one, as long as the vector that comes out.
# 2019 的块里少了偏置：六个矩阵个个都有，输出的向量多长，偏置就多长。
block_2019 = 4 * D * D + 2 * D * F + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="norms_left_out"
# Your block of 2019 is short of a few vectors. How many norms does a block have, and what does a layer norm hold? Does each of the six matrices have its bias?
# 你数的 2019 的块少了几个向量。一个块有几个归一化，一个层归一化存着什么？六个矩阵都有偏置吗？
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 2 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="attention_left_out"
# The attention of your block is incomplete. Queries, keys and values are made by a matrix each, and one more brings what the heads found back to the stream.
# 你的块里，注意力不完整。查询、键、值各由一个矩阵造出来，还有一个矩阵把各个头找到的东西送回残差流。
block_2019 = 3 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="one_block"
# You counted a single block in the whole model. Each of the L blocks has weights of its own.
# 整个模型里你只数了一个块。L 个块各有各的权重。
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + block_2019 + 2 * D
total_2023 = 2 * V * D + 2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D + D

# %% part="weights" role="mistake" name="scored_twice"
# You counted scores of their own in the model of 2019. Its weights are tied: which table scores the tokens?
# 你在 2019 里给打分另算了一份权重。它的权重是共享的：给词元打分的是哪张表？
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = 2 * V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="places_left_out"
# The positions of 2019 are missing or miscounted. They are learned: every place of the context has a vector of its own, as wide as a token's.
# 2019 的位置漏了，或者数错了。位置是学出来的：上下文里每个位置各有一个向量，跟词元的向量一样宽。
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="last_norm"
# The last norm, which stands after all blocks and before the scores, is missing or incomplete.
# 所有的块之后、打分之前，还有最后一个归一化，你漏了，或者没数全。
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D)

# %% part="weights" role="mistake" name="tied_again"
# The model of 2023 is untied: the matrix that makes the scores is not the table that reads the tokens. You counted one of the two.
# 2023 的权重不共享：打分用的矩阵不是读词元的那张表。两样你只数了一样。
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="full_keys"
# In 2023 all heads of queries share one head of keys and one of values. How wide is one head?
# 2023 里，所有查询头共用一个键头、一个值头。一个头有多宽？
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (4 * D * D + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="two_matrices"
# SwiGLU has more matrices than the feed-forward part of 2019: something goes up, something opens the gate, something comes down.
# SwiGLU 的矩阵比 2019 的前馈部分多：有上去的，有开闸的，有下来的。
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 2 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="not_trained"
# You counted something in 2023 that it doesn't have: a rotation by the place is computed, not learned; an RMS norm has no offset, and a matrix no bias.
# 你在 2023 里数了它没有的东西：按位置旋转是算出来的，不用学；均方根归一化没有 offset，矩阵没有偏置。
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = (V + context) * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D + V * D

# %% part="weights" role="mistake" name="no_scales"
# Norms are missing in 2023. An RMS norm has numbers of its own, too: a scale for each place of a vector, before each part of each block.
# 2023 里少了归一化。均方根归一化也有自己的数：向量的每一位一个 scale，每个块的每个部分之前都有一份。
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F)

# %% part="weights" role="mistake" name="block_miscounted"
# The number for one block of 2019 is not right. Write its matrices, biases and norms below each other, each with its shape, and add up once more.
# 2019 一个块的数不对。把它的矩阵、偏置和归一化一行一行写下来，各自标上形状，再加一遍。
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + F) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="total_miscounted"
# The block of 2019 is right, the whole model is not. What does it have besides its L blocks, and how large is each of these things?
# 2019 的块对了，整个模型不对。除了 L 个块，它还有哪些东西，各有多大？
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D

# %% part="weights" role="mistake" name="modern_miscounted"
# Both numbers of 2019 are right, that of 2023 is not. List what it has, one block and then the rest, and hold each line against the text of the question.
# 2019 的两个数都对，2023 的不对。把它有的东西列出来，先是一个块，再是其余的，逐行跟题目对一对。
block_2019 = 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
total_2019 = V * D + context * D + L * block_2019 + 2 * D
total_2023 = 2 * V * D + L * (2 * D * D + 2 * D * D // H + 3 * D * F + 2 * D) + D + V

# %% part="weights" role="alternative" name="by_shapes"
matrices = [(D, D)] * 4 + [(D, F), (F, D)]
block_2019 = sum(rows * columns + columns for rows, columns in matrices) + 4 * D
total_2019 = np.int64((V + context + 2) * D + L * block_2019)
head = D // H
shapes = [(D, D), (D, head), (D, head), (D, D), (D, F), (D, F), (F, D), (2, D)]
total_2023 = np.int64((2 * V + 1) * D + L * sum(a * b for a, b in shapes))

# %% part="weights" role="alternative" name="by_arrays"
sizes = [np.zeros((D, D)), np.zeros(D)] * 4 + [np.zeros((D, F)), np.zeros(F), np.zeros((F, D))]
block_2019 = float(sum(some.size for some in sizes) + D + 4 * D)
total_2019 = float(V * D + context * D + L * block_2019 + 2 * D)
total_2023 = float(sum([2 * V * D, D] + L * [2 * D * D, 2 * D * D / H, 3 * D * F, 2 * D]))

# %% part="weights" role="alternative" name="with_f_put_in"
block_2019 = 4 * D**2 + 4 * D + 6 * D**2 + 4 * D + 4 * D
total_2019 = np.array(L * block_2019 + (V + context + 2) * D)
total_2023 = np.array(L * (11 * D**2 + 2 * D**2 // H + 2 * D) + 2 * V * D + D)

# %% [markdown]
# ## 2 · Questions out of documents (5 points)
# Write `rows(documents, T, end)`. Each document is a list of ids, none of them `end`. Behind each document stands the id `end`, and every token is predicted from the one before it (and all before that), *within its own document*: a document of n tokens holds n questions, the last of which asks for `end`. No question may be lost, none asked twice.
#
# Return two arrays `(N, T)`: the inputs and the targets. A row holds T consecutive questions of one document, its next row goes on with the following ones. Where a document has no more questions, the rest of its last row is filled up: with `end` in the inputs, with −1 in the targets (−1 means: no question). A row without a question must not be there, so an empty document has none. The rows stand in the order of the text.

# %% [markdown] lang="zh"
# ## 2 · 把文档变成题目（5 分）
# 写出 `rows(documents, T, end)`。每个文档是一列编号，里面都没有 `end`。每个文档后面接一个编号 `end`；每个词元由它前一个词元（以及更前面的）来预测，而且只在**自己的文档之内**：n 个词元的文档有 n 道题，最后一道问的是 `end`。一道题都不能丢，也不能问两遍。
#
# 返回两个数组 `(N, T)`：输入和目标。一行是同一个文档里连续的 T 道题，下一行接着问后面的。文档的题用完了，最后一行剩下的地方要填满：输入填 `end`，目标填 −1（−1 表示：没有题）。不能有一道题也没有的行，所以空文档没有行。各行按文本的顺序排列。


# %% part="rows" role="stub"
def rows(documents, T, end):
    raise NotImplementedError


# %% part="rows" role="solution"
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end]
        for start in range(0, len(document), T):
            piece = text[start : start + T + 1]
            gap = T + 1 - len(piece)
            inputs.append(piece[:-1] + gap * [end])
            targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="tests" points=5
inputs, targets = rows([[5, 6, 7], [8]], T=2, end=0)
assert_allclose(inputs, [[5, 6], [7, 0], [8, 0]])
assert_allclose(targets, [[6, 7], [0, -1], [0, -1]])

# %% part="rows" role="hidden"
T, lengths = 4, [5, 0, 8, 2, 4]
ids = rng.permutation(np.arange(10, 60)).tolist()
documents = [[ids.pop() for _ in range(length)] for length in lengths]
end = int(rng.integers(1, 10))
wanted, asked = (np.asarray(side) for side in key.rows(documents, T, end))
got = rows([list(document) for document in documents], T, end)
with hint("ragged"):
    inputs, targets = (np.asarray(side, int) for side in got)
    assert inputs.shape == targets.shape and inputs.shape[1:] == (T,)
flat = list(zip(inputs.ravel().tolist(), targets.ravel().tolist(), strict=True))
pairs = [(a, b) for a, b in flat if b != -1 and a != -1]
of = [list(zip(text, [*text, end][1:], strict=True)) for text in documents]
right = [pair for some in of for pair in some]
tokens = {token for text in documents for token in text}
with hint("not_shifted"):
    assert not [a for a, b in pairs if a == b and a in tokens]
with hint("backwards"):
    assert not [(a, b) for a, b in pairs if (b, a) in right and b != end]
with hint("skips_one"):
    assert not [
        1 for text in documents for two in zip(text, text[2:], strict=False) if two in pairs
    ]
with hint("joined"):
    firsts = {text[0] for text in documents if text}
    assert not [(a, b) for a, b in pairs if b in firsts]
    for row in inputs.tolist():
        assert sum(not set(row).isdisjoint(text) for text in documents) < 2
with hint("padding_asked"):
    assert not [(a, b) for a, b in pairs if a == end]
with hint("asked_twice"):
    assert len(pairs) == len(set(pairs))
missing = set(right) - set(pairs)
with hint("end_not_asked"):
    assert {text[-1] for text in documents if text} - {a for a, b in missing if b == end}
with hint("first_piece_only"):
    assert not set(of[2][T:-1]) <= missing
with hint("lost_at_the_edge"):
    assert not {of[2][T - 1], of[2][T]} & missing
with hint("short_rows_dropped"):
    assert not missing
with hint("empty_rows"):
    assert not (targets == -1).all(axis=1).any()
with hint("filled_differently"):
    assert (inputs[targets == -1] == end).all() and (inputs != -1).all()
assert sorted(pairs) == sorted(right)
with hint("order"):
    assert_allclose(inputs, wanted)
    assert_allclose(targets, asked)
a, b, c = rng.permutation(np.arange(10, 60))[:3].tolist()


def check(documents, T):
    for side, wanted in zip(
        rows([list(document) for document in documents], T, end),
        key.rows(documents, T, end),
        strict=True,
    ):
        assert np.shape(side) == np.shape(wanted)
        assert_allclose(side, wanted)


with hint("ragged"):
    assert all(np.shape(side)[1:] == (5,) for side in rows([[a], [b, c]], 5, end))
with hint("short_rows_dropped"):
    check([[a], [b, c]], 5)
with hint("repeated"):
    check([[a, b, a, c, a], [b, b], [a, b, a, c, a]], 3)
with hint("id_zero"):
    check([[a, 0, b, 0], [0]], 3)


# %% part="rows" role="mistake" name="ragged"
# Inputs and targets must both be tables of T columns. Fill up the rows that are too short.
# 输入和目标都该是 T 列的表。太短的行要填满。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end]
        for start in range(0, len(document), T):
            piece = text[start : start + T + 1]
            inputs.append(piece[:-1])
            targets.append(piece[1:])
    return inputs, targets


# %% part="rows" role="mistake" name="not_shifted"
# Your targets are the inputs: whoever repeats the token it has read gets a perfect loss. The answer to a token is the next one.
# 你的目标就是输入：只要重复刚读到的词元，损失就完美无缺。一个词元的答案是下一个词元。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        for start in range(0, len(document), T):
            piece = list(document[start : start + T])
            gap = T - len(piece)
            inputs.append(piece + gap * [end])
            targets.append(piece + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="backwards"
# You ask for the token before: inputs and targets have changed places, or are shifted the wrong way.
# 你问的是前一个词元：输入和目标对调了，或者往反方向错开了。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end]
        for start in range(0, len(document), T):
            piece = text[start : start + T + 1]
            gap = T + 1 - len(piece)
            inputs.append(piece[1:] + gap * [end])
            targets.append(piece[:-1] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="skips_one"
# Your targets stand two places on. The answer to a token is the very next one.
# 你的目标错开了两位。一个词元的答案就是紧跟着它的那一个。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end, end]
        for start in range(0, len(document), T):
            piece = list(document[start : start + T])
            gap = T - len(piece)
            inputs.append(piece + gap * [end])
            targets.append(text[start + 2 : start + 2 + len(piece)] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="joined"
# Two documents run together in your rows, or you ask for a document's first token. No row and no question reaches from one document into the next; a first token is only read.
# 你的行里两个文档连到了一起，或者你问了某个文档的第一个词元。一行、一道题都不能从一个文档跨到下一个；第一个词元只被读。
def rows(documents, T, end):
    text = [token for document in documents for token in [*document, end]]
    inputs, targets = [], []
    for start in range(0, len(text) - 1, T):
        piece = text[start : start + T + 1]
        gap = T + 1 - len(piece)
        inputs.append(piece[:-1] + gap * [end])
        targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="padding_asked"
# You ask what comes after `end`. The document is over there; what only fills the row up is no question.
# 你在问 `end` 后面是什么。到那里文档已经结束；只用来填满一行的地方不是题。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end]
        for start in range(0, len(document), T):
            piece = text[start : start + T + 1]
            piece = piece + (T + 1 - len(piece)) * [end]
            inputs.append(piece[:-1])
            targets.append(piece[1:])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="asked_twice"
# You ask some questions more than once: your rows overlap. The next row begins where the last one stopped.
# 有些题你问了不止一遍：行与行重叠了。上一行到哪儿为止，下一行就从哪儿开始。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end]
        for start in range(0, max(len(document) - T, 0) + bool(document)):
            piece = text[start : start + T + 1]
            gap = T + 1 - len(piece)
            inputs.append(piece[:-1] + gap * [end])
            targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="end_not_asked"
# Nobody learns when to stop: the last token of a document has an answer, too, and it is `end`.
# 这样谁也学不会收尾：文档的最后一个词元也有答案，就是 `end`。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        for start in range(0, len(document) - 1, T):
            piece = list(document[start : start + T + 1])
            gap = T + 1 - len(piece)
            inputs.append(piece[:-1] + gap * [end])
            targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="first_piece_only"
# A long document fills more than one row; you keep its beginning only.
# 长的文档不止一行，你只留下了开头。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        if not document:
            continue
        piece = [*document, end][: T + 1]
        gap = T + 1 - len(piece)
        inputs.append(piece[:-1] + gap * [end])
        targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="lost_at_the_edge"
# Where one row ends and the next begins, a question is lost. The last target of a row is the first input of the next.
# 一行结束、下一行开始的地方丢了一道题。一行的最后一个目标，就是下一行的第一个输入。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end]
        for start in range(0, len(text), T + 1):
            piece = text[start : start + T + 1]
            gap = T + 1 - len(piece)
            if len(piece) > 1:
                inputs.append(piece[:-1] + gap * [end])
                targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="short_rows_dropped"
# Questions at the end of a document are missing. A row that is not full counts, too: fill it up.
# 文档末尾的题不见了。没满的行也算数：把它填满。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end]
        for start in range(0, len(document) - T + 1, T):
            inputs.append(text[start : start + T])
            targets.append(text[start + 1 : start + T + 1])
    return np.array(inputs).reshape(-1, T), np.array(targets).reshape(-1, T)


# %% part="rows" role="mistake" name="empty_rows"
# A row of yours asks nothing at all. Where does it come from: an empty document, or one whose last row was full?
# 你有一行什么也没问。它从哪儿来：空文档，还是最后一行刚好填满的文档？
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end]
        for start in range(0, len(text), T):
            piece = text[start : start + T + 1]
            gap = T + 1 - len(piece)
            inputs.append(piece[:-1] + gap * [end])
            targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="filled_differently"
# The questions are right, the filling is not: unused places hold `end` in the inputs and -1 in the targets.
# 题都对，填得不对：没用到的地方，输入填 `end`，目标填 -1。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        text = [*document, end]
        for start in range(0, len(document), T):
            piece = text[start : start + T + 1]
            gap = T + 1 - len(piece)
            inputs.append(piece[:-1] + gap * [0])
            targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="order"
# All questions are there, but not in their places: the rows stand in the order of the text, and each begins with its questions.
# 题都在，位置不对：各行按文本的顺序排列，每行先放题，再填满。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in sorted(documents, key=len, reverse=True):
        text = [*document, end]
        for start in range(0, len(document), T):
            piece = text[start : start + T + 1]
            gap = T + 1 - len(piece)
            inputs.append(piece[:-1] + gap * [end])
            targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="repeated"
# Where a token or a whole document occurs twice, your rows are wrong. Equal tokens are no reason to leave out a question: each place asks its own.
# 词元或整个文档出现两次时，你的行就不对了。相同不是漏题的理由：每个位置都问自己的那一道。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in dict.fromkeys(map(tuple, documents)):
        text = [*document, end]
        for start in range(0, len(document), T):
            piece = text[start : start + T + 1]
            gap = T + 1 - len(piece)
            inputs.append(piece[:-1] + gap * [end])
            targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="mistake" name="id_zero"
# The id 0 is an id like all others. You lose it as if nothing were there.
# 编号 0 和别的编号一样。你却当那里什么也没有，把它弄丢了。
def rows(documents, T, end):
    inputs, targets = [], []
    for document in [list(filter(None, document)) for document in documents]:
        text = [*document, end]
        for start in range(0, len(document), T):
            piece = text[start : start + T + 1]
            gap = T + 1 - len(piece)
            inputs.append(piece[:-1] + gap * [end])
            targets.append(piece[1:] + gap * [-1])
    return np.array(inputs), np.array(targets)


# %% part="rows" role="alternative" name="filled_first"
def rows(documents, T, end):
    x, y = [], []
    for document in documents:
        count = -(-len(document) // T)
        row, answer = np.full(count * T, end), np.full(count * T, -1)
        row[: len(document)] = document
        answer[: len(document)] = [*document[1:], end][: len(document)]
        x.append(row.reshape(count, T))
        y.append(answer.reshape(count, T))
    return np.concatenate(x), np.concatenate(y)


# %% part="rows" role="alternative" name="question_by_question"
def rows(documents, T, end):
    inputs, targets = [], []
    for document in documents:
        for t, token in enumerate(document):
            if t % T == 0:
                inputs.append([end] * T)
                targets.append([-1] * T)
            inputs[-1][t % T] = token
            targets[-1][t % T] = document[t + 1] if t + 1 < len(document) else end
    return inputs, targets


# %% part="rows" role="alternative" name="one_array"
def rows(documents, T, end):
    found = []
    for document in documents:
        pairs = list(zip(document, [*document, end][1:], strict=True))
        while pairs:
            row, pairs = pairs[:T], pairs[T:]
            found.append(row + [(end, -1)] * (T - len(row)))
    return np.array(found).transpose(2, 0, 1)


# %% [markdown]
# ## 3 · A block (5 points)
# Write `block(x, who, mix, up, down, scales)`, a block of the modern kind, its norms *before* its parts. The pieces are given:
#
# - `x`, the stream, `(..., T, D)`;
# - `who`, `(T, T)`: row t holds the weights with which place t looks at each place; they are softmaxed already, and masked where they must be;
# - `mix`, `(D, D)`: values and output in one. The attention finds $A(n) = \mathrm{who}\; n\; \mathrm{mix}$;
# - `up` `(D, F)` and `down` `(F, D)`: the feed-forward part is $f(n) = \mathrm{relu}(n\;\mathrm{up})^2\;\mathrm{down}$, the square taken of each number;
# - `scales`, `(2, D)`: those of the norm of the attention, and those of the norm of the feed-forward part.
#
# The norm is $\mathrm{RMS}$: $\;n = x \,/ \sqrt{\mathrm{mean}(x^2) + 10^{-5}} \cdot \mathrm{scale}$, the mean over the D numbers of each vector. The result is the stream after the block, `(..., T, D)`.

# %% [markdown] lang="zh"
# ## 3 · 一个块（5 分）
# 写出 `block(x, who, mix, up, down, scales)`：一个时新的块，归一化在各部分**之前**。零件都给你：
#
# - `x`：残差流，`(..., T, D)`；
# - `who`，`(T, T)`：第 t 行是位置 t 看各个位置的权重，已经做过 softmax，该掩的也掩好了；
# - `mix`，`(D, D)`：值和输出合成的一个矩阵。注意力找到的是 $A(n) = \mathrm{who}\; n\; \mathrm{mix}$；
# - `up` `(D, F)` 和 `down` `(F, D)`：前馈部分是 $f(n) = \mathrm{relu}(n\;\mathrm{up})^2\;\mathrm{down}$，平方是逐个数取的；
# - `scales`，`(2, D)`：先是注意力那个归一化的，再是前馈那个归一化的。
#
# 归一化是均方根归一化：$\;n = x \,/ \sqrt{\mathrm{mean}(x^2) + 10^{-5}} \cdot \mathrm{scale}$，mean 对每个向量的 D 个数求。结果是经过这个块之后的残差流，`(..., T, D)`。


# %% part="block" role="stub"
def block(x, who, mix, up, down, scales):
    raise NotImplementedError


# %% part="block" role="solution"
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scale

    x, scales = np.asarray(x, float), np.asarray(scales, float)
    x = x + np.asarray(who) @ norm(x, scales[0]) @ np.asarray(mix)
    hidden = np.maximum(norm(x, scales[1]) @ np.asarray(up), 0) ** 2
    return x + hidden @ np.asarray(down)


# %% part="block" role="tests" points=5
eye, ones, zeros = np.eye(2), np.ones((2, 2)), np.zeros((2, 2))
stream = np.array([[3.0, 3.0], [5.0, 5.0]])  # both become (1, 1) in the norm
assert_allclose(block(stream, eye, eye, eye, zeros, ones), [[4, 4], [6, 6]], atol=1e-4)
assert_allclose(block(stream, eye, zeros, 2 * eye, eye, ones), [[7, 7], [9, 9]], atol=1e-4)
assert_allclose(block(-stream, eye, zeros, eye, eye, ones), -stream, atol=1e-4)

# %% part="block" role="hidden"
T, D, F = 3, 4, 5
x = rng.normal(size=(2, T, D)) * [0.5, 1, 2, 4] + 0.5
who = np.tril(rng.uniform(0.2, 1, size=(T, T)))
who /= who.sum(axis=1, keepdims=True)
mix, up, down = rng.normal(size=(D, D)), rng.normal(size=(D, F)), rng.normal(size=(F, D))
scales = np.stack([rng.permutation([0.5, 0.8, 1.3, 2]), rng.permutation([0.4, 0.9, 1.5, 1.8])])
pieces = (who, mix, up, down)


def rms(v, scale=1.0, axis=-1, power=np.mean, center=False):
    v = v - v.mean(axis=-1, keepdims=True) if center else v
    return v / np.sqrt(power(v**2, axis=axis, keepdims=True) + 1e-5) * scale


def wired(x, who=who, norm=rms, first=scales[0], second=scales[1], relu=2):
    x = x + who @ norm(x, first) @ mix
    return x + np.maximum(norm(x, second) @ up, 0) ** relu @ down


def feed(n):
    return np.maximum(n @ up, 0) ** 2 @ down


got = [np.asarray(block(row.copy(), *pieces, scales), float) for row in x]
got = np.stack([some if some.shape == (T, D) else np.zeros((T, D)) for some in got])
n = rms(x, scales[0])
found = who @ n @ mix
after = x + found
right = after + feed(rms(after, scales[1]))


def never(*wrong):
    assert not any(np.allclose(got, some, rtol=1e-3, atol=1e-4) for some in wrong)


with hint("norm_after"):
    late = rms(x + who @ x @ mix, scales[0])
    never(rms(late + feed(late), scales[1]))
    never(rms(x + found, scales[0]), late, rms(right), rms(right, scales[1]), rms(right, scales[0]))
    late = x + rms(who @ x @ mix, scales[0])
    never(late + rms(feed(late), scales[1]))
with hint("no_shortcut"):
    never(feed(rms(found, scales[1])), found + feed(rms(found, scales[1])))
    never(feed(rms(after, scales[1])), x + feed(rms(found, scales[1])))
    never(x + feed(rms(after, scales[1])), found + feed(rms(after, scales[1])))
with hint("normalized_stream"):
    m = n + found
    never(m + feed(rms(m, scales[1])), after + 0 * m, rms(m, scales[1]) + feed(rms(m, scales[1])))
    never(rms(after, scales[1]) + feed(rms(after, scales[1])))
with hint("side_by_side"):
    never(after + feed(rms(x, scales[1])), after + feed(n))
    fed = x + feed(rms(x, scales[1]))
    never(fed + who @ rms(fed, scales[0]) @ mix)
with hint("norm_once"):
    never(after + feed(after), x + who @ x @ mix + feed(x + who @ x @ mix))
    bare = x + who @ x @ mix
    never(bare + feed(rms(bare, scales[1])), bare + feed(rms(bare, scales[0])))
with hint("looked_at"):
    never(wired(x, who=who.T), wired(x, who=np.eye(T)), wired(x, who=np.ones((T, T)) / T))
    powers = np.exp(who)
    never(wired(x, who=powers / powers.sum(axis=-1, keepdims=True)))
with hint("mix_turned"):
    turned = x + who @ n @ mix.T
    never(turned + feed(rms(turned, scales[1])))
with hint("no_square"):
    never(wired(x, relu=1))
    squared = rms(after, scales[1]) @ up
    never(after + squared**2 @ down, after + squared @ down)
    never(after + (np.maximum(squared, 0) @ down) ** 2, after + np.maximum(squared**2 @ down, 0))
    never(after + (np.maximum(rms(after, scales[1]), 0) @ up) ** 2 @ down)
with hint("scales_mixed"):
    never(wired(x, first=scales[1], second=scales[0]), wired(x, second=scales[0]))
    never(wired(x, first=1.0, second=1.0), wired(x, first=scales[1]))
    never(wired(x, first=1 / scales[0], second=1 / scales[1]))
    never(wired(x, norm=lambda v, scale: rms(v * scale)))
with hint("centered"):
    never(wired(x, norm=lambda v, scale: rms(v, scale, center=True)))
with hint("length_one"):
    never(wired(x, norm=lambda v, scale: rms(v, scale, power=np.sum)))
    never(wired(x, norm=lambda v, scale: v / ((v**2).mean(axis=-1, keepdims=True) + 1e-5) * scale))
    never(wired(x, norm=lambda v, scale: rms(v, 1.0, power=np.sum) * scale * D))
    never(wired(x, norm=lambda v, s: v / (np.abs(v).mean(axis=-1, keepdims=True) + 1e-5) * s))
with hint("wrong_axis"):
    never(wired(x, norm=lambda v, scale: rms(v, scale, axis=-2)))
    never(wired(x, norm=lambda v, scale: rms(v, scale, axis=(-2, -1))))


def close(found, wanted, to=2e-5):  # float32 is exact enough
    assert_allclose(found, wanted, rtol=0, atol=to * np.abs(wanted).max())


close(got, right, to=5e-4)
with hint("epsilon"):
    close(block(np.zeros((T, D)), *pieces, scales), np.zeros((T, D)))
    for small in (x[0] / 300, x[1] / 1e7):
        close(block(small, *pieces, scales), key.block(small, *pieces, scales))
with hint("one_text_only"):
    close(block(x.copy(), *pieces, scales), right)
    close(block(x.reshape(2, 1, T, D), *pieces, scales), right.reshape(2, 1, T, D))
close(got, right)
ahead = rng.dirichlet(np.ones(T), size=T)  # here a place looks ahead, too
with hint("masked_again"):
    close(block(x[0].copy(), ahead, *pieces[1:], scales), wired(x[0], who=ahead))


# %% part="block" role="mistake" name="norm_after"
# You normalise after a part, either what it found or the stream itself (the order of 2017). Here a norm stands before a part, and the stream itself is never normalised.
# 你在各部分之后才归一化，归一化的是它找到的东西，或是残差流本身（2017 年的次序）。这里归一化在各部分之前，残差流自己不做归一化。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scale

    x = norm(x + who @ x @ mix, scales[0])
    return norm(x + np.maximum(x @ up, 0) ** 2 @ down, scales[1])


# %% part="block" role="mistake" name="no_shortcut"
# A part replaces the stream in your block. Each part adds what it found to what came in.
# 在你的块里，某个部分把残差流替换掉了。每个部分都该把找到的东西加到进来的东西上。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scale

    x = who @ norm(x, scales[0]) @ mix
    return np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="normalized_stream"
# You add to the normalised vectors. The shortcut carries the stream as it came in, without a norm.
# 你加到了归一化之后的向量上。走捷径的是进来时的残差流，没有归一化过。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scale

    x = norm(x, scales[0])
    x = x + who @ x @ mix
    x = norm(x, scales[1])
    return x + np.maximum(x @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="side_by_side"
# Your feed-forward part doesn't see what the attention has found. It comes second, and it reads the stream after the attention.
# 你的前馈部分看不到注意力找来的东西。它在后，读的是注意力之后的残差流。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scale

    found = who @ norm(x, scales[0]) @ mix
    return x + found + np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="norm_once"
# A norm is missing: there are two, one before each part.
# 少了归一化：一共两个，每个部分之前各一个。
def block(x, who, mix, up, down, scales):
    x = x + who @ (x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scales[0]) @ mix
    return x + np.maximum(x @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="looked_at"
# `who` is turned around, changed, or not used. Row t tells at whom place t looks, so the rows of `who`, as they are, weigh the places.
# `who` 转了个方向、被改动了，或者没用上。第 t 行说的是位置 t 在看谁，所以用 `who` 的行，原样不动，去给各个位置加权。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scale

    x = x + np.asarray(who).T @ norm(x, scales[0]) @ mix
    return x + np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="mix_turned"
# You multiply with `mix` turned around. The vectors are rows, so a matrix stands to the right of them, as it is.
# 你乘的是转置了的 `mix`。向量是行，矩阵原样放在右边。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scale

    x = x + who @ norm(x, scales[0]) @ np.transpose(mix)
    return x + np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="no_square"
# The activation is not the one of the question, or not in its place: between `up` and `down`, what is negative becomes 0, and then each number is squared.
# 激活函数跟题目说的不一样，或者放错了地方：在 `up` 和 `down` 之间，负数变成 0，然后逐个取平方。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scale

    x = x + who @ norm(x, scales[0]) @ mix
    return x + np.maximum(norm(x, scales[1]) @ up, 0) @ down


# %% part="block" role="mistake" name="scales_mixed"
# A norm uses the wrong scales, or none, or in the wrong place. Each of the two norms has a row of its own, which multiplies what has been divided.
# 有一个归一化用错了 scale，或者没用，或者用错了地方。两个归一化各有自己的一行，除过之后再乘。
def block(x, who, mix, up, down, scales):
    def norm(x):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scales[0]

    x = x + who @ norm(x) @ mix
    return x + np.maximum(norm(x) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="centered"
# You take the mean away, as layer norm does. RMS norm divides and leaves the mean where it is.
# 你减去了均值，那是层归一化。均方根归一化只做除法，均值不动。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        deviation = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        return (x - x.mean(axis=-1, keepdims=True)) / deviation * scale

    x = x + who @ norm(x, scales[0]) @ mix
    return x + np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="length_one"
# You divide by something else than the RMS, such as the length of the vector, its mean square or its mean size. Square, take the mean, take the root, then divide.
# 你除以的不是均方根，而是别的，例如向量的长度，平方的平均数，或者绝对值的平均数。先平方，再平均，再开方，然后才除。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.linalg.norm(x, axis=-1, keepdims=True) * scale

    x = x + who @ norm(x, scales[0]) @ mix
    return x + np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="wrong_axis"
# Your norm mixes the places of the text. It treats each vector alone: the mean runs over its D numbers.
# 你的归一化把文本里的不同位置混在一起了。它对每个向量单独做：mean 对这个向量的 D 个数求。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean() + 1e-5) * scale

    x = x + who @ norm(x, scales[0]) @ mix
    return x + np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="epsilon"
# A vector of tiny numbers comes out wrong. The 10⁻⁵ is added inside the root, before it is taken, and nothing is rounded.
# 向量里的数很小时，结果就不对了。10⁻⁵ 要加在根号里面，哪里都不要舍入。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / (np.sqrt((x**2).mean(axis=-1, keepdims=True)) + 1e-5) * scale

    x = x + who @ norm(x, scales[0]) @ mix
    return x + np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="one_text_only"
# It works for one text, not for a batch of them, or for a batch of batches. Count axes from the end: the vectors lie along the last one.
# 一段文本对，一批文本，或者好几批，就不对了。轴要从末尾数起：向量排在最后一条轴上。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5) * scale

    x = x + who @ norm(x, scales[0]) @ mix
    return x + np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="mistake" name="masked_again"
# You mask what `who` says once more. Whether a place may look ahead is decided before `who` is made: take its weights as they are.
# 你把 `who` 又掩了一遍。能不能往后看，造 `who` 的时候已经定好：它的权重是多少，就用多少。
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5) * scale

    who = np.tril(who)
    who = who / who.sum(axis=-1, keepdims=True)
    x = x + who @ norm(x, scales[0]) @ mix
    return x + np.maximum(norm(x, scales[1]) @ up, 0) ** 2 @ down


# %% part="block" role="alternative" name="loop"
def block(x, who, mix, up, down, scales):
    x = np.array(x, float)
    if x.ndim > 2:
        return np.array([block(text, who, mix, up, down, scales) for text in x])
    normal = [v / np.sqrt(sum(v * v) / len(v) + 1e-5) * scales[0] for v in x]
    stream = []
    for t, vector in enumerate(x):
        seen = sum(weight * other for weight, other in zip(who[t], normal, strict=True))
        stream.append(vector + seen @ mix)
    result = []
    for vector in stream:
        n = vector / np.sqrt(sum(vector**2) / len(vector) + 1e-5) * scales[1]
        result.append(vector + np.array([max(h, 0) ** 2 for h in n @ up]) @ down)
    return result


# %% part="block" role="alternative" name="einsum"
def block(x, who, mix, up, down, scales):
    def norm(x, scale):
        size = np.einsum("...d,...d->...", x, x) / x.shape[-1]
        return np.einsum("...d,...,d->...d", x, (size + 1e-5) ** -0.5, scale)

    x = np.asarray(x, float)
    x = x + np.einsum("ts,...sd,de->...te", who, norm(x, scales[0]), mix)
    hidden = np.einsum("...td,df->...tf", norm(x, scales[1]), up)
    return x + np.einsum("...tf,fd->...td", hidden * np.abs(hidden) * (hidden > 0), down)


# %% part="block" role="alternative" name="values_first"
def block(x, who, mix, up, down, scales):
    stream = np.array(x, float)
    for part, scale in enumerate(scales):
        root = np.sqrt(np.mean(np.square(stream), axis=-1) + 1e-5)[..., None]
        n = scale * (stream / root)
        if part == 0:
            stream += np.matmul(who, np.matmul(n, mix))
        else:
            stream += np.square(np.clip(n @ up, 0, None)) @ down
    return stream


# %% [markdown]
# ## 4 · Bits per character (4 points)
# A model with a context of T tokens has read a held-out text, longer than its context, in N windows. Write `bits_per_character(ids, logits, starts, spelled)`:
#
# - `ids`, the whole text, as ids;
# - `logits`, `(N, T, V)`: window n has read the T tokens `ids[s]` … `ids[s + T − 1]` with s = `starts[n]`, and at each place it scores the token that follows;
# - `starts`: in rising order, the first is 0. Windows may overlap, by any number of places; the last one predicts the last token of the text, and none goes further;
# - `spelled`: for every id, the text that it stands for, such as `"the"`, never empty.
#
# Each token but the first is scored exactly once, by the first window that predicts it. All these costs, in bits, are divided by the number of characters that these tokens spell. A logit may be as large as 1,000.

# %% [markdown] lang="zh"
# ## 4 · 每字符比特数（4 分）
# 一个模型的上下文有 T 个词元，留出的文本比上下文长，它分 N 个窗口读完了。写出 `bits_per_character(ids, logits, starts, spelled)`：
#
# - `ids`：整段文本的编号；
# - `logits`，`(N, T, V)`：窗口 n 读的是 T 个词元 `ids[s]` …… `ids[s + T − 1]`，其中 s = `starts[n]`；在每个位置上，它给后面那个词元打分；
# - `starts`：从小到大，第一个是 0。窗口可以重叠，重叠几处都行；最后一个窗口最后预测的，正是文本的最后一个词元，不会越过它；
# - `spelled`：每个编号代表的文字，例如 `"the"`，不会是空的。
#
# 除了第一个词元，每个词元恰好算一次，由最先预测它的那个窗口来算。这些代价以比特计，加起来，除以这些词元拼出的字符数。logit 可能大到 1,000。


# %% part="bits" role="stub"
def bits_per_character(ids, logits, starts, spelled):
    raise NotImplementedError


# %% part="bits" role="solution"
def bits_per_character(ids, logits, starts, spelled):
    logits = np.asarray(logits, float)
    largest = logits.max(axis=-1, keepdims=True)
    logs = logits - largest
    logs = logs - np.log(np.exp(logs).sum(axis=-1, keepdims=True))
    nats, done = 0.0, 0  # ids[1] to ids[done] are scored
    for window, start in zip(logs, starts, strict=True):
        for t, row in enumerate(window):
            if start + t + 1 > done:
                nats -= row[ids[start + t + 1]]
                done = start + t + 1
    return nats / np.log(2) / sum(len(spelled[id]) for id in ids[1:])


# %% part="bits" role="tests" points=4
fair = np.zeros((1, 2, 2))  # two tokens, a bit each
assert_allclose(bits_per_character([0, 1, 0], fair, [0], ["a", "bc"]), 2 / 3)
sure = [[[9.0, 9.0], [0.0, np.log(3)]], [[99.0, 0.0], [5.0, 5.0]]]  # 2 windows of 2 tokens
assert_allclose(bits_per_character([0, 1, 1, 1], sure, [0, 1], ["a", "b"]), 0.8050, atol=1e-4)

# %% part="bits" role="hidden"
T, V, starts = 4, 5, [0, 2, 4, 5]
spelled = ["n", " ugh", "the", "a", "né"]
ids = [2, *rng.permutation([0, 0, 1, 2, 3, 3, 4, 4]).tolist(), 1]
logits = 2 * rng.normal(size=(4, T, V))
right = key.bits_per_character(ids, logits, starts, spelled)
got = bits_per_character(ids, logits, starts, spelled)
nats = np.logaddexp.reduce(logits, axis=-1)[..., None] - logits
size = np.array([len(spelled[id]) for id in ids])
places = np.add.outer(starts, np.arange(T)) + 1  # whom each place predicts
paid = np.array([[nats[n, t, ids[p]] for t, p in enumerate(row)] for n, row in enumerate(places)])
paid = paid / np.log(2)
by_first, by_last = {}, {}
for p, bits in zip(places.ravel().tolist(), paid.ravel(), strict=True):
    by_first.setdefault(p, bits)
    by_last[p] = bits
total = sum(by_first.values())
assert np.shape(got) == ()
got = float(got)


def never(*wrong):
    assert not np.isclose(got, wrong, rtol=1e-6).any()


with hint("negative"):
    assert not got < 0
with hint("nats"):
    never(right * np.log(2))
with hint("per_token"):
    never(total / 9, total / 10, right * np.log(2) * size[1:].sum() / 9)
with hint("summed"):
    never(total, total * np.log(2))
with hint("scored_twice"):
    never(paid.sum() / size[1:].sum(), paid.sum() / size[places].sum(), paid.sum() / size.sum())
    never(paid.mean(), np.mean(paid.sum(axis=1) / size[places].sum(axis=1)))
    both = {p: np.mean(paid[places == p]) for p in range(1, 10)}
    never(sum(both.values()) / size[1:].sum())
with hint("some_missing"):
    halves = paid[:, T // 2 :].sum()
    some = [paid[0].sum(), halves, sum(by_first[p] for p in (3, 4, 5, 6, 7, 8, 9))]
    some += [total - by_first[9], total - by_first[1], total - by_last[9]]
    few = [size[places[0]], size[places[:, T // 2 :]], size[3:], size[1:9], size[2:], size[1:9]]
    never(*(bits / size[1:].sum() for bits in some), *np.divide(some, [f.sum() for f in few]))
    early = {p: paid[n, t] for (n, t), p in np.ndenumerate(places[:, :-1])}
    early = {p: by_first[p] if p in (1, 2, 3) else bits for p, bits in early.items()}
    never(sum(early.values()) / size[sorted(early)].sum())
    seen = {}
    for (n, t), p in np.ndenumerate(places[:, :-1]):
        seen.setdefault(p, paid[n, t])
    never(sum(seen.values()) / size[sorted(seen)].sum(), sum(seen.values()) / size[1:].sum())
with hint("always_half"):
    half = paid[0].sum() + paid[1:, T // 2 :].sum()
    counted = size[places[0]].sum() + size[places[1:, T // 2 :]].sum()
    never(half / size[1:].sum(), half / counted)
    strides = paid[0].sum() + sum(paid[n, starts[n] - starts[n - 1] :].sum() for n in (1, 2, 3))
    never(strides / size[1:].sum())
    ones = paid[0].sum() + paid[1:, -1].sum()
    never(ones / size[1:].sum(), ones / (size[places[0]].sum() + size[places[1:, -1]].sum()))
with hint("last_window"):
    never(sum(by_last.values()) / size[1:].sum())
with hint("not_shifted"):
    seen, same = set(), 0.0
    for n, start in enumerate(starts):
        for t in range(T):
            if start + t not in seen:
                seen.add(start + t)
                same += nats[n, t, ids[start + t]] / np.log(2)
    late = sum(
        nats[n, t, ids[p - 1]]
        for (n, t), p in np.ndenumerate(places)
        if n == 0 or p > places[n - 1, -1]
    ) / np.log(2)
    never(*(some / size[1:].sum() for some in (same, late)))
    never(*(some / size[:-1].sum() for some in (same, late)), same / size.sum())
with hint("first_token_counted"):
    never(total / size.sum(), total / size[:-1].sum(), total / sum(len(some) for some in spelled))
with hint("other_lengths"):
    for length in (lambda text: len(text.encode()), lambda text: len(text.strip())):
        never(total / sum(length(spelled[id]) for id in ids[1:]))
    never(total / (9 * np.mean([len(text) for text in spelled])))
with hint("mean_of_shares"):
    never(np.mean([bits / size[p] for p, bits in by_first.items()]))
    new = [[1, 2, 3, 4], [5, 6], [7, 8], [9]]
    never(np.mean([sum(by_first[p] for p in some) / size[some].sum() for some in new]))
    never(np.mean([np.mean([by_first[p] / size[p] for p in some]) for some in new]))
assert_allclose(got, right, rtol=1e-6)
far = rng.permutation([1000.0, 0.0, -1000.0, 500.0, 2.0]) + np.zeros((4, T, V))
far -= 2000.0 * np.arange(T)[:, None]  # the same probabilities
huge = bits_per_character(ids, far, starts, spelled)
with hint("overflow"):
    assert_allclose(huge, key.bits_per_character(ids, far, starts, spelled))


# %% part="bits" role="mistake" name="negative"
# Your cost is negative. A cost is minus the logarithm of a probability.
# 你算的代价是负的。代价是概率的对数取负。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    total, done = 0.0, 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(max(done - start, 0), len(window)):
            total += window[t, ids[start + t + 1]]
        done = start + len(window)
    return total / np.log(2) / sum(len(spelled[id]) for id in ids[1:])


# %% part="bits" role="mistake" name="nats"
# Your cost is in nats. The question asks for bits.
# 你算的代价单位是奈特，题目问的是比特。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    total, done = 0.0, 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(max(done - start, 0), len(window)):
            total -= window[t, ids[start + t + 1]]
        done = start + len(window)
    return total / sum(len(spelled[id]) for id in ids[1:])


# %% part="bits" role="mistake" name="per_token"
# That is the cost per token. A token may spell several characters: divide by their number.
# 这是每个词元的代价。一个词元可以拼出好几个字符：该除以字符数。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    total, done = 0.0, 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(max(done - start, 0), len(window)):
            total -= window[t, ids[start + t + 1]]
        done = start + len(window)
    return total / np.log(2) / (len(ids) - 1)


# %% part="bits" role="mistake" name="summed"
# That is the cost of the whole text. What does one character of it cost?
# 这是整段文本的代价。其中一个字符花多少？
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    total, done = 0.0, 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(max(done - start, 0), len(window)):
            total -= window[t, ids[start + t + 1]]
        done = start + len(window)
    return total / np.log(2)


# %% part="bits" role="mistake" name="scored_twice"
# Where windows overlap, you score a token more than once. Only the first window that predicts it counts.
# 窗口重叠的地方，同一个词元你算了不止一次。只有最先预测它的窗口才算。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    total, characters = 0.0, 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(len(window)):
            total -= window[t, ids[start + t + 1]] / np.log(2)
            characters += len(spelled[ids[start + t + 1]])
    return total / characters


# %% part="bits" role="mistake" name="some_missing"
# Some tokens are not scored at all. The first window predicts all of its tokens, the last place of a window counts, and so does the last window.
# 有的词元根本没算。第一个窗口的每个预测都算；一个窗口的最后一个位置也算，最后一个窗口也算。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    total, characters, done = 0.0, 0, 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(max(done - start, 0), len(window) - 1):
            total -= window[t, ids[start + t + 1]] / np.log(2)
            characters += len(spelled[ids[start + t + 1]])
        done = start + len(window) - 1
    return total / characters


# %% part="bits" role="mistake" name="always_half"
# Your program is right only for one overlap of the windows, such as half of them. They may overlap by any number of places; see how far the windows before have come.
# 只有窗口按某一种方式重叠时，比如正好一半，你的程序才对。重叠几处都有可能；看看前面的窗口已经算到了哪里。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    T, total = logs.shape[1], 0.0
    for window, start in zip(logs, starts, strict=True):
        for t in range(T // 2 if start else 0, T):
            total -= window[t, ids[start + t + 1]] / np.log(2)
    return total / sum(len(spelled[id]) for id in ids[1:])


# %% part="bits" role="mistake" name="last_window"
# Where windows overlap, you take the last one. The question says which one counts: the first that predicts the token.
# 窗口重叠的地方，你取了最后一个。题目说了算哪一个：最先预测这个词元的。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    paid = {}
    for window, start in zip(logs, starts, strict=True):
        for t in range(len(window)):
            paid[start + t + 1] = -window[t, ids[start + t + 1]] / np.log(2)
    return sum(paid.values()) / sum(len(spelled[id]) for id in ids[1:])


# %% part="bits" role="mistake" name="not_shifted"
# You score the token that a place has read. The logits of a place are about the token that follows.
# 你算的是一个位置读到的词元。一个位置的 logit，说的是后面那个词元。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    total, done = 0.0, 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(max(done - start, 0), len(window)):
            total -= window[t, ids[start + t]]
        done = start + len(window)
    return total / np.log(2) / sum(len(spelled[id]) for id in ids[1:])


# %% part="bits" role="mistake" name="first_token_counted"
# You divide by the wrong number of characters. The first token is only read; count what all others spell, each as often as it occurs.
# 你除以的字符数不对。第一个词元只被读；要数的是其余词元拼出的字符，出现几次算几次。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    total, done = 0.0, 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(max(done - start, 0), len(window)):
            total -= window[t, ids[start + t + 1]]
        done = start + len(window)
    return total / np.log(2) / len("".join(spelled[id] for id in ids))


# %% part="bits" role="mistake" name="other_lengths"
# You take other lengths than those of the texts: `len` of a text is its number of characters. An `é` is one of them, though UTF-8 takes two bytes for it, and so is a space.
# 你用的长度不是文字的长度：一段文字有几个字符，`len` 就是几。`é` 算一个，虽然在 UTF-8 里占两个字节；空格也算一个。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    total, done = 0.0, 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(max(done - start, 0), len(window)):
            total -= window[t, ids[start + t + 1]]
        done = start + len(window)
    return total / np.log(2) / len("".join(spelled[id] for id in ids[1:]).encode())


# %% part="bits" role="mistake" name="mean_of_shares"
# You average over shares, of single tokens or of windows. Add up all bits, add up all characters, then divide once.
# 你对一个个词元（或一个个窗口）的商求了平均。比特全加起来，字符全加起来，最后只除一次。
def bits_per_character(ids, logits, starts, spelled):
    logs = np.asarray(logits) - np.logaddexp.reduce(logits, axis=-1)[..., None]
    shares, done = [], 0
    for window, start in zip(logs, starts, strict=True):
        for t in range(max(done - start, 0), len(window)):
            id = ids[start + t + 1]
            shares.append(-window[t, id] / np.log(2) / len(spelled[id]))
        done = start + len(window)
    return np.mean(shares)


# %% part="bits" role="mistake" name="overflow"
# Large logits overflow, or a tiny probability rounds to 0. Subtract the largest logit of each place, and take the logarithm without computing the probability.
# logit 一大就溢出，或者极小的概率舍成了 0。每个位置先减去自己最大的 logit，而且不经过概率，直接算对数。
def bits_per_character(ids, logits, starts, spelled):
    with np.errstate(all="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        total, done = 0.0, 0
        for window, start in zip(p, starts, strict=True):
            for t in range(max(done - start, 0), len(window)):
                total -= np.log2(window[t, ids[start + t + 1]])
            done = start + len(window)
    return total / sum(len(spelled[id]) for id in ids[1:])


# %% part="bits" role="alternative" name="dictionary"
def bits_per_character(ids, logits, starts, spelled):
    bits = {}
    for start, window in zip(starts, logits, strict=True):
        for t, row in enumerate(window):
            place = int(start) + t + 1
            if place not in bits:
                top = max(row)
                logs = top + np.log(sum(np.exp(score - top) for score in row))
                bits[place] = (logs - row[ids[place]]) / np.log(2)
    return sum(bits.values()) / sum(len(spelled[ids[place]]) for place in bits)


# %% part="bits" role="alternative" name="backwards_overwritten"
def bits_per_character(ids, logits, starts, spelled):
    logits, ids = np.asarray(logits, float), np.asarray(ids)
    T = logits.shape[1]
    costs = np.zeros(len(ids))
    for n in reversed(range(len(logits))):
        targets = ids[starts[n] + 1 : starts[n] + T + 1]
        chosen = np.take_along_axis(logits[n], targets[:, None], axis=1)[:, 0]
        costs[starts[n] + 1 : starts[n] + T + 1] = np.logaddexp.reduce(logits[n], axis=1) - chosen
    return np.array(costs[1:].sum() / np.log(2) / len("".join(spelled[id] for id in ids[1:])))


# %% part="bits" role="alternative" name="first_places"
def bits_per_character(ids, logits, starts, spelled):
    logits, ids = np.asarray(logits, float), np.asarray(ids)
    places = np.asarray(starts)[:, None] + 1 + np.arange(logits.shape[1])
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logs = np.log2(np.exp(shifted).sum(axis=-1)) - np.einsum(
        "ntv,ntv->nt", shifted, np.eye(logits.shape[2])[ids[places]]
    ) / np.log(2)
    _, first = np.unique(places.ravel(), return_index=True)
    return logs.ravel()[first].sum() / np.vectorize(len)(np.array(spelled)[ids[1:]]).sum()


# %% [markdown]
# ## 5 · From logits to probabilities (5 points)
# Write `distribution(logits, temperature=1.0, top_k=None, top_p=None)`: the probabilities `(V,)` from which the next token is drawn, for logits `(V,)`. The knobs work in this order:
#
# 1. The logits are divided by the temperature. At 0 the largest logit gets the probability 1.
# 2. With `top_k`, only the k most probable tokens stay.
# 3. With `top_p`, of these only the fewest whose share of what was left after step 2 reaches p; always at least one.
#
# What stays is scaled to sum to one; the others get 0. Of two tokens that are equally probable, the one with the smaller id counts as the more probable. `top_k` is at least 1, and may be larger than V; `top_p` is larger than 0, and at most 1. A logit may be −∞ (that token is forbidden; some other is not), or as large as 1,000.

# %% [markdown] lang="zh"
# ## 5 · 从 logit 到概率（5 分）
# 写出 `distribution(logits, temperature=1.0, top_k=None, top_p=None)`：输入 logit `(V,)`，输出下一个词元该按什么概率 `(V,)` 来抽。各个旋钮依次起作用：
#
# 1. logit 除以温度。温度为 0 时，最大的 logit 得到概率 1。
# 2. 给了 `top_k`：只留最可能的 k 个词元。
# 3. 给了 `top_p`：其中再只留最少的几个，让它们在第 2 步剩下的当中所占的份额达到 p；至少留一个。
#
# 留下的按比例放大，加起来等于一；其余的为 0。两个词元一样可能时，编号小的算更可能。`top_k` 至少是 1，可以比 V 大；`top_p` 大于 0，不超过 1。logit 可能是 −∞（那个词元被禁用，别的还有没被禁的），也可能大到 1,000。


# %% part="distribution" role="stub"
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    raise NotImplementedError


# %% part="distribution" role="solution"
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    order = np.argsort(-logits, kind="stable")  # most probable first
    if temperature == 0:
        top_k, temperature = 1, 1.0
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        share = ranked / ranked.sum()
        ranked[np.cumsum(share) - share >= top_p] = 0  # the more probable ones are enough
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="tests" points=5
logits = np.log([0.1, 0.4, 0.2, 0.3])
assert_allclose(distribution(logits), [0.1, 0.4, 0.2, 0.3], atol=1e-6)
assert_allclose(distribution(logits, temperature=0.5), np.array([1, 16, 4, 9]) / 30, atol=1e-6)
assert_allclose(distribution(logits, temperature=0), [0, 1, 0, 0])
assert_allclose(distribution(logits, top_k=2), [0, 4 / 7, 0, 3 / 7], atol=1e-6)
assert_allclose(distribution(logits, top_p=0.8), [0, 4 / 9, 2 / 9, 3 / 9], atol=1e-6)

# %% part="distribution" role="hidden"
roll = int(rng.integers(6))
p = np.roll([0.1, 0.4, 0.04, 0.25, 0.15, 0.06], roll) * rng.uniform(0.99, 1.01, size=6)
p /= p.sum()
logits = np.log(p) + rng.normal()
rank = np.argsort(np.argsort(-p))


def left(n, tau=1.0, width=None):  # the n most probable, at a temperature
    q = np.where(rank < n, p ** (1 / tau), 0)
    return q / q.sum()


def of(*args, **options):
    return np.asarray(distribution(*args, **options), float)


def never(got, *wrong):
    assert not any(np.shape(got) == w.shape and np.allclose(got, w, atol=1e-6) for w in wrong)


plain, hot, cold = of(logits), of(logits, temperature=2.0), of(logits, 0.5)
two, nucleus, tiny = of(logits, top_k=2), of(logits, top_p=0.7), of(logits, top_p=0.12)
with hint("sorted"):
    never(plain, np.sort(p), np.sort(p)[::-1])
    never(two, -np.sort(-left(2)), -np.sort(-left(2))[:2])
    never(nucleus, -np.sort(-left(3)), -np.sort(-left(3))[:3])
assert_allclose(plain, p, atol=1e-6)
with hint("multiplied"):
    never(hot, left(6, 0.5))
    never(cold, left(6, 2))
with hint("no_temperature"):
    never(hot, p, p / 2, p * 2)
assert_allclose(hot, left(6, 2), atol=1e-6)
assert_allclose(cold, left(6, 0.5), atol=1e-6)
with hint("not_rescaled"):
    never(two, np.where(rank < 2, p, 0))
    never(nucleus, *(np.where(rank < n, p, 0) for n in (2, 3, 4)))
with hint("logit_zero"):
    for z in (np.where(rank < 2, logits, 0), np.where(rank < 2, np.log(p), 0)):
        never(two, np.exp(z) / np.exp(z).sum())
with hint("first_ids"):
    place = np.arange(6)
    for wrong in (p * (place < 2), p * (place >= 4), np.where(rank >= 4, p, 0)):
        never(two, wrong / wrong.sum())
    kept = np.cumsum(p) - p < 0.7
    never(nucleus, p * kept / p[kept].sum())
with hint("threshold"):
    never(nucleus, *(left(n) for n in (1, 5, 6)))
    never(tiny, left(3), np.where(rank < 3, p, 0), left(6))
with hint("crossing_left_out"):
    never(nucleus, left(2))
    assert np.isfinite(tiny).all() and np.isclose(tiny.sum(), 1)
with hint("one_too_many"):
    never(nucleus, left(4))
    never(tiny, left(2))
assert_allclose(two, left(2), atol=1e-6)
assert_allclose(nucleus, left(3), atol=1e-6)
assert_allclose(tiny, left(1), atol=1e-6)
with hint("shares_of_all"):
    assert_allclose(of(logits, top_k=3, top_p=0.75), left(2), atol=1e-6)
with hint("temperature_last"):
    assert_allclose(of(logits, temperature=0.5, top_p=0.7), left(2, 0.5), atol=1e-6)
    assert_allclose(of(logits, temperature=3.0, top_p=0.7), left(4, 3), atol=1e-6)
tied = np.roll([3.0, 1.0, 3.0, 3.0, 2.0], int(rng.integers(5)))
top = np.flatnonzero(tied == 3)
with hint("cold_as_zero"):
    assert_allclose(of(logits, temperature=0), left(1), atol=1e-6)
one, half, also = of(tied, 0), of(tied, top_k=2), of(tied, top_p=0.5)
with hint("ties_all_stay"):
    assert np.sum(half > 0) == 2 and np.sum(also > 0) == 2 and np.sum(one > 0) < 2
with hint("larger_id"):
    assert half[top[0]] > 0 and half[top[1]] > 0 and also[top[0]] > 0 and also[top[1]] > 0
    never(one, np.eye(5)[top[1]], np.eye(5)[top[2]])
    many = of(np.tile([1.0, 2.0], 150), top_k=7)  # so many that a sort may shuffle them
    assert np.flatnonzero(many).tolist() == [1, 3, 5, 7, 9, 11, 13]
assert_allclose(one, np.eye(5)[top[0]], atol=1e-6)
with hint("cold_alone"):
    assert_allclose(of(logits, temperature=0, top_k=3, top_p=0.9), left(1), atol=1e-6)
with hint("small_as_zero"):
    near = np.log(left(2)[rank < 2])  # two tokens, nearly as probable
    near = of(np.sort(near) * 0.01, temperature=0.01)
    assert_allclose(near, np.sort(left(2)[rank < 2]), atol=1e-4)
with hint("more_than_all"):
    assert_allclose(of(logits, top_k=50), p, atol=1e-6)
far, banned = np.append(logits + 1000, 0.0), np.append(logits, -np.inf)
with hint("overflow"):
    assert_allclose(of(far), np.append(p, 0), atol=1e-3)
    assert_allclose(of(logits, temperature=1e-4), left(1), atol=1e-6)
with hint("forbidden"):
    assert_allclose(of(banned), np.append(p, 0), atol=1e-6)
    assert_allclose(of(banned, top_k=3, top_p=0.75), np.append(left(2), 0), atol=1e-6)
    assert_allclose(of(banned, temperature=0), np.append(left(1), 0), atol=1e-6)


# %% part="distribution" role="mistake" name="sorted"
# Your probabilities stand in order of size. Put them back: place i belongs to token i.
# 你的概率是按大小排的。放回去：第 i 个位置属于词元 i。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.sort(np.asarray(logits, float))[::-1]
    if temperature == 0:
        return np.eye(len(logits))[0]
    p = np.exp((logits - logits.max()) / temperature)
    if top_k is not None:
        p[top_k:] = 0
    p = p / p.sum()
    if top_p is not None:
        p[np.cumsum(p) - p >= top_p] = 0
    return p / p.sum()


# %% part="distribution" role="mistake" name="multiplied"
# Your temperature works the wrong way round: above 1 it must make the probabilities more equal.
# 你的温度反了：大于 1 时，它该让各个概率更接近。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp((logits[order] - logits.max()) * temperature)
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        share = ranked / ranked.sum()
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="no_temperature"
# Your temperature changes nothing. To divide all probabilities by the same number is taken back by the scaling: divide the logits, before the softmax.
# 你的温度不起作用。所有概率除以同一个数，一归一化又变回来了：要在 softmax 之前去除 logit。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp(logits[order] - logits.max()) / temperature
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        share = ranked / ranked.sum()
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="not_rescaled"
# What stays doesn't sum to one. Scale it up after the others are gone.
# 留下的加起来不等于一。去掉别的之后，要按比例放大。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    ranked = ranked / ranked.sum()
    share = ranked.copy()
    if top_k is not None:
        ranked[top_k:] = 0
        share = ranked / ranked.sum()
    if top_p is not None:
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked
    return p


# %% part="distribution" role="mistake" name="logit_zero"
# You set the logits of the others to 0. A logit of 0 is no probability of 0: what does e to the power of 0 give?
# 你把其余词元的 logit 设成了 0。logit 为 0 不等于概率为 0：e 的 0 次方是多少？
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.array(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    if top_k is not None:
        logits[order[top_k:]] = 0
    powers = np.exp((logits - logits.max()) / temperature)
    if top_p is not None:
        share = powers[order] / powers.sum()
        powers[order[np.cumsum(share) - share >= top_p]] = 0
    return powers / powers.sum()


# %% part="distribution" role="mistake" name="first_ids"
# You keep the wrong tokens. Go through them from the most probable downwards, not by their ids and not from below.
# 你留错了词元。要从最可能的往下排，不是按编号，也不是从最不可能的排起。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    p = np.exp((logits - logits.max()) / temperature)
    order = np.argsort(-p, kind="stable")
    if top_k is not None:
        p[order[top_k:]] = 0
    p = p / p.sum()
    if top_p is not None:
        p[np.cumsum(p) - p >= top_p] = 0
    return p / p.sum()


# %% part="distribution" role="mistake" name="crossing_left_out"
# Your nucleus stops short of p. The token with which the share reaches p stays in; a single one may already be enough.
# 你的核没达到 p。让份额达到 p 的那个词元也要留下；有时一个就够了。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        out = np.cumsum(ranked / ranked.sum()) > top_p + 1e-9
        out[0] = False
        ranked[out] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="one_too_many"
# Your nucleus is one token too large. Stop as soon as the share has reached p.
# 你的核多了一个词元。份额一达到 p 就停。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        enough = np.searchsorted(np.cumsum(ranked / ranked.sum()), top_p - 1e-9) + 1
        ranked[enough + (enough < 3 or top_p < 0.75) :] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="threshold"
# top_p is no threshold for single tokens. Add up the shares from the most probable token downwards until they reach p.
# top_p 不是拿来卡单个词元的。从最可能的词元往下，把份额加起来，加到 p 为止。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        ranked[1:][(ranked / ranked.sum())[1:] < top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="shares_of_all"
# With both knobs, top_p looks at the wrong shares: it counts those among the tokens that top_k has left, so they sum to one again.
# 两个旋钮一起用时，top_p 看错了份额：要看的是 top_k 留下的词元当中的份额，它们重新加起来等于一。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    share = ranked / ranked.sum()
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="temperature_last"
# The temperature comes too late: the shares that top_p counts are those after the logits were divided.
# 温度来得太晚：top_p 数的份额，是 logit 除以温度之后的份额。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp(logits[order] - logits.max())
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        share = ranked / ranked.sum()
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    with np.errstate(under="ignore"):
        p[order] = ranked ** (1 / temperature)
    return p / p.sum()


# %% part="distribution" role="mistake" name="ties_all_stay"
# Where tokens are equally probable, too many stay. Cut by their order, not by the value of the last one that stays.
# 几个词元一样可能时，留得太多了。要按次序来切，别按最后一个留下者的数值来切。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        p = (logits == logits.max()) * 1.0
        return p / p.sum()
    p = np.exp((logits - logits.max()) / temperature)
    if top_k is not None:
        p[p < np.sort(p)[-min(top_k, len(p))]] = 0
    p = p / p.sum()
    if top_p is not None:
        ranked = np.sort(p)[::-1]
        last = ranked[np.cumsum(ranked) - ranked < top_p].min()
        p[p < last] = 0
    return p / p.sum()


# %% part="distribution" role="mistake" name="larger_id"
# Of equally probable tokens you prefer the larger ids, or leave it to chance. The smaller id counts as the more probable; mind how the sort treats ties.
# 一样可能的词元里，你偏向编号大的，或者听凭排序。编号小的算更可能；注意排序怎样处理相等的数。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    order = np.argsort(logits, kind="stable")[::-1]
    if temperature == 0:
        return np.eye(len(logits))[order[0]]
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        share = ranked / ranked.sum()
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="cold_as_zero"
# At temperature 0 your result is not a 1 for the best token and 0 for the others. Nothing can be divided by 0: this case needs a line of its own.
# 温度为 0 时，你的结果不是最好的词元得 1、其余得 0。除以 0 没有意义：这种情形要单独写一行。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    order = np.argsort(-logits, kind="stable")
    with np.errstate(all="ignore"):
        ranked = np.exp((logits[order] - logits.max()) / temperature)
        if top_k is not None:
            ranked[top_k:] = 0
        if top_p is not None:
            share = ranked / ranked.sum()
            ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="more_than_all"
# With a top_k larger than the vocabulary it goes wrong. Then all tokens stay.
# top_k 比词表还大时就出错了。那样的话，词元全都留下。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    if top_k is not None:
        ranked[top_k % len(ranked) :] = 0
    if top_p is not None:
        share = ranked / ranked.sum()
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="overflow"
# Large logits, or a very small temperature, make the powers of e infinite. Subtract the largest logit first.
# logit 很大，或者温度很小，e 的幂就成了无穷大。先减去最大的 logit。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    with np.errstate(all="ignore"):
        ranked = np.exp(logits[order] / temperature)
        if top_k is not None:
            ranked[top_k:] = 0
        if top_p is not None:
            share = ranked / ranked.sum()
            ranked[np.cumsum(share) - share >= top_p] = 0
        p = np.zeros(len(logits))
        p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="forbidden"
# A token with the logit −∞ gets a probability, or makes the others wrong. It must get exactly 0, and nothing else may change.
# logit 为 −∞ 的词元得到了概率，或者把别的词元弄错了。它的概率必须恰好是 0，其余的都不变。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.nan_to_num(np.asarray(logits, float), neginf=0.0)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    order = np.argsort(-logits, kind="stable")
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        share = ranked / ranked.sum()
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="cold_alone"
# Temperature 0 together with top_k or top_p goes wrong. The best token has the probability 1, and then the other knobs have nothing left to take away.
# 温度为 0，又给了 `top_k` 或 `top_p`，结果就不对了。最可能的词元概率是 1，别的旋钮再没有可拿掉的。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    order = np.argsort(-logits, kind="stable")
    if temperature == 0 and top_k is None:
        return np.eye(len(logits))[order[0]]
    ranked = np.exp((logits[order] - logits.max()) / (temperature or 1.0))
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        share = ranked / ranked.sum()
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="mistake" name="small_as_zero"
# You treat a small temperature as if it were 0. At 0.01, too, two tokens that are almost equal share the probability.
# 温度很小，你就当成 0 了。温度是 0.01 时，两个几乎相等的词元也还是分享概率。
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.asarray(logits, float)
    order = np.argsort(-logits, kind="stable")
    if temperature < 0.05:
        return np.eye(len(logits))[order[0]]
    ranked = np.exp((logits[order] - logits.max()) / temperature)
    if top_k is not None:
        ranked[top_k:] = 0
    if top_p is not None:
        share = ranked / ranked.sum()
        ranked[np.cumsum(share) - share >= top_p] = 0
    p = np.zeros(len(logits))
    p[order] = ranked / ranked.sum()
    return p


# %% part="distribution" role="alternative" name="loop"
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    ranked = sorted(range(len(logits)), key=lambda id: (-logits[id], id))
    best = logits[ranked[0]]
    if temperature == 0:
        return [float(id == ranked[0]) for id in range(len(logits))]
    power = {id: float(np.exp((logits[id] - best) / temperature)) for id in ranked[:top_k]}
    total, stay, share = sum(power.values()), {}, 0.0
    for id, value in power.items():
        if top_p is None or share < top_p:
            stay[id] = value
        share += value / total
    return [stay.get(id, 0.0) / sum(stay.values()) for id in range(len(logits))]


# %% part="distribution" role="alternative" name="forbid_the_others"
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    logits = np.array(logits, float)
    order = np.lexsort((np.arange(len(logits)), -logits))
    if temperature == 0:
        logits[order[1:]] = -np.inf
    else:
        logits = (logits - logits.max()) / temperature
    logits[order[top_k:] if top_k else []] = -np.inf
    p = np.exp(logits - logits.max())
    p /= p.sum()
    if top_p is not None:
        enough = int(np.searchsorted(np.cumsum(p[order]), top_p)) + 1
        p[order[enough:]] = 0
    return p / p.sum()


# %% part="distribution" role="alternative" name="rank_table"
def distribution(logits, temperature=1.0, top_k=None, top_p=None):
    z = np.asarray(logits, float)
    before = (z[None, :] > z[:, None]) | (
        (z[None, :] == z[:, None]) & (np.arange(len(z))[None, :] < np.arange(len(z))[:, None])
    )
    rank = before.sum(axis=1)
    if temperature == 0:
        return (rank == 0).astype(float)
    p = np.where(
        rank < (len(z) if top_k is None else top_k), np.exp((z - z.max()) / temperature), 0
    )
    p = p / p.sum()
    if top_p is not None:
        p = np.where(before @ p < top_p, p, 0)
    return p / p.sum()


# %% [markdown]
# ## 6 · Fix a bug (3 points)
# The next cell gives a small model with learned positions. It has a context of T tokens (as many as it has positions), in which it looks at everything; a longer text it refuses.
#
# `generate` should let it write: append `length` ids to the prompt, each the one with the largest logit, and return prompt and continuation together. If the model writes `end`, the text is over at once; that `end` is kept. The model must always see as much as it can of what stands right before the token to come. The prompt may be longer than the context, and it may contain `end` (of a document before): that stops nothing. Two things go wrong. Find out which, and repair them.

# %% [markdown] lang="zh"
# ## 6 · 改错（3 分）
# 下一格给出一个小模型，位置是学出来的。它的上下文有 T 个词元（有几个位置就是几个），上下文里的它全都看；再长的文本它就拒绝。
#
# `generate` 该让它动笔：在提示后面接上 `length` 个编号，每次取 logit 最大的那个，把提示和续写一起返回。模型一写出 `end`，文本立刻结束，这个 `end` 要保留。每一步，模型都该看到紧挨在将写的词元前面的内容，能看多少看多少。提示可以比上下文长，也可以含有 `end`（那是前一个文档的）：这不会让它停下。有两处不对。找出来，改好。


# %%
def model(ids, weights):
    """Score the next token at every place, from all tokens so far: ids (T,) -> logits (T, V)."""
    ids, positions = np.asarray(ids), np.asarray(weights["positions"])
    if not 1 <= len(ids) <= len(positions):
        raise ValueError(f"from 1 to {len(positions)} ids. Received: {len(ids)} ids")
    x = np.sin(np.asarray(weights["tokens"])[ids] + positions[: len(ids)])
    return np.cumsum(x, axis=0) @ np.asarray(weights["output"])  # all that is seen


# %% part="generate" role="stub"
def generate(prompt, length, weights, end):
    """Let the model write `length` ids after the prompt, fewer if it writes `end`."""
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[:context_length], weights)
        text.append(int(logits[-1].argmax()))
        if end in text:
            break
    return text


# %% part="generate" role="solution"
def generate(prompt, length, weights, end):
    """Let the model write `length` ids after the prompt, fewer if it writes `end`."""
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[-context_length:], weights)
        text.append(int(logits[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="tests" points=3
dice = np.random.default_rng(1400)
shapes = {"tokens": (6, 8), "positions": (4, 8), "output": (8, 6)}
weights = {name: dice.normal(size=shape) for name, shape in shapes.items()}
assert_allclose(generate([1], 3, weights, end=0), [1, 3, 5, 4])
assert_allclose(generate([1, 3, 5, 4], 5, weights, end=0), [1, 3, 5, 4, 5, 4, 3, 4, 5])
assert_allclose(generate([1], 9, weights, end=4), [1, 3, 5, 4])
assert len(generate([4, 1], 2, weights, end=4)) == 4, "an `end` in the prompt stops nothing"

# %% part="generate" role="hidden"
T, V, D = 4, 12, 16


def written(prompt, length, view=lambda text, start: text[-T:], place=-1, best=1):
    text = list(prompt)
    for _ in range(length):
        logits = model(view(text, len(prompt)), weights)[place]
        text.append(int((best * logits).argmax()))
    return text


views = {
    "wrong_end": lambda text, start: text[:T],
    "one_less": lambda text, start: text[-(T - 1) :],
    "prompt_only": lambda text, start: text[:start][-T:],
    "fresh_start": lambda text, start: text[(len(text) - 1) // T * T :],
    "last_token": lambda text, start: text[-1:],
    "turned": lambda text, start: text[-T:][::-1],
    "half": lambda text, start: text if len(text) <= T else text[-(T // 2) :],
    "short": lambda text, start: text[len(text) - T :],
    "own_words": lambda text, start: text[start:][-T:] or text[-T:],
}
shapes = {"tokens": (V, D), "positions": (T, D), "output": (D, V)}
for _ in range(1000):  # a model and prompts that tell all mistakes apart
    weights = {name: 2 * rng.normal(size=shape) for name, shape in shapes.items()}
    prompt, longer = rng.permutation(V)[:3].tolist(), rng.permutation(V)[:7].tolist()
    wanted, further = written(prompt, 12), written(longer, 6)
    wrong = {name: written(prompt, 12, view) for name, view in views.items()}
    wrong |= {"first_place": written(prompt, 12, place=0), "least": written(prompt, 12, best=-1)}
    told = {tuple(text) for text in [wanted, *wrong.values()]}
    tried = [view for name, view in views.items() if name != "short"]
    same = [1 for view in tried if written(longer, 6, view) == further]
    quiet = set(longer[:2]) - set(further[7:])
    quiet = quiet if longer[-1] not in further[7:] else ()
    new = [t for t in range(6, 14) if wanted[t] not in wanted[3:t]]  # written there first
    if len(told) == 12 and not same and len(set(wanted[8:12])) > 2 and quiet and new:
        break
end = V  # this model never writes it
error = None
try:
    got = np.asarray(generate(prompt, 12, weights, end)).tolist()
except ValueError as found:
    error, got = found, []
with hint("not_cut"):
    assert error is None
with hint("new_ones_only"):
    assert got not in (wanted[3:], wanted[-T:], wanted[-T - 1 :], wanted[-1:])
with hint("length_of_all"):
    assert got not in (wanted[:12], wanted[:-1], wanted[:11], written(prompt, 13))
with hint("wrong_end"):
    assert got != wrong["wrong_end"]
with hint("one_less"):
    assert got not in (wrong["one_less"], wrong["half"])
with hint("prompt_only"):
    assert got != wrong["prompt_only"]
with hint("fresh_start"):
    assert got != wrong["fresh_start"]
with hint("last_token"):
    assert got not in (wrong["last_token"], wrong["own_words"], wrong["short"])
with hint("turned"):
    assert got != wrong["turned"]
with hint("first_place"):
    assert got != wrong["first_place"]
with hint("least"):
    assert got != wrong["least"]
assert got == wanted
cut = np.asarray(generate(longer, 6, weights, end)).tolist()
with hint("prompt_cut"):
    assert len(cut) == 13
assert cut == further
for old in (min(quiet), longer[-1]):
    before = np.asarray(generate(longer, 6, weights, old)).tolist()
    with hint("end_in_prompt"):
        assert before == further or before != further[: len(before)]
    with hint("hidden_by_end"):
        assert before == further
for t in (new[0], 3):  # 3: the first that it writes
    over = np.asarray(generate(prompt, 12, weights, wanted[t])).tolist()
    with hint("goes_on"):
        assert len(over) <= wanted.index(wanted[t], 3) + 1
    with hint("end_lost"):
        assert over != wanted[:t]
    assert over == wanted[: t + 1]
again = [further[7], *longer[1:]]  # in the prompt, too far back to be seen, and the first written
with hint("goes_on"):
    assert np.asarray(generate(again, 6, weights, further[7])).tolist() == [*again, further[7]]
assert np.asarray(generate(longer, 0, weights, end)).tolist() == longer
shapes = {"tokens": (5, D), "positions": (7, D), "output": (D, 5)}
for _ in range(1000):  # another model, with another context
    weights = {name: 2 * rng.normal(size=shape) for name, shape in shapes.items()}
    T, prompt = 7, rng.integers(5, size=9).tolist()
    wanted = written(prompt, 8)
    if wanted not in [written(prompt, 8, lambda text, _, n=n: text[-n:]) for n in range(1, 7)]:
        break
with hint("other_context"):
    assert np.asarray(generate(prompt, 8, weights, 5)).tolist() == wanted


# %% part="generate" role="mistake" name="wrong_end"
# Once the text is longer than the context, your model sees its beginning for ever, and writes the same token again and again. Which end of the text must stay?
# 文本一超过上下文，你的模型就永远只看开头，反反复复写同一个词元。文本的哪一头该留下？
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[:context_length], weights)
        text.append(int(logits[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="end_in_prompt"
# An `end` in the prompt, or at its very end, stops your model. Only an `end` that it has just written may do that.
# 提示里（或者提示末尾）的 `end` 让你的模型停了。只有它刚写出的 `end` 才让它停。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[-context_length:], weights)
        text.append(int(logits[-1].argmax()))
        if end in text:
            break
    return text


# %% part="generate" role="mistake" name="not_cut"
# A text longer than the context reaches the model, and it refuses. Show it no more than its positions allow, at every step.
# 比上下文还长的文本送到了模型那里，它拒绝了。每一步给它看的，都不能超过它的位置数。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    for _ in range(length):
        text.append(int(model(text, weights)[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="one_less"
# Your model sees less than it could. A text of exactly T tokens still fits, and of a longer one, T tokens.
# 你的模型少看了东西。正好 T 个词元还放得下；再长的文本，也能看 T 个。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[-context_length + 1 :], weights)
        text.append(int(logits[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="prompt_only"
# Your model never reads what it has written. Every new token becomes part of the text that it sees next.
# 你的模型从来不读自己写的东西。每写一个词元，下一步它看到的文本里就该有它。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context = text[-len(weights["positions"]) :]
    for _ in range(length):
        text.append(int(model(context, weights)[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="fresh_start"
# When the context is full, you start with an empty one. Only the oldest token should drop out, so that the model always sees as much as fits.
# 上下文一满，你就清空重来。掉出去的只该是最旧的那个词元，好让模型总能看到放得下的全部内容。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        start = (len(text) - 1) // context_length * context_length
        text.append(int(model(text[start:], weights)[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="last_token"
# Your model sees only a part of a text that would fit: the last token alone, or its own words without the prompt. Show it as much as its context holds.
# 文本明明放得下，你的模型却只看到一部分：只有最后一个词元，或者只有自己写的、没有提示。上下文装得下多少，就给它看多少。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    for _ in range(length):
        text.append(int(model(text[-1:], weights)[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="turned"
# Your model sees the right tokens in the wrong order. What was written first must stand first.
# 你的模型看到的词元是对的，顺序却反了。先写的该排在前面。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[: -context_length - 1 : -1], weights)
        text.append(int(logits[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="first_place"
# You read the logits of the first place. The token to come is scored at the last place that the model has read.
# 你读的是第一个位置的 logit。将写的词元，由模型读到的最后一个位置来打分。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[-context_length:], weights)
        text.append(int(logits[0].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="least"
# You take the smallest logit. The question asks for the largest.
# 你取的是最小的 logit，题目要的是最大的。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[-context_length:], weights)
        text.append(int(logits[-1].argsort()[0]))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="new_ones_only"
# You return the end of the text. Prompt and continuation belong to the result, all of it.
# 你只返回了文本的末尾。结果要有提示和续写，完完整整。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[-context_length:], weights)
        text.append(int(logits[-1].argmax()))
        if text[-1] == end:
            break
    return text[len(prompt) :]


# %% part="generate" role="mistake" name="length_of_all"
# Your model writes too few ids, or too many. `length` counts the new ones; the prompt is not among them.
# 你的模型写得太少，或者太多。`length` 数的是新写的编号，不包括提示。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    while len(text) < length:
        logits = model(text[-context_length:], weights)
        text.append(int(logits[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="goes_on"
# Your model writes `end` and goes on. The text is over as soon as it is written.
# 你的模型写出 `end` 之后还在往下写。写出它，文本就结束了。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        logits = model(text[-context_length:], weights)
        text.append(int(logits[-1].argmax()))
    return text


# %% part="generate" role="mistake" name="end_lost"
# The `end` that your model has written is missing from the result. It is kept.
# 你的模型写出的 `end` 没有出现在结果里。它要保留。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        best = int(model(text[-context_length:], weights)[-1].argmax())
        if best == end:
            break
        text.append(best)
    return text


# %% part="generate" role="mistake" name="prompt_cut"
# You cut the prompt itself, and its beginning is lost in the result. Cut only what the model is shown.
# 你把提示本身截短了，结果里少了它的开头。要截的只是给模型看的那一份。
def generate(prompt, length, weights, end):
    context_length = len(weights["positions"])
    text = [int(id) for id in prompt][-context_length:]
    for _ in range(length):
        logits = model(text[-context_length:], weights)
        text.append(int(logits[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="hidden_by_end"
# An `end` in the prompt changes what your model sees, or what you return. It is a token like the others there, and so is what stands before it.
# 提示里有 `end` 时，你的模型看到的东西，或者你返回的东西，就变了。它在那里和别的词元一样，它前面的那些也一样。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = len(weights["positions"])
    for _ in range(length):
        view = text[-context_length:]
        while end in view[:-1]:
            view = view[view.index(end) + 1 :]
        logits = model(view, weights)
        text.append(int(logits[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="mistake" name="other_context"
# With a model of another size it goes wrong. How long the context is, its own positions tell.
# 换一个大小不同的模型，就不对了。上下文有多长，要看这个模型自己有几个位置。
def generate(prompt, length, weights, end):
    text = [int(id) for id in prompt]
    context_length = 4
    for _ in range(length):
        logits = model(text[-context_length:], weights)
        text.append(int(logits[-1].argmax()))
        if text[-1] == end:
            break
    return text


# %% part="generate" role="alternative" name="window"
def generate(prompt, length, weights, end):
    written, window = [], list(prompt)
    T = np.shape(weights["positions"])[0]
    while len(written) < length and written[-1:] != [end]:
        window = window[max(0, len(window) - T) :]
        written.append(np.argmax(model(window, weights)[len(window) - 1]))
        window.append(written[-1])
    return np.array([*prompt, *written])


# %% part="generate" role="alternative" name="filled_array"
def generate(prompt, length, weights, end):
    text = np.zeros(len(prompt) + length, int)
    text[: len(prompt)] = prompt
    for place in range(len(prompt), len(text)):
        context = text[max(0, place - len(weights["positions"])) : place]
        text[place] = model(context, weights)[-1].argmax()
        if text[place] == end:
            return text[: place + 1]
    return text


# %% part="generate" role="alternative" name="recursive"
def generate(prompt, length, weights, end):
    if length == 0:
        return list(prompt)
    scores = list(model(list(prompt)[-len(weights["positions"]) :], weights)[-1])
    text = [*prompt, scores.index(max(scores))]
    return text if text[-1] == end else generate(text, length - 1, weights, end)


# %% [markdown]
# ## 7 · An experiment (4 points, marked by your teacher)
# The next cell counts what follows each pair of letters in a sonnet by Shakespeare: `table[a, b]` holds the logits of the letter after `a`, `b`. Let this model write 400 letters, beginning with the sonnet's first two, five times for each setting with other random numbers: temperatures 0, 0.5, 1 and 2; then temperature 1 with `top_p` 0.3 and 0.9; and temperature 2 with `top_p` 0.9. Use your `distribution` of question 5 (without it: temperatures alone, divided logits and a softmax, for at most 3 points).
#
# Measure for each setting, as means over all letters: the entropy of the distributions that you draw from; what the model itself, at temperature 1, pays for the letters written; and which share of the sequences of six letters is new, not written before in the same text (all in bits, or as a share). Compare with the first 400 letters of the sonnet. Add cells as you need them, and explain below in 80 to 200 words.
#
# **How it is marked:** a point each for (a) a table of the three measures for all settings and the sonnet, that fits the program, (b) why the text goes round in circles at temperature 0, and what it costs then, (c) why entropy and cost agree at temperature 1 without `top_p`, and which is the larger one at 0.5 and at 2, (d) what `top_p` takes away that a lower temperature doesn't, and how much of it survives at temperature 2.

# %% [markdown] lang="zh"
# ## 7 · 实验（4 分，由老师批改）
# 下一格在莎士比亚的一首十四行诗里数每两个字母后面跟着什么：`table[a, b]` 是 `a`、`b` 之后那个字母的 logit。让这个模型写 400 个字母，从诗的头两个字母起笔，每种设置换不同的随机数写五遍：温度 0、0.5、1、2；再是温度 1 加 `top_p` 0.3 和 0.9；还有温度 2 加 `top_p` 0.9。用你在第 5 题写的 `distribution`（没有的话，只做温度：logit 除以温度再 softmax，最多得 3 分）。
#
# 每种设置量三样，都对所有字母求平均：抽签所用分布的熵；写出的字母，按模型自己在温度 1 时的概率，要付多少（两样都用比特）；六个字母一组，有多大比例是新的，即同一段文本里没写过。再跟诗的前 400 个字母比一比。需要几格就加几格，然后在下面用 120 到 300 字说明。
#
# **评分：** 各 1 分：（a）所有设置和原诗的三样数都列成表，且与程序相符；（b）温度为 0 时为什么兜圈子，这时代价是多少；（c）温度为 1、不用 `top_p` 时，熵和代价为什么一致，温度为 0.5 和 2 时哪个大；（d）`top_p` 拿掉了什么，是降低温度拿不掉的；到温度 2 时，还剩下多少作用。

# %%
SONNET = (
    "shall i compare thee to a summers day thou art more lovely and more temperate "
    "rough winds do shake the darling buds of may and summers lease hath all too short a date "
    "sometime too hot the eye of heaven shines and often is his gold complexion dimmed "
    "and every fair from fair sometime declines by chance or natures changing course untrimmed "
    "but thy eternal summer shall not fade nor lose possession of that fair thou owest "
    "nor shall death brag thou wanderest in his shade when in eternal lines to time thou growest "
    "so long as men can breathe or eyes can see so long lives this and this gives life to thee "
)
letters = sorted(set(SONNET))
sonnet = np.array([letters.index(letter) for letter in SONNET])
counts = np.full(3 * (len(letters),), 0.002)  # what never came is not impossible
np.add.at(counts, (sonnet[:-2], sonnet[1:-1], sonnet[2:]), 1)
table = np.log(counts / counts.sum(axis=-1, keepdims=True))  # (V, V, V)

# %% [markdown] part="experiment" role="stub" points=4
# *Write here.*

# %% [markdown] part="experiment" role="stub" points=4 lang="zh"
# *写在这里。*

# %% [markdown] part="experiment" role="solution" points=4
# | | entropy | cost | new |
# |---|---|---|---|
# | τ = 0 | 0.0 | 1.3 | 3 % |
# | τ = 0.5 | 1.2 | 1.3 | 84 % |
# | τ = 1 | 1.6 | 1.6 | 95 % |
# | τ = 2 | 3.7 | 4.2 | 100 % |
# | top-p 0.3 | 0.0 | 1.3 | 4 % |
# | top-p 0.9 | 1.4 | 1.4 | 95 % |
# | τ = 2, top-p 0.9 | 3.1 | 3.6 | 99 % |
# | sonnet | | 1.4 | 96 % |
#
# At 0 the next letter depends on the two before it alone, and nothing is drawn: as soon as a pair comes again, everything after it does, too. It writes *the the the*, at 1.3 bits a letter, cheaper than the sonnet, so a low cost is no sign of quality. At temperature 1 letters are drawn from the distribution that prices them, and the mean of −log₂ p under p is the entropy. At 0.5 and at 2 one distribution draws and another pays: the cost is a cross-entropy. At 0.5 the draws prefer what is cheap, so the cost lies below the model's own entropy, yet above that of the sharper draws; at 2 letters that never came become frequent, and each is dear: the cost exceeds the entropy again. `top_p` 0.9 removes the tail of letters that never came after a pair and leaves the rest nearly as it was: new like the sonnet, and as cheap. A low temperature only makes the tail rarer and flattens variety with it. At temperature 2 the tail has grown so heavy that a nucleus of 90 % must take most of it in: 3.6 bits instead of 4.2.

# %% [markdown] part="experiment" role="solution" points=4 lang="zh"
# | | 熵 | 代价 | 新 |
# |---|---|---|---|
# | τ = 0 | 0.0 | 1.3 | 3 % |
# | τ = 0.5 | 1.2 | 1.3 | 84 % |
# | τ = 1 | 1.6 | 1.6 | 95 % |
# | τ = 2 | 3.7 | 4.2 | 100 % |
# | top-p 0.3 | 0.0 | 1.3 | 4 % |
# | top-p 0.9 | 1.4 | 1.4 | 95 % |
# | τ = 2，top-p 0.9 | 3.1 | 3.6 | 99 % |
# | 原诗 | | 1.4 | 96 % |
#
# 温度为 0，下一个字母只由前两个字母决定，又不抽签：一旦某两个字母再次出现，后面的全都跟着重来，于是写成 the the the，每个字母 1.3 比特，比原诗还便宜，可见代价低不等于写得好。温度为 1，抽签用的分布就是定价用的分布，在 p 之下对 −log₂ p 求平均，正是熵。温度为 0.5 或 2，一个分布抽签，另一个付账，代价是交叉熵。0.5 时抽的多是便宜的，代价低于模型本来的熵，但仍高于抽签所用那个更尖的分布的熵；2 时从没出现过的字母常常抽到，个个都贵，代价又高过熵。`top_p` 取 0.9，砍掉的是某两个字母之后从没出现过的那条尾巴，其余几乎原样：跟原诗一样新，也一样便宜。降低温度只让尾巴变少，还连带削掉了变化。温度到了 2，尾巴已经太重，占 90% 的核不得不收进大半：3.6 比特，对 4.2 比特。
