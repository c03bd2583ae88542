# %% [markdown]
# # 14 · BERT
# **Prerequisites:** [11 · The Transformer](11_transformer.ipynb), [13 · GPT](13_gpt.ipynb), [02 · n-grams](02_ngrams.ipynb) · **Minutes:** 75 · **Modules:** `text/masking.py`, `models/bert.py`, `reference/transformer.py` · **Previous:** [13 · GPT](13_gpt.ipynb) · **Next:** [18 · Pretrained](18_pretrained.ipynb)
#
# A GPT reads as we listen: word by word, never knowing what comes. But a letter that lies on the table can be read in any order. If a raindrop has blurred one word, we look to its left *and* to its right, and most of the time we know what stood there.
#
# **Question: what does a reader gain that may look at both sides, and what does it lose?**
#
# It gains a great deal, and on a language whose entropy is known we can say to the hundredth of a bit how much. What it loses is the thing that all models before it could do without being asked: to write, and to say how probable a text is.

# %% [markdown] lang="zh"
# # 14 · BERT
# **先修：** [11 · Transformer](11_transformer.ipynb)、[13 · GPT](13_gpt.ipynb)、[02 · n 元语法](02_ngrams.ipynb) · **用时：** 75 分钟 · **模块：** `text/masking.py`、`models/bert.py`、`reference/transformer.py` · **上一课：** [13 · GPT](13_gpt.ipynb) · **下一课：** [18 · 预训练模型](18_pretrained.ipynb)
#
# GPT 读书像听人说话：一个词一个词地来，后面是什么，永远不知道。可摊在桌上的一封信，爱怎么读就怎么读。要是雨点洇了一个字，我们看看左边，**也**看看右边，多半就知道那儿写的是什么。
#
# **问题：一个可以左右两边都看的读者，得到了什么，又失去了什么？**
#
# 得到的很多：在一种熵率已知的语言上，多到多少，可以精确到百分之一比特。失去的，却是前面所有模型不用教就会的事：写，以及说出一段文本的概率。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import entropy
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.softmax import log_softmax
from lmcourse.reference.transformer import bert, bert_head
from lmcourse.text.grammar import Markov
from lmcourse.text.masking import mask_tokens, masked_batches

rng = setup(seed=0)

# %% [markdown]
# ## The word in the middle
#
# A very small corpus: twelve sentences of three words. They all begin with *I*; the last word is *tea*, *rice* or *stars*. In the middle stands *drink*, *eat* or *see*:

# %% [markdown] lang="zh"
# ## 中间那个词
#
# 一份很小的语料：十二个句子，每句三个词。开头都是 *I*，末尾是 *tea*、*rice* 或 *stars*，中间是 *drink*、*eat* 或 *see*：

# %%
middle, right = ["drink", "eat", "see"], ["tea", "rice", "stars"]
counts = np.array([[4, 0, 0], [0, 3, 0], [1, 1, 3]])  # rows: middle, columns: right
print("I …    ", *(f"{word:>6}" for word in right))
for word, row in zip(middle, counts, strict=True):
    print(f"{word:<7}", *(f"{count:>6}" for count in row))
assert counts.sum() == 12

# %% [markdown]
# Now somebody blurs the middle: `I ___ tea`. A reader who only knows the left side has the sums of the rows, 4 : 3 : 5. A reader who sees *tea* as well has the first column, 4 : 0 : 1. Filling a blank from both sides is called a **cloze** test (Taylor 1953); teachers use it to this day. Predict: how many bits does the right side save on average?

# %% [markdown] lang="zh"
# 现在有人把中间洇掉了：`I ___ tea`。只知道左边的读者，手里是各行之和，4 : 3 : 5；连 *tea* 也看见的读者，手里是第一列，4 : 0 : 1。看着两边填空，叫**完形填空**（cloze，Taylor 1953），老师们至今还在用。猜一猜：右边平均能省下多少比特？

# %%
predict("0.1", "0.5", "1.0", "1.5")

# %%
given_left = counts.sum(axis=1) / 12
given_both = counts / counts.sum(axis=0)
weight = counts.sum(axis=0) / 12  # how often each right side occurs
print("P(word | I)       ", dict(zip(middle, given_left.round(3).tolist(), strict=True)))
for column, word in enumerate(right):
    print(f"P(word | I, {word:<5}) ", given_both[:, column].round(3))
cloze = weight @ entropy(given_both.T)
print(f"bits: left only {entropy(given_left):.3f}, both sides {cloze:.3f}")
print(f"saved by the right side: {entropy(given_left) - cloze:.3f} bits")
assert_allclose(given_both[:, 0], [0.8, 0, 0.2])
assert 0.95 < entropy(given_left) - cloze < 1

# %% [markdown]
# Nearly a whole bit. *Tea* tells more about the verb than *I* does, and a reader from left to right hears of it too late.
#
# Too late to *predict* the verb. But could it not go back? It knows $P(w \mid \text{left})$, and for every verb it can say how probable *tea* would then be, $P(r \mid w)$. Bayes' rule puts both together:
#
# $$P(w \mid \ell, r) = \frac{P(w \mid \ell)\,P(r \mid \ell, w)}{\sum_{w'} P(w' \mid \ell)\,P(r \mid \ell, w')}$$

# %% [markdown] lang="zh"
# 差不多整整一比特。关于那个动词，*tea* 透露的比 *I* 多，而从左往右的读者听到它时已经晚了。
#
# 晚的是**预测**动词。那它能不能回过头来想？它知道 $P(w \mid \text{左})$；对每个动词，它也说得出后面接 *tea* 的概率 $P(r \mid w)$。贝叶斯公式把两样合起来：
#
# $$P(w \mid \ell, r) = \frac{P(w \mid \ell)\,P(r \mid \ell, w)}{\sum_{w'} P(w' \mid \ell)\,P(r \mid \ell, w')}$$

# %%
follows = counts / counts.sum(axis=1, keepdims=True)  # P(right | middle)
for column, word in enumerate(right):
    scores = given_left * follows[:, column]
    print(f"I ___ {word:<5} scores", scores.round(3), " shares", (scores / scores.sum()).round(3))
    assert_allclose(scores / scores.sum(), given_both[:, column])

# %% [markdown]
# The same numbers. So **every model of the last thirteen lessons can fill blanks**: put each of the $V$ words into the hole, score the whole sentence, divide by the sum. It costs $V$ readings for one blank. This reader is the rival to beat, and it will be back. What we want now is a network that answers in *one* reading.

# %% [markdown] lang="zh"
# 数字一模一样。可见**前面十三课的每个模型都会填空**：把 $V$ 个词挨个放进空里，给整句打分，再除以总和。代价是一个空要读 $V$ 遍。这个读者是要打败的对手，后面还会见面。我们现在想要的，是**读一遍**就能回答的网络。

# %% [markdown]
# ## Hide, read, guess
#
# Take the causal mask off a GPT, let everybody look at everybody, and train it as before. Lesson 10 tried: it looks one place to the right, where the answer stands, and learns nothing else. What a reader is asked about must not stand in what it reads.
#
# So hide it. Choose 15 of 100 places at random, and put a sign there that is no word: `[MASK]`. The network reads the text with its holes and has to say what stood in them. This is a **masked language model**. With $M$ the set of chosen places and $\tilde x$ the text with holes, the loss is
#
# $$L = -\frac{1}{|M|} \sum_{t \in M} \ln P(x_t \mid \tilde x)$$
#
# The sum runs over the chosen places only; at the others there is nothing to guess. BERT (2018) adds a twist: of the chosen places 80 percent really become a hole, 10 percent show a *random* token, and 10 percent show the true one. Why, we will find out by leaving it out. This is the package's function:

# %% [markdown] lang="zh"
# ## 藏起来，读，再猜
#
# 把 GPT 的因果掩码拿掉，让人人都看得见人人，照旧训练，会怎样？第 10 课试过：它往右看一格，答案就在那儿，别的什么也不学。要问读者的东西，就不能写在它读的文本里。
#
# 那就藏起来。每 100 处随机选 15 处，放上一个不是词的记号：`[MASK]`。网络读这段带空的文本，说出空里原来是什么。这就是**掩码语言模型**。用 $M$ 记选中的位置，$\tilde x$ 记带空的文本，损失是
#
# $$L = -\frac{1}{|M|} \sum_{t \in M} \ln P(x_t \mid \tilde x)$$
#
# 只对选中的位置求和；别处没什么可猜的。BERT（2018）还加了一道花样：选中的位置里，80% 真的挖空，10% 换成一个**随机**的词元，10% 原样不动。为什么？待会儿去掉它，自见分晓。包里的函数是这样的：

# %%
show_source(mask_tokens)

# %%
sentence = "天下大势，分久必合，合久必分。"
characters = sorted(set(sentence))
V = len(characters)
row = np.array([[characters.index(c) for c in sentence]])
signs = [*characters, "□"]  # the id V is [MASK]
for _ in range(4):
    hidden, chosen = mask_tokens(row, V, rng)
    shown = "".join(signs[i] for i in hidden[0])
    asked = "".join("^" if c else "·" for c in chosen[0])
    print(shown, asked)
assert chosen.sum() == round(0.15 * len(sentence))

# %% [markdown]
# `□` is `[MASK]`, `^` marks the places that are asked about. Not every `^` stands under a hole. Is it really 80, 10 and 10? Mind that a random token is, once in $V$ times, the true one:

