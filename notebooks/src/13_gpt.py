# %% [markdown]
# # 13 · GPT
# **Prerequisites:** [11 · Transformer](11_transformer.ipynb), [09 · Training](09_training.ipynb), [08 · LSTM](08_lstm.ipynb) for the rival · **Minutes:** 80 · **Modules:** `reference/transformer.py`, `models/gpt.py`, `models/trained.py`, `evaluation/recipes.py`, `training/fit.py`, `generation/sampling.py`, `evaluation/lineage.py` · **Previous:** [12 · Translation](12_translation.ipynb) · **Next:** [14 · BERT](14_bert.ipynb)
#
# Lesson 12 taught a Transformer from pairs, a sentence and its translation. Such pairs are made by people, and there are a few thousand of them. Text without a partner lies around by the million. So let us cut the machine of lesson 11 in two, throw the encoder away and keep the half that writes. It has nothing across to look at any more. It has one task left: guess what comes next.
#
# **Question: how good does a Transformer get that does nothing but guess the next token, and which of its modern parts earn their place?**
#
# That half is a **GPT**, a *generative pre-trained Transformer*. *Generative*: it writes. *Pre-trained*: it learns from plain text before anybody has a task for it. All parts were built in lessons 10 and 11. New are the way it is taught, what comes out, and how to find out what each part is worth.

# %% [markdown] lang="zh"
# # 13 · GPT
# **先修：** [11 · Transformer](11_transformer.ipynb)、[09 · 训练](09_training.ipynb)，对手来自 [08 · LSTM](08_lstm.ipynb) · **用时：** 80 分钟 · **模块：** `reference/transformer.py`、`models/gpt.py`、`models/trained.py`、`evaluation/recipes.py`、`training/fit.py`、`generation/sampling.py`、`evaluation/lineage.py` · **上一课：** [12 · 翻译](12_translation.ipynb) · **下一课：** [14 · BERT](14_bert.ipynb)
#
# 第 12 课教 Transformer，用的是句对：一句话，配它的译文。句对要靠人来做，总共不过几千；没有配对的文本却多得是，动辄百万字。那就把第 11 课的机器一剖两半，扔掉编码器，留下会写的那一半。对面再没有东西可看，它只剩一件事：猜下一个是什么。
#
# **问题：一个 Transformer，只会猜下一个词元，能好到什么地步？它身上那些时新的零件，哪些名副其实？**
#
# 留下的那一半就是 **GPT**，全名“生成式预训练 Transformer”。“生成式”，是说它能写；“预训练”，是说还没有任何任务，就先从普通文本里学。零件在第 10、11 课都造好了。新的是怎么教、教出什么来，以及怎么弄清每个零件值多少。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import nats_to_bits, score
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.softmax import cross_entropy, log_softmax
from lmcourse.reference.transformer import gpt
from lmcourse.text.corpora import sanguo, shakespeare
from lmcourse.text.tokenizers import CharacterTokenizer

rng = setup(seed=0)

# %% [markdown]
# ## One row, T lessons
#
# No labels are needed, because text labels itself. A text becomes ids, a window of $T + 1$ ids becomes a row, and the row is used twice: all but the last are the inputs, all but the first the targets. Both corpora of the course, nine characters of each:

# %% [markdown] lang="zh"
# ## 一行文本，T 道题
#
# 用不着标注，文本自己就是标注。文本变成编号，截 $T + 1$ 个编号作一行，一行用两次：去掉最后一个，是输入；去掉第一个，是目标。课程的两种语料，各取九个字符：

# %%
text_of, tokenizers, ids_of = {}, {}, {}
for corpus in (shakespeare(), sanguo()):
    name, text_of[corpus.name] = corpus.name, corpus.text("train")
    tokenizers[name] = CharacterTokenizer.train(text_of[name], unknown=True)
    ids_of[name] = tokenizers[name].encode(text_of[name])
    V = tokenizers[name].vocabulary_size
    print(f"{name}: {len(ids_of[name]):,} tokens to learn from, V = {V:,}")

# %%
for name, phrase in {"shakespeare": "To be, or", "sanguo": "话说天下大势，分久"}.items():
    row = tokenizers[name].encode(phrase)
    inputs, targets = row[:-1], row[1:]
    print("inputs ", inputs)
    print("targets", targets)
    for t in (0, 1, 7):
        print(f"   {phrase[: t + 1]!r:>10} -> {phrase[t + 1]!r}")
    assert (inputs[1:] == targets[:-1]).all()  # the same text, one place on

# %% [markdown]
# Eight questions in a row of nine characters, and each comes with its answer. A model that predicts every token from those before it is called an **autoregressive model**: it regresses, that is, it predicts numbers, on itself, its own past.
#
# Now the loss, by hand. Let the alphabet be `a`, `b`, `n` and the text `banan`, four questions. The smallest GPT there is has no block at all: each token becomes a vector, nobody looks at anybody, and the vector is scored. With one-hot vectors a score is the entry of a table. We fill the table with logarithms of probabilities that are easy on the pencil:

# %% [markdown] lang="zh"
# 九个字符一行，就有八道题，道道自带答案。每个词元都由它前面的词元来预测，这样的模型叫**自回归模型**：回归就是预测数值，自回归，就是拿自己的过去来预测。
#
# 再动手算损失。设字母只有 `a`、`b`、`n`，文本是 `banan`，四道题。最小的 GPT 一个块也没有：每个词元变成向量，谁也不看谁，直接打分。向量若是独热的，分数就是表里的一格。表里填概率的对数，概率挑得好算：

# %%
table = np.array([[1 / 4, 1 / 4, 1 / 2], [1 / 2, 1 / 4, 1 / 4], [1 / 4, 1 / 4, 1 / 2]])
weights = {"tokens": np.eye(3), "output": np.log(table), "blocks": []}
row = np.array(["abn".index(letter) for letter in "banan"])
logits = gpt(row[:-1], weights, heads=1, positions="rotary")
for context, target, scores in zip(row[:-1], row[1:], logits, strict=True):
    p = np.exp(scores[target])  # these scores are logarithms of probabilities already
    print(f"{'abn'[context]} -> {'abn'[target]}   p = {p:.2f}   bits: {-np.log2(p):.0f}")
loss = cross_entropy(logits, row[1:])
print(f"loss: {loss:.4f} nats = {nats_to_bits(loss):.2f} bits")
assert_allclose(loss, 5 / 4 * np.log(2))

# %% [markdown]
# One, one, two and one: five bits for four questions. The loss of a GPT is this mean and nothing else, over all places of all rows. A model without blocks is the softmax bigram of lesson 03, so we stand exactly where Part I ended. What the blocks add is that `n` need not be scored by `n` alone.
#
# ## Remove a part: the shift
#
# The targets stand *one place on*. Forget that, and let the targets be the inputs. This bug is in print. Nothing crashes, since all shapes fit. Which loss will the following model reach on random noise, which nobody can predict? It has no block and one table, a unit matrix times 9, which reads the tokens and scores them as well.

# %% [markdown] lang="zh"
# 一、一、二、一：四道题五比特。GPT 的损失就是这个平均数，对所有行、所有位置一起求，再没别的。没有块的模型，就是第 03 课的 softmax 二元语法，所以我们正站在第一部分的终点上。块添上的是：给 `n` 打分，不必只看 `n` 自己。
#
# ## 拿掉一个部件：错开一位
#
# 目标要**往后错一位**。忘了错，让目标等于输入，会怎样？这个错误白纸黑字印出来过。程序不报错，形状全都对得上。下面这个模型没有块，只有一张表，是单位矩阵乘以 9，既读词元也打分。给它谁也预测不了的随机噪声，它的损失会是多少？

# %%
predict("ln 50 = 3.91", "about 9", "nearly 0")

# %%
noise = rng.integers(0, 50, size=1000)
parrot = {"tokens": 9 * np.eye(50), "blocks": []}
logits = gpt(noise[:-1], parrot, heads=1, positions="rotary")
print(f"targets = inputs      : {abs(cross_entropy(logits, noise[:-1])):.3f} nats")
print(f"targets one place on  : {cross_entropy(logits, noise[1:]):.3f} nats")
print(f"knowing nothing, ln V : {np.log(50):.3f} nats")
assert cross_entropy(logits, noise[:-1]) < 0.001 < np.log(50) < cross_entropy(logits, noise[1:])

# %% [markdown]
# A perfect loss, on noise, held out or not: the parrot repeats what it hears. Measured against the true next token it is far worse than knowing nothing, because it is so sure. Lesson 10 met a leak through the mask, this one is through the labels, and the advice is the same: **train on noise first. Whoever beats $\ln V$ there has seen the answer.**

# %% [markdown] lang="zh"
# 损失完美无缺，在噪声上，留出不留出都一样：这只鹦鹉听见什么学什么。拿真正的下一个词元来量，它远不如一无所知，因为它太自信了。第 10 课的泄漏走的是掩码，这一个走的是标签，对策相同：**先在噪声上训练。谁在那里胜过 $\ln V$，谁就看见了答案。**

# %% [markdown]
# ## One pass, T examples
#
# A recurrent network learns from every place of a row, too, but it has to walk there. A GPT answers all $T$ questions in one pass. May it? Each question must see its own past and no more, and the causal mask of lesson 10 sees to that, in every block. So one pass over a row must equal $T$ separate calls, one for each beginning of the row. Random weights, two blocks, no training:

# %% [markdown] lang="zh"
# ## 走一遍，做 T 道题
#
# 循环网络也从一行里的每个位置学，不过得一步步走过去。GPT 走一遍，$T$ 道题全答完。这样算数吗？每道题只许看它自己的过去；第 10 课的因果掩码在每个块里都守着这条规矩。所以，一行走一遍，应当等于 $T$ 次单独的调用，这一行的每个开头各调一次。随机权重，两个块，不训练：


# %%
def random_gpt(V, D, F, L, longest, dice):
    def matrix(*shape):
        return dice.normal(size=shape) / np.sqrt(shape[0])

    norm = {"scale": np.ones(D), "offset": np.zeros(D)}
    block = {"attention_norm": norm, "feed_forward_norm": norm}
    blocks = [
        block
        | {"attention": {m: matrix(D, D) for m in ("query", "key", "value", "output")}}
        | {"feed_forward": {"up": matrix(D, F), "down": matrix(F, D)}}
        for _ in range(L)
    ]
    tables = {"tokens": dice.normal(size=(V, D)), "positions": dice.normal(size=(longest, D))}
    return tables | {"blocks": blocks, "norm": norm}


# %%
weights = random_gpt(V=11, D=16, F=64, L=2, longest=12, dice=rng)
row = rng.integers(0, 11, size=12)
at_once = gpt(row, weights, heads=4)
one_by_one = np.stack([gpt(row[: t + 1], weights, heads=4)[-1] for t in range(12)])
print("logits of one pass  ", at_once.shape)
print("of twelve calls     ", one_by_one.shape)
assert_allclose(at_once, one_by_one, atol=1e-12)

# %% [markdown]
# Equal. The twelve calls read $1 + 2 + \dots + 12 = 78$ places, the one pass reads 12; for a row of 64 it is 2080 against 64. This is the bargain that made Transformers the models of large texts: the work of one reading, the lessons of $T$.
#
# It rests on something that is easily passed over. While it learns, the model reads the *true* text at every place, however wrong its own guesses are. Lesson 12 called this **teacher forcing**. When it writes, nobody corrects it, and it reads its own words.
#
# And the other half of the promise: whatever we change in the future, no earlier score moves. We alter one token after another and write down the first place whose scores change:

