# %% [markdown]
# # 20 · Decoding
# **Prerequisites:** [13 · GPT](13_gpt.ipynb), [03 · Softmax](03_softmax.ipynb), [18 · Pretrained](18_pretrained.ipynb) for the last section · **Minutes:** 80 · **Modules:** `generation/sampling.py`, `generation/beam.py`, `generation/constrained.py`, `generation/automaton.py`, `generation/derivatives.py`, `models/trained.py` · **Previous:** [18 · Pretrained](18_pretrained.ipynb) · **Next:** [21 · Fast inference](21_fast_inference.ipynb)
#
# Every model of this course ends in the same place: one probability for each token of the vocabulary. That is not yet a text. Somebody has to choose, and then choose again, a hundred times, each choice binding all that come after. So far we drew lots, or took the largest number, and went on to other things.
#
# **Question: from the same model come a parrot, a drunkard and a decent writer. Which rule of choosing makes which, can we find the *most probable* text, and would we want to read it? And how do we make a model keep to a form that a program can read?**
#
# Turning probabilities into a text is called **decoding**. Nothing is trained in this lesson. We use what is there: the GPT of the lineage table, and in the end the assistant of lesson 18.

# %% [markdown] lang="zh"
# # 20 · 解码
# **先修：** [13 · GPT](13_gpt.ipynb)、[03 · Softmax](03_softmax.ipynb)，最后一节用到 [18 · 预训练模型](18_pretrained.ipynb) · **用时：** 80 分钟 · **模块：** `generation/sampling.py`、`generation/beam.py`、`generation/constrained.py`、`generation/automaton.py`、`generation/derivatives.py`、`models/trained.py` · **上一课：** [18 · 预训练模型](18_pretrained.ipynb) · **下一课：** [21 · 快速推理](21_fast_inference.ipynb)
#
# 这门课的每个模型都停在同一个地方：给词表里每个词元一个概率。这还不是文本。得有谁来挑，挑完再挑，一连挑上百次，每挑一次，后面的就全被它拴住。到现在为止，我们要么抽签，要么拿最大的那个，然后就去忙别的了。
#
# **问题：同一个模型，可以是鹦鹉，可以是醉汉，也可以是个像样的写手。哪条挑选的规矩造就哪一个？概率最大的那段文本找得到吗？找到了，我们愿意读吗？又怎样让模型守住一种程序读得懂的格式？**
#
# 把概率变成文本，叫**解码**。这一课什么也不训练，用的都是现成的：谱系表里的那个 GPT，最后还有第 18 课的助手。

# %%
import json
import re
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.generation.beam import beam_search, beam_steps
from lmcourse.generation.sampling import Sampling, distribution, generate, masked, sample
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.softmax import log_softmax, softmax
from lmcourse.text.corpora import shakespeare

rng = setup(seed=0)

# %% [markdown]
# ## The best step is not the best way
#
# A language of three words, *to*, *die* and *sleep*. A table says which word follows which, and how probably. We stand on *to* and write two more words:

# %% [markdown] lang="zh"
# ## 每一步最好，不等于全程最好
#
# 一门只有三个词的语言：*to*、*die*、*sleep*。一张表说明谁跟在谁后面、概率多大。我们站在 *to* 上，再写两个词：

# %%
words = ["to", "die", "sleep"]
table = np.array([[0.1, 0.5, 0.4], [0.4, 0.3, 0.3], [0.9, 0.05, 0.05]])
for word, row in zip(words, table, strict=True):
    print(f"after {word:<6}", "  ".join(f"{w} {p:.2f}" for w, p in zip(words, row, strict=True)))

# %% [markdown]
# **Greedy decoding** takes the most probable word, then the most probable word after it. Which two words does it write? And is there a pair of words that is more probable?

# %% [markdown] lang="zh"
# **贪心解码**取最可能的词，再取它后面最可能的词。它写出哪两个词？有没有哪两个词合起来更可能？

# %%
predict("die to, and no · 没有", "die to, but sleep to · 但 sleep to 更可能", "sleep to")

# %%
for first in range(3):
    for second in range(3):
        p = table[0, first] * table[first, second]
        print(f"to {words[first]:<6}{words[second]:<6} {p:.3f}")
assert table[0].argmax() == 1 and table[1].argmax() == 0  # greedy: die, to
assert_allclose([table[0, 1] * table[1, 0], table[0, 2] * table[2, 0]], [0.20, 0.36])

# %% [markdown]
# Greedy writes *to die to*, 0.20. *To sleep to* has 0.36. At the first step *sleep* was the second choice, and it pays at the second step. The most probable text is not made of the most probable tokens. To find it for certain one would have to look at all $V^n$ texts of length $n$: nine here, and for 60 characters of our GPT a number of 110 digits.
#
# We come back to this with a compromise between one and all, beam search. First the other question: do we want the most probable text at all?

# %% [markdown] lang="zh"
# 贪心写的是 *to die to*，概率 0.20；*to sleep to* 却有 0.36。第一步 *sleep* 只排第二，到第二步就赚回来了。最可能的文本，并不由最可能的词元拼成。要稳稳找到它，得把长为 $n$ 的 $V^n$ 段文本全看一遍：这里是九段；换成我们的 GPT 写 60 个字符，那是个 110 位的数。
#
# 在“一条”与“全部”之间有个折中，叫束搜索，待会儿再说。先问另一个问题：最可能的文本，我们真的想要吗？

# %%
import tensorflow as tf

from lmcourse.models import trained

gpt, tokenizer = trained.load("shakespeare", "GPT")
V, CONTEXT = tokenizer.vocabulary_size, gpt.context_length
print(f"V = {V}, context {CONTEXT} characters, {gpt.count_params():,} weights")
print("texts of 60 characters: a number of", len(str(V**60)), "digits")
assert len(str(V**60)) == 110


# %%
@tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
def graph(ids):  # compiled once, for any number of rows and any length
    return gpt(ids)


def model(ids):
    return graph(ids.astype("int32")).numpy()


def continued(prompt, length=100, seed=0, **knobs):
    ids, dice = tokenizer.encode(prompt), np.random.default_rng(seed)
    return tokenizer.decode(generate(model, ids, length, dice, CONTEXT, **knobs))


# %% tags=["nbval-ignore-output"]
for knobs in ({"temperature": 0}, {}, {"temperature": 1.5}):
    text = continued("\nKING ", **knobs)
    print(f"--- {knobs}{text}")
    assert text.startswith("\nKING ")

# %% [markdown]
# The parrot, an apprentice, the drunkard: one model, three temperatures (lesson 03). What goes wrong at either end?
#
# ## The long tail
#
# Begin with the drunkard, or even with the apprentice, who draws from exactly the distribution that the model has learned. Of 68 characters, most are nearly impossible at any place. But there are many of them. How much probability lies on all tokens with less than 1 % together, at an average place of held-out plays? And how often do people write such a token?

# %% [markdown] lang="zh"
# 鹦鹉、学徒、醉汉：同一个模型，三种温度（第 03 课）。两头各出了什么毛病？
#
# ## 长尾巴
#
# 先看醉汉，甚至学徒也算上，他可是老老实实按模型学到的分布来抽的。68 个字符，在任何一处，绝大多数都几乎不可能；可是架不住多。在留出的剧本里平均来说，概率不到 1% 的那些词元，加起来占多少？人写字，又有多大比例会写到这样的词元？

# %%
predict("tail 0.3 %, people 0.3 %", "tail 3 %, people 3 %", "tail 10 %, people 1 %")

# %% tags=["nbval-ignore-output"]
plays = shakespeare().text("validation")
windows = tokenizer.encode(plays)[: 60 * CONTEXT].reshape(60, CONTEXT)
logits = np.concatenate([model(part) for part in np.split(windows, 3)])[:, 40:-1]
came = windows[:, 41:]  # what people wrote there
p = softmax(logits.astype(np.float64))
of_people = np.take_along_axis(p, came[..., None], axis=-1)[..., 0]
tail = np.where(p < 0.01, p, 0).sum(axis=-1).mean()
print(f"tokens below 1 %, an average place: {(p < 0.01).sum(axis=-1).mean():.0f} of {V}")
print(f"their probability together        : {tail:.1%}")
print(f"people write one of them          : {(of_people < 0.01).mean():.1%}")
print(f"in 100 characters at least one    : {1 - (1 - tail) ** 100:.0%}")
assert 0.01 < tail < 0.06 and abs(tail - (of_people < 0.01).mean()) < 0.02

# %% [markdown]
# The amount is right: people write rare characters about as often as the model expects. That is what training on cross-entropy buys. But when *people* do it, they know why, and how to go on; when *we* do it, the dice have spoken. In 100 characters that happens nearly always. And a mistake is not alone: it becomes context. After a word that doesn't exist, the model has to continue something that was never in a play. (How many such words it writes, we count further below.)
#
# So cut the tail off. Three rules to do it, on a row of five tokens, by hand:
#
# - **top-k** keeps the $k$ most probable tokens;
# - **top-p** keeps the most probable tokens, as few as are needed for a share of $p$;
# - **min-p** keeps every token that has at least $m$ times the probability of the best one.
#
# What is left is divided by its sum.

# %% [markdown] lang="zh"
# 分量是对的：人写生僻字符的频率，跟模型预料的差不多。用交叉熵训练，换来的就是这个。可是**人**那样写，自有道理，也知道怎么接下去；**我们**那样写，只因骰子落成了那样。写 100 个字符，几乎总要碰上一回。而且错误从不单独来：它会变成上下文。写下一个世上没有的词，模型就得接着写一段从没在戏里出现过的东西。（这样的词它写了多少，后面来数。）
#
# 那就把尾巴剪掉。三种剪法，在五个词元的一行上动手算：
#
# - **top-k**：留下最可能的 $k$ 个词元；
# - **top-p**：从最可能的数起，够了 $p$ 这么大的份额就停，留下的尽量少；
# - **min-p**：凡是概率不低于最大者 $m$ 倍的都留下。
#
# 剩下的除以它们的和。