# %% [markdown] lang="zh"
# `□` 是 `[MASK]`，`^` 标出要问的位置。`^` 上面不一定是空。真是 80、10、10 吗？留意一点：随机抽的词元，每 $V$ 次就有一次碰巧抽中原来那个：

# %%
many = rng.integers(V, size=(5000, 20))
hidden, chosen = mask_tokens(many, V, rng)
shares = {
    "chosen": chosen.mean(),
    "of these: a hole": (hidden[chosen] == V).mean(),
    "of these: as it was": (hidden[chosen] == many[chosen]).mean(),
}
for name, share in shares.items():
    print(f"{name:<20} {share:.3f}")
assert_allclose(list(shares.values()), [0.15, 0.8, 0.1 + 0.1 / V], atol=0.01)
assert (hidden[~chosen] == many[~chosen]).all()

# %% [markdown]
# ## The reader
#
# The network is the encoder of lesson 11 and nothing more: tokens and places, blocks in which everybody looks at everybody, and a score for every token at every place. Three details are BERT's own. The vectors are normalized once before the first block. Norms stand after the sums (post-norm). And in front of the scores there is one more dense layer with a norm, the **output head**. In NumPy:

# %% [markdown] lang="zh"
# ## 读者
#
# 网络就是第 11 课的编码器，没有别的：词元加位置，几个人人看得见人人的块，最后在每个位置给每个词元打分。BERT 自己的细节有三处：第一个块之前先归一化一次；归一化放在相加之后（后置归一化）；打分之前还有一个全连接层带归一化，叫**输出头**。用 NumPy 写出来：

# %%
show_source(bert, bert_head)

# %% [markdown]
# And in Keras, `models/bert.py`. We make a small one, copy its random weights into the dictionary that the NumPy functions read, and ask both about the same holes:

# %% [markdown] lang="zh"
# Keras 的在 `models/bert.py`。造一个小的，把它随机的权重抄进 NumPy 函数读的字典里，拿同样的空问它们俩：

# %%
import keras

from lmcourse.models.bert import BERT, BERTConfig
from lmcourse.models.gpt import GPT, GPTConfig
from lmcourse.training.fit import fit
from lmcourse.training.streams import random_batches

small = BERT(BERTConfig(vocabulary_size=V + 1, context_length=20, layers=2, width=16, heads=4))
for variable in small.trainable_variables:  # nothing is 0 or 1, so nothing can hide
    variable.assign(rng.normal(scale=0.5, size=variable.shape))


def dense(layer, name):
    return {name: layer.kernel.numpy(), f"{name}_bias": layer.bias.numpy()}


def norm(layer):
    return {"scale": layer.scale.numpy(), "offset": layer.offset.numpy()}


# %%
def block(layer):
    look, think = layer.attention, layer.feed_forward
    looking = dense(look.query, "query") | dense(look.key, "key") | dense(look.value, "value")
    return {
        "attention": looking | dense(look.output_dense, "output"),
        "attention_norm": norm(layer.attention_norm),
        "feed_forward": dense(think.up, "up") | dense(think.down, "down"),
        "feed_forward_norm": norm(layer.feed_forward_norm),
    }


weights = {
    "tokens": small.embedding.tokens.numpy(),
    "positions": small.embedding.positions.numpy(),
    "segments": small.segments.numpy(),
    "first_norm": norm(small.first_norm),
    "blocks": [block(layer) for layer in small.blocks],
    "head_norm": norm(small.head_norm),
    "tokens_bias": small.head_bias.numpy(),
} | dense(small.head, "dense")

# %%
hidden, chosen = mask_tokens(row, V, rng)
in_numpy = bert_head(bert(hidden, weights, heads=4), weights)
in_keras = small(hidden).numpy()
print("scores", in_keras.shape, "equal:", np.allclose(in_keras, in_numpy, rtol=1e-4, atol=1e-3))
assert_allclose(in_keras, in_numpy, rtol=1e-4, atol=1e-3)

# %% [markdown]
# The same function. Now the property that gives this lesson its name. Change the *last* token of the sentence. Which places notice it, in BERT and in a GPT of the same size?

# %% [markdown] lang="zh"
# 是同一个函数。再看这一课的关键性质：改掉句子的**最后**一个词元，哪些位置会察觉？BERT 如何，同样大小的 GPT 又如何？

# %%
writer = GPT(GPTConfig(vocabulary_size=V, context_length=20, layers=2, width=16, heads=4))
for variable in writer.trainable_variables:
    variable.assign(rng.normal(scale=0.5, size=variable.shape))
changed = row.copy()
changed[0, -1] = (changed[0, -1] + 1) % V
for name, model in {"BERT": small, "GPT": writer}.items():
    moved = abs(model(changed).numpy() - model(row).numpy())[0].max(axis=-1) > 1e-4
    print(f"{name:<5}", "".join("^" if m else "·" for m in moved), f"{moved.sum()} of {row.size}")
    assert moved.sum() == (row.size if name == "BERT" else 1)

# %% [markdown]
# In BERT everybody has noticed, in GPT only the last place itself. That is **bidirectional** reading: every vector is made of the whole text. Notice what it is not: not two readers, one from the left and one from the right, whose results are joined at the end (that was ELMo, a pair of LSTMs). Here both sides meet in every block.

# %% [markdown] lang="zh"
# BERT 里人人都察觉了，GPT 里只有最后那个位置自己。这就是**双向**的阅读：每个向量都由整段文本而来。也要看清它不是什么：不是一个从左读、一个从右读的两个读者，到末了再把结果拼起来（那是 ELMo，一对 LSTM）。在这里，两边在每一个块里都碰面。
# %% [markdown]
# ## What the right side is worth, exactly
#
# On real text nobody knows how good a guess can be. So first a language whose entropy is known: a Markov chain of six letters (lesson 01), each letter drawn by the one before it. Let $a$ and $b$ be the neighbours of a blank, $P$ the table of the chain. The letters further away tell nothing new, so by Bayes
#
# $$P(x \mid a, b) = \frac{P_{ax}\,P_{xb}}{(P^2)_{ab}}$$
#
# The denominator is the probability of getting from $a$ to $b$ in *two* steps. How many bits does such a blank cost on average? By the chain rule of lesson 01, for the letters $a, x, b$ in a row,
#
# $$\underbrace{H(x, b \mid a)}_{2h} = \underbrace{H(b \mid a)}_{h_2} + \underbrace{H(x \mid a, b)}_{\text{the blank}}$$
#
# Two steps of the chain cost $2h$, with $h$ its entropy rate. And $h_2$ is what $b$ costs if $x$ is not known. So **a blank costs $2h - h_2$**. Not knowing $x$ can only make $b$ harder, $h_2 \ge h$, so a blank never costs more than $h$:

# %% [markdown] lang="zh"
# ## 右边到底值多少
#
# 在真实文本上，猜得最好能有多好，谁也不知道。所以先用一种熵率已知的语言：六个字母的马尔可夫链（第 01 课），每个字母由前一个字母抽出。设空的左右邻居是 $a$ 和 $b$，链的转移表是 $P$。再远的字母不带来新消息，于是由贝叶斯公式，
#
# $$P(x \mid a, b) = \frac{P_{ax}\,P_{xb}}{(P^2)_{ab}}$$
#
# 分母是从 $a$ 出发走**两步**到 $b$ 的概率。这样一个空平均值多少比特？对连着的三个字母 $a, x, b$ 用第 01 课的链式法则：
#
# $$\underbrace{H(x, b \mid a)}_{2h} = \underbrace{H(b \mid a)}_{h_2} + \underbrace{H(x \mid a, b)}_{\text{空}}$$
#
# 链走两步，花 $2h$，$h$ 是它的熵率；$h_2$ 是不知道 $x$ 时 $b$ 的代价。所以**一个空值 $2h - h_2$**。不知道 $x$，$b$ 只会更难猜，$h_2 \ge h$，所以一个空决不会比 $h$ 更贵：

# %%
V, T = 6, 16
source = Markov.random(1, V, np.random.default_rng(1), concentration=0.3)
P = np.stack([source.probabilities(np.array([a]))[1] for a in range(V)])
pi, h = source.stationary, source.entropy_rate
two = pi @ entropy(P @ P)
blank = P[:, :, None] * P[None] / (P @ P)[:, None]  # [a, x, b]
by_sum = np.einsum("a,ab,ab->", pi, P @ P, entropy(blank.transpose(0, 2, 1)))
print(f"alone           {entropy(pi):.3f} bits a letter")
print(f"left side       {h:.3f}   (the entropy rate h)")
print(f"both sides      {2 * h - two:.3f}   (2h - h2 = 2 * {h:.3f} - {two:.3f})")
assert_allclose(by_sum, 2 * h - two)

# %% [markdown]
# The two optima lie far apart. **No model that looks to the left alone can get below the first, with any amount of training.** Let us see whether a BERT gets below it, and how near to the second. Two blocks, width 32, windows of 16 letters; beside it a GPT of the same shape. Both are trained by Muon (lesson 09).
#
# One thing in advance, learned from failed runs: a hole contains nothing. A GPT finds the last letter at its own place, and pairs of letters are learned in no time. BERT has to find out *first* where its neighbours are, and its table of places starts as noise. To shorten that search, ours starts as the waves of lesson 11 and is trained from there.