# %% [markdown] lang="zh"
# 相等。十二次调用读了 $1 + 2 + \dots + 12 = 78$ 个位置，走一遍只读 12 个；一行 64 个词元的话，就是 2080 比 64。Transformer 能读遍海量文本，靠的就是这笔买卖：出读一遍的力，学 $T$ 遍的东西。
#
# 这里头有一点容易忽略。学的时候，模型每一处读到的都是**真实**的文本，不管它自己猜得多离谱；第 12 课把这叫作**教师强制**。写的时候没人给它改，它读的是自己的话。
#
# 规矩还有另一半：不管怎么改未来，前面的分数都不动。逐个改动词元，记下分数从哪一处开始变：

# %%
for place in (0, 4, 11):
    other = row.copy()
    other[place] = (other[place] + 1) % 11
    moved = abs(gpt(other, weights, heads=4) - at_once).max(axis=1)
    print(f"token {place:>2} changed: ", *("." if m == 0 else "x" for m in moved))
    assert (moved[:place] == 0).all() and (moved[place:] > 0).all()

# %% [markdown]
# Not "nearly unmoved": bit for bit the same, because a weight of exactly zero passes on exactly nothing.
#
# ## The same in Keras
#
# `models/gpt.py` is that function as a Keras model. One frozen configuration says what it is made of, and so the GPT-2 of 2019 and the Llama of 2023 are two configurations of one class. To compare with the reference, the weights have to be sorted into its dictionaries:

# %% [markdown] lang="zh"
# 不是“几乎不动”，是一位不差：权重恰好是零，传过去的就恰好是无。
#
# ## 在 Keras 里再来一遍
#
# `models/gpt.py` 就是把这个函数写成 Keras 模型。它由什么组成，全由一份固定的配置说了算，所以 2019 年的 GPT-2 和 2023 年的 Llama，是同一个类的两份配置。要与参考实现对质，得把权重归进它的字典里：

# %%
import keras

from lmcourse.models.gpt import GPT, GPTConfig

show_source(GPT.call, GPT.read)


# %%
def kernels(layer, *names):
    found = {}
    for name in names:
        dense = getattr(layer, "output_dense" if name == "output" else name)
        if dense is not None:  # only SwiGLU has a gate
            found[name] = dense.kernel.numpy()
            if dense.use_bias:
                found[name + "_bias"] = dense.bias.numpy()
    return found


def norm_of(layer):
    return {variable.name: variable.numpy() for variable in layer.weights}


# %%
def as_reference(model):
    """Sort the weights of a Keras GPT into the dictionaries of the reference."""
    blocks = [
        {
            "attention": kernels(block.attention, "query", "key", "value", "output"),
            "feed_forward": kernels(block.feed_forward, "up", "gate", "down"),
            "attention_norm": norm_of(block.attention_norm),
            "feed_forward_norm": norm_of(block.feed_forward_norm),
        }
        for block in model.blocks
    ]
    tables = {name: getattr(model.embedding, name) for name in ("tokens", "positions")}
    tables = {name: table.numpy() for name, table in tables.items() if table is not None}
    return tables | {"blocks": blocks, "norm": norm_of(model.norm)}


# %%
shape = dict(vocabulary_size=11, context_length=12, layers=2, width=16, heads=4)
in_2019 = dict(norm="layer", positions="learned", activation="gelu", bias=True)
in_2023 = dict(norm="rms", positions="rotary", activation="swiglu", bias=False, kv_heads=2)
for options in (in_2019, in_2023):
    model = GPT(GPTConfig(**shape, **options))
    for variable in model.weights:  # odd values, so that no bug can hide
        variable.assign(variable + 0.3 * rng.normal(size=variable.shape))
    options = {name: value for name, value in options.items() if name != "bias"}
    expected = gpt(row, as_reference(model), heads=4, **options)
    assert_allclose(model(row[None])[0], expected, atol=2e-5 * abs(expected).max())
    print(f"{options['norm']:<5} {options['positions']:<7} {options['activation']:<6} equal")

# %% [markdown]
# And a text that is longer than the context is refused. (Rotary positions could be computed for any place. But no place beyond the context has ever been trained, and a wrong answer is worse than none.)

# %% [markdown] lang="zh"
# 文本比上下文还长，它就拒绝。（旋转位置编码倒是哪个位置都算得出来；可上下文以外的位置从没训练过，给个错的答案，不如不答。）

# %%
print("12 ids: logits", model(row[None]).shape)
try:
    model(np.concatenate([row, row[:1]])[None])
except ValueError as error:
    (said,) = [line for line in str(error).splitlines() if "must" in line]
    print("13 ids: ValueError:", said.strip("\x1b[1m0"))  # without Keras's bold letters
assert "no longer than context_length=12. Received: 13 ids" in said

# %% [markdown]
# ## The first loss
#
# A fresh model knows nothing, so its first loss ought to be $\ln V$, that of fair dice. It is the cheapest test of a new model, and here is a puzzle in it. This is the model that we are going to train on Shakespeare: 4 blocks of width 128, lean ones (one head of keys for four of queries, $F = 2D$), all parts in their modern form, and *quiet*: the last matrix of each part starts with zeros, so that a fresh block passes on what it got. Predict its first loss:

# %% [markdown] lang="zh"
# ## 第一个损失
#
# 新造的模型一无所知，第一个损失应当是 $\ln V$，与公平的骰子一样。检验新模型，没有比这更省事的了；这里面却藏着一个谜。下面就是待会儿要在莎士比亚上训练的模型：四个块，宽 128，块很精瘦（四个查询头共用一个键头，$F = 2D$），零件都是时新的样式，而且是**安静**的：每个零件的最后一个矩阵从零开始，新造的块把收到的东西原样传下去。猜猜它的第一个损失：

# %%
V = tokenizers["shakespeare"].vocabulary_size
predict("< ln V", f"ln V = {np.log(V):.2f}", "> ln V")

# %%
modern = dict(norm="rms", positions="rotary", activation="relu_squared", bias=False, quiet=True)
lean = dict(kv_heads=1, hidden=256)  # all four heads of queries share one of keys and values
size = dict(context_length=64, layers=4, width=128, heads=4)
model = GPT(GPTConfig(vocabulary_size=V, **size, **modern, **lean))
print(f"{model.count_params():,} parameters")
windows = ids_of["shakespeare"][: 400 * 65].reshape(400, 65)
inputs, targets = windows[:, :-1], windows[:, 1:]
logits = np.concatenate([model(part) for part in np.split(inputs, 4)])
first = cross_entropy(logits, targets)
print(f"first loss {first:.2f}, ln V {np.log(V):.2f}")
print(f"its best guess is the token it has read: {(logits.argmax(-1) == inputs).mean():.0%}")
assert model.count_params() < 500_000
assert first > np.log(V) + 0.05 and (logits.argmax(-1) == inputs).mean() > 0.99

# %% [markdown]
# Above: it does *worse* than dice. And it has an opinion, namely that every character will be followed by itself. It is the parrot from above, a mild one, and it comes from tied weights. The blocks are silent, so the vector that is scored is the token's own vector $e_w$, normalized, and nothing agrees with it as well as $e_w$ itself.
#
# We can compute the loss with a pencil. The entries of $e$ are drawn with standard deviation $0.02$. The norm divides $e_w$ by its size, so the score of the token itself is
#
# $$m = \frac{e_w \cdot e_w}{0.02} \approx 0.02\, D = 2.56,$$
#
# and the others are noise of standard deviation $s = 0.02\,\sqrt{D} = 0.23$. The mean of $e^z$ for normal $z$ is $e^{s^2/2}$. Let $r$ be the share of places where a character does follow itself (*well*, *seen*, two line ends). Then
#
# $$L \approx \ln\bigl(e^{m} + (V-1)\,e^{s^2/2}\bigr) - r\,m$$

# %% [markdown] lang="zh"
# 高于 $\ln V$：它**还不如**骰子。它还有主见：每个字符后面跟的就是它自己。这就是前面那只鹦鹉，只是温和些，来历是权重共享。块都不出声，拿去打分的就是词元自己的向量 $e_w$，归一化之后，跟它最合得来的，莫过于 $e_w$ 自己。
#
# 这个损失用铅笔就能算。$e$ 的各个数是随机取的，标准差 $0.02$。归一化用 $e_w$ 的大小去除它，所以词元自己的分数是
#
# $$m = \frac{e_w \cdot e_w}{0.02} \approx 0.02\, D = 2.56,$$
#
# 其他词元的分数是噪声，标准差 $s = 0.02\,\sqrt{D} = 0.23$；$z$ 服从正态分布时，$e^z$ 的均值是 $e^{s^2/2}$。设 $r$ 是字符后面真的跟着自己的比例（well、seen，还有连着两个换行）。于是
#
# $$L \approx \ln\bigl(e^{m} + (V-1)\,e^{s^2/2}\bigr) - r\,m$$

# %%
m, s = 0.02 * 128, 0.02 * np.sqrt(128)
r = (targets == inputs).mean()
by_pencil = np.log(np.exp(m) + (V - 1) * np.exp(s**2 / 2)) - r * m
print(f"by pencil {by_pencil:.2f}, measured {first:.2f}")
assert abs(by_pencil - first) < 0.04

# %% [markdown]
# A first loss near $\ln V$ is a good sign, and its last tenth is an explanation that one can find. A first loss of 8 or 50 would be a bug: somebody starts with scores that are far too large, and the first steps of training are spent on taking that back.

# %% [markdown] lang="zh"
# 第一个损失在 $\ln V$ 附近，是好兆头；差的那一成，也找得出缘由。第一个损失要是 8 或者 50，那就是错误了：有谁一开始就把分数打得太大，训练的头几步全花在收回成命上。

# %% [markdown]
# ## Two looks in a row
#
# Before real text, a language whose floor is known to the last digit. `Copy` from lesson 01 writes a random word, `#`, the same word again, `$`. Letters of the first writing are fair draws; everything after `#` is free for whoever finds the word again. The words have 3 to 6 letters, and that is the point: the letter to be copied stands at *no fixed distance*.

# %% [markdown] lang="zh"
# ## 接连看两眼
#
# 读真实文本之前，先读一门底线精确可知的语言。第 01 课的 `Copy` 写一个随机的词，写 `#`，把这个词再写一遍，写 `$`。第一遍的字母是公平抽签；`#` 之后的一切，对找得回那个词的人都免费。词长 3 到 6 个字母，要害就在这里：要抄的那个字母，离得多远**没有定数**。

# %%
from lmcourse.text.grammar import Copy

language = Copy(shortest=3, longest=6, letters=12)
lines = np.stack([language.sample(33, rng) for _ in range(3200)])
lines, unseen = lines[:3000], lines[3000:]
floor = np.stack([-language.log2_probabilities(row)[1:] for row in unseen])
print("text", *language.spell(unseen[0][1:25]), sep="   ")
print("bits", *(f"{bits:3.1f}" for bits in abs(floor[0][:24])))
print(f"floor of these rows: {floor.mean():.2f} bits a symbol")
print(f"forgetting the words costs {language.forgetting_costs:.2f} more")

