"""Surveys as AWX has them: what it refuses in one, what it refuses in answers, and how a job gets its variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

KINDS = {"text": str, "textarea": str, "integer": int, "float": (int, float), "multiplechoice": str}
WORDS = {"type": str, "question_name": str, "variable": str, "required": bool}


def spec_errors(survey: Mapping[str, Any]) -> list[str]:
    """What is wrong with a survey itself: awx/api/views/__init__.py, JobTemplateSurveySpec._validate_spec_data."""
    wrong = [f"{name} is missing" for name in ("name", "description") if not isinstance(survey.get(name), str)]
    questions = survey.get("spec") or []
    variables = [question.get("variable") for question in questions]
    wrong += ["there are no questions"] if not questions else []
    wrong += [f"{name} is asked twice" for name in {*variables} if variables.count(name) > 1]
    return [*wrong, *(text for question in questions for text in _question_errors(question))]


def _question_errors(question: Mapping[str, Any]) -> Iterator[str]:
    name = question.get("variable")
    yield from (f"{name}: {word}" for word, kind in WORDS.items() if not isinstance(question.get(word), kind))
    if question["type"] not in KINDS:
        yield f"{name}: no type {question['type']}"
        return
    yield from (f"{name}: {word}" for word in ("min", "max") if not isinstance(question.get(word, 0), int))
    if question["type"] == "multiplechoice" and not all(isinstance(one, str) for one in question.get("choices") or [0]):
        yield f"{name}: choices"
    if question.get("default", "") != "":
        yield from answer_errors(question, {name: question["default"]})


def answer_errors(question: Mapping[str, Any], answers: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an answer: awx/main/models/mixins.py, SurveyJobTemplateMixin._survey_element_validation."""
    name, kind = question["variable"], question["type"]
    if name not in answers:
        if question["required"]:
            yield f"'{name}' value missing"
        return
    answer = answers[name]
    if not isinstance(answer, KINDS[kind]) or isinstance(answer, bool):
        yield f"{name}: {answer} is no {kind}"
    elif kind == "multiplechoice" and answer not in question["choices"]:
        yield f"{name}: {answer} is none of {question['choices']}"
    elif kind != "multiplechoice":
        size = len(answer) if isinstance(answer, str) else answer
        if size < question.get("min", size) or size > question.get("max", size):
            yield f"{name}: {answer} is too small or too large"


def variables_of(template: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The extra variables of a job: the survey's defaults, the answers; ValueError for wrong answers.

    awx/main/models/mixins.py, SurveyJobTemplateMixin._update_unified_job_kwargs and _accept_or_ignore_variables.
    Who leaves a question alone that need not be answered sends no answer, or an empty one.
    """
    questions = template["survey"]
    defaults = {one["variable"]: one["default"] for one in questions if "default" in one}
    usable = {one["variable"] for one in questions if not list(answer_errors(one, defaults))}
    chosen = {name: default for name, default in defaults.items() if name in usable}
    known = {one["variable"] for one in questions}
    wrong = [f"Variables {name} are not allowed on launch" for name in answers if name not in known]
    wrong += [text for one in questions for text in answer_errors(one, {**chosen, **answers})]
    if wrong:
        raise ValueError("; ".join(wrong))
    return {**chosen, **answers}


class _Unsafe(yaml.SafeDumper):
    """Writes text so that Ansible takes none of it for a template."""


_Unsafe.add_representer(str, lambda dumper, text: dumper.represent_scalar("!unsafe", text))


def extra_vars_file(variables: Mapping[str, Any]) -> str:
    """The file with a job's extra variables.

    awx/main/utils/safe_yaml.py: with ALLOW_JINJA_IN_EXTRA_VARS as it is at first, variables of the template itself may
    hold templates of Ansible. These templates have none, so the file is the same when the setting is "never".
    """
    return yaml.dump(dict(variables), Dumper=_Unsafe)