# %% [markdown] lang="zh"
# 两个最优值相差很远。**只看左边的模型，训练多久也低不过前一个。** 来看看 BERT 能不能低过它，离后一个又有多近。两个块，宽 32，窗口 16 个字母；旁边是一个形状相同的 GPT。两者都用 Muon（第 09 课）训练。
#
# 先交代一件事，是从失败的训练里学来的：空里什么也没有。GPT 在自己的位置上就找得到上一个字母，字母对一学就会。BERT 却得**先**弄清邻居在哪儿，而它的位置表一开始只是噪声。为了少找一会儿，我们让这张表从第 11 课的波出发，再往下训练。


# %%
from lmcourse.reference.positions import sinusoidal

BLOCKS = dict(layers=2, heads=4, norm="rms", activation="gelu", bias=False, quiet=True)


def make_bert(vocabulary_size, length, width):
    keras.utils.set_random_seed(0)
    shape = dict(vocabulary_size=vocabulary_size + 1, context_length=length, width=width)
    model = BERT(BERTConfig(**shape, **BLOCKS, post_norm=False))
    model.embedding.positions.assign(sinusoidal(length, width) / 10)
    return model


def train(model, batches, steps, rate=0.02, **options):
    muon = keras.optimizers.Muon(adam_lr_ratio=0.3, weight_decay=None)
    options = dict(optimizer=muon, learning_rate=rate, jit_compile=True) | options
    return fit(model, batches, steps=steps, **options)


# %%
PLACE = T // 2  # the blank is in the middle
letters = source.sample(300_000, np.random.default_rng(0))
unseen = source.sample(1000 * T, np.random.default_rng(1)).reshape(-1, T)  # to watch
test = source.sample(2000 * T, np.random.default_rng(2)).reshape(-1, T)  # to report


def exactly(texts):
    p = P[texts[:, PLACE - 1]] * P[:, texts[:, PLACE + 1]].T
    return p / p.sum(axis=1, keepdims=True)


def fill(model, texts, place=PLACE):
    """Log-probabilities of what stands in a hole, in one reading: (B, T) -> (B, V)."""
    holes = texts.copy()
    holes[:, place] = V  # [MASK]
    return log_softmax(model(holes).numpy()[:, place, :V])


def bits(logs, truth):
    return -logs[np.arange(len(truth)), truth].mean() / np.log(2)


# %% [markdown]
# Predict: after 300 steps for BERT and 100 for the GPT, who is nearer to its own optimum?

# %% [markdown] lang="zh"
# 猜一猜：BERT 训练 300 步，GPT 训练 100 步，谁离自己的最优值更近？

# %%
predict("BERT", "GPT")

# %% tags=["nbval-ignore-output"]
reader = make_bert(V, T, width=32)
watch = dict(validate_every=25)
run = train(
    reader,
    masked_batches(letters, 72, T, V),
    steps=300,
    validate=lambda: bits(fill(reader, unseen), unseen[:, PLACE]),
    **watch,
)

found = bits(fill(reader, test), test[:, PLACE])
print(f"BERT, both sides {found:.2f} bits, optimum {2 * h - two:.2f}")
assert 2 * h - two - 0.06 < found < 2 * h - two + 0.15 < h - 0.2


# %% tags=["nbval-ignore-output"]
def next_letter(model, texts, place=PLACE):
    return log_softmax(model(texts[:, :place]).numpy()[:, -1, :V])


def left_only(steps, batches):
    keras.utils.set_random_seed(0)
    model = GPT(GPTConfig(vocabulary_size=V, context_length=T, width=32, **BLOCKS))
    measure = dict(validate=lambda: bits(next_letter(model, unseen), unseen[:, PLACE]))
    return model, train(model, batches, steps, **measure, **watch)


plain = random_batches(letters, 72, T)
gpt, gpt_run = left_only(100, plain)
guessed = bits(next_letter(gpt, test), test[:, PLACE])
print(f"GPT, left side {guessed:.2f} bits, optimum {h:.2f}")
assert h - 0.06 < guessed < h + 0.06

# %% [markdown]
# Both come near to what is possible, and BERT is far below what is possible for any reader of the left side. That is the gain, in bits.
#
# A fair word for the loser. By Bayes, it can fill blanks as well: put each of the six letters in, score the whole text, take shares. Six readings instead of one:

# %% [markdown] lang="zh"
# 两个都接近各自的极限，而 BERT 远远低于只看左边的读者所能达到的极限。这就是所得，以比特计。
#
# 也替输家说句公道话。照贝叶斯公式，它同样会填空：六个字母挨个放进去，给整段文本打分，再算份额。要读六遍，而不是一遍：


# %% tags=["nbval-ignore-output"]
def by_scoring(model, texts, place=PLACE):
    """Fill a blank with a model of the left side: score the text with every candidate."""
    scores = []
    for candidate in range(V):
        texts = texts.copy()
        texts[:, place] = candidate
        logs = log_softmax(model(texts).numpy()[:, :-1, :V])
        told = np.take_along_axis(logs, texts[:, 1:, None], axis=2)[..., 0]
        scores.append(told[:, place - 1 :].sum(axis=1))  # the candidate and what follows
    return log_softmax(np.stack(scores, axis=1))


six_readings = bits(by_scoring(gpt, test), test[:, PLACE])
print(f"GPT, six readings {six_readings:.2f} bits, optimum {2 * h - two:.2f}, BERT {found:.2f}")
assert abs(six_readings - (2 * h - two)) < 0.08
assert six_readings < found + 0.03

# %% [markdown]
# It gets as near to the optimum as BERT, or nearer. So the gain is not knowledge that a GPT couldn't have. The gain is to have it at *every* place, in *one* reading, as a vector: with 30,000 words, 30,000 readings for each blank are out of the question. What BERT is used for in lessons 15 and 16 are exactly these vectors, a word understood from both sides.
#
# ## The price of the 15 percent
#
# A GPT is asked at every place of every window. BERT is asked at 15 of 100, and learns nothing from the others. Does it show? The validations of both runs, as **excess bits** above each one's own optimum. A third run tells two causes apart: a GPT whose loss counts at 15 percent of the places only. Predict: will it be about as slow as BERT?

# %% [markdown] lang="zh"
# 它离最优值和 BERT 一样近，甚至更近。可见所得并不是 GPT 不可能有的知识。所得的是：**每个**位置都有，**一遍**就有，而且是一个向量。词表若有三万个词，一个空要读三万遍，那就免谈了。第 15、16 课用 BERT，用的正是这些向量：从两边理解了的词。
#
# ## 15% 的代价
#
# GPT 在每个窗口的每个位置都要答题；BERT 一百处只答十五处，其余的什么也教不了它。看得出来吗？下面是两次训练中途的验证结果，写成高出各自最优值的**超额比特**。为了把两种原因分开，再跑一次：一个 GPT，损失只在 15% 的位置上算。猜一猜：它会和 BERT 差不多慢吗？

# %%
predict("about as slow", "far faster")


# %% tags=["nbval-ignore-output"]
def sparse(step):
    inputs, targets = plain(step)
    _, chosen = mask_tokens(targets, V, np.random.default_rng((1, step)))
    return inputs, targets, chosen.astype("float32")


_, sparse_run = left_only(100, sparse)
truth = unseen[:, PLACE]
left_floor = bits(np.log(P[unseen[:, PLACE - 1]]), truth)  # of the same texts
floor_of_both = bits(np.log(exactly(unseen)), truth)
runs = {
    "BERT": (run, floor_of_both),
    "GPT": (gpt_run, left_floor),
    "GPT, loss at 15 %": (sparse_run, left_floor),
}
after_100 = {name: dict(history.validation)[100] - floor for name, (history, floor) in runs.items()}
print("excess after 100 steps:", {name: round(float(x), 2) for name, x in after_100.items()})
assert after_100["BERT"] > 3 * max(after_100["GPT"], after_100["GPT, loss at 15 %"], 0.03)

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(6.4, 2.8))
axes.set(yscale="log")
for name, (history, floor) in runs.items():
    steps, values = np.array(history.validation).T
    axes.plot(steps, np.maximum(values - floor, 1e-3), marker="o", label=name)
axes.set(xlabel="steps", ylabel="excess bits a letter", ylim=(0.001, 3))
axes.legend()
plt.show()
assert run.validation[0][1] - floor_of_both > 1 > 0.2 > run.validation[-1][1] - floor_of_both

# %% [markdown]
# **Figure.** Excess bits on held-out text, each above the optimum of its own task, against the steps of training; the vertical axis is logarithmic. Both GPTs are low from the first measurement on and go on falling, the one with the sparse loss a little above the other. BERT stays above one bit at first, while it looks for its neighbours, comes down later, and flattens out above both.

