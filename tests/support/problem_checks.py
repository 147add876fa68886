"""The data of ``problem_check`` events from browsers and from the server."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.support.event_scene import Scene, hex_id, usage_key

Submission = dict[str, Any]

INPUT_TYPES = {"choiceresponse": "checkboxgroup", "stringresponse": "textline"}


def input_id(scene: Scene, question: int = 1) -> str:
    return f"{hex_id('problem', scene)}_{question + 1}_1"


def posted_answers(scene: Scene) -> str:
    field = quote(f"input_{input_id(scene)}[]")
    return f"{field}=choice_0&{field}=choice_{1 + scene.number % 3}"


def submission(response_type: str, question: str, answer: Any, *, correct: bool) -> Submission:
    return {
        "question": question,
        "answer": answer,
        "response_type": response_type,
        "input_type": INPUT_TYPES.get(response_type, "choicegroup"),
        "correct": correct,
        "variant": "",
        "group_label": "",
    }


def graded_problem(scene: Scene, answers: dict[str, Any], submissions: dict[str, Submission]) -> dict[str, Any]:
    right = {key: bool(submissions.get(key, {}).get("correct")) for key in answers}
    empty = {"npoints": None, "msg": "", "hint": "", "hintmode": None, "queuestate": None, "answervariable": None}
    correct_map = {key: {"correctness": "correct" if right[key] else "incorrect", **empty} for key in answers}
    state = {"seed": 1, "student_answers": answers, "has_saved_answers": False, "correct_map": correct_map}
    return {
        "state": state | {"input_state": {key: {} for key in answers}, "done": True},
        "problem_id": usage_key(scene, "problem"),
        "answers": answers,
        "grade": sum(right.values()),
        "max_grade": len(answers),
        "correct_map": correct_map,
        "success": "correct" if all(right.values()) else "incorrect",
        "attempts": 1 + scene.number % 4,
        "submission": submissions,
    }


def checked(scene: Scene) -> dict[str, Any]:
    field = input_id(scene)
    labels = ["a planet with rings", "a moon of Jupiter"]
    question = "Which of these can be seen with binoculars?"
    submitted = submission("choiceresponse", question, labels, correct=bool(scene.number % 2))
    return graded_problem(scene, {field: ["choice_0", "choice_2"]}, {field: submitted})


def checked_text(scene: Scene) -> dict[str, Any]:
    field = input_id(scene)
    submitted = submission("stringresponse", "How far is the Moon, in thousands of km?", "384", correct=True)
    return graded_problem(scene, {field: "384"}, {field: submitted})


def questions(scene: Scene) -> dict[str, Any]:
    first, second, third = (input_id(scene, question) for question in (1, 2, 3))
    answers = {first: "blue", second: "choice_2", third: ["choice_0", "choice_3"]}
    submissions = {
        first: submission("optionresponse", "The colour of the hottest stars?", "blue", correct=True),
        second: submission("multiplechoiceresponse", "What is a light-year?", "a distance", correct=True),
        third: submission("choiceresponse", "Which are gas giants?", ["Jupiter", "Mars"], correct=False),
    }
    return graded_problem(scene, answers, submissions)


def checked_without_submission(scene: Scene) -> dict[str, Any]:
    # Events from before March 2014 have no submission.
    data = graded_problem(scene, {input_id(scene): "choice_1"}, {})
    del data["submission"]
    return data


def checked_without_response_type(scene: Scene) -> dict[str, Any]:
    data = checked(scene)
    for submitted in data["submission"].values():
        del submitted["response_type"]
    return data