# %%
row = np.array([0.50, 0.20, 0.15, 0.10, 0.05])
three = row[:3] / row[:3].sum()
print("top-k 3   ", three.round(3), " kept 3")
reached = row.cumsum()
print("share     ", reached.round(2))
fewest = int((reached < 0.8).sum()) + 1  # the first that reaches 0.8 is kept as well
print("top-p 0.8  keeps", fewest, "   min-p 0.25 keeps", int((row >= 0.25 * row[0]).sum()))
for knobs, kept in (({"top_k": 3}, 3), ({"top_p": 0.8}, 3), ({"min_p": 0.25}, 3)):
    assert_allclose(distribution(np.log(row), **knobs)[:kept], three)

# %% [markdown]
# On this row the three agree. They differ where the model is sure, and where it is lost. Two more rows, one sharp, one flat:

# %% [markdown] lang="zh"
# 在这一行上，三种剪法不谋而合。模型很有把握，或者毫无头绪的时候，才见分晓。再来两行，一行尖，一行平：

# %%
sharp = np.array([0.94, 0.03, 0.01, 0.01, 0.01])
flat = np.full(40, 1 / 40)
for name, q in {"sharp": sharp, "flat": flat}.items():
    cuts = ({"top_k": 3}, {"top_p": 0.8}, {"min_p": 0.25})
    kept = [int((distribution(np.log(q), **knobs) > 0).sum()) for knobs in cuts]
    print(
        f"{name:<5} top-k 3 keeps {kept[0]}, top-p 0.8 keeps {kept[1]}, min-p 0.25 keeps {kept[2]}"
    )
    assert kept == ([3, 1, 1] if name == "sharp" else [3, 32, 40])

# %% [markdown]
# Top-k keeps three where one would do and three where forty are equally good. The others follow the model: few when it is sure, many when it is not. Top-p cuts even a perfectly flat row, at an arbitrary place, since it stops as soon as the share of $p$ is reached. Min-p looks at how far behind the leader a token is, and throws away nothing that is as good as the best.
#
# All five knobs of the course stand in one frozen dataclass. The order in which they are applied matters, so it is written down:

# %% [markdown] lang="zh"
# 该留一个的地方，top-k 留三个；四十个同样好的地方，它还是留三个。另外两种跟着模型走：有把握就少留，没把握就多留。top-p 连完全平的一行也要剪，剪在哪儿全凭偶然，因为份额一够 $p$ 它就停手。min-p 看的是离领头的差多远，跟最好的一样好，就一个也不扔。
#
# 课程里一共五个旋钮，都在一个固定的数据类里。谁先谁后有讲究，所以把次序也写在里面：

# %%
show_source(Sampling)

# %% [markdown]
# Min-p and top-k only ask who is how far behind whom, so one could swap them with each other. Top-p asks for a *share*, and a share depends on who is still there. And the temperature comes first: at 1.5 the tail grows, and what is cut afterwards is the grown tail. One row, what comes after the prompt `My lord, `, at six settings:

# %% [markdown] lang="zh"
# min-p 和 top-k 只问谁落后谁多少，两者对调也无妨。top-p 问的是**份额**，份额取决于还剩下谁。温度排在它们前面：温度 1.5，尾巴先变粗，再剪的就是变粗了的尾巴。取提示 `My lord, ` 之后的那一行，六种拧法：

# %%
scores = model(tokenizer.encode("My lord, ")[None])[0, -1]
best = np.argsort(-scores)[:14]
settings = {
    "plain": {},
    "τ 0.5": {"temperature": 0.5},
    "τ 1.5": {"temperature": 1.5},
    "top-k 4": {"top_k": 4},
    "top-p 0.8": {"top_p": 0.8},
    "τ 1.5, min-p 0.3": {"temperature": 1.5, "min_p": 0.3},
}


def draw(axes, knobs):
    plots.bars(axes, tokenizer.decode(best), distribution(scores, **settings[knobs])[best])
    axes.set(xlabel="next character", ylabel="probability")


explore(draw, knobs=list(settings))

# %% [markdown]
# **Figure.** The fourteen most probable characters after `My lord, ` under six settings of the knobs. A low temperature raises the leaders; a high one lowers them, and the tail rises. The three cuts leave gaps on the right, and who stays gets the probability of who went.

# %% [markdown] lang="zh"
# **图.** `My lord, ` 之后最可能的十四个字符，旋钮六种拧法。温度低，领头的更高；温度高，领头的矮下去，尾巴翘起来。三种剪法在右边剪出空缺，走了的概率分给留下的。

# %% [markdown]
# How many characters does each rule keep along a line of real text? Predict where top-p keeps many: inside words, or at their beginnings?

# %% [markdown] lang="zh"
# 沿着一行真实的文本，每条规则各留下多少个字符？猜一猜，top-p 在哪儿留得多：词中间，还是词开头？

# %%
predict("inside words · 词中间", "at their beginnings · 词开头", "everywhere alike · 到处一样")

# %% tags=["nbval-ignore-output"]
line = "and hiding from me all gentleman-like qualities"
start = plays.index("and hiding from me")
ids = tokenizer.encode(plays[start - 70 : start + len(line)])
along = model(ids[None])[0, 69:-1]
kept = {
    name: (distribution(along, **knobs) > 0).sum(axis=-1)
    for name, knobs in (("top-k 8", {"top_k": 8}), ("top-p 0.9", {"top_p": 0.9}), ("min-p 0.1", {"min_p": 0.1}))
}  # fmt: skip
figure, axes = plt.subplots(figsize=(7.2, 2.8))
plots.curves(axes, range(len(line)), kept)
axes.set_xticks(range(len(line)), [plots.visible(c) for c in line], fontsize=7)
axes.set(xlabel="character to be chosen", ylabel="characters kept", ylim=(0, None))
plt.show()
firsts = np.array([n == 0 or line[n - 1] in " -" for n in range(len(line))])
assert kept["top-p 0.9"][firsts].mean() > 2 * kept["top-p 0.9"][~firsts].mean()

# %% [markdown]
# **Figure.** How many characters each rule keeps at every place of a held-out line. Top-k is a level line. Top-p and min-p leap at the first letters of words, where many things may come, and fall inside, often down to one or two, where the word is as good as decided.

# %% [markdown] lang="zh"
# **图.** 一行留出的文本，每一处各条规则留下多少个字符。top-k 是一条平线。top-p 和 min-p 在词的首字母处蹿上去，那里什么都可能来；到了词中间，词差不多定了，就往下落，常常只剩一两个。

# %% [markdown]
# ## A penalty for repetition
#
# Now the parrot. It walks in a circle: once *the strange* is written, the most probable way on leads to *the strange* again, and where nothing is drawn, nothing leads out. A **repetition penalty** (Keskar and others 2019) works against it: the logit $z_i$ of every token that has occurred in the text so far is made smaller, with a factor $r > 1$.
#
# $$z_i \leftarrow \begin{cases} z_i / r & z_i > 0 \\ z_i \cdot r & z_i \le 0 \end{cases}$$
#
# The paper only divides. But $-3$ divided by 2 is $-1.5$, which is *more*, and so programs of today have the second case. By hand, with $r = 2$, and tokens 0 and 1 already used:

# %% [markdown] lang="zh"
# ## 重复要罚
#
# 再看鹦鹉。它在兜圈子：写完 *the strange*，概率最大的路又通向 *the strange*；不抽签，就没有什么能把它带出来。对付它的办法叫**重复惩罚**（Keskar 等，2019）：凡在文本里出现过的词元，它的 logit $z_i$ 都按因子 $r > 1$ 压低。
#
# $$z_i \leftarrow \begin{cases} z_i / r & z_i > 0 \\ z_i \cdot r & z_i \le 0 \end{cases}$$
#
# 原论文只写了除。可是 $-3$ 除以 2 得 $-1.5$，反倒**变大**了，所以如今的程序都添上第二种情形。动手算，$r = 2$，词元 0 和 1 用过了：

# %%
z = np.array([2.0, -1.0, 1.5, 0.0])
by_hand = np.array([2.0 / 2, -1.0 * 2, 1.5, 0.0])
print("before ", softmax(z).round(3), " best:", z.argmax())
print("after  ", softmax(by_hand).round(3), " best:", by_hand.argmax())
ours = Sampling(repetition_penalty=2.0)
assert_allclose(ours.distribution(z, before=[0, 1]), softmax(by_hand))

# %% [markdown]
# There is something odd about this penalty. Lesson 03: adding the same number to all logits changes nothing. Does that still hold?

# %% [markdown] lang="zh"
# 这种惩罚有点蹊跷。第 03 课说：所有 logit 加上同一个数，什么也不变。现在还成立吗？

# %%
predict("yes · 成立", "no · 不成立")

# %%
for shift in (-10, 0, 10):
    p_shifted = ours.distribution(z + shift, before=[0, 1])
    print(f"all logits {shift:+3d}:", p_shifted.round(3))
assert_allclose(softmax(z + 10), softmax(z))  # without the penalty, nothing changes
assert ours.distribution(z + 10, before=[0, 1])[0] < 0.01 < ours.distribution(z, before=[0, 1])[0]

# %% [markdown]
# No. Zero has become a special place, and the model doesn't know it: training never told it where its zero should be. What a penalty of 1.2 does depends on the model, and a value found for one may be wrong for another. It is a trick, not a theory.
#
# Does it cure our parrot? Think of what the tokens are. The vocabulary has 68 characters. How many of the frequent ones have occurred after a hundred characters, and what does a penalty do that hits them all?