# %% [markdown] lang="zh"
# **图.** 留出文本上的超额比特，各自从自己任务的最优值算起，横轴是训练步数，纵轴是对数刻度。两个 GPT 从第一次测量起就很低，而且一路下降，损失稀疏的那个略高一点。BERT 起初在一比特以上，那是在找邻居；后来才降下来，最后停在两者之上。
# %% [markdown]
# The third curve is the answer: asking a GPT at 15 percent of the places slows it down, but by little; the data of this small language are soon enough. Most of BERT's delay is the search for its neighbours. On real text, where one never has enough, both prices are paid. (Why not hide more, then? Because a text with many holes is no context. Exercise 2 measures it.)
#
# ## Why 80, 10 and 10?
#
# The sign `[MASK]` stands in no text. It exists in training and nowhere else. Whoever later wants a vector for each word of a *whole* sentence, and that is what BERT is for, shows the network something it has never been asked about: places without a hole. So a fifth of the chosen places show a token, and the network can't know whether it is the true one. It has to keep an opinion about every place.
#
# What is the right opinion? Let $p_v$ be the probability of $v$ from the neighbours alone, and suppose a chosen place *shows* $v$. Either it is the truth left standing, with probability $0.1\,p_v$; or it was drawn at random, $0.1 \cdot \frac1V$, and in a share $p_v$ of these cases it happens to be right. So
#
# $$P(\text{what you see is true}) = \frac{0.1\,p_v + 0.1\,\frac{p_v}{V}}{0.1\,p_v + 0.1\,\frac1V} = \frac{p_v\,(1 + \frac1V)}{p_v + \frac1V}$$
#
# With $V = 6$ and $p_v = \frac12$ that is $\frac{7/12}{8/12} = 0.875$: believe it. With $p_v = 0.01$ it is 0.066: a misprint! Let chance check the formula, with independent letters, so that $p_v$ is their frequency:

# %% [markdown] lang="zh"
# 答案在第三条线里：只在 15% 的位置上考 GPT，它会慢一点，但不多；这种小语言，数据很快就够了。BERT 迟到，多半是因为要找邻居。真实文本从来不嫌多，两份代价就都得付。（那为什么不多藏一些？因为满是空的文本算不上上下文。练习 2 来量。）
#
# ## 为什么是 80、10、10？
#
# `[MASK]` 这个记号，任何文本里都没有，只在训练时出现。BERT 的用处，是给**完整**句子里的每个词一个向量；可这样一来，网络面对的都是没有空的位置，而这种位置从没考过它。所以选中的位置里，有五分之一露着一个词元，是真是假网络无从知道。它只好对每个位置都保留一份看法。
#
# 什么样的看法才对？设光凭邻居，$v$ 的概率是 $p_v$；某个选中的位置**露着** $v$。要么它是原样留下的真词元，概率 $0.1\,p_v$；要么是随机抽来的，概率 $0.1 \cdot \frac1V$，其中又有 $p_v$ 那么一份碰巧抽对。所以
#
# $$P(\text{眼见为实}) = \frac{0.1\,p_v + 0.1\,\frac{p_v}{V}}{0.1\,p_v + 0.1\,\frac1V} = \frac{p_v\,(1 + \frac1V)}{p_v + \frac1V}$$
#
# $V = 6$、$p_v = \frac12$ 时，结果是 $\frac{7/12}{8/12} = 0.875$：信它。$p_v = 0.01$ 时只有 0.066：多半是错字！用随机试验验证这个公式；字母取互相独立的，这样 $p_v$ 就是它的频率：

# %%
p = np.array([0.5, 0.3, 0.1, 0.06, 0.03, 0.01])
true = rng.choice(V, size=(100_000, 10), p=p)
seen, chosen = mask_tokens(true, V, rng)
formula = p * (1 + 1 / V) / (p + 1 / V)
for v in range(V):
    here = chosen & (seen == v)
    share = (true[here] == v).mean()
    print(f"p = {p[v]:.2f}: what you see is true in {share:.2f}, formula {formula[v]:.2f}")
    assert abs(share - formula[v]) < 0.05
assert_allclose(formula[0], 0.875)

# %% [markdown]
# Now remove the part: a second BERT, the same in everything, trained with 100/0/0, holes and nothing else. Both are asked twice about the letter in the middle: once it is a hole, once it shows a letter that is true or random, half and half. The optimum of the second question is Bayes' rule again. Predict: in which of the two questions does the 100/0/0 model fall behind?

# %% [markdown] lang="zh"
# 现在拿掉这个部件：再训练一个 BERT，样样相同，只是规则改为 100/0/0，只挖空，不耍花样。对中间那个字母各问两次：一次是空；一次露着一个字母，真的和随机的各占一半。第二问的最优答案，还是贝叶斯公式。猜一猜：100/0/0 的那个，在哪一问上落后？

# %%
predict("the hole", "the letter", "both", "neither")

# %% tags=["nbval-ignore-output"]
bare = make_bert(V, T, width=32)
train(bare, masked_batches(letters, 72, T, V, rule=(1, 0, 0)), steps=300)
truth, visible, exact = test[:, PLACE], test.copy(), exactly(test)
swapped = rng.random(len(test)) < 0.5
visible[swapped, PLACE] = rng.integers(V, size=swapped.sum())
v = visible[:, PLACE]
opinion = exact / V  # somebody drew v at random, and w was true
opinion[np.arange(len(v)), v] += exact[np.arange(len(v)), v]  # or v itself is true
opinion /= opinion.sum(axis=1, keepdims=True)


def at_the_place(model):
    return log_softmax(model(visible).numpy()[:, PLACE, :V])


rows = {"optimum": (bits(np.log(exact), truth), bits(np.log(opinion), truth))}
for name, model in {"80/10/10": reader, "100/0/0": bare}.items():
    rows[name] = bits(fill(model, test), truth), bits(at_the_place(model), truth)
for name, (hole, letter) in rows.items():
    print(f"{name:<9} the hole {hole:.2f} bits, the letter {letter:.2f} bits")
assert abs(rows["80/10/10"][0] - rows["100/0/0"][0]) < 0.15
assert rows["80/10/10"][1] < rows["optimum"][1] + 0.2 < rows["100/0/0"][1]

# %% [markdown]
# At the hole the two are as good as equal. At a visible letter one of them has never been asked, and what its head says there is an accident.
#
# With 80/10/10 comes a skill for nothing: proof-reading. Put one wrong letter into each text; which letter does the model believe least? One reading answers for all places. The model of holes needs a trick for it: cover each place in turn, sixteen readings.

# %% [markdown] lang="zh"
# 在空上，两个不相上下。可露着字母的位置，其中一个从没被考过，它的输出头在那里说什么，全凭偶然。
#
# 80/10/10 还白送一样本事：校对。每段文本里换错一个字母，看模型最不信哪一个。读一遍，所有位置就都有了答案。只学过填空的模型得用个笨办法：把每个位置轮流遮住，读十六遍。

# %% tags=["nbval-ignore-output"]
originals = test[:400]
misprints, every = originals.copy(), np.arange(400)
where = rng.integers(1, T - 1, size=400)
misprints[every, where] = (misprints[every, where] + rng.integers(1, V, size=400)) % V


def belief(logs, texts):
    return np.take_along_axis(logs, texts[..., None], axis=-1)[..., 0]


def in_turn(model, texts):
    """Cover one place after the other: log P(letter | all others), (B, T) -> (B, T)."""
    logs = np.stack([fill(model, texts, place) for place in range(texts.shape[1])], axis=1)
    return belief(logs, texts)


caught, beliefs = {}, {}
for name, model in {"80/10/10": reader, "100/0/0": bare}.items():
    one_reading = belief(log_softmax(model(misprints).numpy()[..., :V]), misprints)
    for way, logs in {"one reading": one_reading, "16 readings": in_turn(model, misprints)}.items():
        beliefs[name, way], caught[name, way] = logs, (logs.argmin(axis=1) == where).mean()
        print(f"{name:<9} {way}: finds {caught[name, way]:.0%} of the misprints (chance: 6%)")
assert caught["80/10/10", "one reading"] > caught["100/0/0", "one reading"] + 0.1
assert abs(caught["80/10/10", "16 readings"] - caught["100/0/0", "16 readings"]) < 0.15

# %% [markdown]
# Some misprints make a text that is as likely as the true one, so nobody finds them all. But the model that was asked about visible letters finds in one reading about what the others find in sixteen.
# %% [markdown] lang="zh"
# 有些错字改出来的文本和原文一样通顺，所以谁也找不全。但在露着的字母上考过的模型，读一遍找到的，就和别的办法读十六遍差不多。

# %% [markdown]
# ## Blanks in real text
#
# Now for real: letters of Shakespeare and characters of the *Romance of the Three Kingdoms*, plays and chapters that nobody has trained on. Four guessers for the same blanks, each with one try:
#
# - **frequency**: always the most frequent one;
# - **left**: the Kneser–Ney model of lesson 02, which sees five letters (three characters) before the blank;
# - **both**: the *same* Kneser–Ney model, used by Bayes' rule: put each candidate in and score it together with the five (three) that follow;
# - **BERT**, trained here and now, for some seconds.
#
# "Both" is the rival from the beginning of this lesson. It has seen the whole training text and forgotten nothing. For Chinese, BERT gets the 1,000 most frequent characters; blanks and candidates are taken from these for everybody.

# %% [markdown] lang="zh"
# ## 真实文本里的空
#
# 现在动真格：莎士比亚的字母，《三国演义》的字，用的是谁也没训练过的剧本和章回。同样的空，四位选手，各猜一次：
#
# - **频率**：永远猜最常见的那个；
# - **左边**：第 02 课的 Kneser–Ney 模型，看得见空前面的五个字母（中文是三个字）；
# - **两边**：**同一个** Kneser–Ney 模型，照贝叶斯公式来用：把每个候选放进去，连同后面的五个（三个）一起打分；
# - **BERT**：当场训练，只练几十秒。
#
# “两边”就是这一课开头说的那个对手。它读过全部训练文本，一点没忘。中文的 BERT 只认最常见的 1000 个字；空和候选都出自这 1000 个字，对谁都一样。

