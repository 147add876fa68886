"""Recipes: what the C code needs to transform the line of an event without Python objects for its fields.

A recipe is a list of steps that write the statement's JSON from left to right. Some steps copy a value from the line.
The others use the same functions as without recipes: they call them with the values that they read, and cache the
results (``native.parts``). Lines that a recipe does not support are transformed as without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from log_replay import _speedups
from log_replay.events import parse_event
from log_replay.identities import User
from log_replay.records import ALL_ROUTES, Event, Position, Rejected, TransformedEvent, new_transformed_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_replay.records import Statement, Text
    from log_replay.statements.native.parts import Rejection
    from log_replay.statements.native.steps import Step

#: The users, courses, statements and offsets of events, for the report of a dry run.
Noted: TypeAlias = list[tuple[Any, Any, tuple[Any, ...], int]]


class ProblemTexts(NamedTuple):
    """The constant parts of statements about problems.

    Attributes:
        attempted: the template of statements about attempts, as a browser reports them.
        evaluated: the template of statements about graded attempts and their questions.
        context: the step that writes the context of the statement about the problem.
        course: the step that writes the course, as the context of the statements about questions has it.
        score: the step that writes the score.
        page: the step that writes the usage key in the address of the page; nothing if it has none.
        block_prefix: the step that writes the course's part of usage keys.
        iri: the JSON of an activity up to the usage key in its id.
        definition: the JSON of a definition up to the type.
        attempts: the JSON before the number of attempts.
        interaction_types: xAPI's interaction types by response type.
        verb_in_ids: the text before the question in the names that the namespaces of questions are derived from.
        new_namespace: starts the SHA-1 digest of these namespaces.
        new_digest: starts the SHA-1 digest of a name that begins with its namespace.
        untyped: the step that writes the result's members for answers without a response type.
        no_id: the rejection of an event without the id of its problem.
        no_course: the rejection of an event with several questions and no course.
        no_question: the rejection of an answer without a question.
        no_text: the rejection of an answer whose question is not a text.
        no_answer: the rejection of a question without an answer.
        no_referer: the rejection of an event without the address of a page.
    """

    attempted: tuple[Any, ...]
    evaluated: tuple[Any, ...]
    context: Step
    course: Step
    score: Step
    page: Step
    block_prefix: Step
    iri: bytes
    definition: bytes
    attempts: bytes
    interaction_types: Mapping[str, bytes]
    verb_in_ids: bytes
    new_namespace: Callable[[], Any]
    new_digest: Callable[[], Any]
    untyped: Step
    no_id: Rejection
    no_course: Rejection
    no_question: Rejection
    no_text: Rejection
    no_answer: Rejection
    no_referer: Rejection


class LineRecipe(NamedTuple):
    """How to write the statement of the events with one name.

    Attributes:
        name: the name.
        new_digest: starts the SHA-1 digest of a statement's id.
        before_name_in_id: the text before the account name in the name that the id is derived from; None if it is
            derived from the JSON of the line, as for Caliper.
        after_name_in_id: the text between the account name and the time in that name.
        steps: the steps.
        problem: replaces the steps for ``problem_check``, which may give several statements.
        no_time: the rejection of an event without a time; None if its statements have no timestamp.
        no_zone: the rejection of an event whose time has no zone.
    """

    name: str
    new_digest: Callable[[], Any]
    before_name_in_id: bytes | None
    after_name_in_id: bytes | None
    steps: tuple[Step, ...]
    problem: ProblemTexts | None = None
    no_time: Rejection | None = None
    no_zone: Rejection | None = None


class LineRecipes(NamedTuple):
    """The recipes of a run.

    Attributes:
        by_name: the recipes by event name.
        users: the cached users.
        ranges: the cached external ids, by number of the range; None if there are no ranges.
        anonymous: the rejection of an event without a user.
        unknown_user: the rejection of an event whose user the LMS does not have.
        not_cached: stands for the rejection of an event whose user or course must be looked up first.
        transform: returns the statements of any event.
    """

    by_name: dict[str, LineRecipe]
    users: dict[Any, User | None]
    ranges: dict[int, bytes] | None
    anonymous: Rejection
    unknown_user: Rejection
    not_cached: Rejection
    transform: Callable[[Event], tuple[Statement, ...]]


for _layout in (ProblemTexts, LineRecipe, LineRecipes, User, Rejected, TransformedEvent):
    _speedups.check_layout(_layout.__name__, _layout._fields)


def transform_line(  # noqa: PLR0913, PLR0917 - the arguments of the C function
    recipes: LineRecipes, object_: str, text: Text, begin: int, end: int, start: int, noted: Noted | None
) -> TransformedEvent:
    """Transform the event in one line, as the C function of this name does for usual events.

    The C function returns rejects; it returns the user and course of an event if they must be looked up first.

    Args:
        recipes: the recipes of the run.
        object_: the name of the object.
        text: the text of a block.
        begin: where the line begins in the text.
        end: where it ends, without the line end.
        start: the offset of the text in the object.
        noted: gets the user, course, statements and offset; may be None.

    Raises:
        Exception: the line is not an event, or is rejected.
    """
    event = parse_event(bytes(text[begin:end]), Position(object_, start + begin))
    statements = recipes.transform(event)
    if noted is not None:
        noted.append((event.user, event.course_id, statements, event.position.offset))
    return new_transformed_event((event.position, event.name, statements, ALL_ROUTES))