# %% [markdown] lang="zh"
# 不成立。零成了一个特殊的位置，模型却不知道：训练从没告诉它零该在哪儿。惩罚取 1.2 究竟有多重，要看是哪个模型；在这个模型上挑好的值，换一个未必合适。这是窍门，不是理论。
#
# 它治得好我们的鹦鹉吗？想想词元是什么。词表一共 68 个字符。写了一百个字符之后，常用的有多少已经出现过？惩罚要是落到它们所有人头上，又有什么用？

# %%
predict(
    "cured · 治好了", "cured at first, then the old song · 先好，后复发", "nothing changes · 没用"
)

# %% tags=["nbval-ignore-output"]
for penalty in (1.0, 1.5, 2.0):
    text = continued("\nKING ", 260, temperature=0, repetition_penalty=penalty)
    print(f"--- repetition_penalty={penalty}{text}")
assert len(text) == 266


# %%
def repeats(text, n=12):
    """The share of its runs of n characters that the text has already contained."""
    runs = [text[i : i + n] for i in range(len(text) - n + 1)]
    return 1 - len(set(runs)) / len(runs)


# %% tags=["nbval-ignore-output"]
for penalty in (1.0, 1.5, 2.0):
    text = continued("\nKING ", 320, temperature=0, repetition_penalty=penalty)
    early, late = repeats(text[:100]), repeats(text[-100:])
    print(f"r = {penalty}: repeats in the first 100 {early:4.0%}, in the last 100 {late:4.0%}")
    used = np.mean([character in text[:100] for character in plays])
    print(f"         the first 100 use the characters of {used:.0%} of held-out text")
assert used > 0.9 and early < 0.1 < late

# %% [markdown]
# Cured at first, and then the old song again. As long as some letters are new, the penalty pushes towards them. With the penalty, 100 characters are enough to use nearly all the frequent ones; from then on it presses on all of them alike, and the order among them is what it was. The penalty is made for vocabularies of many thousand tokens, where most have not been used yet. We shall see it work in the last section. (Try it 2 forbids repeated *runs*, which works on characters, too.)

# %% [markdown] lang="zh"
# 先是好了，后来又唱起老调。只要还有没用过的字母，惩罚就把它往新字母上推。加了惩罚，写 100 个字符，常用的就几乎全用过了；从此惩罚一视同仁地压在每个头上，彼此的次序又跟原来一样。这种惩罚是给几万个词元的词表用的，那里大多数词元还没露过面；到最后一节，就能看到它管用。（“试一试”第 2 题禁止重复**一串**字符，那在字符上也灵。）

# %% [markdown]
# ## Beam search
#
# Back to the search for the most probable text. Greedy decoding keeps one beginning at each step, exhaustive search keeps all. **Beam search** keeps the best $w$ of them; $w$ is the *width*. Each kept beginning, a **hypothesis**, is continued by every token; all continuations are ranked by probability, and the best $w$ stay. With width 2 on our three words:

# %% [markdown] lang="zh"
# ## 束搜索
#
# 回到老问题：怎么找最可能的文本。贪心解码每一步只留一个开头，穷举则全都留下。**束搜索**留下最好的 $w$ 个，$w$ 叫作束宽。留下的每个开头叫一个**假设**；每个假设接上每一个词元，所有接法按概率排队，最好的 $w$ 个留下。束宽为 2，在三个词的语言上走两步：

# %%
logs = np.log(table)
first = sorted(((logs[0, w], [w]) for w in range(3)), reverse=True)
beam = first[:2]
print(
    "step 1:",
    [(words[t[0]], round(float(np.exp(lp)), 2)) for lp, t in beam],
    "dropped:",
    words[first[2][1][0]],
)
second = sorted(((lp + logs[t[-1], w], [*t, w]) for lp, t in beam for w in range(3)), reverse=True)
for lp, t in second[:2]:
    print("step 2:", "to", *(words[w] for w in t), f"{np.exp(lp):.2f}")
ours = beam_search(lambda ids: logs[ids], [0], length=2, width=2)
assert [list(h.ids) for h in ours] == [t for _, t in second[:2]]
assert_allclose([h.log_probability for h in ours], [lp for lp, _ in second[:2]])

# %% [markdown]
# *Sleep* stayed in the race as the second, and won. Probabilities of long texts underflow, so the sums of logarithms are kept (lesson 01). The package's version is the same walk; the model sees all growing hypotheses as one batch:

# %% [markdown] lang="zh"
# *sleep* 靠第二名留在场上，最后赢了。长文本的概率会下溢，所以存的是对数之和（第 01 课）。包里的版本走的是同一条路；凡是还在长的假设，拼成一批，一次交给模型：

# %%
show_source(beam_steps)

# %% [markdown]
# Two ends of the scale are known exactly, and so they are tests. Width 1 is greedy. A width of $V^n$ drops nobody, so it *is* the exhaustive search. A hundred random models with four tokens, texts of five, and all $4^5$ of them priced for comparison:

# %% [markdown] lang="zh"
# 两个极端是精确知道的，所以正好拿来检验。束宽为 1 就是贪心。束宽为 $V^n$，谁也不掉队，那**就是**穷举。一百个随机的模型，四个词元，写五个；$4^5$ 段文本也全部算一遍价钱，好作比较：

# %%
from itertools import product

every = np.array([(0, *text) for text in product(range(4), repeat=5)])  # all 1024, after a 0
found, best_of_all = {width: [] for width in (1, 2, 4, 16, 4**5)}, []
for seed in range(100):
    chain = np.log(np.random.default_rng(seed).dirichlet(np.full(4, 0.7), size=4))
    best_of_all.append(chain[every[:, :-1], every[:, 1:]].sum(axis=1).max())
    for width, values in found.items():
        values.append(beam_search(lambda ids, chain=chain: chain[ids], [0], 5, width)[0])
    greedy = generate(lambda ids, chain=chain: chain[ids], [0], 5, rng, temperature=0)
    assert found[1][-1].ids == tuple(greedy[1:])
for width, values in found.items():
    hit = np.isclose([h.log_probability for h in values], best_of_all)
    print(f"width {width:>4}: finds the most probable text in {hit.mean():4.0%}")
assert hit.all()  # the full width, against all texts

# %% [markdown]
# A wider beam sees more. Does it always find a text that is at least as probable?

# %% [markdown] lang="zh"
# 束宽一些，看到的就多。它找到的文本，概率就一定不比窄的低吗？

# %%
predict("always · 总是", "not always · 不一定")

# %%
chain = np.log(np.random.default_rng(482).dirichlet(np.full(4, 0.7), size=4))
by_width = {w: beam_search(lambda ids: chain[ids], [0], 5, w)[0] for w in (1, 2, 3, 4**5)}
for width, h in by_width.items():
    print(f"width {width:>4}: {h.ids}  log-probability {h.log_probability:.2f}")
assert by_width[2].score < by_width[1].score == by_width[4**5].score

# %% [markdown]
# Width 2 finds a worse text than width 1! What greedy follows to the end is pushed out of the wider beam for a moment, by two others that look better just then. Only a beam that drops nobody is a promise.
#
# Now on the GPT. The tree of a search: seven steps after `To be, or not to the `. Which width is the first to find a more probable text than greedy?

# %% [markdown] lang="zh"
# 束宽 2 找到的，竟不如束宽 1！贪心一路走到底的那条，在宽一点的束里有那么一刻被挤了出去，挤它的两条当时看着更好。只有谁也不淘汰的束才是保证。
#
# 现在换成 GPT。画一棵搜索树：`To be, or not to the ` 之后走七步。束宽到多少，才头一回找到比贪心更可能的文本？

# %%
predict("2", "3", "4 or more · 4 或更宽")


# %% tags=["nbval-ignore-output"]
begun = "To be, or not to the "
white = dict(facecolor="white", edgecolor="none", pad=0.6)


def draw(axes, width):
    steps = list(beam_steps(model, tokenizer.encode(begun), 7, width))
    winner, rank_of = steps[-1].kept[0].ids, {(): 1}
    for t, step in enumerate(steps, start=1):
        for rank, h in reversed(list(enumerate(step.kept + step.dropped, start=1))):
            rank_of[h.ids] = rank
            look = dict(color=plots.BLUE if rank <= width else "#AAAAAA")
            thick = 3 if h.ids == winner[:t] else 0.8
            axes.plot([t - 1, t], [rank_of[h.ids[:-1]], rank], linewidth=thick, **look)
            letter = plots.visible(tokenizer.decode(h.ids[-1:]))
            axes.text(t, rank, letter, ha="center", va="center", fontsize=8, bbox=white, **look)
    axes.set(xlabel="step", ylabel="rank", xticks=range(1, 8), ylim=(8.6, 0.4))
    axes.grid(False)


explore(draw, width=[1, 2, 4])
first, *_, last = beam_steps(model, tokenizer.encode(begun), 7, 4)
assert last.kept[0].ids[0] == first.kept[2].ids[0]  # third at first, best in the end

# %% [markdown]
# **Figure.** The beam search as a tree, for widths 1, 2 and 4: time runs to the right, the best rank is at the top. Blue hypotheses are kept, grey ones are dropped at once; the thick line leads to the best text in the end. Greedy takes the best first letter. A wider beam also follows letters that are second or third at first, and at width 4 the third is the one that pays.

# %% [markdown] lang="zh"
# **图.** 画成树的束搜索，束宽为 1、2、4：时间往右走，名次最好的在最上面。蓝色的假设留下了，灰色的当场淘汰；粗线通向最后最好的文本。贪心挑最好的首字母；束宽一些，起先排第二、第三的字母也跟着走；束宽 4 时，赢的正是起先排第三的。

# %% tags=["nbval-ignore-output"]
ends = {w: beam_search(model, tokenizer.encode(begun), 7, w)[0] for w in (1, 2, 3, 4, 6)}
for width, h in ends.items():
    print(f"width {width}: {tokenizer.decode(h.ids)!r:<10} log-probability {h.log_probability:.2f}")