# %%
from lmcourse.models import checkpoints
from lmcourse.text.corpora import sanguo, shakespeare
from lmcourse.text.tokenizers import UNKNOWN, CharacterTokenizer


class Contest:
    """Blanks in the middle of windows of held-out text, and everybody who guesses them."""

    def __init__(self, corpus, length, vocabulary_size=None, count=400):
        self.counting, self.full = checkpoints.load(corpus.name)
        text = corpus.text("train")
        kinds, times = np.unique(list(text), return_counts=True)
        kept = sorted(kinds[np.argsort(-times, kind="stable")][:vocabulary_size])
        self.own = CharacterTokenizer([UNKNOWN, *kept])  # of BERT
        self.ids, self.V, self.place = self.own.encode(text), len(kept) + 1, length // 2
        self.allowed = np.array([len(c) == 1 and c.isalpha() for c in self.own.vocabulary])
        held_out, dice = corpus.text("test"), np.random.default_rng(0)
        self.windows = []
        while len(self.windows) < count:
            start = dice.integers(len(held_out) - length)
            window = held_out[start : start + length]
            if window[self.place] in kept and window[self.place].isalpha():
                self.windows.append(window)
        self.truth = np.array([self.own.encode(w[self.place])[0] for w in self.windows])

    def best(self, scores):
        return np.where(self.allowed, scores, -np.inf).argmax(axis=-1)


# %% [markdown]
# The guessers. `log_probability` of lesson 02 scores a text symbol by symbol; for "both", all candidates with their surroundings are laid end to end, and what belongs to each is added up:

# %% [markdown] lang="zh"
# 几位选手。第 02 课的 `log_probability` 逐个给文本里的符号打分；“两边”的做法，是把所有候选连同各自左右的字首尾相接，再把属于每个候选的分加起来：


# %%
def by_frequency(contest):
    counts = np.bincount(contest.ids, minlength=contest.V)
    return np.full(len(contest.truth), contest.best(counts))


def by_counting(contest, after):
    """Guess with the n-gram model and `after` symbols on the right: 0, or all that it can use."""
    model, place, guesses = contest.counting, contest.place, []
    before = model.order - 1
    candidates = [contest.full.encode(c)[0] if c != UNKNOWN else 0 for c in contest.own.vocabulary]
    for window in contest.windows:
        pieces = np.tile(
            contest.full.encode(window[place - before : place + 1 + after]), (contest.V, 1)
        )
        pieces[:, before] = candidates
        told = np.append(0, model.log_probability(pieces.ravel())).reshape(pieces.shape)
        guesses.append(contest.best(told[:, before:].sum(axis=1)))
    return np.array(guesses)


def by_bert(contest, model):
    holes = np.stack([contest.own.encode(window) for window in contest.windows])
    holes[:, contest.place] = contest.V
    return contest.best(model(holes).numpy()[:, contest.place, : contest.V])


# %%
contests = {
    "English": Contest(shakespeare(), length=16),
    "中文": Contest(sanguo(), length=8, vocabulary_size=1000),
}
guesses = {}
for name, contest in contests.items():
    after = contest.counting.order - 1
    guesses[name] = {
        "frequency": by_frequency(contest),
        "left": by_counting(contest, after=0),
        "both": by_counting(contest, after),
    }
    shares = {who: (g == contest.truth).mean() for who, g in guesses[name].items()}
    print(name, {who: f"{share:.0%}" for who, share in shares.items()})
    assert shares["frequency"] < shares["left"] < shares["both"]

# %% [markdown]
# The right side is worth as much to the n-gram model as to anybody: with nothing new learned, it guesses more blanks. Can BERT beat it after some seconds?

# %% [markdown] lang="zh"
# 右边的消息对 n 元语法模型同样值钱：什么新东西也没学，猜中的空就多了。BERT 练几十秒，赢得了它吗？

# %%
predict("BERT < left", "left < BERT < both", "BERT > both")

# %% tags=["nbval-ignore-output"]
berts = {}


def enter(name, steps, rows):
    contest = contests[name]
    length = len(contest.windows[0])
    berts[name] = make_bert(contest.V, length, width=64)
    counts = np.bincount(contest.ids, minlength=contest.V + 1) + 1
    berts[name].head_bias.assign(np.log(counts / counts.sum()))  # frequencies are known already
    train(berts[name], masked_batches(contest.ids, rows, length, contest.V), steps)
    guesses[name]["BERT"] = by_bert(contest, berts[name])
    shares = {who: (g == contest.truth).mean() for who, g in guesses[name].items()}
    order = sorted(shares, key=shares.get, reverse=True)
    print(name, "  >  ".join(f"{who} {shares[who]:.0%}" for who in order))
    return order, shares["BERT"] - shares["frequency"]


order, ahead = enter("English", steps=400, rows=72)
assert order[0] == "both" and ahead > 0.08

# %% tags=["nbval-ignore-output"]
order, ahead = enter("中文", steps=200, rows=96)
assert order[0] == "both" and ahead < 0.08

# %% [markdown]
# An assert has chosen this sentence: **counting on both sides wins, in both languages.** In English BERT has found out that neighbours matter, and it has left the frequencies behind; in Chinese, with a thousand characters to choose from, it has only begun. In these seconds it has been asked about a small part of the text, and it has to find by slopes what the counts know at once. The larger BERT of 2018 was trained for four days on 64 chips. Time is on its side: the counts of a *long* context are always too few, while vectors can be alike. (In lesson 18 you load a BERT that somebody has trained for long.)
#
# Look at some of the blanks, with the guesses of all (`¶` is the end of a line):

# %% [markdown] lang="zh"
# 这句话是断言选出来的：**两种语言里，都是两边数数的赢。** 英文的 BERT 已经明白邻居要紧，把频率甩在了后面；中文有一千个字可选，它才刚刚入门。在这几十秒里，只有一小部分文本考到过它；计数一查便知的，它得靠斜率慢慢摸索。2018 年那个大号的 BERT 在 64 块芯片上训练了四天。时间站在它一边：**长**上下文的计数总嫌太少，向量却可以彼此相似。（第 18 课会载入别人训练了很久的 BERT。）
#
# 看几个空，各家是怎么猜的（`¶` 是换行）：

# %% tags=["nbval-ignore-output"]
print("truth, then the guesses: left, both, BERT")
for name, contest in contests.items():
    told = [contest.own.decode(guesses[name][who]) for who in ("left", "both", "BERT")]
    for row in range(9):
        window, place = contest.windows[row].replace("\n", "¶"), contest.place
        hidden = window[:place] + "□" + window[place + 1 :]
        print(hidden, "  ", window[place], "  ", *(guessed[row] for guessed in told))
    assert all(len(guessed) == len(contest.windows) for guessed in told)

# %% [markdown]
# Cover the right columns and play yourself: you are the fifth guesser. Names and set phrases are easy from both sides, for you as for the counts.
#
# ## Where does it look?
#
# `read(ids, return_weights=True)` gives the weights of attention of every layer and head. Here are the heads of the English BERT, on a line of Hamlet with one hole, `□`. Below the figure, the share of attention that goes to the right, to the left, and to the place itself, and the same for a GPT:

# %% [markdown] lang="zh"
# 把右边几列遮住，自己也来猜猜：你是第五位选手。人名和套话，从两边看都容易，对你对计数都一样。
#
# ## 它往哪儿看？
#
# `read(ids, return_weights=True)` 会给出每一层、每个头的注意力权重。下面是英文 BERT 的各个头，读的是《哈姆雷特》的一句，挖了一个空 `□`。图下打印出注意力有多少投向右边、左边和自己，旁边是 GPT 的：

# %% tags=["nbval-ignore-output"]
contest, quote = contests["English"], "be, or not to be"
line = contest.own.encode(quote)[None]
line[0, 8] = contest.V
signs = [*quote[:8], "□", *quote[9:]]
_, maps = berts["English"].read(line, return_weights=True)
maps = np.asarray(maps)[:, 0]  # (layers, heads, T, T)


def draw(axes, head):
    layer, number = divmod(head - 1, maps.shape[1])
    plots.heat_map(axes, maps[layer, number], signs, signs, largest=1)
    axes.tick_params(labelsize=7)
    axes.set(xlabel="who is asked", ylabel="who asks")


explore(draw, head=list(range(1, 9)))
_, causal = gpt.read(test[:50], return_weights=True)
for name, weights_of in {"BERT": maps, "GPT": np.asarray(causal)}.items():
    n = weights_of.shape[-1]
    right = np.triu(weights_of, 1).sum(axis=-1).mean()
    left = np.tril(weights_of, -1).sum(axis=-1).mean()
    print(f"{name:<5} right {right:.0%}, left {left:.0%}, itself {1 - left - right:.0%}")
    assert (right > 0.2) == (name == "BERT") and (right > 0 or name == "GPT")

# %% [markdown]
# **Figure.** Attention of six of the eight heads (four in each of the two layers) of the English BERT on *be, or not to be* with one hole. Each row shows where a place looks. Unlike in the maps of lesson 10, the half above the diagonal is in use. In the first layer there are clear stripes beside the diagonal: some heads have specialized in the neighbour on one side.