# %% [markdown]
# A GPT with *one* block: can it copy? Say the text is `keg#ke`, and the letter to come is `g`. It stands after the earlier `e`. So the query asks: who comes after an `e`? But with one look, the key of each place is made from its own token alone. The place of `g` knows that it is a `g`. It doesn't know what stands before it, so it can't answer.
#
# With *two* blocks there is a way. In the first, every place looks one back and takes a note: "before me stands an `e`". In the second, the query "who comes after an `e`?" finds that note, and the value says `g`. The second head is an **induction head** (Olsson and others 2022): *it has followed once, it will follow again*. A bigram has no such way at all: it knows what follows `e` on average.
#
# Predict the excess over the floor, in bits per symbol, after 180 steps: for the bigram, for one block, for two.

# %% [markdown] lang="zh"
# 只有**一个**块的 GPT，会抄吗？设文本是 `keg#ke`，接下来该是 `g`，它站在前面那个 `e` 的后头。所以查询要问：谁跟在 `e` 后面？可是只看一眼的话，每个位置的键只由它自己的词元得来。`g` 那个位置知道自己是 `g`，不知道前面站着谁，也就答不上来。
#
# 有**两个**块就有办法了。第一个块里，每个位置往前看一处，记上一笔：“我前面是 `e`”。第二个块里，查询“谁跟在 `e` 后面？”找到这一笔，值就报出 `g`。第二个头叫**归纳头**（Olsson 等，2022）：**跟过一次，就还会再跟一次**。二元语法连这条路都没有：它只知道 `e` 后面平均跟着什么。
#
# 猜猜走完 180 步之后比底线高多少，每符号几比特：二元语法多少？一个块呢？两个块呢？

# %%
predict("2, 0.1, 0.1", "2, 1, 0.1", "2, 2, 2")

# %%
from lmcourse.evaluation import recipes
from lmcourse.models.ngram import AddK
from lmcourse.training.fit import fit

pace = dict(learning_rate=1.5e-2, clip_norm=None, schedule=recipes.rise_and_fall)


def muon():
    return keras.optimizers.Muon(momentum=0.85, adam_lr_ratio=1.3, weight_decay=None)


def some_lines(step):
    rows = lines[np.random.default_rng(step).integers(0, len(lines), 32)]
    return rows[:, :-1], rows[:, 1:]


def bits_of(model):  # what every symbol of the unseen rows costs
    logs = log_softmax(np.asarray(model(unseen[:, :-1])))
    return nats_to_bits(-np.take_along_axis(logs, unseen[:, 1:, None], axis=-1)[..., 0])


# %% tags=["nbval-ignore-output"]
V_copy = language.vocabulary_size
paid = {"bigram": bits_of(AddK.train(lines.ravel(), order=2, vocabulary_size=V_copy, k=1.0))}
copiers = {}
for layers, name in {1: "one block", 2: "two blocks"}.items():
    keras.utils.set_random_seed(0)
    shape = dict(vocabulary_size=V_copy, context_length=32, layers=layers, width=64, heads=4)
    copiers[name] = GPT(GPTConfig(**shape, **modern))
    fit(copiers[name], some_lines, steps=180, optimizer=muon(), **pace)
    paid[name] = bits_of(copiers[name])
excess = {name: (bits - floor).mean() for name, bits in paid.items()}
for name, bits in excess.items():
    print(f"{name:<10} {bits:5.2f} bits above the floor")
assert (
    excess["bigram"] > 1.5
    and excess["one block"] > 0.3
    and excess["one block"] > 3 * excess["two blocks"]
)

# %% [markdown]
# Two blocks stand within a small fraction of a bit of the floor, on rows that they have never seen, with words that nobody has seen. One block, with the same 180 steps, pays many times as much. It does copy a little, by guessing distances. Asking for what it doesn't know yet is beyond it. Symbol by symbol, on one unseen row:

# %% [markdown] lang="zh"
# 两个块离底线只差一点点；行是没见过的行，词是谁都没见过的词。一个块，同样走 180 步，多付的是它的好几倍。靠猜距离，它也能抄上一点；可还不知道的事，它没法拿去问。在一行没见过的文本上，逐个符号看：

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(7.2, 2.8))
places = np.arange(32)
axes.bar(places, floor[0], color="#D5D5D5", width=0.9, label="floor")
for name, style in {"one block": "o--", "two blocks": "s-"}.items():
    axes.plot(places, paid[name][0], style, label=name, linewidth=1)
axes.set_xticks(places, labels=list(language.spell(unseen[0][1:])))
axes.set(xlabel="symbol", ylabel="bits paid for it")
axes.grid(False, axis="x")
axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
plt.show()
assert (paid["two blocks"] - floor).mean() < (paid["one block"] - floor).mean()

# %% [markdown]
# **Figure.** What each symbol of an unseen row costs: grey bars for the floor, dots for one block, squares for two. Where a word is new, all three pay three to four bits a letter. Where it is copied, the floor is zero and the squares lie close to it, but for rare slips; the dots often go on paying.

# %% [markdown] lang="zh"
# **图.** 一行没见过的文本，每个符号要花多少比特：灰柱是底线，圆点是一个块，方块是两个块。词是新词时，三者每个字母都付三到四比特；到了抄写的地方，底线是零，方块也大多贴着零，圆点却常常还在付。

# %% [markdown]
# Did the model find the way that we described? There is another one. The note could say, instead of *who stands before me*, *how far I am from the last mark*. Then the third letter of a copy looks for the third letter after the mark before. Where a letter stands twice in a word, as in `iigg`, that note is even the better one.
#
# We ask the heads. `model.read(..., return_weights=True)` tells who looked at whom in every layer. Three scores. For the places inside a copy: the mean weight on *the place where the answer stands* in the first writing. And for those places, which have to take the note: the mean weight on the place *before*, and on the last *mark* (`#`, `$`, or the beginning of the row).

# %% [markdown] lang="zh"
# 模型找到的，是我们说的这条路吗？还有另一条：笔记上记的可以不是“谁在我前面”，而是“我离上一个记号多远”。于是，抄到第三个字母，就去找前一个记号之后的第三个字母。一个词里有字母出现两次时，例如 `iigg`，这样记反而更好。
#
# 去问它的头。`model.read(..., return_weights=True)` 会说出每一层里谁看了谁。打三个分。抄写中的位置：给**答案所在之处**，也就是第一遍写的那个字母，平均权重是多少。这些有答案的位置要做笔记：给**前一个**位置，以及给上一个**记号**（`#`、`$` 或行首），平均权重各是多少。


# %%
def answer_places(row):
    """For every place inside a copy, where its next letter was first written; elsewhere -1."""
    places, start = np.full(len(row), -1), 0
    for t, symbol in enumerate(language.spell(row)):
        if symbol == "#":
            word = np.arange(start, t)
            places[t : t + len(word)] = word[: len(row) - t]
        if symbol == "$":
            start = t + 1
    return places


row = unseen[0][:-1]
print("text  ", *(f"{s:>2}" for s in language.spell(row[:18])))
print("place ", *(f"{t:>2}" for t in range(18)))
print("answer", *(f"{p:>2}" if p >= 0 else " ." for p in answer_places(row)[:18]))
copying = [t for t in range(31) if answer_places(row)[t] >= 0]
assert all(row[t + 1] == row[answer_places(row)[t]] for t in copying)

# %% tags=["nbval-ignore-output"]
copied = unseen[:, :-1]
weights = np.asarray(copiers["two blocks"].read(copied, return_weights=True)[1])  # (L, B, H, T, T)
where = np.stack([answer_places(row) for row in copied])
marks = np.maximum.accumulate(np.where(copied >= 12, np.arange(32), 0), axis=1)  # the last mark
b, t = np.nonzero(where > 0)
place = where[b, t]
answer = weights[:, b, :, t, place].mean(axis=0)  # (L, H)
before = weights[:, b, :, place, place - 1].mean(axis=0)
mark = weights[:, b, :, place, marks[b, place]].mean(axis=0)
assert answer.shape == before.shape == mark.shape == (2, 4)

# %% tags=["nbval-ignore-output"]
print("layer.head   before   mark   answer")
for layer, head in np.ndindex(2, 4):
    scores = (part[layer, head] for part in (before, mark, answer))
    print(f"{layer}.{head}     ", *(f"{score_of:8.2f}" for score_of in scores))
note = np.maximum(before, mark)[0]  # of the first layer
ways = ("who is before me · 谁在我前面", "how far is the mark · 离记号多远")
print("the note:", ways[int(mark[0].max() > before[0].max())])
assert answer[1].max() > 0.3 > answer[0].max()

# %% tags=["nbval-ignore-output"]
spelled = list(language.spell(copied[0][:24]))


def draw(axes, layer_head):
    layer, head = map(int, layer_head.split("."))
    plots.heat_map(axes, weights[layer, 0, head, :24, :24], spelled, spelled, largest=1)
    axes.tick_params(labelsize=6)
    axes.set(xlabel="who is asked", ylabel="who asks")


best = [(0, head) for head in note.argsort()[:-3:-1]]
best += [(1, head) for head in answer[1].argsort()[:-3:-1]]
explore(draw, layer_head=[f"{layer}.{head}" for layer, head in best])
assert weights.shape[:1] + weights.shape[2:3] == (2, 4)

# %% [markdown]
# **Figure.** Who looks at whom in the two-block model, named layer.head, on an unseen row: in each layer, the two heads with the highest scores. In layer 0 one sees what the notes are made of: columns of dark fields at a mark, where the letters of a word look at the mark they come after, or fields beside the diagonal, where they look at their neighbour. In layer 1, whoever stands in a copy looks far back, at the letter that comes next: lines parallel to the diagonal, at a distance that is another for every word.

# %% [markdown] lang="zh"
# **图.** 两个块的模型里谁在看谁，名字由层号和头号组成，文本是没见过的一行，每层取分数最高的两个头。第 0 层里看得出笔记是怎么记的：深色格子在记号处排成竖列，是一个词的字母都在看自己前面的那个记号；紧挨对角线的格子，是在看邻居。第 1 层里，凡在抄写中的，都远远地往回看，看的正是下一个字母：几段与对角线平行的线，每个词离对角线的距离都不同。

# %% [markdown]
# A picture is no proof that the heads are *needed*. So we take them out, one at a time: the rows of $W_o$ that belong to a head are set to zero, and its findings no longer reach the stream. If copying takes two looks, then the head of the *first* layer that takes the note is indispensable, though it looks at no answer.

# %% [markdown] lang="zh"
# 图证明不了这些头**非有不可**。那就一次拿掉一个：把 $W_o$ 里属于这个头的那几行置零，它找到的东西就进不了残差流。如果抄写真的要看两眼，那么**第一**层里做笔记的头就少不得，尽管它从来不看任何答案。

# %% tags=["nbval-ignore-output"]
without = {}
for layer in range(2):
    kernel = copiers["two blocks"].blocks[layer].attention.output_dense.kernel
    whole = kernel.numpy()
    for head in range(4):
        cut = whole.copy()
        cut[16 * head : 16 * (head + 1)] = 0
        kernel.assign(cut)
        without[layer, head] = (bits_of(copiers["two blocks"]) - floor).mean()
        print(f"without head {layer}.{head}: {without[layer, head]:.2f} bits above the floor")
    kernel.assign(whole)