ahead = [width for width, h in ends.items() if h.log_probability > ends[1].log_probability]
print("more probable than greedy:", *(f"width {width}" for width in ahead))
assert 6 in ahead and 2 not in ahead

# %% [markdown]
# The beam of 2 ran after a word that was more probable letter by letter, until it was finished and something had to come after it. By then greedy's word was no longer in the beam. It takes more room to keep the third possibility that wins in the end. The same thing happened to the four tokens above; it is no freak of a random table.

# %% [markdown] lang="zh"
# 束宽 2 去追一个词，一个字母一个字母地看，那个词都更可能；可等词写完，后面总得接点什么，而这时贪心的那个词早已不在束里。要更宽的束，才留得住最后取胜的第三种可能。上面那四个词元也是这么回事，并不是随机的表碰巧作怪。

# %% [markdown]
# ## What it costs
#
# Somewhere in print you can read that beam search speeds generation up. Count: how many rows does the model read for 40 characters, greedy, and with a beam of 8?

# %% [markdown] lang="zh"
# ## 它要花多少
#
# 白纸黑字印着，说束搜索能加快生成。数一数：写 40 个字符，贪心让模型读多少行？束宽 8 又是多少？

# %%
predict("fewer · 更少", "the same · 一样", "about 8 times as many · 约 8 倍")

# %% tags=["nbval-ignore-output"]
work = Counter()


def counted(ids):
    work["calls"] += 1
    work["rows"] += len(ids)
    return model(ids)


prompts = ["\nKING ", "My lord, ", "HAMLET:\n", "The "]
searched = {}
for width in (1, 2, 4, 8):
    work.clear()
    found = [beam_search(counted, tokenizer.encode(text), 40, width)[0] for text in prompts]
    searched[width] = np.mean([-h.log_probability for h in found]) / 40 / np.log(2)
    print(f"width {width}: {work['calls']:>4} calls, {work['rows']:>5} rows,", end=" ")
    print(f"{searched[width]:.2f} bits a character")
    assert work == {"calls": 160, "rows": 4 * (1 + 39 * width)}
assert searched[8] < searched[1]

# %% [markdown]
# The same number of calls, each with $w$ rows instead of one: $w$ times the work. On a machine with idle units the rows of a batch run side by side, and the time may grow less than the work; it has no reason to shrink. A beam buys *probability*, and pays in computation. (What does make writing faster is lesson 21.)
#
# It does buy it: with every doubling the text gets cheaper in bits. Here is what we have bought:

# %% [markdown] lang="zh"
# 调用次数一样，每次却有 $w$ 行而不是一行：工作量是 $w$ 倍。机器有闲着的计算单元，一批里的各行可以并排算，时间未必涨得跟工作量一样多；可要说变少，没有道理。束搜索买的是**概率**，付的是计算。（真正让写作变快的，在第 21 课。）
#
# 概率倒是真买到了：束宽每翻一番，文本的比特数就降一截。来看看买到了什么：

# %% tags=["nbval-ignore-output"]
for width in (1, 4, 16):
    h = beam_search(model, tokenizer.encode("My lord, "), 70, width)[0]
    bits = -h.log_probability / 70 / np.log(2)
    print(f"--- width {width}, {bits:.2f} bits a character\nMy lord, {tokenizer.decode(h.ids)}")
    assert len(h.ids) == 70

# %% [markdown]
# Each is more probable than the one before. A better read it is not: stock phrases, one after the other. It is the parrot with better manners.
#
# ## Likelihood against diversity
#
# Time to measure instead of judging by taste. Eight beginnings of 20 characters from held-out plays. *People* go on as they did. The model goes on for 80 characters, under every rule. Four measures of what was written:
#
# - **bits per character** that the model itself, at temperature 1, pays for it: low means probable;
# - **distinct-1** (Li and others 2016): how many of all words are different, over the eight texts; distinct-2 would count pairs of neighbouring words;
# - **self-repetition**: the share of runs of 12 characters that the same text has contained before;
# - **new words**: the share of words that occur nowhere in the training plays. People have a few, names and rare words; what goes beyond that is invention.

# %% [markdown] lang="zh"
# 一段比一段更可能，读来却没有更好：净是套话，一句接一句。还是那只鹦鹉，只是更懂礼貌。
#
# ## 似然与多样
#
# 不凭口味，来量一量。从留出的剧本里取八个开头，各 20 个字符。**人**已经写下了后面的话；模型按每条规则各续写 80 个字符。写出来的东西量四样：
#
# - **每字符比特数**：模型自己按温度 1 付多少；少，就是可能；
# - **distinct-1**（Li 等，2016）：八段文本的词里，不同的词占多大比例；distinct-2 数的则是相邻两词组成的对；
# - **自我重复**：12 个字符一串，有多大比例在同一段文本里已经出现过；
# - **新词**：训练用的剧本里一次也没出现过的词占多大比例。人写的也有一点，是人名和少见的词；再多，就是生造的了。

# %%
places = [plays.index("\n", at) + 1 for at in range(4_000, 64_000, 7_500)]
of_people = np.stack([tokenizer.encode(plays[at : at + 100]) for at in places])
starts = of_people[:, :20]


def write(**knobs):
    text, dice = starts, np.random.default_rng(0)
    for _ in range(80):
        chosen = sample(model(text)[:, -1], dice, before=text, **knobs)
        text = np.column_stack([text, chosen])
    return text


def bits_of(rows):  # what each of the 80 characters costs the model
    nats = -log_softmax(model(rows[:, :-1]).astype(np.float64))
    return np.take_along_axis(nats, rows[:, 1:, None], axis=-1)[:, 19:, 0] / np.log(2)


# %%
def distinct(texts, n=1):
    grams = []
    for text in texts:
        said = text.split()
        grams += [tuple(said[i : i + n]) for i in range(len(said) - n + 1)]
    return len(set(grams)) / len(grams)


known = set(re.findall("[a-z']+", shakespeare().text("train").lower()))


def judge(rows):
    texts = [tokenizer.decode(row[20:]) for row in rows]  # cut at both ends, perhaps in a word
    whole = [word for text in texts for word in re.findall("[a-z']+", text.lower())[1:-1]]
    new = np.mean([word not in known for word in whole])
    return bits_of(rows).mean(), distinct(texts), np.mean([repeats(text) for text in texts]), new


assert distinct(["to be or not", "to be sure"]) == 5 / 7 and repeats("abcabc", n=3) == 1 / 4

# %% [markdown]
# Where will the people lie: with the most probable texts, with the ones drawn at temperature 1, or beyond?

# %% [markdown] lang="zh"
# 人会落在哪儿：跟最可能的文本在一起，跟温度 1 抽出来的在一起，还是更远？

# %%
predict("with the beam · 挨着束搜索", "with temperature 1 · 挨着温度 1", "beyond · 更远")

# %% tags=["nbval-ignore-output"]
rules = {f"τ {t}": {"temperature": t} for t in (0, 0.5, 0.75, 1.0, 1.5)}
rules |= {"top-k 5": {"top_k": 5}, "top-p 0.9": {"top_p": 0.9}, "min-p 0.1": {"min_p": 0.1}}
rules |= {"τ 1.5, min-p 0.1": {"temperature": 1.5, "min_p": 0.1}}
rules |= {"τ 0, penalty 1.5": {"temperature": 0, "repetition_penalty": 1.5}}
written = {"people": of_people} | {name: write(**knobs) for name, knobs in rules.items()}
beams = [beam_search(model, row, 80, 4)[0].ids for row in starts]
written["beam 4"] = np.column_stack([starts, beams])
judged = {name: judge(rows) for name, rows in written.items()}
print(f"{'':<18} bits   distinct-1   self-repetition   new words")
for name, (bits, fresh, again, new) in judged.items():
    print(f"{name:<18} {bits:4.2f}   {fresh:10.0%}   {again:15.0%}   {new:9.0%}")
assert judged["beam 4"][0] < judged["τ 0"][0] < judged["τ 1.0"][0] < judged["τ 1.5"][0]
assert judged["people"][3] < judged["τ 1.5"][3] / 2

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(6.8, 3.8))
heat = [judged[name] for name in rules if name.count("τ") and "," not in name]
axes.plot([h[0] for h in heat], [h[1] for h in heat], color=plots.GREY, linewidth=1)
for name, (bits, fresh, *_) in judged.items():
    colour = plots.RED if name == "people" else plots.BLUE
    axes.plot(bits, fresh, "o", color=colour, markersize=8 if name == "people" else 4)
    left = "top" in name or "," in name
    place = dict(
        xytext=(-6, 4 - 14 * ("top-p" in name)) if left else (6, -9), ha="right" if left else "left"
    )
    axes.annotate(
        name, (bits, fresh), textcoords="offset points", fontsize=8, color=colour, **place
    )
axes.set(xlabel="bits per character to the model", ylabel="distinct-1")
axes.margins(x=0.12)
plt.show()
assert judged["people"][0] > judged["τ 0"][0] + 0.5
assert abs(judged["people"][0] - judged["τ 1.0"][0]) < 0.5

# %% [markdown]
# **Figure.** Likelihood against diversity: bits per character on the horizontal axis, the share of different words on the vertical one. The grey line is temperature, from greedy at the lower left to 1.5 at the upper right. Beam search lies furthest to the left and low. People (red) lie far from it: about as far to the right as what is drawn at temperature 1, with fewer different words. The cuts lie between, close to the grey line.

# %% [markdown] lang="zh"
# **图.** 似然与多样：横轴是每字符比特数，纵轴是不同的词所占的比例。灰线是温度，左下是贪心，右上是 1.5。束搜索在最左边，也很低。人（红点）离它很远：横向跟温度 1 抽出来的差不多，不同的词则少一些。几种剪法在当中，都离灰线不远。

