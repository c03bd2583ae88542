"""What is found about a submission, and the sentences that its author reads. Knows no tests."""

import json
from dataclasses import asdict, dataclass, field

from lmcourse.classroom.submission import harmless

SENTENCES = {
    "unanswered": ("This part is not answered yet.", "这一部分还没有作答。"),
    "missing": (
        "`{name}` is not there: its cell is missing, was not filled in, or stopped with an error. "
        "Restart the kernel, run all cells, and see where it stops.",
        "找不到 `{name}`：那一格不见了、没填，或者运行时出错停下了。"
        "请重启内核、运行全部单元格，看看停在哪里。",
    ),
    "error": ("`{name}` stops with {kind}.", "`{name}` 出错停下：{kind}。"),
    "value": (
        "`{name}` must give numbers, text, arrays, or lists and dictionaries of them, and nothing "
        "else.",
        "`{name}` 只能给出数、文字、数组，以及由它们组成的列表和字典。",
    ),
    "changed": (
        "`{name}` is right, but it changes what it is given: a list or an array that is still "
        "needed elsewhere. Work on a copy.",
        "`{name}` 的结果对，可是它改动了交给它的东西，那个列表或数组别处还要用。请在副本上计算。",
    ),
    "time": (
        "This part took too long. Look for a loop that never ends, or for input() and sleep().",
        "这一部分用时太长。请检查有没有死循环，有没有 input() 或 sleep()。",
    ),
    "late": (
        "Your other parts took so long that no time was left for this one. Mend those first.",
        "别的部分用时太长，没有时间批改这一部分了。请先改好那些部分。",
    ),
    "memory": (
        "This part used too much memory. Look for a list or an array that grows without end, or "
        "for many files.",
        "这一部分占用内存太多。请检查有没有不断变大的列表或数组，有没有写出很多文件。",
    ),
    "died": (
        "This part ended the whole program. Take out exit() and quit(), and look for a function "
        "that calls itself without end.",
        "这一部分让整个程序退出了。请去掉 exit()、quit()，并检查有没有无休止调用自己的函数。",
    ),
    "visible": ("A visible test fails: {message}", "一个公开测试没有通过：{message}"),
    "hidden": (
        "Right in the visible tests, but not for other values. Try numbers, shapes and sizes of "
        "your own, and cases at the edge.",
        "公开测试都通过了，换别的数就不对。请自己换些数、形状和大小试试，也试试边界情形。",
    ),
}


@dataclass
class Mark:
    """What one part reaches, and the sentences for its author, in both languages."""

    part: str
    points: float
    most: float
    mistake: str | None = None  # its name, if it is a known one
    sentences: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Report:
    """All that is found about one submission; as JSON it is kept and read again."""

    student: str
    assignment: str
    language: str
    marks: list[Mark]
    outputs: list[str]  # of the code cells that ran, in order, errors included
    notes: list[dict[str, str]]

    def to_json(self) -> str:
        """Write it down, always in the same way."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read what `to_json` wrote."""
        kept = json.loads(text)
        return cls(**kept | {"marks": [Mark(**mark) for mark in kept["marks"]]})


def sentence(found: dict) -> dict[str, str]:
    """Say in both languages what was found: `{"reason": …}` and what its sentence names."""
    found = {key: harmless(str(value)) for key, value in found.items()}
    en, zh = SENTENCES[found["reason"]]
    return {"en": en.format(**found), "zh": zh.format(**found)}