first = without[0, int(note.argmax())]
assert (
    first > 5 * excess["two blocks"]
    and (bits_of(copiers["two blocks"]) == paid["two blocks"]).all()
)

# %% [markdown]
# Without it the copying is gone. The two looks are one machine, and its first half does nothing but take a note about where it stands. This is what depth is for: **the second layer asks questions that only make sense after the first has answered**. And what has been learned is not words: it is how to use a context that one meets for the first time.
#
# A lesson about stories, too. Ours, with the neighbour, was plausible, and the score was good; whether the model does it *that* way is a question by itself, and only the heads could answer it.

# %% [markdown] lang="zh"
# 没有它，就抄不成了。两眼合起来才是一台机器，它的前一半只管记下自己站在哪里。层数有什么用，用处就在这里：**第二层问的问题，要等第一层答过之后才有意义**。它学会的也不是词，而是怎样使用一段头一回见到的上下文。
#
# 这也是一堂关于“故事”的课。我们那个邻居的故事讲得通，成绩也好；可模型是不是**这样**做的，是另一个问题，只有那些头答得上来。

# %% [markdown]
# ## On Shakespeare
#
# Now real text: thirty plays of Shakespeare, character by character. The recipe is a function of the package, with every number in it:
#
# - the model of the last section, less than half a million weights: a size at which a laptop keeps up;
# - 12 rows of 64 characters in a batch: small batches, many steps;
# - Muon (lesson 09) with the peak rate 0.015; for the table and the norms Adam, at 1.3 times that rate;
# - a warm-up over 3 % of the run, then a straight line down to zero.
#
# They were found by trying on validation text, none of them on the test plays. Before, in between and after, we let the model write. How many bits per character will it need on plays that it has never seen? The lineage table knows what counting pairs needs, and the longest counts:

# %% [markdown] lang="zh"
# ## 读莎士比亚
#
# 现在轮到真实的文本：莎士比亚的三十个剧本，逐个字符地读。配方是包里的一个函数，每个数都写在里面：
#
# - 模型就是上一节那个，不到五十万个权重：这么大，笔记本电脑跟得上；
# - 每批 12 行，每行 64 个字符：批小一点，步数多一点；
# - Muon（第 09 课），峰值学习率 0.015；表和归一化用 Adam，学习率是它的 1.3 倍；
# - 前 3% 预热，然后沿直线降到零。
#
# 这些数都是在验证文本上试出来的，没有一个动用过测试集的剧本。训练前、训练中、训练后，我们都让模型写一段。在从没见过的剧本上，它每个字符要花几个比特？数双字要多少，数得最长的又要多少，谱系表里都有：

# %%
from lmcourse.evaluation import lineage

counted = {row["model"]: row["bits_per_character"] for row in lineage.table("shakespeare")}
pairs, longest = (counted[f"modified Kneser–Ney {n}-gram"] for n in (2, 6))
predict(f"about {pairs:.1f}", "in between · 介于两者之间", f"about {longest:.1f}")

# %%
from lmcourse.generation.sampling import generate
from lmcourse.training.schedules import linear, warmup
from lmcourse.training.streams import random_batches

show_source(recipes.quick_gpt, recipes.modern, recipes.rise_and_fall)

# %% [markdown]
# One trick makes the writing fast. TensorFlow compiles a model for one shape, and a text that grows has another shape at every token. So we fill the row up on the right to the full length, with anything, and read only the places that we asked for. That is allowed because nobody looks to the right:

# %% [markdown] lang="zh"
# 有个窍门能让它写得快。TensorFlow 按固定的形状编译模型，而文本每写一个词元，形状就变一次。所以我们在右边随便填些东西，把一行补到最长，只读想要的那些位置。这样做合法，因为谁也不往右看：


# %%
def at_full_length(model):
    """Give the same model, compiled once for its longest row."""

    def call(ids):
        filled = np.pad(ids, ((0, 0), (0, model.context_length - ids.shape[1])))
        return model.predict_on_batch(filled)[:, : ids.shape[1]]

    return call


# %%
tokenizer = tokenizers["shakespeare"]
held_out = tokenizer.encode(shakespeare().text("validation")[:6_401])
samples = []


def look():  # at every validation: let it write, then score it
    dice = np.random.default_rng(0)
    prompt, quick = tokenizer.encode("KING"), at_full_length(model)
    ids = generate(quick, prompt, 80, dice, context_length=64, temperature=0.8)
    samples.append(tokenizer.decode(ids))
    return score(model, held_out, context_length=64).nats_per_token


# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(0)
recipe = recipes.quick_gpt(V)
model = recipe.model
look()  # before the first step
history = recipes.learn(
    recipe,
    ids_of["shakespeare"],
    steps=recipes.QUICK_STEPS,
    validate=look,
    validate_every=-(-recipes.QUICK_STEPS // 3),
)
bits = nats_to_bits(history.validation[-1][1])
read = history.steps * recipe.batch_size * recipe.context_length
print(f"{history.steps} steps, {read:,} characters read")
print(f"{read / len(ids_of['shakespeare']):.0%} of the text; held out {bits:.2f} bits a character")
assert longest - 0.2 < bits < pairs

# %% tags=["nbval-ignore-output"]
stops = [0, *(step for step, _ in history.validation)]
for step, text in zip(stops, samples, strict=True):
    print(f"--- after {step} steps\n{text}")
words = set(text_of["shakespeare"].lower().split())
known = [np.mean([w in words for w in text.lower().split()[1:-1]] or [0]) for text in samples]
print("share of real words:", *(f"{share:.0%}" for share in known))
assert known[-1] > known[0] + 0.2

# %%
figure, axes = plt.subplots(figsize=(6.4, 3))
losses = nats_to_bits(np.array(history.losses))
smooth = np.convolve(losses, np.ones(10) / 10, mode="valid")
axes.plot(np.arange(10, len(losses) + 1), smooth, label="training batches, mean of 10")
steps, nats = zip(*history.validation, strict=True)
axes.plot(steps, nats_to_bits(np.array(nats)), "o", label="held-out plays")
p = np.bincount(ids_of["shakespeare"], minlength=V) / len(ids_of["shakespeare"])
lines = {"fair dice": np.log2(V), "character frequencies": -(p[p > 0] * np.log2(p[p > 0])).sum()}
for name, height in lines.items():
    axes.axhline(height, color=plots.GREY, linestyle="--", linewidth=1)
    axes.text(len(losses), height + 0.06, name, color=plots.GREY, ha="right")
axes.set(xlabel="step", ylabel="bits per character", ylim=(2, 6.6))
axes.legend(loc="center right")
plt.show()

# %% [markdown]
# **Figure.** Bits per character against the step, on training batches and on held-out plays. Within a few dozen steps the curve has left the dice and the frequencies of single characters behind; then it falls more and more slowly. The held-out points lie close to it, a little below: after a small part of one reading there is nothing to overfit yet, and `score` gives nearly every prediction half a context at least, which the first places of a batch don't have.

# %% [markdown] lang="zh"
# **图.** 每字符比特数随步数的变化，一条是训练的批，几个点是留出的剧本。几十步之内，曲线就把骰子和单个字符的频率都甩在身后，然后越降越慢。留出的点就在曲线近旁，还略低一点：连一遍的零头都没读完，谈不上过拟合；况且 `score` 让几乎每次预测都至少看见半个上下文，批里开头的那些位置可没有这个待遇。

# %% [markdown]
# Half a minute. It begins as fair dice, finds out which letters are frequent, then how words are made, where a line ends, that a speaker's name stands in capitals before a colon. What it says means nothing, and it is unmistakably a play.
#
# ## The table
#
# With 120 seconds instead of half a minute, on both corpora, three seeds each, on the *test* plays and chapters, beside everything that the course has built since lesson 02. This is the table for which we kept the same text, the same split and the same clock for twelve lessons:

# %% [markdown] lang="zh"
# 半分钟。起初是公平的骰子，接着弄清了哪些字母常见，然后是单词怎么拼，一行在哪儿断，人名要大写，后面跟冒号。它说的话没有意思，可谁都看得出，这是一出戏。
#
# ## 谱系表
#
# 不是半分钟，而是 120 秒，两种语料，各三个随机种子，在**测试**用的剧本和章回上，与第 02 课以来造过的所有模型排在一起。十二课下来，文本、切分、钟表始终不变，为的就是这张表：

# %%
cost_of, beyond = {}, {}
for corpus in ("shakespeare", "sanguo"):
    print(corpus)
    for row in lineage.table(corpus):
        cost_of[corpus, row["model"]] = row["bits_per_character"]
        beyond[corpus, row["model"]] = row["spread"] or 0.0
        spread = "" if row["spread"] is None else f" ± {row['spread']:.3f}"
        cost = f"{row['bits_per_character']:.3f}{spread}"
        numbers = f"{row['parameters']:>10,} parameters {row['seconds']:>6.1f} s"
        print(f"  {row['lesson']} {row['model']:<29} {cost:<14} {numbers}")

# %%
for corpus in ("shakespeare", "sanguo"):
    ours = cost_of[corpus, "GPT"]
    rivals = {m: bits for (c, m), bits in cost_of.items() if c == corpus and m != "GPT"}
    ahead = sorted((m for m in rivals if rivals[m] <= ours), key=rivals.get)
    if not ahead:
        runner_up = min(rivals, key=rivals.get)
        gap, noise = rivals[runner_up] - ours, beyond[corpus, "GPT"] + beyond[corpus, runner_up]
        sure = "more than the spreads · 大于极差" if gap > noise else "within spreads · 在极差之内"
        verdict = f"GPT is first · 第一; next · 其次: {runner_up}, + {gap:.3f} ({sure})"
    else:
        verdict = f"GPT is number · 名次 {len(ahead) + 1}; ahead · 在前: {', '.join(ahead)}"
    assert verdict.startswith("GPT is first") == (ours < min(rivals.values()))
    print(f"{corpus}: {verdict}")

# %%
figure, axes = plt.subplots(figsize=(6.4, 4))
models = sorted({m for _, m in cost_of}, key=lambda m: -cost_of["shakespeare", m])
for corpus, mark in {"shakespeare": "o", "sanguo": "s"}.items():
    axes.plot([cost_of[corpus, m] for m in models], range(len(models)), mark, label=corpus)
axes.set_yticks(range(len(models)), labels=models, fontsize=8)
axes.invert_yaxis()
axes.set(xlabel="test bits per character")
axes.legend(loc="lower right")
plt.show()

# %% [markdown]
# **Figure.** The whole lineage: test bits per character of every model of the course so far, dots for Shakespeare and squares for the *Romance of the Three Kingdoms*. The rows are ordered by Shakespeare, from the unigram down to the best. On the Chinese text the order is another one. (A hanzi holds more than a letter, so it costs more bits: compare within a colour only.)

# %% [markdown] lang="zh"
# **图.** 整个谱系：课程到现在为止每个模型的测试集每字符比特数，圆点是莎士比亚，方块是《三国演义》。各行按莎士比亚排序，从一元语法往下直到最好的。在中文上，次序是另一个样。（一个汉字装的东西比一个字母多，所以比特也多：只在同一种颜色里比。）

# %% [markdown]
# The table says it, not we. When you read it, remember what is equal and what isn't. Equal: the text, the split, two cores, 120 seconds for whoever learns. Not equal: counting is done in seconds, and its largest tables hold several times as many numbers as the networks. And Chinese is harder on a network in two minutes: with thousands of characters, many rows of its tables are seen a handful of times, and every step scores them all.
#
# Bits per *character* are what is compared here. A model over words or byte pairs pays more per token and has fewer tokens; lesson 04 showed how to convert: add up the bits, divide by the characters. `score(...).bits_per_character(n)` does it.

# %% [markdown] lang="zh"
# 这是表说的，不是我们说的。读的时候记着，哪些相同，哪些不同。相同的：文本、切分、两个核、凡是要学的都给 120 秒。不同的：计数几秒就完，而且它最大的表，存的数是网络的好几倍。两分钟里，中文对网络也更难：字有几千个，表里好多行只见过寥寥几回，而每一步都得给所有的字打分。
#
# 这里比的是每**字符**比特数。以单词或字节对为词元的模型，每个词元花得多，词元却少；怎么换算，第 04 课讲过：比特加起来，除以字符数。`score(...).bits_per_character(n)` 就是干这个的。

# %% [markdown]
# ## Which parts earn their place?
#
# Between the GPT-2 of 2019 and the model above lie seven changes. Each has a paper that says it helps. To find out, we make them **one at a time**; when a part is taken out or changed back to see what it did, that is called an **ablation**. It is cheap to do badly, so first the rules:
#
# - *Equal steps* on equal batches, and the seconds beside them, since a step that is better may be dearer.
# - *Two seeds*. The same recipe with another seed gives another number. How far apart the two lie is our measure of **noise**, and a change whose effect is smaller proves nothing.
# - *The old recipe gets a learning rate of its own*, the best of several, not the one of the new recipe.
# - A small model and a short run. What holds here, holds here. Some of these parts were invented for models a thousand times as large, or for another reason than the loss.
#
# 2 blocks of width 64, rows of 32 characters, 40 steps of 12 rows.

# %% [markdown] lang="zh"
# ## 哪些零件名副其实？
#
# 从 2019 年的 GPT-2 到上面那个模型，隔着七处改动，每一处都有论文说它好。想知道真假，就得**一次只改一处**；拿掉一个零件，或者改回去，看它原来起什么作用，这叫**消融**。草草做一个并不费事，所以先立规矩：
#
# - **步数相同**，批也相同，旁边记下秒数：一步走得更好，也可能更贵。
# - **两个种子**。配方不变，换个种子，数就变了。两个数差多远，就是我们的**噪声**有多大；改动的效果比这还小，什么也说明不了。
# - **旧配方用它自己的学习率**，从几个里挑最好的，不用新配方的。
# - 模型小，训练短。在这里成立的，只在这里成立。有些零件是为大上千倍的模型发明的，有些图的根本不是损失。
#
# 两个块，宽 64，一行 32 个字符，12 行一批，走 40 步。

# %%
from time import perf_counter

windows = held_out[: 200 * 32 + 1]
held_inputs, held_targets = windows[:-1].reshape(200, 32), windows[1:].reshape(200, 32)


def walk(model, optimizer, steps, seed, rate):  # one short training; the seconds of a step
    batches = random_batches(ids_of["shakespeare"], 12, 32, seed)
    for step in range(steps):
        if step == 1:
            began = perf_counter()  # the first step includes writing down the graph
        optimizer.learning_rate = rate * warmup(step / steps, linear, 0.05)
        model.train_on_batch(*batches(step))
    return (perf_counter() - began) / (steps - 1)


# %%
def prepare(options, optimizer):
    """Give a function that trains anew: (steps, seed, rate) -> held-out bits, seconds a step."""
    shape = dict(vocabulary_size=V, context_length=32, layers=2, width=64, heads=4)
    config = GPTConfig(**shape, **options)
    model = GPT(config)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    optimizer.build(model.trainable_variables)
    fresh = [variable.numpy() for variable in optimizer.variables]

    def train(steps, seed, rate):  # the graph, once written down, serves every training
        keras.utils.set_random_seed(seed)
        model.set_weights(GPT(config).get_weights())
        for variable, value in zip(optimizer.variables, fresh, strict=True):
            variable.assign(value)
        seconds = walk(model, optimizer, steps, seed, rate)
        return nats_to_bits(cross_entropy(model(held_inputs), held_targets)), seconds

    return train


# %% [markdown]
# First the recipe of 2019: layer norm, learned places, GELU, biases, no quiet start, AdamW. Which rate suits it, in a run as short as this? We try three, keep the best, and train once more with another seed:

# %% [markdown] lang="zh"
# 先训练 2019 年的配方：层归一化、位置靠学、GELU、有偏置、起步不安静、AdamW。这么短的训练，多大的学习率合适？试三个，留下最好的，再换个种子训练一次：

# %% tags=["nbval-ignore-output"]
adamw = keras.optimizers.AdamW(weight_decay=0.1, beta_2=0.99)
train_2019 = prepare(in_2019, adamw)
tried = {rate: train_2019(40, 0, rate) for rate in (0.003, 0.01, 0.03)}
for rate, (bits, _) in tried.items():
    print(f"rate {rate:<6} {bits:.2f} bits")
best = min(tried, key=tried.get)
runs = [tried[best], train_2019(40, 1, best)]
trials = {"2019": (np.array([bits for bits, _ in runs]), runs[-1][1])}
print(f"rate {best}, two seeds: ", trials["2019"][0].round(2))
assert trials["2019"][0].max() < np.log2(V)

# %% [markdown]
# Before you run it: of these seven changes, which one gives most, and how many lie within the noise?

# %% [markdown] lang="zh"
# 先别运行：这七处改动，哪一处好处最大？又有几处淹没在噪声里？

# %%
predict("Muon", "quiet", "rotary", "relu squared", "RMS norm", "no biases", "lean")


# %% tags=["nbval-ignore-output"]
def trial(options):
    train = prepare(options, muon())
    runs = [train(40, seed, 1.5e-2) for seed in (0, 1)]
    return np.array([bits for bits, _ in runs]), runs[-1][1]


trials["AdamW to Muon"] = trial(in_2019)
upwards = {"quiet start": dict(quiet=True), "rotary places": dict(positions="rotary")}
upwards |= {"relu squared": dict(activation="relu_squared"), "RMS norm": dict(norm="rms")}
upwards |= {"no biases": dict(bias=False)}
options = dict(in_2019)
for name, change in upwards.items():
    options |= change
    trials[name] = trial(options)
assert options == modern

# %% tags=["nbval-ignore-output"]
aside = {"lean": dict(kv_heads=1, hidden=128)}
aside |= {"(SwiGLU)": dict(activation="swiglu", hidden=171)}  # as many weights: 2/3 of 4 D
aside |= {"(untied)": dict(tied=False)}
for name, change in aside.items():
    trials[name] = trial(modern | change)
print(*trials, sep=", ")
assert len(trials) == 10

# %% tags=["nbval-ignore-output"]
names = list(trials)
above = dict(zip(names[1:], [*names[:7], "no biases", "no biases"], strict=True))
gains = {name: trials[above[name]][0] - trials[name][0] for name in names[1:]}
halves = np.array([np.ptp(gain) / 2 for gain in gains.values()])
noise = np.sqrt((halves**2).mean())  # standard error of a mean of two, from all pairs
for name, (bits, seconds) in trials.items():
    line = f"{name:<14} {bits.mean():.2f} bits  {1000 * seconds:3.0f} ms a step"
    if name in gains:
        gain = gains[name].mean()
        verdict = "helps · 有用" if gain > 0 else "hurts · 有害"
        verdict = verdict if abs(gain) > 3 * noise else "within the noise · 在噪声之内"
        line += f"   {gain:+.2f}  {verdict}"
    print(line)
print(f"noise (standard error of a gain): {noise:.3f} bits")
fast = [gains[name].mean() for name in names[1:4]]
less = [abs(gains[name].mean()) for name in ("RMS norm", "no biases", "lean")]
assert min(fast) > 2 * noise and max(less) < min(fast)

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.2))
for place, (name, (bits, _)) in enumerate(trials.items()):
    color = plots.GREY if name.startswith("(") else plots.BLUE
    axes.plot(bits, [place, place], "o", color=color, markersize=5)
    axes.plot(bits.mean(), place, "|", color=color, markersize=14)
axes.set_yticks(range(len(trials)), labels=list(trials))
axes.invert_yaxis()
axes.set(xlabel="held-out bits per character after 40 steps")
plt.show()

# %% [markdown]
# **Figure.** Held-out bits after equally many steps, one change at a time from top to bottom; a dot for each of the two seeds, a bar for their mean. The last two rows, in grey, are side roads from *no biases*, not further steps. The large strides lie in the upper half; in the lower half the dots of neighbouring rows overlap.

# %% [markdown] lang="zh"
# **图.** 步数相同时的留出比特数，从上到下一次改一处；每个圆点是一个种子，竖线是两个种子的平均。最后两行灰色的，是从 no biases 那一行岔出去的，不是再往前一步。大步子都在上半截；到下半截，相邻各行的点就混在一起了。

# %% [markdown]
# The verdicts are the program's. Three kinds of parts can be told apart.
#
# **Parts that make learning faster.** The optimizer, the quiet start (no block disturbs the stream before it has something to say), and rotary places: with learned places the model must find out for each of the places anew that "one back" is one back, while a rotation knows it from the start. Each of them stands out from the noise.
#
# **Parts that are less.** RMS norm, the missing biases and the lean block were not made for the loss: fewer numbers, fewer operations. Their rows are small in either direction, each of them smaller than any of the three above. That is a reason, too, as long as nobody calls it a gain in quality.
#
# **Parts for another size.** Squared relu and SwiGLU were picked in models hundreds of times as large. Tied weights halve the tables, which matters where $V$ is large. In a table like this one, what they do is what their row says, and no more.
#
# And the order matters: a gain is measured *on top of what stands above it*. Rotary places under AdamW would show another number. Somebody who wants to be surer makes all subsets, or takes each part *back* from the finished model.
#
# How much is it all worth in time? We give the recipe of 2019 four times as many steps:

# %% [markdown] lang="zh"
# 评语是程序给的。零件可以分成三类。
#
# **让学习变快的。** 优化器；安静起步（块在有话可说之前，不去搅动残差流）；旋转位置：用学出来的位置，“往前一个”得在每个位置上重学一遍，旋转从一开始就知道。这三样，样样高出噪声。
#
# **图个少的。** 均方根归一化、去掉偏置、精瘦的块，本来就不是冲着损失去的：数少了，运算少了。它们那几行，不论往哪边都很小，每一个都小于上面三样里的任何一样。这也是理由，只要别说成质量提高了。
#
# **为另一种规模准备的。** relu 的平方和 SwiGLU，是在大几百倍的模型里挑出来的；权重共享省下一半的表，$V$ 大的时候才要紧。在这样一张表里，它们有什么作用，就看各自那一行，此外不必多说。
#
# 次序也有影响：好处是**在上面各行的基础上**量出来的，换成在 AdamW 之下量旋转位置，会是另一个数。想更有把握，就把所有组合都试一遍，或者从成品上一次**退回**一个零件。
#
# 加在一起，抵得上多少时间？给 2019 年的配方四倍的步数：