# %% [markdown]
# The people's texts are *not* the most probable ones. They cost the model about as much as its own draws at temperature 1, and that is no accident: the cross-entropy on held-out text is what people cost, the entropy of the model is what its own draws cost, and training brings the two together. Whoever maximizes likelihood leaves the place where human texts are. (That a hot model uses *more* different words than people is no compliment, as the last column of the table shows: a word that it invents hardly ever comes twice.)
#
# Then why not always draw at temperature 1? Because a point in this figure says nothing about *sense*. People and draws cost about the same; for that price people write words, and the model invents a good part of its own. And the beam: does it stay cheap, or do its surprises come later? Follow the cost along the way, from the same eight beginnings:

# %% [markdown] lang="zh"
# 人写的文本**不是**最可能的。它让模型付的，和模型自己按温度 1 抽出来的差不多。这不是碰巧：留出文本上的交叉熵，就是人写的要付多少；模型的熵，就是它自己抽的要付多少；训练把两者拉到了一起。一味追求似然，就离开了人写的文本所在的地方。（温度高的模型，用的不同的词比人还多，这算不得夸奖，看看表的最后一列：生造的词，当然个个不同。）
#
# 那为什么不一律按温度 1 抽？因为这张图上的点说不出**通不通**。人写的和抽出来的，价钱差不多；同样的价钱，人换来的是词，模型换来的有不少是生造的。束搜索呢，一直这么便宜，还是意外都在后头？从同样的八个开头出发，一路看下去：

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(7.2, 2.9))
costs = {name: bits_of(written[name]) for name in ("people", "τ 1.0", "beam 4")}
for (name, cost), colour in zip(costs.items(), (plots.RED, plots.GREY, plots.BLUE), strict=True):
    smooth = np.apply_along_axis(np.convolve, 1, cost, np.ones(16) / 16, mode="valid").mean(axis=0)
    axes.plot(np.arange(16, 81), smooth, label=name, color=colour)
axes.set(xlabel="characters written", ylabel="bits per character", ylim=(0, None))
axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
plt.show()
late = {name: cost[:, 40:].mean() for name, cost in costs.items()}
assert late["beam 4"] < late["people"] - 0.8

# %% [markdown]
# **Figure.** The bits that the model pays for each of the 80 characters, mean of eight texts and of the last 16 characters. People and draws go up and down around two bits. The beam stays far below them all the way: nothing in it is a surprise.

# %% [markdown] lang="zh"
# **图.** 80 个字符里每个要模型付多少比特，取八段文本、最近 16 个字符的平均。人写的和抽出来的，都在两比特上下起伏。束搜索一路远在下面：没有一处出人意料。

# %% [markdown]
# A rule of thumb comes out of this. Where *few* texts are right, search for the most probable: a translation (lesson 12), a formula, a fact. Where many are right, draw, and cut the tail: a story, a dialogue, a poem.
#
# ## Short or long?
#
# When a text may *end*, beam search has another habit. Every further token multiplies by a number below 1, so of two texts the shorter is favoured, whatever it says. The cure is to divide by a power of the length (Wu and others 2016 do it so, with a small offset). The score of $n$ tokens $y_1 \dots y_n$ is
#
# $$\text{score} = \frac{1}{n^{\alpha}} \sum_{t=1}^{n} \ln P(y_t \mid y_{\lt t}).$$
#
# $\alpha = 0$ ranks by probability, $\alpha = 1$ by the mean per token; this division is called **length normalization**. By hand: *stop* has 0.5 at once; *go on* has 0.4, and then twice 0.98.

# %% [markdown] lang="zh"
# 由此得一条经验。对的写法**没有几种**，就去搜最可能的：翻译（第 12 课）、公式、事实。好文本多得很，就去抽，再剪掉尾巴：故事、对话、诗。
#
# ## 长还是短？
#
# 文本可以**结束**的时候，束搜索还有个毛病。每多一个词元，就再乘上一个小于 1 的数，所以两段文本里短的占便宜，不管它说了什么。药方是除以长度的某次幂（Wu 等，2016，他们另加了一个小偏移），叫**长度归一化**。$n$ 个词元 $y_1 \dots y_n$ 的得分是
#
# $$\text{score} = \frac{1}{n^{\alpha}} \sum_{t=1}^{n} \ln P(y_t \mid y_{\lt t})$$
#
# $\alpha = 0$ 按概率排，$\alpha = 1$ 按每个词元的平均排。动手算：**停**，一下子就有 0.5；**往下走**，先是 0.4，然后两次 0.98。

# %%
stop, go_on = np.log([0.5]), np.log([0.4, 0.98, 0.98])
for alpha in (0, 0.5, 1):
    scores_of = [steps.sum() / len(steps) ** alpha for steps in (stop, go_on)]
    print(f"alpha {alpha:<3}  stop {scores_of[0]:.3f}   go on {scores_of[1]:.3f}", end="   ")
    print("winner:", ("stop", "go on")[int(np.argmax(scores_of))])
    assert np.argmax(scores_of) == (alpha > 0)

# %% [markdown]
# On the GPT, a line of verse that ends with the line break, after `My lord, `:

# %% [markdown] lang="zh"
# 在 GPT 上，写一行诗，换行就算结束，从 `My lord, ` 写起：

# %% tags=["nbval-ignore-output"]
(line_end,) = tokenizer.encode("\n")
lengths = []
for alpha in (0.0, 1.0, 1.5):
    prompt = tokenizer.encode("My lord, ")
    best_line = beam_search(model, prompt, 60, 8, length_penalty=alpha, end_id=line_end)[0]
    lengths.append(len(best_line.ids))
    print(
        f"alpha {alpha}: {len(best_line.ids):>2} characters", repr(tokenizer.decode(best_line.ids))
    )
assert lengths[0] < lengths[-1]

# %% [markdown]
# Ranked by probability alone, the line is soon over. How long an answer *should* be is not in the probabilities; $\alpha$ is a wish of ours.
#
# ## A form that a program can read
#
# A person forgives a missing bracket. A program that waits for JSON doesn't. Can we make a model write JSON that *always* parses, without training it anew?
#
# First, how bad is it? A small model that has seen nothing but JSON: one line for each sentence pair of the HSK corpus. Nothing grand, a trigram of characters with Kneser–Ney smoothing (lesson 02), which remembers two characters. What share of its lines can Python's `json.loads` read?

# %% [markdown] lang="zh"
# 只看概率，一行很快就写完。一个答案**该**多长，概率里没有；$\alpha$ 是我们的愿望。
#
# ## 程序读得懂的格式
#
# 少个括号，人不计较；等着读 JSON 的程序可不答应。不重新训练，能不能让模型写出的 JSON **每一次**都读得通？
#
# 先看看有多糟。造一个只见过 JSON 的小模型：HSK 语料的每个句对写成一行。用不着讲究，一个字符的三元语法，Kneser–Ney 平滑（第 02 课），只记得住两个字符。它写的行，Python 的 `json.loads` 能读通多少？

# %%
from lmcourse.models.ngram import KneserNey
from lmcourse.text.sentences import hsk
from lmcourse.text.tokenizers import CharacterTokenizer

rows = [{"level": pair.level, "en": pair.english, "zh": pair.chinese} for pair in hsk()]
lines = [json.dumps(row, ensure_ascii=False) for row in rows]
print(lines[0], lines[2000], sep="\n")
letters = CharacterTokenizer.train("\n".join(lines))
trigram = KneserNey.train(letters.encode("\n".join(lines)), 3, letters.vocabulary_size)
predict("2 %", "20 %", "80 %")


# %%
def line_by(model, dice, mask=None):
    end, begin = letters.encode("\n")[0], letters.encode(lines[0] + "\n")
    knobs = dict(end_id=end, mask=mask, context_length=2)
    ids = generate(model, begin, 120, dice, **knobs)[len(begin) :]
    return letters.decode(ids).removesuffix("\n")


def parses(text):
    try:
        json.loads(text)
        return True
    except ValueError:
        return False


# %%
dice = np.random.default_rng(0)
free = [line_by(trigram, dice) for _ in range(60)]
print(*free[:4], sep="\n")
print(f"read by json.loads: {np.mean([parses(text) for text in free]):.0%}")
assert 0.05 < np.mean([parses(text) for text in free]) < 0.4

# %% [markdown]
# Most of its lines are lost. A better model would fail less often, and *less often* is not a format. The way out is to take away its wrong choices: before each draw, every token after which the text could no longer become valid JSON gets a logit of $-\infty$. The rest is the model's own affair. This is **constrained decoding**. It needs a machine that knows, after any beginning, what may come next.
#
# ## What is still owed
#
# Describe the form by a **regular expression**: `ab*|c` is *an `a` and any number of `b`, or a `c`*; `a?` is *an `a` or nothing*. We need its state after each character, and here is a beautiful idea (Brzozowski 1964). *After reading an `a`, what is still owed?* That is again a regular expression, `b*`. It is called the **derivative** of the expression by `a`. It follows rules, much like those of calculus. Write $\partial_a$ for the derivative by `a`, $\varepsilon$ for the empty text and $\varnothing$ for *nothing fits*:
#
# $$\partial_a(a) = \varepsilon \qquad \partial_a(b) = \partial_a(\varepsilon) = \varnothing \qquad \partial_a(r|s) = \partial_a r \,|\, \partial_a s \qquad \partial_a(r^*) = (\partial_a r)\, r^*$$
#
# $$\partial_a(r s) = \begin{cases} (\partial_a r)\, s \,|\, \partial_a s & r \text{ may be empty} \\ (\partial_a r)\, s & \text{otherwise}\end{cases}$$
#
# What follows an $\varepsilon$ stands alone, what follows a $\varnothing$ is lost, and a choice that is $\varnothing$ can be left out. By hand: from `ab*|c` an `a` leaves `b*`, a `c` leaves the empty text, a `b` leaves nothing at all. What does `(ab)*` leave after an `a`? And `a?ab` after an `a`?