# %% [markdown] lang="zh"
# **图.** 英文 BERT 读 *be, or not to be*（挖了一个空）时的注意力，两层各四个头，这里是八个里的六个。每一行是一个位置在往哪儿看。与第 10 课的图不同，对角线以上的半边用上了。第一层里，对角线旁边有清楚的条纹：有的头专看某一侧的邻居。
# %% [markdown]
# ## Why it can't write
#
# Everything so far was gain. Now the bill. Two names, 曹操 and 刘备, stand in a text equally often. Somebody hides both characters of the name: `□□`. What does a perfect masked model say about each hole, and what comes out if both holes are filled at once?

# %% [markdown] lang="zh"
# ## 它为什么不会写
#
# 到此为止全是所得，现在来算账。“曹操”和“刘备”两个名字，在文本里出现得一样多。有人把名字的两个字都藏了起来：`□□`。一个完美的掩码模型，对每个空怎么说？两个空同时填上，会填出什么？

# %%
predict("曹操 1/2, 刘备 1/2", "1/4 each: 曹操, 曹备, 刘操, 刘备")

# %%
names = {"曹操": 0.5, "刘备": 0.5}
first = {c: sum(p for name, p in names.items() if name[0] == c) for c in "曹刘"}
second = {c: sum(p for name, p in names.items() if name[1] == c) for c in "操备"}
filled = {a + b: first[a] * second[b] for a in first for b in second}
for name, share in filled.items():
    print(name, share, "" if name in names else "  nobody · 查无此人")
assert_allclose([share for name, share in filled.items() if name not in names], 0.25)

# %% [markdown]
# Half of all texts name nobody. Each hole for itself is right, but the two answers know nothing of each other. A GPT has this under control by its very shape: it is a product of conditional probabilities, $P(x) = \prod_t P(x_t \mid x_{<t})$, and so the second character knows the first. BERT has $V$ numbers for each hole and **no probability for a text**.
#
# Then fill one hole, read again, and fill the other! This can be done in two orders, and for any true distribution both give the same,
#
# $$P(x_1)\,P(x_2 \mid x_1) = P(x_1, x_2) = P(x_2)\,P(x_1 \mid x_2).$$
#
# Does BERT keep this law? Two neighbouring holes in the language of six letters, with the exact answers beside it:

# %% [markdown] lang="zh"
# 一半的文本里，名字查无此人。每个空单看都填得对，可两个答案互不知情。GPT 从构造上就管住了这一点：它是条件概率的乘积，$P(x) = \prod_t P(x_t \mid x_{<t})$，第二个字知道第一个字是什么。BERT 给每个空 $V$ 个数，却**给不出一段文本的概率**。
#
# 那就先填一个空，再读一遍，再填另一个！次序有两种，而对任何真正的概率分布，两种次序结果相同：
#
# $$P(x_1)\,P(x_2 \mid x_1) = P(x_1, x_2) = P(x_2)\,P(x_1 \mid x_2)$$
#
# BERT 守不守这条规矩？还用六个字母的语言，挖两个相邻的空，旁边放上精确答案：


# %%
def two_orders(at_both, fill_left, fill_right, texts):
    """log2 of both letters, left hole first, and right hole first."""
    x, y = texts[:, PLACE], texts[:, PLACE + 1]
    left_first = belief(at_both[0], x) + belief(fill_right, y)
    right_first = belief(at_both[1], y) + belief(fill_left, x)
    return np.stack([left_first, right_first]) / np.log(2)


# %% tags=["nbval-ignore-output"]
a, x, y, b = (test[:, PLACE + k] for k in (-1, 0, 1, 2))
both_holes = test.copy()
both_holes[:, PLACE : PLACE + 2] = V
at_both = log_softmax(reader(both_holes).numpy()[:, PLACE : PLACE + 2, :V]).transpose(1, 0, 2)
learned = two_orders(at_both, fill(reader, test), fill(reader, test, PLACE + 1), test)
three = np.linalg.matrix_power(P, 3)[a, b][:, None]
far = np.log([P[a] * (P @ P)[:, b].T / three, (P @ P)[a] * P[:, b].T / three])
near = [np.log(P[i] * P[:, j].T / (P @ P)[i, j][:, None]) for i, j in ((a, y), (x, b))]
by_law = two_orders(far, *near, test)
for name, orders in {"exact": by_law, "BERT": learned}.items():
    print(
        f"{name:<6} the two orders differ by {abs(orders[0] - orders[1]).mean():.2f} bits on average"
    )
assert_allclose(by_law[0], by_law[1], atol=1e-9)
assert abs(learned[0] - learned[1]).mean() > 0.03

# %% [markdown]
# It doesn't. Nobody told the network that its answers should fit together, and there is no single distribution that has them all as its conditionals. Which of the two numbers is "the probability that BERT gives to this pair"? There is none.
#
# One may still *make* it write: put `[MASK]` at the end, let it guess, append, go on. Predict: is it as good at the next letter as the GPT, which has been trained for a third of the steps?

# %% [markdown] lang="zh"
# 不守。没人告诉过这个网络，它的各个回答应当互相对得上；也不存在哪一个分布，能把这些回答全都当作自己的条件概率。两个数里，哪个才是“BERT 给这一对的概率”？都不是，根本没有这个概率。
#
# 硬要它写，也不是不行：在末尾放一个 `[MASK]`，让它猜，接上去，再来。猜一猜：猜下一个字母，它赶得上只训练了三分之一步数的 GPT 吗？

# %%
predict("as good", "worse", "better")

# %% tags=["nbval-ignore-output"]
loss = {"BERT": [], "GPT": []}
for length in (2, 4, 8, T - 1):
    target = test[:, length]
    loss["BERT"].append(bits(fill(reader, test[:, : length + 1], length), target))
    loss["GPT"].append(bits(next_letter(gpt, test, length), target))
    found, guessed = loss["BERT"][-1], loss["GPT"][-1]
    print(
        f"{length:>2} letters, then [MASK]: BERT {found:.2f} bits, GPT {guessed:.2f}; optimum {h:.2f}"
    )
assert np.mean(loss["BERT"]) > np.mean(loss["GPT"]) + 0.02
assert min(loss["BERT"]) > h - 0.07

# %% [markdown]
# With nothing on the right, BERT falls back to what the left side can tell, and it is worse at it: the end of a text was one place among many in its training. And it pays for each letter with a reading of the whole text, since every new token changes the vectors of *all* places. A GPT keeps its past (lesson 21).
#
# ## A perplexity that is none
#
# A number for a whole text is still wanted: to compare two translations, to find the more natural of two sentences. So one covers each token in turn and adds up (Salazar and others 2020):
#
# $$\mathrm{PLL}(x) = \sum_{t=1}^{T} \ln P(x_t \mid x_{\setminus t}), \qquad \text{pseudo-perplexity} = e^{-\mathrm{PLL}/T}$$
#
# where $x_{\setminus t}$ is the text without its $t$-th token. $\mathrm{PLL}$ is the **pseudo-log-likelihood**. It looks like the perplexity of lesson 01. But there each token was charged once, given what stood *before*. Here, in `曹操`, the 曹 is cheap because of the 操, and the 操 is cheap because of the 曹: what both tell of each other is subtracted twice. Predict: can the pseudo-perplexity of BERT lie below that of the source itself, $2^h$?

# %% [markdown] lang="zh"
# 右边什么也没有，BERT 就只剩左边的消息可用，而且用得不如 GPT：训练时，文末不过是许多位置中的一个。此外它每写一个字母都要把整段文本重读一遍，因为新来的词元会改动**所有**位置的向量；GPT 却可以留着过去的结果（第 21 课）。
#
# ## 不是困惑度的“困惑度”
#
# 给整段文本一个数，总还是用得着：比较两份译文，挑出两句话里更通顺的一句。于是有人把词元轮流遮住，再加起来（Salazar 等，2020）：
#
# $$\mathrm{PLL}(x) = \sum_{t=1}^{T} \ln P(x_t \mid x_{\setminus t}), \qquad \text{伪困惑度} = e^{-\mathrm{PLL}/T}$$
#
# 其中 $x_{\setminus t}$ 是去掉第 $t$ 个词元的文本，$\mathrm{PLL}$ 叫**伪对数似然**（pseudo-log-likelihood）。它看着很像第 01 课的困惑度。可那时每个词元只收一次钱，条件是它**前面**的内容；这里呢，“曹操”二字，曹因为有操而便宜，操因为有曹而便宜：两者互相透露的消息被减了两次。猜一猜：BERT 的伪困惑度，能不能低于信源自己的困惑度 $2^h$？

# %%
predict("yes", "no")

# %% tags=["nbval-ignore-output"]
covered = in_turn(reader, originals)
pseudo = -covered.mean() / np.log(2)
print(f"source: {h:.2f} bits a letter, perplexity {2**h:.2f}: nobody can do better")
print(f"BERT:   {pseudo:.2f} 'bits' a letter, pseudo-perplexity {2**pseudo:.2f}")
assert pseudo < h - 0.2

# %% [markdown]
# Below the entropy rate, which no model can beat. So these are no bits of a message: no code could use them, since the decoder would have to know the right side first. The other test of a probability: sum it over *all* texts of a length. The chain rule gives 1. And the products of the exact conditionals? ($P(x_t \mid x_{\setminus t})$ is the joint probability divided by its sum over the $t$-th letter.)