# %% tags=["nbval-ignore-output"]
patient, their_seconds = train_2019(160, 0, best)
ours, our_seconds = trials["lean"]
times = 160 * their_seconds / (40 * our_seconds)
print(f"2019,  40 steps: {trials['2019'][0].mean():.2f} bits")
print(f"2019, 160 steps: {patient:.2f} bits, {times:.1f} times as many seconds as the next row")
print(f"ours,  40 steps: {ours.mean():.2f} bits")
assert ours.mean() < patient and times > 1

# %% [markdown]
# With four times the steps, which take longer than ours, the old recipe still hasn't caught up. At equal seconds there is no contest. On the full-size model, the course's bench (`python -m tests.bench gpt`) runs this race to the end: the well-known recipe in PyTorch with 2,000 steps against ours.

# %% [markdown] lang="zh"
# 走了四倍的步数，花的时间比我们的还多，旧配方仍没赶上来。按相同的秒数比，毫无悬念。全尺寸模型上的比赛，课程的基准测试（`python -m tests.bench gpt`）会跑到终点：大家常用的那份配方，PyTorch，2,000 步，对我们的配方。

# %% [markdown]
# ## What it writes
#
# For the rest of the lesson we take two GPTs that come with the course, one a corpus: the first seed of their rows in the table, of the same recipe but for a context of 128 and two heads instead of four, trained for 120 seconds. Each is asked for one token at a time, its answer is put at the end of the text, and the longer text goes in again: **generation** is the model's own guess in the place of the teacher's word. Two knobs turn the guess into a draw (both from lesson 03's softmax; lesson 20 is all about them):
#
# - the **temperature** $\tau$ divides the logits: below 1 the probable becomes more probable, at 0 only the best is left;
# - **top-k** keeps the $k$ most probable tokens and forgets the rest.

# %% [markdown] lang="zh"
# ## 它会写什么
#
# 往下用两个现成的 GPT，随课程附送，两种语料各一个：就是表里那两行的第一个种子，配方照旧，只是上下文换成 128，头换成两个，训练了 120 秒。每次只问它一个词元，把答案接在文本末尾，再把变长的文本送进去。**生成**，就是在老师念词的地方换上模型自己的猜测。猜测变成抽签，有两个旋钮（都出自第 03 课的 softmax，第 20 课专门讲它们）：
#
# - **温度** $\tau$ 去除 logit：小于 1，可能的更可能；等于 0，只剩最好的那一个；
# - **top-k** 只留最可能的 $k$ 个词元，其余的当没有。

# %%
from lmcourse.models import trained

networks = {name: trained.load(name, "GPT") for name in ("shakespeare", "sanguo")}
for name, (model, _) in networks.items():
    print(f"{name}: {model.count_params():,} weights, context {model.context_length}")

# %% [markdown]
# They, too, write faster when they are filled up to the full length:

# %% [markdown] lang="zh"
# 照样补到最长，写得快些：

# %%
quick = {name: at_full_length(model) for name, (model, _) in networks.items()}
model, tokenizer = networks["shakespeare"]
some = tokenizer.encode("To be, or not to be")[None]
assert_allclose(quick["shakespeare"](some), model(some), atol=1e-4)


def write(name, prompt, length, seed=0, **knobs):
    model, tokenizer = networks[name]
    ids, dice = tokenizer.encode(prompt), np.random.default_rng(seed)
    ids = generate(quick[name], ids, length, dice, model.context_length, **knobs)
    return tokenizer.decode(ids)


# %% tags=["nbval-ignore-output"]
for name, prompt, length in (("shakespeare", "KING", 100), ("sanguo", "却说", 30)):
    for knobs in ({"temperature": 0}, {"temperature": 0.7}, {"temperature": 1.5}, {"top_k": 3}):
        text = write(name, prompt, length, **knobs)
        print(f"--- {knobs}\n{text}")
        assert len(text) >= len(prompt) + length

# %% [markdown]
# At temperature 0 it goes round in circles: the most probable continuation of a phrase is soon the phrase itself. At 1.5 the long tail of improbable characters speaks, and one bad character spoils the context for all that follow. In between it is a poet of the second rank. Let us measure both ends, over several beginnings: how many of the sequences of six characters are *new* (not written before in the same text), and how many bits, at temperature 1, would the model pay for its own words?

# %% [markdown] lang="zh"
# 温度为 0，它就兜圈子：一个短语之后最可能的，没多久就是这个短语自己。到了 1.5，长尾巴上那些不大可能的字符都开口了，一个坏字符，就把后面所有字符的上下文给搅坏了。当中那一段，它是个二流诗人。两头都量一量，多起几个头：六个字符一组，有多大比例是**新**的（这段文本里没写过）？它自己写的话，按温度 1 计，自己要付多少比特？


# %% tags=["nbval-ignore-output"]
def judge(texts):
    model, tokenizer = networks["shakespeare"]
    pieces = [[text[i : i + 6] for i in range(len(text) - 5)] for text in texts]
    fresh = [len(set(some)) / len(some) for some in pieces]
    bits = [score(model, tokenizer.encode(text)).bits_per_token for text in texts]
    return np.mean(fresh), np.mean(bits)


def written(tau):
    return [write("shakespeare", start, 90, temperature=tau) for start in ("KING", "The ")]


plays = shakespeare().text("validation")
judged = {f"temperature {tau}": judge(written(tau)) for tau in (0, 0.5, 1.0, 1.5)}
judged["people"] = judge([plays[at : at + 94] for at in range(5_000, 30_000, 2_500)])
for name, (fresh, bits) in judged.items():
    print(f"{name:<15} new {fresh:4.0%}   {bits:.1f} bits a character to the model")
greedy, wild, people = (judged[n] for n in ("temperature 0", "temperature 1.5", "people"))
assert greedy[0] < people[0] - 0.1 and greedy[1] < people[1] - 0.2 and people[1] < wild[1]

# %% [markdown]
# Cheap and monotonous at one end, new and expensive at the other. What people write is new like the one and not nearly as expensive as the other. So a low loss of a text doesn't make it a good text: nothing is cheaper than saying the same thing again.
#
# What happens when the text outgrows the context? `generate` shows the model the last 128 tokens only. What has fallen off the left edge is forgotten, wholly. Two prompts that agree in their last 128 characters get the same continuation:

# %% [markdown] lang="zh"
# 一头便宜而单调，一头新鲜而昂贵。人写的，像后者一样新鲜，又远没有后者那么贵。所以一段文本损失低，不等于文章好：最便宜的，莫过于把同样的话再说一遍。
#
# 文本比上下文还长，会怎样？`generate` 只给模型看最近的 128 个词元，从左边掉出去的，忘得一干二净。两个开头，只要最后 128 个字符相同，续写就相同：

# %%
end = shakespeare().text("validation")[5000:5128]
one, other = (
    write("shakespeare", start + end, 40) for start in ("All is well. ", "The king is dead! ")
)
print("continuations equal:", one[-40:] == other[-40:])
assert one[-40:] == other[-40:]

# %% [markdown]
# ## More context helps, up to where?
#
# A row of 128 asks 128 questions, the first after one character, the last after 128. So one loss hides a curve: the bits at each place. We draw it for held-out text, beside the longest counts that come with the course (order 6 for Shakespeare, 4 for the *Romance*). From which place on will the counts stop getting better? And the GPT?

# %% [markdown] lang="zh"
# ## 上下文多一点，好一点，到哪儿为止？
#
# 一行 128 个字符有 128 道题，第一题只看一个字符，最后一题看 128 个。所以一个损失底下藏着一条曲线：每个位置的比特数。在留出文本上把它画出来，旁边是课程附送的、数得最长的计数模型（莎士比亚 6 阶，《三国演义》4 阶）。计数模型从哪个位置起不再变好？GPT 呢？

# %%
predict("counts: 5, GPT: 5", "counts: 5, GPT: 128", "counts: 128, GPT: 128")

# %%
from lmcourse.models import checkpoints

stretches = [(1, 1), (2, 3), (4, 7), (8, 15), (16, 31), (32, 63), (64, 128)]


