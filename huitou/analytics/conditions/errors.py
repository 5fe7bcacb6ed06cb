"""What is wrong with a condition, where, and how to mend it, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

# code: (English, Chinese); the value names stand in the text.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "not_an_object": (
        'A condition is an object such as {{"feature": "order_count", "is": ">=", "value": 2}}; here stands {given}.',
        '条件应为一个对象，例如 {{"feature": "order_count", "is": ">=", "value": 2}}；这里是 {given}。',
    ),
    "unknown_kind": (
        "None of the keys {given} says what is asked. Use one of: {known}.",
        "这些键 {given} 没有说明要判断什么。请使用其中之一：{known}。",
    ),
    "several_kinds": (
        "One object asks one thing, this one asks {given}. Put each into its own object, joined by all or any.",
        "一个对象只能判断一件事，这里同时写了 {given}。请分开写，并用 all 或 any 组合。",
    ),
    "unknown_key": (
        "There is no {given} here. Known are: {known}.",
        "这里不支持 {given}。可用的有：{known}。",
    ),
    "missing": ("{key} is missing. Add it; it takes {wanted}.", "缺少 {key}。请补上，应填 {wanted}。"),
    "not_a_text": (
        "{given} is no text of 1 to {most} characters. Write one.",
        "{given} 不是 1 到 {most} 个字的文本，请修改。",
    ),
    "not_a_list": (
        "{given} is no list of 1 to {most} different values. Write one in square brackets.",
        "{given} 不是含 1 到 {most} 个不同值的列表。请用方括号写成列表。",
    ),
    "not_whole": (
        "{given} is no whole number from {least} to {most}. Write one without quotes.",
        "{given} 不是 {least} 到 {most} 之间的整数。请写不带引号的整数。",
    ),
    "not_a_number": (
        "{given} is no number below a million millions with at most six decimals. Write one without quotes.",
        "{given} 不是小于一万亿、最多六位小数的数字。请写不带引号的数字。",
    ),
    "not_a_flag": (
        "{given} is neither true nor false. Write one of them without quotes.",
        "{given} 不是 true 或 false，请填其中之一（不带引号）。",
    ),
    "not_a_day": ("{given} is no day. Write it as 2024-03-31.", "{given} 不是日期。请写成 2024-03-31 的形式。"),
    "not_an_instant": (
        "{given} is no time. Write a day such as 2024-03-31 or an instant such as 2024-03-31T08:00:00+08:00.",
        "{given} 不是时间。请写日期如 2024-03-31，或带时区的时刻如 2024-03-31T08:00:00+08:00。",
    ),
    "not_a_range": (
        "{given} is no pair [low, high] with low not above high. Write two values.",
        "{given} 不是 [下限, 上限] 的一对值（下限不能大于上限）。请写两个值。",
    ),
    "not_a_choice": (
        "{given} is not possible here. Use one of: {known}.",
        "这里不能用 {given}。请使用其中之一：{known}。",
    ),
    "unknown_feature": (
        "There is no feature {given}. The features are listed in the reference; close to it: {near}.",
        "没有名为 {given} 的特征。请查看特征列表；相近的有：{near}。",
    ),
    "bad_name": (
        "{given} cannot be the name of a property: quotes, brackets, backslashes, ? and control characters are not.",
        "{given} 不能作为属性名：不能含引号、方括号、反斜杠、问号或控制字符。",
    ),
    "empty_list": (
        "{key} holds no condition, so nobody could meet it. Add one or remove it.",
        "{key} 里没有条件，没有人能满足。请添加条件或删除它。",
    ),
    "too_deep": (
        "Conditions are nested more than {most} deep. Join what can stand side by side.",
        "条件嵌套超过 {most} 层。请把能并列的条件合并。",
    ),
    "too_many": (
        "There are more than {most} conditions. Save a part as a segment and ask for that.",
        "条件超过 {most} 个。请把一部分保存为分群，再引用该分群。",
    ),
    "one_of": (
        "Exactly one of these goes here: {known}. Written are: {given}.",
        "这里必须且只能写其中之一：{known}。现在写了：{given}。",
    ),
    "needs_window": (
        '{key} compares a time with what was before it. Add a window, for example {{"last_days": 30}}.',
        '{key} 需要和之前的时间比较。请添加时间窗口，例如 {{"last_days": 30}}。',
    ),
    "no_window": (
        "{key} has its own time. Remove the window.",
        "{key} 自带时间范围。请去掉时间窗口。",
    ),
    "only_one_customer": (
        "{kind} can be asked about the event at hand only, not about an audience. Use it in a trigger.",
        "{kind} 只能用于判断当前发生的事件，不能用来圈人。请放到触发条件里。",
    ),
}


class ConditionError(ValueError):
    """A condition that cannot be.

    Parameters
    ----------
    code
        Stable name of what is wrong, a key of SENTENCES.
    path
        Where, as a JSON path: `$.all[1].value`.
    values
        What the sentence names.
    """

    def __init__(self, code: str, path: str, /, **values: object) -> None:
        self.code = code
        self.path = path
        self.values = {name: _shown(value) for name, value in values.items()}
        super().__init__(self.sentence("en"))

    def sentence(self, language: str) -> str:
        """What is wrong, where, and how to mend it; Chinese for zh and its kin, else English."""
        english, chinese = SENTENCES[self.code]
        if language.lower().startswith("zh"):
            return f"{self.path}：{chinese.format(**self.values)}"
        return f"{self.path}: {english.format(**self.values)}"


def _shown(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(v) for v in value) or "–"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, dict) else str(value)
    return text if len(text) <= 120 else text[:117] + "..."