# %% [markdown] lang="zh"
# 低于熵率，而熵率是任何模型都低不过的。所以这不是传消息用的比特：没有哪种编码用得上它们，因为解码的人得先知道右边。检验概率还有一招：对某个长度的**所有**文本求和。链式法则给出 1。把精确的条件概率乘起来呢？（$P(x_t \mid x_{\setminus t})$ 就是联合概率除以它对第 $t$ 个字母的和。）

# %%
joint, sums = pi, {}
for n in range(2, 7):
    joint = joint[..., None] * P  # (V, ..., V): every text of n letters
    conditionals = [joint / joint.sum(axis=t, keepdims=True) for t in range(n)]
    sums[n] = np.prod(conditionals, axis=0).sum()
    print(f"{V**n:>6} texts of {n} letters: chain rule {joint.sum():.3f}, pseudo {sums[n]:.3f}")
    assert_allclose(joint.sum(), 1)
assert all(abs(total - 1) > 0.1 for total in sums.values())

# %% [markdown]
# Not one, and the longer the texts, the further off. The extreme case: a language that says every letter twice, `aabbcc…`. Cover any letter and its twin gives it away, so the pseudo-perplexity is exactly 1, however many letters there are. (The perplexity is $\sqrt V$.) **Never put a pseudo-perplexity beside a perplexity.**
#
# Within one model it is useful all the same: as a comparison of two texts of the same length. A text against its copy with one misprint, which scores higher?

# %% [markdown] lang="zh"
# 不是一，而且文本越长差得越远。极端的情形：一种把每个字母说两遍的语言，`aabbcc…`。遮住哪个字母，它的孪生兄弟都会泄底，所以伪困惑度恰好是 1，字母再多也一样。（困惑度则是 $\sqrt V$。）**决不要把伪困惑度和困惑度摆在一起比。**
#
# 但在同一个模型之内，它仍然有用：比较两段一样长的文本。原文和它错了一个字母的抄本，谁的分高？


# %% tags=["nbval-ignore-output"]
def log_joint(texts):
    return np.log(pi[texts[:, 0]]) + np.log(P[texts[:, :-1], texts[:, 1:]]).sum(axis=1)


right_by_truth = (log_joint(originals) > log_joint(misprints)).mean()
with_misprint = beliefs["80/10/10", "16 readings"]
right_by_pseudo = (covered.sum(axis=1) > with_misprint.sum(axis=1)).mean()
print(
    f"the original wins: by the true probability {right_by_truth:.0%}, by PLL {right_by_pseudo:.0%}"
)
assert right_by_truth - 0.05 < right_by_pseudo < right_by_truth + 0.03

# %% [markdown]
# ## What else was in BERT
#
# The BERT of 2018 read *two* pieces of text at a time, `[CLS] A [SEP] B [SEP]`, with two signs that are no words and one more table: every token also gets a vector that says whether it belongs to A or to B, its **segment**. The vector at `[CLS]` was to stand for the whole, and it was trained by a second task, **next sentence prediction**: does B really follow A, or was it taken from some other document?
#
# In the course's BERT the segments are in place, since published weights need them:

# %% [markdown] lang="zh"
# ## BERT 里还有什么
#
# 2018 年的 BERT 一次读**两**段文本，`[CLS] 甲 [SEP] 乙 [SEP]`，用了两个不是词的记号，还多一张表：每个词元另加一个向量，说明自己属于甲还是乙，叫**片段**（segment）。`[CLS]` 处的向量要代表全文，为此有第二项训练任务，**下一句预测**：乙真的接在甲后面，还是从别的文档里拿来的？
#
# 本课程的 BERT 里片段是齐备的，因为载入公开发表的权重要用：

# %%
CLS, SEP, HOLE = 6, 7, 8
pair = np.array([[CLS, 0, 1, HOLE, SEP, 2, 3, SEP]])
parts = np.array([[0, 0, 0, 0, 0, 1, 1, 1]])
keras.utils.set_random_seed(0)
two_parts = BERT(BERTConfig(vocabulary_size=9, context_length=8, layers=1, width=16, heads=4))
moved = two_parts(pair, segments=parts).numpy() - two_parts(pair).numpy()
print(
    "vectors",
    two_parts.read(pair, parts).shape,
    " the one at [CLS]:",
    two_parts.read(pair, parts)[:, 0].shape,
)
print("do the segments count?", bool(abs(moved).max() > 1e-3))
assert abs(moved).max() > 1e-3

# %% [markdown]
# Was the second task any good? Try it without a network. Take neighbouring sentences of the *Romance of the Three Kingdoms* and, as the false next sentence, one from another chapter. Guess that the one which shares more characters with A is the true one:

# %% [markdown] lang="zh"
# 第二项任务管用吗？不用网络也能试。取《三国演义》里相邻的两句；假的下一句，从别的回里拿。就猜与甲共用的字更多的那个是真的：

# %%
chapters = [d.text for d in sanguo().documents if d.split == "test"]
cut = [[s for s in text.replace("\n", "").split("。") if len(s) > 8] for text in chapters]
marks = set("，、；：？！“”‘’")


def shared(one, other):
    return len((set(one) & set(other)) - marks) / len((set(one) | set(other)) - marks)


wins, swaps = [], []
for number, sentences in enumerate(cut):
    for A, B in zip(sentences[:-1:5], sentences[1::5], strict=False):
        others = cut[(number + rng.integers(1, len(cut))) % len(cut)]
        true, false = shared(A, B), shared(A, others[rng.integers(len(others))])
        wins.append((true > false) + (true == false) / 2)
        swaps.append(shared(A, B) == shared(B, A))
print(
    f"{len(wins)} pairs; the next sentence is found by counting shared characters: {np.mean(wins):.0%}"
)
print(
    f"A before B, or B before A? Shared characters can't tell in {np.mean(swaps):.0%} of the pairs"
)
assert np.mean(wins) > 0.6 and all(swaps)

# %% [markdown]
# Counting does it in a good part of the cases: the names are the same, the subject is the same. A task that can be solved by the subject teaches the subject, and masking teaches that anyway. RoBERTa (2019) dropped next sentence prediction and became no worse for it, rather better; it also drew new holes for every pass, as our batches do, and trained for longer. ALBERT (2020) asked a harder question instead: are A and B in the right order? There shared characters are of no help, as the last line shows.
# %% [markdown] lang="zh"
# 光数共用的字，就能猜中很大一部分：名字一样，说的事也一样。靠话题就能解的任务，教会的也只是话题，而这个掩码本来就在教。RoBERTa（2019）去掉了下一句预测，结果不差，反而略好；它还每读一遍就重新挖空，和我们的批一样，训练也更久。ALBERT（2020）换了一个更难的问题：甲和乙的次序对不对？这时共用的字帮不上忙，最后一行就是证据。

# %% [markdown]
# ## Try it
#
# 1. *Easy.* The proof-reader sees a token $v$ at a chosen place that has no hole. From which $p_v$ on should it believe its eyes, that is, think it more probable than not that $v$ is true? Work it out with a pencil for $V = 6$ and for BERT's $V = 30522$.
#
# <details><summary>Hint</summary>Set p(1 + 1/V) / (p + 1/V) equal to 1/2 and solve for p.</details>
#
# 2. *Medium.* Why 15 percent and not 80? In the language of six letters, let every letter but the one in question be hidden with probability $m$. How many bits does the blank cost the perfect guesser, for $m = 0$, 0.15, 0.4, 0.8?
#
# <details><summary>Hint</summary>If the nearest visible letters are i places to the left and j to the right, the blank costs H(i) + H(j) − H(i + j), where H(k) is the entropy after k steps of the chain. How probable are i and j?</details>
#
# 3. *Hard.* A masked model *can* be made to write: start with random letters, and draw one place after the other anew from its conditional distribution, given all others; go over the text again and again. (This is Gibbs sampling.) Do it with the exact conditionals of the chain and with our BERT. How near do the pairs of letters come to the true frequencies $\pi_a P_{ab}$, and after how many rounds?
#
# <details><summary>Hint</summary>`fill(model, texts, place)` gives the logarithms. Draw for all rows at once: compare one random number per row with the cumulated probabilities.</details>

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. **容易。** 校对员在一个选中而没有挖空的位置看见词元 $v$。从多大的 $p_v$ 起，它该相信自己的眼睛，也就是认为 $v$ 是真的更有可能？对 $V = 6$ 和 BERT 的 $V = 30522$，用纸笔算出来。
#
# <details><summary>提示</summary>令 p(1 + 1/V) / (p + 1/V) 等于 1/2，解出 p。</details>
#
# 2. **中等。** 为什么是 15%，而不是 80%？在六个字母的语言里，除了要猜的那个，其余每个字母都以概率 $m$ 藏起来。$m = 0$、0.15、0.4、0.8 时，这个空要花掉完美的猜测者多少比特？
#
# <details><summary>提示</summary>若最近的可见字母在左边第 i 处和右边第 j 处，空的代价是 H(i) + H(j) − H(i + j)，其中 H(k) 是链走 k 步之后的熵。i 和 j 的概率各是多少？</details>
#
# 3. **较难。** 掩码模型其实**也能**写：从随机的字母出发，把各个位置轮流按它的条件概率重抽一遍（其余位置不动），一轮又一轮。（这叫吉布斯采样。）分别用链的精确条件概率和我们的 BERT 来做。相邻两个字母的频率，离真值 $\pi_a P_{ab}$ 有多近？要几轮？
#
# <details><summary>提示</summary>`fill(model, texts, place)` 给出对数概率。所有行一起抽：每行取一个随机数，与累计概率比较。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** $2p(1 + \frac1V) = p + \frac1V$, so $p\,(1 + \frac2V) = \frac1V$ and $p = \frac{1}{V+2}$. A little less than chance! A random token is so rarely *this* one that whatever stands there is probably true, unless the neighbours speak strongly against it.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** $2p(1 + \frac1V) = p + \frac1V$，所以 $p\,(1 + \frac2V) = \frac1V$，$p = \frac{1}{V+2}$，比瞎猜还低一点！随机抽的词元恰好是**这一个**，太难得了；所以写在那里的多半是真的，除非邻居们强烈反对。