def bits_by_place(model, ids, rows=100, at_once=5):
    windows = ids[: rows * 129].reshape(rows, 129)
    costs = []
    for part in np.split(windows, rows // at_once):
        logs = log_softmax(np.asarray(model(part[:, :-1])))
        costs.append(-np.take_along_axis(logs, part[:, 1:, None], axis=-1)[..., 0])
    return nats_to_bits(np.concatenate(costs).mean(axis=0))


# %% tags=["nbval-ignore-output"]
curves = {}
print(f"{'places':<20}", *(f"{a:>3}-{b:<3}" for a, b in stretches))
for name, corpus in {"shakespeare": shakespeare(), "sanguo": sanguo()}.items():
    counts, tokenizer = checkpoints.load(name)
    ids = tokenizer.encode(corpus.text("validation")[:13_000])
    for kind, model in {"GPT": networks[name][0], "counts": counts}.items():
        curve = bits_by_place(model, ids)
        curves[name, kind] = np.array([curve[a - 1 : b].mean() for a, b in stretches])
        print(f"{name:<13}{kind:<7}", *(f"{mean:7.2f}" for mean in curves[name, kind]))
assert curves["shakespeare", "GPT"][1] > curves["shakespeare", "GPT"][-1] + 0.4

# %%
figure, panels = plt.subplots(1, 2, figsize=(7.2, 2.9), sharex=True)
for axes, name in zip(panels, ("shakespeare", "sanguo"), strict=True):
    for kind, style in {"GPT": "o-", "counts": "s--"}.items():
        axes.plot(curves[name, kind], style, label=kind)
    axes.set_xticks(
        range(len(stretches)), labels=[f"{a}–{b}" if a < b else a for a, b in stretches], fontsize=7
    )
    axes.set(title=name, xlabel="characters seen", ylabel="bits per character")
panels[0].legend()
plt.show()

# %% [markdown]
# **Figure.** Held-out bits against the number of characters that have been seen, in stretches that double, for the GPT and for counts, on Shakespeare (left) and the *Romance* (right). The counts fall until their order is reached; from there they are level, but for chance. The GPT goes on falling for longer, in ever smaller steps.

# %% [markdown] lang="zh"
# **图.** 留出文本的比特数随已看到的字符数的变化，每一段是前一段的两倍长；左边是莎士比亚，右边是《三国演义》，实线是 GPT，虚线是计数。计数降到自己的阶数为止，此后除了偶然的起伏，就是走平。GPT 降得更久，步子越来越小。

# %% tags=["nbval-ignore-output"]
for name in networks:
    # the same rows for both: what counts lose or win from stretch to stretch is chance
    gap = curves[name, "counts"] - curves[name, "GPT"]
    late = gap[-1] - gap[3]
    verdict = "still gains on them · 还在拉开" if late > 0.02 else "gains no more · 不再拉开"
    print(f"{name:<12} from 8-15 to 64-128, GPT against counts: {late:+.2f} bits, {verdict}")
    assert ("still" in verdict) == (late > 0.02)

# %% [markdown]
# The counts can't use the seventh character, whatever it is. The GPT could use all 128, and the table above says how much it gets out of them: most of the profit lies in the first ten or so. A model of this size knows spelling, phrases and a little of who is speaking, and for that a line or two is enough. Whoever wants profit from a long context needs a model that understands more, not only a longer window.
#
# It also says something about *scoring*. The first places of every row are dear because they have seen nothing, and a score that cuts text into rows charges for them. The course's `score` lets windows overlap by half, so that, but for the first window, every prediction has seen at least half a context. Between two papers, the same model can differ by such habits.

# %% [markdown] lang="zh"
# 第七个字符，计数模型怎么也用不上。GPT 可以用上全部 128 个，用出了多少，上面的表里写着：好处大半在头十来个字符里。这么大的模型，懂的是拼写、短语，再加一点“这会儿谁在说话”，有一两行就够了。想从长上下文里得好处，模型得懂得更多，光把窗口拉长没有用。
#
# 这也关系到**怎么打分**。每行开头几处什么都没看到，所以贵；把文本切成一行一行来打分，就要为它们买单。课程里的 `score` 让窗口重叠一半，除了第一个窗口，每次预测都至少看过半个上下文。同一个模型，在两篇论文里可以只因为这类习惯而分数不同。

# %% [markdown]
# ## What the heads do
#
# Four layers, two heads each. Where do they look, while they read Hamlet?

# %% [markdown] lang="zh"
# ## 这些头在干什么
#
# 四层，每层两个头。读《哈姆雷特》的时候，它们都在看哪儿？

# %% tags=["nbval-ignore-output"]
quote = "To be, or not to be"
model, tokenizer = networks["shakespeare"]
_, seen = model.read(tokenizer.encode(quote)[None], return_weights=True)
seen = np.asarray(seen)[:, 0]  # (L, H, T, T)
L, H = seen.shape[:2]


def draw(axes, layer_head):
    layer, head = map(int, layer_head.split("."))
    plots.heat_map(axes, seen[layer, head], list(quote), list(quote), largest=1)
    axes.tick_params(labelsize=7)
    axes.set(xlabel="who is asked", ylabel="who asks")


explore(draw, layer_head=[f"{layer}.{head}" for layer in range(L) for head in range(H)])
assert abs(np.triu(seen, k=1)).max() == 0 and abs(seen.sum(axis=-1) - 1).max() < 1e-5

# %% [markdown]
# **Figure.** Six of the eight heads on a line of Hamlet, named layer.head from 0.0 to 3.1; each row shows where a character looks. In some a dark line runs beside the diagonal: every character looks at the one before. Others gather at a few characters, such as spaces. In the live notebook a slider shows all eight.

# %% [markdown] lang="zh"
# **图.** 八个头里的六个，读《哈姆雷特》的一句台词，名字由层号和头号组成，从 0.0 到 3.1；每一行是一个字符在往哪儿看。有的头沿对角线旁边有一条深色的线：每个字符都在看自己的前一个。有的头聚在少数字符上，例如空格。在交互的笔记本里，拖动滑块可以看全八个。

# %% [markdown]
# Pictures invite stories. A *score* is better: for the job "look at the token before", the mean weight that a head gives to exactly that place, over held-out text; for the job of an induction head, the mean weight that it gives, in a text of random characters that is repeated, to the place *after* the earlier copy. A head that spreads its weight evenly gets what the last line says.

# %% [markdown] lang="zh"
# 看图容易编故事，**打分**更可靠。“看前一个词元”这项差事，分数就是在留出文本上，一个头给那个位置的平均权重。归纳头的差事：把一串随机字符重复一遍，看一个头给前一份里**后面那个**位置的平均权重是多少。均匀撒权重的头能得多少分，见最后一行。


# %% tags=["nbval-ignore-output"]
def scores_of_heads(model, text, repeated, period):
    """Mean weight on the place before, and on the place after the earlier copy: (L, H) each."""
    before = np.asarray(model.read(text, return_weights=True)[1])
    before = np.diagonal(before, -1, 3, 4).mean(axis=(1, 3))
    again = np.asarray(model.read(repeated, return_weights=True)[1])[..., period:, :]
    return before, np.diagonal(again, 1, 3, 4)[..., : period - 1].mean(axis=(1, 3))


text = tokenizer.encode(shakespeare().text("validation")[: 40 * 64]).reshape(40, 64)
letters = tokenizer.encode("abcdefghijklmnopqrstuvwxyz")
random = np.stack([rng.choice(letters, 24, replace=False) for _ in range(40)])
before, after = scores_of_heads(model, text, np.tile(random, 2), period=24)
for layer in range(L):
    print(
        f"layer {layer}: before", before[layer].round(2), "  after the copy", after[layer].round(2)
    )
even = (1 / np.arange(2, 65)).mean(), (1 / np.arange(25, 48)).mean()
print(f"a head that looks everywhere alike: {even[0]:.2f} and {even[1]:.2f}")
assert before.max() > 4 * even[0]

# %% tags=["nbval-ignore-output"]
twice = np.tile(random, 2)
costs = [
    cross_entropy(model(twice)[:, a:b], twice[:, a + 1 : b + 1]) for a, b in ((0, 23), (24, 47))
]
first, second = nats_to_bits(np.array(costs))
print(f"random letters: {first:.1f} bits each, the second time {second:.1f}")
found = after.max() > 4 * even[1]
print("induction head found · 找到归纳头" if found else "no induction head · 没有归纳头")
assert found == (after.max() > 4 * even[1])

# %% [markdown]
# That some head looks at the token before is found in nearly every GPT. Whether a text model of this size grows an induction head is for the last two lines to say, and they say it of this model alone: in plays, a random string is hardly ever repeated, so there is little to learn it from. In our language of copies there was nothing to learn but copying.
#
# Keep in mind what these numbers are: descriptions of where a head *looks*. What a head is *good for* we found out above by taking it out. Lesson 26 does it for whole circuits.

# %% [markdown] lang="zh"
# 有某个头在看前一个词元，这在几乎每个 GPT 里都找得到。这么大的文本模型会不会长出归纳头，由最后两行来说，而且只是说这一个模型：剧本里几乎不会把一串随机字符念两遍，学它没什么机会。我们那门抄写的语言里，除了抄，没有别的可学。
#
# 要记住这些数是什么：它们描述一个头往哪儿**看**。一个头**有什么用**，前面我们是靠拿掉它才知道的。第 26 课会对整条回路这样做。

# %% [markdown]
# ## One model, two languages
#
# Nothing in a GPT is English. If it reads two languages, does it become half as good at each? To give both one alphabet, we go down to bytes (lesson 04): $V = 256$, an English letter is one byte, a Chinese character three. Three small models, equal in size and steps: one reads Shakespeare, one the *Romance*, and one gets both, half of the rows of each batch each. So it sees half as much of either language. Predict: on each language, will it lose to the specialist, draw, or win?

# %% [markdown] lang="zh"
# ## 一个模型，两种语言
#
# GPT 里没有一处是英语专用的。让它读两种语言，会不会两样都只学成半吊子？为了共用一套字母，我们退到字节（第 04 课）：$V = 256$，英文字母一个字节，汉字三个字节。三个小模型，大小、步数都相同：一个读莎士比亚，一个读《三国演义》，一个两样都读，每批各占一半的行，所以每种语言只读到一半。猜一猜：在每种语言上，它会输给专门的那个，打平，还是赢？

# %%
predict("loses both", "draws", "wins both")

# %%
bytes_of = {
    corpus.name: {
        split: np.frombuffer(corpus.text(split)[:size].encode(), np.uint8).astype(np.int32)
        for split, size in (("train", 1_000_000), ("validation", 5_000))
    }
    for corpus in (shakespeare(), sanguo())
}
half = {n: random_batches(bytes_of[n]["train"], 8, 48, seed=0) for n in bytes_of}


def joined(*pairs):  # (inputs, targets) of several batches, one below the other
    return tuple(np.concatenate(parts) for parts in zip(*pairs, strict=True))


def only(name):  # sixteen rows: two draws of eight
    return lambda step: joined(half[name](2 * step), half[name](2 * step + 1))


def both(step):
    return joined(*(half[name](step) for name in half))


# %% tags=["nbval-ignore-output"]
readers, tongues = {}, {}
for reader, batches in ({n: only(n) for n in half} | {"both": both}).items():
    keras.utils.set_random_seed(0)
    shape = dict(vocabulary_size=256, context_length=48, layers=2, width=64, heads=4)
    readers[reader] = GPT(GPTConfig(**shape, **modern))
    fit(readers[reader], batches, steps=60, optimizer=muon(), **pace)
    for name, part in bytes_of.items():
        cost = score(readers[reader], part["validation"], context_length=48)
        tongues[reader, name] = cost.bits_per_character(5_000)
for (reader, name), bits in tongues.items():
    print(f"reads {reader:<12} asked for {name:<12} {bits:5.2f} bits a character")
assert len(tongues) == 6

# %% tags=["nbval-ignore-output"]
for name in bytes_of:
    (stranger,) = set(bytes_of) - {name}
    own, shared, foreign = (tongues[reader, name] for reader in (name, "both", stranger))
    dice = 8 * len(bytes_of[name]["validation"]) / 5_000  # bits a character for 256 equal bytes
    kept = (dice - shared) / (dice - own)
    print(f"{name:<12} dice {dice:.1f}; of what the specialist gains on them, both has {kept:.0%}")
    assert own < shared < dice < foreign and kept > 0.8

# %% [markdown]
# It loses, and by little: half the text, one set of weights for two languages that share neither letters nor words nor grammar, and yet it keeps nearly all that the specialist has gained on dice. Nobody told it that there are two languages. It finds out from the first few bytes of each row, which is what a context is for. The specialists, asked for the other language, are worse than dice.
#
# With one more kind of text in the mixture, *Chinese sentence = English sentence*, translation becomes a continuation: the model is given `我爱北京天安门 =` and goes on. No encoder, no cross-attention: the source stands in the same context, and self-attention looks back at it. That is how large GPTs translate (Radford and others 2019), once they have met enough such pairs in their reading. With the few thousand pairs of lesson 12 the encoder–decoder has it easier: nobody needs to find out what the task is.

# %% [markdown] lang="zh"
# 输了，但输得不多：文本只有一半，一套权重要管两种字母、词、语法全不相干的语言，专门的那个比骰子强出来的，它几乎都有。没有谁告诉它这里有两种语言，它看每行开头几个字节就明白了；上下文就是干这个用的。专门的那两个，碰上对方的语言，连骰子都不如。
#
# 在混合的文本里再加一种，“中文句子 = 英文句子”，翻译就成了续写：给模型 `我爱北京天安门 =`，让它接着写。没有编码器，没有交叉注意力：原文就在同一段上下文里，自注意力回头去看它。大的 GPT 就是这样翻译的（Radford 等，2019），前提是读书时见过足够多的这种句对。只有第 12 课那几千对的话，编码器–解码器省力些：任务是什么，用不着谁去猜。

# %% [markdown]
# ## Try it
#
# 1. *Easy.* By how much may a text model cheat itself with its context? Score the trained Shakespeare GPT on held-out text with `context_length` 8, 16, 32, 64 and 128. Predict first where it stops mattering, from the figure of the places.
#
# <details><summary>Hint</summary>`score(model, ids, context_length=...)`. With windows that overlap by half, a context of 16 means that every prediction sees 8 to 16 characters.</details>
#
# 2. *Medium.* The pencil predicted the first loss of our model, with a tied table and silent blocks. Predict that of a model with learned places, layer norm and a table of its *own* for the scores, drawn by Glorot's rule: standard deviation $\sqrt{2/(D+V)}$, lesson 06. Is it a parrot, too?
#
# <details><summary>Hint</summary>The norm gives a vector of D numbers of size 1, which knows nothing of the table. So all V scores are noise of the same standard deviation s; the mean of ln Σ e^z is about ln V + s²/2, and the target's score is 0 on average.</details>
#
# 3. *Hard.* Build an induction head with your own hands, in the NumPy reference: two blocks without norms' help, no training, that copy `x` after `# ... x`. Show on a random string, written twice, that the second writing is predicted without a mistake.
#
# <details><summary>Hint</summary>Give the stream three parts: the token, its place, and an empty part for the note. With one-hot places, W_q can shift a place by one: the query of place t is the key of place t − 1. The second block compares the token with the note. Use `multi_head` from lesson 10 and add its outputs yourself; large scores make a softmax a choice.</details>

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. **容易。** 上下文给多少才够？拿训练好的莎士比亚 GPT，在留出文本上打分，`context_length` 取 8、16、32、64、128。先看着按位置画的那张图，猜猜从哪儿起就无所谓了。
#
# <details><summary>提示</summary>`score(model, ids, context_length=...)`。窗口重叠一半，所以上下文取 16，就是每次预测看见 8 到 16 个字符。</details>
#
# 2. **中等。** 我们的模型表共享、块不出声，它的第一个损失用铅笔算出来了。换一个模型：位置是学出来的，用层归一化，打分用**自己的**一张表，按 Glorot 的规矩随机取，标准差 $\sqrt{2/(D+V)}$（第 06 课）。猜猜它的第一个损失。它也是鹦鹉吗？
#
# <details><summary>提示</summary>归一化给出 D 个大小为 1 的数，跟那张表毫无关系。所以 V 个分数都是噪声，标准差同为 s；ln Σ e^z 的均值约为 ln V + s²/2，目标的分数平均为 0。</details>
#
# 3. **较难。** 亲手造一个归纳头，用 NumPy 的参考实现：两个块，不训练，能照抄。把一串随机的字母写两遍，让它把第二遍预测得一个不错。
#
# <details><summary>提示</summary>残差流分三段：词元、位置，还有一段空着，留给笔记。位置用独热向量，W_q 就能把位置挪一格：位置 t 的查询，就是位置 t − 1 的键。第二个块拿词元去和笔记比。用第 10 课的 `multi_head`，输出自己加；分数够大，softmax 就成了挑选。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** Each doubling helps less than the one before, as the curve of the places said: it is the same curve, averaged over its second half.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 每翻一倍，好处就比上一次小，与按位置画的曲线说的一样：它就是那条曲线，取后一半求平均。

# %% tags=["nbval-ignore-output"]
model, tokenizer = networks["shakespeare"]
part = tokenizer.encode(shakespeare().text("validation")[:6_401])
by_length = {n: score(model, part, context_length=n).bits_per_token for n in (8, 16, 32, 64, 128)}
print("  ".join(f"{length}: {bits:.2f}" for length, bits in by_length.items()))
assert by_length[8] - by_length[16] > by_length[32] - by_length[64]

# %% [markdown]
# **2.** A sum of $D$ products has the variance $s^2 = 2D/(D+V)$. So $L \approx \ln V + D/(D+V)$, above dice again, and no parrot: the table that scores knows nothing of the table that reads.

# %% [markdown] lang="zh"
# **2.** $D$ 个乘积之和，方差是 $s^2 = 2D/(D+V)$，所以 $L \approx \ln V + D/(D+V)$，还是比骰子高；但它不是鹦鹉：打分的表跟读词元的表毫无关系。

# %%
config = GPTConfig(vocabulary_size=V, **size, **in_2019, tied=False)
model = GPT(config)
logits = np.concatenate([model(part) for part in np.split(inputs, 4)])
by_pencil = np.log(V) + 128 / (128 + V)
first = cross_entropy(logits, targets)
print(f"by pencil {by_pencil:.2f}, measured {first:.2f}, ln V {np.log(V):.2f}")
print(f"repeats what it has read: {(logits.argmax(-1) == inputs).mean():.0%}")
assert abs(first - by_pencil) < 0.25 and (logits.argmax(-1) == inputs).mean() < 0.2

# %% [markdown]
# **3.** Token, place and note stand side by side in the stream, each one-hot. The first head asks with the place shifted by one and writes the token that it finds into the note. The second asks with the token, is answered by the notes, and writes the answering token on top of the scores. (At place 0 there is nobody before: its query is empty, and it looks at itself. So a start sign stands there, for which nobody ever asks.)

# %% [markdown] lang="zh"
# **3.** 词元、位置、笔记在残差流里并排，都是独热的。第一个头拿挪了一格的位置去问，把找到的词元写进笔记。第二个头拿词元去问，由笔记来答，把答话的那个词元写到打分的地方。（位置 0 前面没有人，查询是空的，它只好看自己。所以那里放一个开头的记号，反正没有谁会问起它。）

# %%
from lmcourse.reference.attention import causal_mask, multi_head

A, T = 10, 19  # tokens, places; the parts of the stream: token, place, note, answer
word = 1 + rng.permutation(9)
text = np.concatenate([[0], word, word])  # 0 is a sign for the start
token, place = np.eye(A)[text], np.eye(T)
blank = np.zeros((T, A))
x = np.concatenate([token, place, blank, blank], axis=1)


def part(first, size, matrix=None, total=3 * A + T):  # reads one part of the stream
    weights = np.zeros((total, size))
    weights[first : first + size] = np.eye(size) if matrix is None else matrix
    return weights


back = np.eye(T, k=-1)  # place t asks for place t - 1
one = {"query": 99 * part(A, T, back), "key": part(A, T), "value": part(0, A)}
two = {"query": 99 * part(0, A), "key": part(A + T, A), "value": part(0, A)}
x = x + multi_head(x, one | {"output": part(A + T, A).T}, heads=1, mask=causal_mask(T))[0]
x = x + multi_head(x, two | {"output": part(2 * A + T, A).T}, heads=1, mask=causal_mask(T))[0]
answers = x[:, -A:].argmax(axis=1)
print("text   ", *text)
print("guesses", *[" "] * 11, *answers[10:-1])  # each below the token that it guesses
assert (answers[10:-1] == text[11:]).all()

# %% [markdown]
# ## What we know now
#
# - Text labels itself: a row of $T+1$ tokens holds $T$ questions with their answers, and the causal mask lets one pass answer them all. Targets that are not shifted make a parrot with a perfect loss.
# - A fresh model costs about $\ln V$; what is above it can be computed.
# - Two looks in a row copy what one look can't: the first takes a note, the second finds it. Taking the first away breaks the second.
# - A GPT of less than half a million weights learns spelling and the shape of a play in half a minute. Where it stands among all models of the course is read off the table, not claimed.
# - An ablation needs equal steps, more than one seed and the old recipe at its best. Some modern parts speed up learning, some are only cheaper, and some of their effects are smaller than the noise.
# - Most of the profit from context lies in the first characters; how much from far away depends on what the model understands.
# - One set of weights can hold two languages.
#
# ## What it still can't do
#
# It looks only to the left. Asked for the missing word in *the ___ of Denmark*, it can use *the* and not *of Denmark*. For writing that is right, for reading it is half a reader: lesson 14 takes the mask away, and has to invent another task, since guessing the next token is no task for somebody who sees it. It has read a few plays or one novel, so it knows no facts. And it continues; it doesn't *answer*. A question is for it the beginning of a scene with questions. To turn a continuer into an assistant is the business of Part IV.
#
# ## References
#
# - C. E. Shannon, *A Mathematical Theory of Communication* (1948): guessing the next letter.
# - A. Radford and others, *Improving Language Understanding by Generative Pre-Training* (2018); *Language Models are Unsupervised Multitask Learners* (2019).
# - H. Touvron and others, *LLaMA: Open and Efficient Foundation Language Models* (2023).
# - C. Olsson and others, *In-context Learning and Induction Heads* (2022); N. Elhage and others, *A Mathematical Framework for Transformer Circuits* (2021).
# - J. Su and others, *RoFormer* (2021): rotary places; B. Zhang, R. Sennrich, *Root Mean Square Layer Normalization* (2019); D. So and others, *Primer* (2021): the squared relu; N. Shazeer, *GLU Variants Improve Transformer* (2020); O. Press, L. Wolf, *Using the Output Embedding to Improve Language Models* (2017).
# - T. Bachlechner and others, *ReZero is All You Need* (2021): a start at zero.
# - K. Jordan, *Muon: An Optimizer for Hidden Layers in Neural Networks* (2024).
# - S. Narang and others, *Do Transformer Modifications Transfer Across Implementations and Applications?* (2021): an ablation in earnest.
# - A. Holtzman and others, *The Curious Case of Neural Text Degeneration* (2020).

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - 文本自己就是标注：$T+1$ 个词元的一行，有 $T$ 道自带答案的题；有了因果掩码，走一遍就全答完。目标忘了错位，得到的是一只损失完美的鹦鹉。
# - 新造的模型，损失大约是 $\ln V$；高出来的那点，算得出来。
# - 接连看两眼，能抄只看一眼抄不了的：第一眼做笔记，第二眼去找它。拿掉前者，后者也垮。
# - 不到五十万个权重的 GPT，半分钟学会拼写和剧本的格式。它在课程所有模型里排第几，看表，不靠嘴说。
# - 消融要步数相同、种子不止一个、旧配方拿出最好的状态。时新的零件，有的让学习变快，有的只是省钱，有的作用比噪声还小。
# - 上下文的好处大半在最近的几个字符；远处还有多少，要看模型懂得多少。
# - 一套权重装得下两种语言。
#
# ## 它还做不到
#
# 它只看左边。问它“丹麦___子”当中缺什么，它用得上“丹麦”，用不上“子”。写，就该这样；读，这只算半个读者。第 14 课会拿掉掩码，同时得另想一道题：对一个看得见下一个词元的读者，猜下一个就不成其为题了。它只读过几十个剧本，或者一部小说，所以没有什么常识。它还只会接着说，不会**回答**：一个问题到了它那里，不过是一场问话戏的开头。怎样把接话的变成助手，是第四部分的事。
#
# ## 参考文献
#
# - C. E. Shannon, *A Mathematical Theory of Communication* (1948)：猜下一个字母。
# - A. Radford 等, *Improving Language Understanding by Generative Pre-Training* (2018)；*Language Models are Unsupervised Multitask Learners* (2019)。
# - H. Touvron 等, *LLaMA: Open and Efficient Foundation Language Models* (2023)。
# - C. Olsson 等, *In-context Learning and Induction Heads* (2022)；N. Elhage 等, *A Mathematical Framework for Transformer Circuits* (2021)。
# - J. Su 等, *RoFormer* (2021)：旋转位置；B. Zhang, R. Sennrich, *Root Mean Square Layer Normalization* (2019)；D. So 等, *Primer* (2021)：relu 的平方；N. Shazeer, *GLU Variants Improve Transformer* (2020)；O. Press, L. Wolf, *Using the Output Embedding to Improve Language Models* (2017)。
# - T. Bachlechner 等, *ReZero is All You Need* (2021)：从零起步。
# - K. Jordan, *Muon: An Optimizer for Hidden Layers in Neural Networks* (2024)。
# - S. Narang 等, *Do Transformer Modifications Transfer Across Implementations and Applications?* (2021)：认真做的消融。
# - A. Holtzman 等, *The Curious Case of Neural Text Degeneration* (2020)。