# %% [markdown] lang="zh"
# 大半读不通。模型好一点，失败少一点；可“少一点”算不得格式。出路是不给它错的选择：每次抽签之前，凡是写了它就再也成不了合法 JSON 的词元，logit 一律改成 $-\infty$。其余的由模型自己做主。这叫**受限解码**。它需要一台机器，随便给个开头，都说得出接下来可以是什么。
#
# ## 还欠着什么
#
# 格式用**正则表达式**来描述：`ab*|c` 就是“一个 `a` 加任意多个 `b`，或者一个 `c`”，`a?` 就是“一个 `a`，或者没有”。我们要知道读过每个字符之后的状态。有个漂亮的想法（Brzozowski，1964）：**读了一个 `a` 之后，还欠着什么？** 欠着的又是一个正则表达式，`b*`，叫作原表达式对 `a` 的**导数**。它遵循一些规则，和微积分里的颇有几分像。用 $\partial_a$ 表示对 `a` 求导，$\varepsilon$ 表示空文本，$\varnothing$ 表示“什么都不行”：
#
# $$\partial_a(a) = \varepsilon \qquad \partial_a(b) = \partial_a(\varepsilon) = \varnothing \qquad \partial_a(r|s) = \partial_a r \,|\, \partial_a s \qquad \partial_a(r^*) = (\partial_a r)\, r^*$$
#
# $$\partial_a(r s) = \begin{cases} (\partial_a r)\, s \,|\, \partial_a s & r \text{ 可以为空} \\ (\partial_a r)\, s & \text{否则}\end{cases}$$
#
# $\varepsilon$ 后面接什么，就只剩什么；$\varnothing$ 后面接什么，都作废；几选一里的 $\varnothing$ 可以划掉。动手算：`ab*|c` 读了 `a`，剩 `b*`；读了 `c`，剩空文本；读了 `b`，什么也不剩。那么 `(ab)*` 读了 `a` 剩什么？`a?ab` 读了 `a` 呢？

# %%
predict("b,  ab|b", "b(ab)*,  ab|b", "b(ab)*,  ab")

# %%
from lmcourse.generation.derivatives import Expressions
from lmcourse.generation.patterns import read_pattern

abc = Expressions("abc")
for pattern in ("ab*|c", "(ab)*", "a?ab"):
    expression = read_pattern(pattern, abc)
    left = {letter: abc.show(abc.derivative(expression, letter)) or "ε" for letter in "abc"}
    print(f"{pattern:<6}", "  ".join(f"after {letter}: {rest:<8}" for letter, rest in left.items()))
assert abc.show(abc.derivative(read_pattern("a?ab", abc), "a")) == "ab|b"

# %%
show_source(Expressions._derive)

# %% [markdown]
# Derive again and again, and before long only old acquaintances come. Each of them becomes a state, and the derivatives become a table: state, character, next state. That is a **finite automaton**, and reading a text costs one look-up per character. Here is the whole table for a time of day (`[01]` is a 0 or a 1, `[0-5]` one of 0 to 5, `\d` any digit):

# %% [markdown] lang="zh"
# 反复求导，没过多久，出来的就全是老面孔。每张面孔算一个状态，导数就成了一张表：状态、字符、下一个状态。这就是**有限自动机**，读文本，一个字符查一次表。下面是“一天里的时刻”的整张表（`[01]` 是 0 或 1，`[0-5]` 是 0 到 5 中的一个，`\d` 是任一数字）：

# %%
from lmcourse.generation.automaton import Automaton

clock = Automaton.compile(r"([01]\d|2[0-3]):[0-5]\d", alphabet="0123456789: x")
examples = {kind: character for character, kind in reversed(clock.kinds.items())}
print(
    "state  ", *(f"{examples[kind]!r:>4}" for kind in range(len(examples))), "  may end, distance"
)
for state in range(1, clock.states):
    moves = (f"{move or '.':>4}" for move in clock.table[state])
    print(f"{state:>5}  ", *moves, f"  {clock.accepts[state]!s:>7} {clock.distance[state]:>9}")
said = {text: clock.matches(text) for text in ("07:45", "23:59", "24:00", "7:45")}
print(said)
assert list(said.values()) == [True, True, False, False]

# %% [markdown]
# Characters that the pattern never tells apart share a column: `0` stands for 0 and 1, `4` for 4 and 5, `6` for 6 to 9, the space also for `x`. A dot is the **dead state**, from which no text can be completed. The *distance* says how many characters are still needed at least. It will matter when room runs out.
#
# A *token* is often several characters. It is allowed if the machine can read all of them. So a state's row of characters becomes a row over the vocabulary, computed once for each state:

# %% [markdown] lang="zh"
# 模式里从不区分的字符共用一列：`0` 代表 0 和 1，`4` 代表 4 和 5，`6` 代表 6 到 9，空格也代表 `x`。圆点是**死状态**，从那里再也凑不成完整的文本。“distance”一列是至少还差几个字符，快没地方写的时候用得上。
#
# 一个**词元**往往是好几个字符。机器能把它从头读到尾，它才被允许。于是一个状态对字符的那一行，就变成对整个词表的一行，每个状态只算一次：

# %%
from lmcourse.generation.constrained import Constraint, json_pattern, spellings

show_source(Constraint.moves, Constraint.allowed)

# %%
pieces = ["", *"0123456789", "12", "12:", "2:", "9:3", ":", "59", ":5", "the"]
fits = Constraint(r"(1?\d|2[0-3]):[0-5]\d", pieces, end_id=0)
for said in ("", "1", "2", "12", "12:"):
    ids = [pieces.index(said)] if said else []
    allowed = np.flatnonzero(fits(ids, room=9))
    print(f"after {said!r:<6} allowed:", *(pieces[id] for id in allowed))
assert [pieces[id] for id in allowed] == [*"012345", "12", "59"]

# %% [markdown]
# Now JSON. A value is a string, a number, `true`, `false`, `null`, a list of values or an object of values: the definition contains itself. It is *not* a regular expression: brackets of any depth take counting without end, and an automaton has finitely many states. But up to a fixed depth it is one (the brackets of lesson 08 were at most eight deep): put the pattern into itself as often as needed.

# %% [markdown] lang="zh"
# 轮到 JSON。一个值可以是字符串、数、`true`、`false`、`null`，也可以是一列值，或者由值组成的对象：定义里套着定义自己。它**不是**正则表达式：括号要套多深就多深，得没完没了地数数，而自动机只有有限个状态。但深度一旦限定（第 08 课的括号最深八层），它就是了：把模式往自己里面套，要几层套几层。

# %%
show_source(json_pattern)
for depth in range(5):
    pattern = json_pattern(depth)
    machine = Automaton.compile(pattern, map(chr, range(32, 127)))
    print(f"depth {depth}: pattern of {len(pattern):>6,} characters, {machine.states:>3} states")

# %% [markdown]
# Deep down, each further level makes the pattern about four times as long, the machine only about twice as large: equal remainders are one state. Depth 1 is enough for our lines. First the worst writer that we can think of, a monkey with random logits, which has never read a line. How many of its lines will parse?

# %% [markdown] lang="zh"
# 越往深处，每深一层，模式大约长到四倍，机器才大约翻一番：相同的剩余只算一个状态。我们的行，深度 1 就够了。先请一位再糟不过的写手：一只猴子，logit 全是随机的，一行都没读过。它写的行，能读通多少？

# %%
predict("none · 一行也没有", "half · 一半", "all · 全部")

# %%
letter_texts = spellings(letters)
form = Constraint(json_pattern(1), letter_texts, end_id=letters.encode("\n")[0])
assert all(map(form.automaton.matches, lines))  # depth 1 is enough


def monkey(ids):
    return 3 * dice.normal(size=(*ids.shape, letters.vocabulary_size))


dice = np.random.default_rng(1)
lines_of = {
    "monkey": [line_by(monkey, dice, form) for _ in range(20)],
    "trigram": [line_by(trigram, dice, form) for _ in range(20)],
}
for name, texts in lines_of.items():
    print(name, *(text[:86] for text in sorted(texts, key=len)[-3:]), sep="\n   ")
    print(f"   read by json.loads: {np.mean([parses(text) for text in texts]):.0%}")
    assert all(parses(text) for text in texts)

# %% [markdown]
# All of them, and not because we were lucky. A closing quote can't get lost, because the mask is told how much room is left: when it is enough for the way out and no more, only tokens that lead out are allowed. Every text is complete when there is no more room.
#
# JSON, but nonsense; the keys are made up. A stricter pattern says which keys we want, and of what kind their values are (what is called a *schema*):

# %% [markdown] lang="zh"
# 全部，而且不是碰运气。右引号丢不了，因为掩码知道还剩多少地方：剩下的地方一旦只够走到结尾，就只许写通向出口的词元。地方用完的时候，每段文本都已经完整。
#
# 是 JSON 了，可还是胡话，键也是编的。模式再严一点，写明要哪些键、各是什么样的值（这叫**模式约束**，英文是 schema）：

# %%
schema = r'\{"level": [1-6], "en": "[A-Z][a-z ,]{4,30}[.?!]", "zh": "[^a-zA-Z"\\ ]{2,15}[。？！]"\}'
strict = Constraint(schema, letter_texts, end_id=letters.encode("\n")[0])
print("states:", strict.automaton.states)
for text in (line_by(trigram, dice, strict) for _ in range(5)):
    print(text)
    assert set(json.loads(text)) == {"level", "en", "zh"} and strict.automaton.matches(text)

