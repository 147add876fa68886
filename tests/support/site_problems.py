"""Problems as real sites have them: several questions, HTML and other scripts, answers as a form and as graded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

from tests.support.event_forms import Form, at, graded, handler
from tests.support.event_scene import hex_id
from tests.support.problem_checks import graded_problem, submission

if TYPE_CHECKING:
    from tests.support.event_scene import Scene

WORDS = ("light travels", "λ = 500 nm", "光年 is a distance", "مسافة", "naïve “guess”", "x < y & z", "🪐", "50 % off")
RESPONSE_TYPES = ("multiplechoiceresponse", "choiceresponse", "numericalresponse", "stringresponse", "optionresponse")
TITLE = "Quiz: light & distance"


class Problem(NamedTuple):
    """The number of questions, and the number of HTML paragraphs in each question (0: plain text)."""

    questions: int
    paragraphs: int

    def forms(self) -> tuple[Form, ...]:
        """Return the events of one submission, in the order of the log.

        The browser logs ``problem_check`` with the form and ``problem_graded`` with the rendered problem. The server
        logs ``problem_check`` with the graded submission, and a grade.
        """
        path, grade = handler("problem_check"), "edx.grades.problem.submitted"
        return (
            Form("problem_check.form", "problem_check", "browser", at("/event"), self.form_data),
            Form("problem_check.graded", "problem_check", "server", path, self.graded_data, TITLE),
            Form(grade, grade, "server", path, graded(weighted_earned=1, weighted_possible=self.questions), TITLE),
            Form("problem_graded", "problem_graded", "browser", at("/event"), self.rendered_data),
        )

    def answers(self, scene: Scene) -> dict[str, Any]:
        """Return the answers by the ids of their inputs."""
        return {field_id(scene, number): answer(scene, number) for number in range(1, self.questions + 1)}

    def form_data(self, scene: Scene) -> str:
        """Return the answers as the form that the browser posts."""
        fields = [
            (f"input_{key}[]" if isinstance(value, list) else f"input_{key}", one)
            for key, value in self.answers(scene).items()
            for one in (value if isinstance(value, list) else [value])
        ]
        return urlencode(fields, quote_via=quote)

    def graded_data(self, scene: Scene) -> dict[str, Any]:
        """Return the answers as the server grades them."""
        answers = self.answers(scene)
        submissions = {
            key: submission(response_type(number), self.question(number), value, correct=number % 3 > 0)
            for number, (key, value) in enumerate(answers.items(), start=1)
        }
        return graded_problem(scene, answers, submissions)

    def rendered_data(self, scene: Scene) -> list[str]:
        """Return the posted form and the HTML of the graded problem."""
        body = "\n".join(f'<div class="wrapper">{self.question(1 + n)}</div>' for n in range(self.questions))
        return [self.form_data(scene), f'<div class="problem">\n{body}\n<p class="status">Correct</p></div>']

    def question(self, number: int) -> str:
        """Return the text of one question."""
        if not self.paragraphs:
            return f"Question {number}: {WORDS[number % len(WORDS)]}?"
        return "\n".join(
            f'<p class="question"><b>{number}.{part}</b> {WORDS[(number + part) % len(WORDS)]}<br/>&nbsp;</p>'
            for part in range(self.paragraphs)
        )


def field_id(scene: Scene, number: int) -> str:
    """Return the id of an input, in the format of the course id."""
    block = hex_id("problem", scene)
    if ":" not in scene.course_id:
        org, course, *_ = scene.course_id.split("/")
        block = f"i4x-{org}-{course}-problem-{block}"
    return f"{block}_{number + 1}_1"


def response_type(number: int) -> str:
    return RESPONSE_TYPES[number % len(RESPONSE_TYPES)]


def answer(scene: Scene, number: int) -> Any:
    kind = response_type(number)
    if kind == "choiceresponse":
        return ["choice_0", f"choice_{1 + number % 3}"]
    if kind == "numericalresponse":
        return f"{scene.number * number / 7:.3f}"
    if kind == "multiplechoiceresponse":
        return f"choice_{scene.number % 4}"
    return WORDS[(scene.number + number) % len(WORDS)]


#: One question, several, many; long HTML; a line of nearly 60 KB.
PROBLEMS = (Problem(1, 0), Problem(1, 1), Problem(3, 0), Problem(2, 2))
LONG_PROBLEMS = (Problem(30, 0), Problem(30, 2), Problem(30, 13), Problem(5, 60))