# %%
for size in (6, 30522):
    p = 1 / (size + 2)
    print(f"V = {size:>5}: believe from p = {p:.6f} on (chance: {1 / size:.6f})")
    assert_allclose(p * (1 + 1 / size) / (p + 1 / size), 0.5)

# %% [markdown]
# **2.** With $H(k)$ the entropy of a letter $k$ steps after a known one, the chain rule gives $H(i) + H(j) - H(i+j)$, and $i$ is the nearest visible letter with probability $(1-m)\,m^{i-1}$, $j$ likewise. At 15 percent little is lost; at 80 percent most of what the neighbours could have told is gone. (On real text larger models bear more: for one of the size of the large BERT, 40 percent was better than 15; Wettig and others 2023.)

# %% [markdown] lang="zh"
# **2.** 设 $H(k)$ 是已知某字母、走 $k$ 步之后那个字母的熵，由链式法则得 $H(i) + H(j) - H(i+j)$；最近的可见字母在第 $i$ 处的概率是 $(1-m)\,m^{i-1}$，$j$ 也一样。藏 15%，损失不大；藏 80%，邻居本来能透露的消息，大半都没了。（真实文本上，大模型经得起多藏：像大号 BERT 那样大小的模型，藏 40% 比 15% 好；Wettig 等，2023。）

# %%
reach = 60
steps_entropy = [pi @ entropy(np.linalg.matrix_power(P, k)) for k in range(1, 2 * reach + 1)]
H = np.array([0, *steps_entropy])
i = np.arange(1, reach + 1)
cost = H[i][:, None] + H[i] - H[i[:, None] + i]
for m in (0, 0.15, 0.4, 0.8):
    chance = (1 - m) * float(m) ** (i - 1)
    blank_bits = chance @ cost @ chance
    print(f"hidden {m:>4.0%}: a blank costs {blank_bits:.2f} bits")
    assert m > 0 or abs(blank_bits - (2 * h - two)) < 1e-9
assert blank_bits > 1.7

# %% [markdown]
# **3.** The exact conditionals bring the text nearer to the true language with every round; they are the conditionals of *one* distribution, and Gibbs sampling finds it. BERT's answers don't fit together, and still the text it settles on is recognizably the language (Wang and Cho 2019 called BERT a random field that can speak; it speaks slowly).

# %% [markdown] lang="zh"
# **3.** 用精确的条件概率，文本一轮比一轮更像那种语言：它们出自**同一个**分布，吉布斯采样找得到它。BERT 的回答彼此合不拢，可它安顿下来的文本，照样认得出是那种语言（Wang 和 Cho，2019，说 BERT 是个会说话的随机场；只是说得慢）。


# %% tags=["nbval-ignore-output"]
def draw_letters(p):
    threshold = rng.random((len(p), 1)) * p.sum(axis=1, keepdims=True)
    return (p.cumsum(axis=1) < threshold).sum(axis=1).clip(0, V - 1)


def exact_fill(texts, t):
    p = P[texts[:, t - 1]] if t else pi[None]
    return p * P[:, texts[:, t + 1]].T if t + 1 < T else p


ways = {"exact": exact_fill, "BERT": lambda texts, t: np.exp(fill(reader, texts, t))}
for name, conditional in ways.items():
    texts, distances = rng.integers(V, size=(300, T)), []
    for _ in range(5):
        pairs = np.bincount(texts[:, :-1].ravel() * V + texts[:, 1:].ravel(), minlength=V * V)
        distances.append(abs(pairs / pairs.sum() - (pi[:, None] * P).ravel()).sum() / 2)
        for t in range(T):
            texts[:, t] = draw_letters(conditional(texts, t))
    print(
        f"{name:<6} distance after 0, 1, 2, 3, 4 rounds:",
        np.round(distances, 2),
    )
    print("      ", *(source.spell(text) for text in texts[:3]))
    assert distances[4] < 0.6 * distances[0]

# %% [markdown]
# ## What we know now
#
# - A blank is guessed from both sides: $P(w \mid \ell)\,P(r \mid \ell, w)$, divided by the sum. Every language model can do it in $V$ readings; a masked language model does it in one, at all places.
# - In a Markov chain a blank costs $2h - h_2$, less than the entropy rate; BERT gets near it, and no reader of the left side can.
# - It is asked at 15 percent of the places and has to find its neighbours first. That makes it slow to learn.
# - 80/10/10: the places that show a token, true or false, teach the network to keep an opinion about everything it sees.
# - After some seconds of training, counting on both sides is the better guesser on real text. A baseline must have the same information as the model.
# - Its conditionals don't fit together, their product is no probability of a text, and a pseudo-perplexity is no perplexity. It can compare, but not be compared.
#
# ## What it still can't do
#
# Guessing letters is nobody's wish. What is wanted is an answer: is this review friendly? where is the name in this sentence? Lesson 15 takes a network that has been trained on plain text, puts a small head on it, and trains it on for a task, with few labelled examples. There the vectors made from both sides show what they are worth.
#
# ## References
#
# - W. L. Taylor, *"Cloze Procedure": A New Tool for Measuring Readability* (1953).
# - J. Devlin, M.-W. Chang, K. Lee, K. Toutanova, *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding* (2018; NAACL 2019).
# - M. Peters and others, *Deep Contextualized Word Representations* (2018): ELMo.
# - Y. Liu and others, *RoBERTa: A Robustly Optimized BERT Pretraining Approach* (2019).
# - Z. Lan and others, *ALBERT: A Lite BERT for Self-supervised Learning of Language Representations* (2020).
# - J. Salazar, D. Liang, T. Q. Nguyen, K. Kirchhoff, *Masked Language Model Scoring* (2020): pseudo-log-likelihood.
# - A. Wang, K. Cho, *BERT has a Mouth, and It Must Speak: BERT as a Markov Random Field Language Model* (2019).
# - A. Wettig, T. Gao, Z. Zhong, D. Chen, *Should You Mask 15% in Masked Language Modeling?* (2023).
# - J. Besag, *Statistical Analysis of Non-Lattice Data* (1975): the pseudo-likelihood.

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - 空是从两边猜的：$P(w \mid \ell)\,P(r \mid \ell, w)$，再除以总和。每个语言模型都能读 $V$ 遍做到；掩码语言模型读一遍，所有位置都有了。
# - 马尔可夫链里，一个空值 $2h - h_2$，低于熵率；BERT 接近得了它，只看左边的读者谁也不行。
# - 它只在 15% 的位置上受考，还得先找到邻居，所以学得慢。
# - 80/10/10：露着词元的位置真假难辨，教会网络对看见的一切都保留一份看法。
# - 只训练几十秒，真实文本上还是两边数数猜得更准。拿来比较的基线，知道的东西得和模型一样多。
# - 它的各个条件概率合不拢，乘起来不是文本的概率，伪困惑度不是困惑度。它可以拿来比较文本，却不能拿去与别的模型比。
#
# ## 它还做不到
#
# 猜字母不是谁的心愿，人们要的是答案：这条评论是褒是贬？这句话里的人名在哪儿？第 15 课取一个在普通文本上训练过的网络，给它安上一个小小的输出头，用很少的标注样本接着训练。从两边得来的向量值多少，到那时就见分晓。
#
# ## 参考文献
#
# - W. L. Taylor, *"Cloze Procedure": A New Tool for Measuring Readability* (1953)。
# - J. Devlin, M.-W. Chang, K. Lee, K. Toutanova, *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding* (2018；NAACL 2019)。
# - M. Peters 等, *Deep Contextualized Word Representations* (2018)：ELMo。
# - Y. Liu 等, *RoBERTa: A Robustly Optimized BERT Pretraining Approach* (2019)。
# - Z. Lan 等, *ALBERT: A Lite BERT for Self-supervised Learning of Language Representations* (2020)。
# - J. Salazar, D. Liang, T. Q. Nguyen, K. Kirchhoff, *Masked Language Model Scoring* (2020)：伪对数似然。
# - A. Wang, K. Cho, *BERT has a Mouth, and It Must Speak: BERT as a Markov Random Field Language Model* (2019)。
# - A. Wettig, T. Gao, Z. Zhong, D. Chen, *Should You Mask 15% in Masked Language Modeling?* (2023)。
# - J. Besag, *Statistical Analysis of Non-Lattice Data* (1975)：伪似然。