# %% [markdown]
# ## What a mask does to the probabilities
#
# A mask looks like the cleanest thing in the world: keep what is allowed, scale to one, draw. It isn't quite. Two letters. The first is `a` with 0.9 and `b` with 0.1; after an `a` comes `b` with 0.1, after a `b` comes `b` with 0.9. The form: *the second letter is a `b`*. Which first letter would you expect in texts that keep to the form? And which will the masked model write?

# %% [markdown] lang="zh"
# ## 掩码对概率做了什么
#
# 掩码看着再干净不过：留下允许的，缩放到和为一，抽签。其实不然。两个字母。第一个是 `a` 的概率 0.9，是 `b` 的 0.1；`a` 后面来 `b` 的概率 0.1，`b` 后面来 `b` 的 0.9。格式要求：**第二个字母是 `b`**。守格式的文本里，第一个字母该是什么？加了掩码的模型，又会写什么？

# %%
predict("a 90 %, a 90 %", "a 50 %, a 90 %", "a 50 %, a 50 %")

# %%
two = np.array([[0.9, 0.1], [0.1, 0.9]])  # after a, after b; the start behaves as an a with 0.9
joint = {"ab": 0.9 * 0.1, "bb": 0.1 * 0.9}
print("given the form :", {text: round(p / sum(joint.values()), 2) for text, p in joint.items()})
ends_in_b = Constraint("[ab]b", ["a", "b", ""], end_id=2)
toy = np.log(np.array([[0.9, 0.1, 1e-9], [0.1, 0.9, 1e-9], [1 / 3] * 3]))  # the end: 1e-9
drawn = Counter()
for _ in range(2000):
    ids = generate(lambda ids: toy[ids], [0], 3, dice, end_id=2, mask=ends_in_b)
    drawn["".join("ab"[id] for id in ids[1:3])] += 1
print("drawn with mask:", {text: round(n / 2000, 1) for text, n in sorted(drawn.items())})
assert abs(drawn["ab"] / 2000 - 0.9) < 0.03 and joint["ab"] == joint["bb"]

# %% [markdown]
# Given the form, both texts are equally probable. The masked model writes `ab` nine times out of ten: at the first letter both are allowed, so the mask does nothing, and at the second it is too late for regrets; a `b` is written whatever it costs. A mask chooses step by step, greedily with respect to the *form*. It is the mistake of greedy decoding again, in another dress.
#
# So a masked model can be led into corners in which it would never have gone by itself. In practice one makes the form one that the model knows from its reading, and says it in the prompt. Beam search with a mask suffers less: it ranks by the model's own probabilities and may drop whoever had to pay dearly. (Try it 3 draws from the exact distribution.)

# %% [markdown] lang="zh"
# 按格式来说，两段文本一样可能。加了掩码的模型，十次有九次写 `ab`：第一个字母两个都允许，掩码什么也没做；到了第二个，后悔也晚了，再贵也得写 `b`。掩码一步一步地挑，在**格式**这件事上是贪心的。贪心解码的毛病，换了身衣裳又来了。
#
# 所以，掩码会把模型领进它自己绝不会去的死角。实践中，格式要选模型读过、熟悉的，并且在提示里讲明。束搜索加掩码就好一些：它按模型自己的概率排名，谁付得太贵，可以淘汰。（“试一试”第 3 题从精确的分布里抽。）

# %%
ranked = beam_search(lambda ids: toy[ids], [0], 3, 4, end_id=2, mask=ends_in_b)
for h in ranked:
    print("".join("ab"[id] for id in h.ids[:2]), f"{np.exp(h.log_probability) / 1e-9:.2f}")
assert_allclose(ranked[0].log_probability, ranked[1].log_probability)

# %% [markdown]
# ## With a real assistant
#
# SmolLM2 of lesson 18: 135 million weights, a vocabulary of 49,152 pieces. (`Decoder` makes it fast; lesson 21 builds it. Here it is a model that takes one token and gives the next logits.) First the poem test: greedy, without and with a penalty. Its vocabulary is large, so this time the penalty ought to work.

# %% [markdown] lang="zh"
# ## 换成真正的助手
#
# 第 18 课的 SmolLM2：1.35 亿个权重，词表 49,152 个词片。（`Decoder` 让它跑得快，第 21 课来造；这里只当它是个模型，给它一个词元，它给出下一步的 logit。）先让它作诗：贪心，不加惩罚和加惩罚。这回词表大，惩罚该管用了。

# %%
from lmcourse.generation.cache import Decoder
from lmcourse.models.pretrained import smollm2

smol, chat = smollm2()
decoder = Decoder(smol, length=192)
end = chat.special["<|im_end|>"]
print(f"{smol.count_params():,} weights, {chat.vocabulary_size:,} pieces")


# %%
def answer(question, length=90, mask=None, **knobs):
    text = chat.chat_ids([{"role": "user", "content": question}]).tolist()
    logits, begin, choose = decoder.prefill(text)[0], len(text), Sampling(temperature=0, **knobs)
    for room in range(length, 0, -1):
        if mask is not None:
            logits = masked(logits, mask(text[begin:], room))
        text.append(int(choose.sample(logits, dice, before=text)))
        if text[-1] == end:
            return chat.decode(text[begin:-1])
        logits = decoder.step(text[-1:])[0]
    return chat.decode(text[begin:])


# %% tags=["nbval-ignore-output"]
poems = {r: answer("Write a poem about the sea.", 50, repetition_penalty=r) for r in (1.0, 1.1)}
for penalty, poem in poems.items():
    print(f"--- repetition_penalty={penalty}, repeats {repeats(poem):.0%}\n{poem}")
assert repeats(poems[1.1]) < 0.05 < repeats(poems[1.0])

# %% [markdown]
# It works. Now we ask it for JSON, politely, and then with a mask. The same `Constraint` as for the trigram, on a vocabulary of pieces like ` the` and `": "`:

# %% [markdown] lang="zh"
# 管用。现在问它要 JSON：先客客气气地问，再加上掩码。还是三元语法用的那个 `Constraint`，只是词表换成了 ` the`、`": "` 这样的词片：

# %%
name = r'"[A-Z][A-Za-z .\-]{2,20}"'
city = rf'\{{"city": {name}, "country": {name}, "inhabitants": [1-9]\d{{2,7}}, "rivers": \[{name}(, {name}){{0,2}}\]\}}'
known = Constraint(city, spellings(chat), end_id=end)
print("states:", known.automaton.states, " fewest characters:", known.automaton.distance[1])

# %% tags=["nbval-ignore-output"]
question = "Write a JSON object with the keys city, country, inhabitants and rivers for {}."
asked = answer(question.format("London"), 100)
print(f"--- asked politely; json.loads reads it: {parses(asked)}\n{asked}")
forced = {place: answer(question.format(place), 100, mask=known) for place in ("London", "Paris")}
for text in forced.values():
    print(f"--- with a mask; json.loads reads it: {parses(text)}\n{text}")
    assert set(json.loads(text)) == {"city", "country", "inhabitants", "rivers"}
assert not parses(asked) and json.loads(forced["London"])["inhabitants"] < 5_000_000

# %% [markdown]
# Asked politely, it wraps its answer into something, or doesn't come to an end. With the mask, the answer is an object that a program can use, every time. Look at the *values*, though. City and country are right. The number of inhabitants is not, and not every name in the list is a river of that city. **A form guarantees the form.** Where the model doesn't know, it now fills the field all the more neatly, and a machine that reads it has no way to tell. The truth of answers is a question of its own, for lessons 22 and 27.

# %% [markdown] lang="zh"
# 客客气气地问，它要么给答案套上别的东西，要么没个完。加上掩码，每次都是程序用得上的对象。不过，看看那些**值**。城市和国家是对的；居民数不对，列出来的也不都是那座城市的河。**格式只保证格式**。不知道的地方，它照样填得整整齐齐，读它的机器根本看不出来。答得对不对，是另一个问题，留给第 22、27 课。

# %% [markdown]
# ## Try it
#
# 1. *Easy.* A lipogram is a text without a certain letter. Let the Shakespeare GPT write without `e` and `E`, at temperature 0.8. Predict what it costs the model: how many bits per character more than without the ban?
#
# <details><summary>Hint</summary>A ban is the same row of V booleans at every step: before each draw, forbidden characters get a logit of −∞. One short text is mostly noise, so write 32 at once, four for each beginning in `starts`. Price them at temperature 1, without the ban.</details>
#
# 2. *Medium.* Cure the parrot on characters: greedy decoding that never writes a run of 12 characters twice. What happens at the moment when the old song would begin again?
#
# <details><summary>Hint</summary>In the mask, take the last 11 ids written. Wherever these 11 stood before, the id that followed them there is forbidden now.</details>
#
# 3. *Hard.* Draw from the *exact* distribution of a Markov chain given that the text fits a pattern. Compute, from the end backwards, the probability β that a random continuation of n letters completes the text, for every last letter and state; then draw with weights p · β. Show on the two letters above that it gives 50 to 50, and compare with the enumeration of all texts of six letters on a larger example.
#
# <details><summary>Hint</summary>β₀(state) = 1 where the state accepts, else 0. β_n(letter, state) = Σ over next letters of P(next | letter) · β_{n−1}(next, state after next). The masked draw used only *whether* β is above zero.</details>

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. **容易。** 有一种文字游戏，通篇不许用某个字母。让莎士比亚 GPT 写一段，不用 `e` 和 `E`，温度 0.8。猜猜它要多付多少：每字符比不禁的时候多几比特？
#
# <details><summary>提示</summary>所谓禁，每一步都是同一行 V 个布尔值：抽签之前，禁用的字符 logit 改成 −∞。一小段文本的代价大半是噪声，不妨一次写 32 段，`starts` 里的每个开头各四段。计价都按温度 1，不加禁令。</details>
#
# 2. **中等。** 在字符上治好鹦鹉：贪心解码，但绝不把 12 个字符的一串写两遍。老调正要重弹的那一刻，会发生什么？
#
# <details><summary>提示</summary>在掩码里取最近写的 11 个编号。这 11 个从前出现过的地方，后面跟的是哪个编号，现在就禁止哪个。</details>
#
# 3. **较难。** 给定马尔可夫链，要求文本符合某个模式，从**精确**的分布里抽。从结尾往回算：对每个“最后的字母、状态”，随机再写 n 个字母恰好写成的概率 β；然后按 p · β 的权重抽。验证它在上面两个字母的例子里给出五五开；再用一个大点的例子，与六个字母的全部文本逐一比对。
#
# <details><summary>提示</summary>$\beta_0$：状态可以结束就是 1，否则是 0。$\beta_n$ 由字母和状态决定：对下一个字母求和，每项是它跟在这个字母后面的概率，乘以换成它、状态也走一步之后的 $\beta_{n-1}$。加掩码的抽法，只用到了 β 是否大于零。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** It looks for words without `e` with some success, and where it doesn't find one, it invents. The detours cost bits: the price is several times the noise (the number after ±, a standard error as in lesson 09).

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 它找不带 `e` 的词，有时找得到，找不到就生造。绕道要多付比特，多付的是噪声（± 后面的数，第 09 课的标准误）的好几倍。

