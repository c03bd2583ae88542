"""Arithmetic for a model that can't do it: a tool that reads sums and nothing else.

An expression is parsed by Python's own parser and walked node by node. Nothing is ever evaluated
as a program, so a question can't run code. Sizes are limited, so that it can't hang either.
"""

import ast
import math
import operator
import re
from collections.abc import Callable

LONGEST = 200  # characters of an expression
READ = 1000  # characters of a sentence that are looked at
LARGEST = 10**60  # absolute value of anything on the way

OPERATIONS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
SIGNS = str.maketrans("×·÷−–（）^", "**/--()^") | {ord("^"): "**", ord("，"): ","}
NUMBER = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
SUM = re.compile(
    rf"[-+(]*(?:{NUMBER})[)]*(?:\s*(?:\*\*|//|[-+*/%])\s*[-+(]*(?:{NUMBER})[)]*)+"  # 2 * (3 + 4)
)


def calculate(expression: str) -> int | float:
    """Work out a sum: `+ - * / // % **`, brackets, and `× ÷ ^` as people write them.

    Raises `ValueError` for anything else, division by zero, and numbers beyond 10 to the 60th.

    >>> calculate("12 × (34 − 5)")
    348
    >>> calculate("2 ** 10 / 4")
    256
    >>> calculate("__import__('os')")
    Traceback (most recent call last):
    ValueError: an expression must hold numbers and + - * / // % ** ( ) alone. \
Received: "__import__('os')"
    """
    rule = "an expression must hold numbers and + - * / // % ** ( ) alone."
    if len(expression) > LONGEST:
        raise ValueError(
            f"an expression must have at most {LONGEST} characters. Received: {len(expression)}"
        )
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", expression.translate(SIGNS)).strip()
    try:
        value = _value(ast.parse(plain, mode="eval").body)
    except ZeroDivisionError:
        raise ValueError(f"a divisor must not be zero. Received: {expression!r}") from None
    except (SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError(f"{rule} Received: {expression!r}") from None
    exact = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if exact else value


def arithmetic(text: str) -> str | None:
    """Find the longest sum in a sentence, or None: what a chat hands to the calculator.

    >>> arithmetic("What is 12 * (3 + 4), please?")
    '12 * (3 + 4)'
    >>> arithmetic("Was he born in 1879 or 1880?")
    """
    found = []
    for hit in SUM.finditer(text[:READ].translate(SIGNS)):
        candidate = hit[0].strip()
        while candidate:  # a bracket of the sentence may hang on at either end
            try:
                calculate(candidate)
            except ValueError as error:
                if "divisor" in str(error) or "below" in str(error):
                    break
                shorter = candidate.removesuffix(")").removeprefix("(")
                candidate = "" if shorter == candidate else shorter
            else:
                break
        if candidate and not re.fullmatch(r"\d{4}\s*[-/]\s*\d{2,4}(?:[-/]\d+)?", candidate):
            found.append(candidate)  # 1914-1918 is a time, not a difference
    return max(found, key=len, default=None)


def _value(node: ast.AST) -> int | float:
    """The value of a node; every result on the way is checked for its size."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            result = value
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATIONS:
            result = OPERATIONS[type(op)](_value(operand))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            result = _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            result = OPERATIONS[type(op)](_value(left), _value(right))
        case _:
            raise TypeError
    if not abs(result) <= LARGEST:  # not a number is refused, too
        raise ValueError(f"every result must be below 10 to the 60th. Received: {result:.3g}")
    return result


def _power(base: int | float, exponent: int | float) -> int | float:
    """A power whose size is known before it is taken: 9 ** 9 ** 9 would fill the memory."""
    if base < 0 and exponent != int(exponent):
        raise ValueError(
            f"a power of a negative number must be whole. Received: {base} ** {exponent}"
        )
    size = exponent * math.log10(abs(base)) if base else 0
    if size > 60:
        raise ValueError(
            f"every result must be below 10 to the 60th. Received: {base} ** {exponent}"
        )
    return base**exponent