# %% tags=["nbval-ignore-output"]
allowed = np.array([letter not in "eE" for letter in tokenizer.vocabulary])
price = {}
for name, may in {"free": np.full(V, True), "no e": allowed}.items():
    text, dice = np.tile(starts, (4, 1)), np.random.default_rng(0)
    for _ in range(80):
        logits = np.where(may, model(text)[:, -1], -np.inf)
        text = np.column_stack([text, sample(logits, dice, temperature=0.8)])
    costs = bits_of(text).mean(axis=1)
    price[name], noise = costs.mean(), costs.std() / np.sqrt(len(costs))
    print(f"--- {name}: {price[name]:.2f} ± {noise:.2f} bits a character")
    print(tokenizer.decode(text[3]), tokenizer.decode(text[6]), sep="\n...\n")
assert allowed[text[:, 20:]].all() and price["no e"] > price["free"]

# %% [markdown]
# **2.** The song is interrupted after 11 characters, every time at another place, and the model has to find a way on from there.

# %% [markdown] lang="zh"
# **2.** 老调唱到第 11 个字符就被打断，每次断的地方不同，模型只好从那儿另找出路。


# %% tags=["nbval-ignore-output"]
def no_run_twice(ids, room, n=12):
    allowed, last = np.ones(V, dtype=bool), ids[len(ids) - n + 1 :]
    for i in range(len(ids) - n + 1):
        if (ids[i : i + n - 1] == last).all():
            allowed[ids[i + n - 1]] = False
    return allowed


text = continued("\nKING ", 300, temperature=0, mask=no_run_twice)
print(text, f"\nself-repetition {repeats(text[6:]):.0%}")
assert repeats(text[6:]) == 0

# %% [markdown]
# **3.** The table β is filled like the one of Viterbi in lesson 04, from the other end, and with sums where Viterbi takes the best. `exact` doesn't draw: it computes with which probability such draws write a given text. Mask and β agree on what is forbidden; they differ in how much each allowed letter is worth.

# %% [markdown] lang="zh"
# **3.** β 这张表，填法跟第 04 课的维特比算法一样，只是从另一头填起，取最大的地方换成求和。`exact` 并不真抽：它算出这样抽会以多大的概率写出某段文本。什么被禁止，掩码和 β 说法一致；每个允许的字母值多少，说法就不同了。


# %%
def backward(chain, machine, letters, n):
    """beta[m][letter, state]: the chance that m more letters complete the text."""
    beta = [np.tile(machine.accepts.astype(float), (len(letters), 1))]
    for _ in range(n):
        after = np.stack([machine.table[:, machine.kinds[c]] for c in letters])  # (V, S)
        worth = np.take_along_axis(beta[-1], after, axis=1)  # of each next letter in each state
        beta.append(chain @ worth)
    return beta


def exact(chain, machine, letters, text):
    """The probability of a text given that the form is kept, from weights p * beta."""
    beta, state, last, p = backward(chain, machine, letters, len(text)), 1, 0, 1.0
    for n, letter in enumerate(text):
        moves = np.array([machine.table[state, machine.kinds[c]] for c in letters])
        weights = chain[last] * beta[len(text) - n - 1][np.arange(len(letters)), moves]
        last = letters.index(letter)
        p, state = p * weights[last] / weights.sum(), moves[last]
    return p


# %%
machine = Automaton.compile("[ab]b", "ab")
print("two letters:", {t: round(float(exact(two, machine, "ab", t)), 2) for t in ("ab", "bb")})
chain, machine = rng.dirichlet(np.ones(3), size=3), Automaton.compile("(ab|c)*a.b?", "abc")
every = ["".join(text) for text in product("abc", repeat=6) if machine.matches("".join(text))]
joint = np.array(
    [np.prod([chain["abc".index(x), "abc".index(y)] for x, y in zip("a" + t, t, strict=False)]) for t in every]
)  # fmt: skip
ours = np.array([exact(chain, machine, "abc", text) for text in every])
gap = abs(ours - joint / joint.sum()).max()
print(f"{len(every)} of {3**6} texts fit; largest difference {gap:.9f}")
assert_allclose(ours, joint / joint.sum())

# %% [markdown]
# ## What we know now
#
# - The most probable text is not made of the most probable tokens; greedy decoding misses it. Beam search keeps the best $w$ beginnings: width 1 is greedy, full width is exhaustive, and in between a wider beam may even lose.
# - A beam of $w$ costs $w$ times the work. It is no speed-up.
# - The amount of probability in the tail is right, but a draw from it is left to the dice, and mistakes become context. Top-k, top-p and min-p cut the tail off; the last two follow how sure the model is.
# - A repetition penalty depends on where the logits have their zero, and on characters it wears off.
# - Texts by people are not the most probable ones: they lie near the model's own draws. Search where few texts are right, draw where many are.
# - Without length normalization the short wins.
# - Derivatives turn a regular expression into an automaton, the automaton into a mask. With it, even random logits write valid JSON. A mask is not the same as conditioning, and a form is not truth.
#
# ## What it still can't do
#
# It is slow. For every single token the model reads the whole text again, and nearly all of that work has been done before. Lesson 21 remembers it.
#
# ## References
#
# - B. Lowerre, *The HARPY Speech Recognition System* (1976); A. Graves, *Sequence Transduction with Recurrent Neural Networks* (2012): beam search.
# - Y. Wu and others, *Google's Neural Machine Translation System* (2016): length normalization.
# - J. Li and others, *A Diversity-Promoting Objective Function for Neural Conversation Models* (2016): distinct-n.
# - A. Fan and others, *Hierarchical Neural Story Generation* (2018): top-k.
# - A. Holtzman and others, *The Curious Case of Neural Text Degeneration* (2020): top-p, and people against beams.
# - N. S. Keskar and others, *CTRL: A Conditional Transformer Language Model for Controllable Generation* (2019): the repetition penalty.
# - M. Nguyen and others, *Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs* (2025).
# - J. A. Brzozowski, *Derivatives of Regular Expressions* (1964).
# - B. T. Willard and R. Louf, *Efficient Guided Generation for Large Language Models* (2023).
# - K. Park and others, *Grammar-Aligned Decoding* (2024): what a mask does to the probabilities.

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - 最可能的文本，并不由最可能的词元拼成，贪心解码会错过它。束搜索留下最好的 $w$ 个开头：束宽 1 是贪心，全宽是穷举，当中则宽的也可能输给窄的。
# - 束宽 $w$，工作量就是 $w$ 倍。它不会让生成变快。
# - 尾巴里的概率，总量是对的，可抽到谁全看骰子，而错误会变成上下文。top-k、top-p、min-p 都把尾巴剪掉；后两种会看模型有没有把握。
# - 重复惩罚有多重，取决于 logit 的零在哪儿；在字符上，它过一阵就失效。
# - 人写的文本不是最可能的，它离模型自己抽出来的不远。对的写法没有几种，就搜；好的有很多，就抽。
# - 不做长度归一化，短的总赢。
# - 导数把正则表达式变成自动机，自动机又变成掩码。有了它，随机的 logit 也写得出合法的 JSON。但掩码不等于条件概率，格式也不等于真实。
#
# ## 它还做不到
#
# 它慢。每写一个词元，模型都把整段文本重读一遍，而那些活儿几乎全都干过了。第 21 课把它们记住。
#
# ## 参考文献
#
# - B. Lowerre, *The HARPY Speech Recognition System* (1976)；A. Graves, *Sequence Transduction with Recurrent Neural Networks* (2012)：束搜索。
# - Y. Wu 等, *Google's Neural Machine Translation System* (2016)：长度归一化。
# - J. Li 等, *A Diversity-Promoting Objective Function for Neural Conversation Models* (2016)：distinct-n。
# - A. Fan 等, *Hierarchical Neural Story Generation* (2018)：top-k。
# - A. Holtzman 等, *The Curious Case of Neural Text Degeneration* (2020)：top-p，以及人与束搜索的对比。
# - N. S. Keskar 等, *CTRL: A Conditional Transformer Language Model for Controllable Generation* (2019)：重复惩罚。
# - M. Nguyen 等, *Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs* (2025)。
# - J. A. Brzozowski, *Derivatives of Regular Expressions* (1964)。
# - B. T. Willard, R. Louf, *Efficient Guided Generation for Large Language Models* (2023)。
# - K. Park 等, *Grammar-Aligned Decoding* (2024)：掩码对概率做了什么。
