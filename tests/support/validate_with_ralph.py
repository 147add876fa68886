"""Reads a JSON array of statements from stdin. Prints, for each, the errors of Ralph's model of a statement."""

import json
import sys

from pydantic import ValidationError
from ralph.models.xapi.base.statements import BaseXapiStatement


def errors(statement):
    try:
        BaseXapiStatement.model_validate(statement)
    except ValidationError as error:
        return [f"{'.'.join(map(str, found['loc']))} {found['type']} {found['msg']}" for found in error.errors()]
    except Exception as error:  # noqa: BLE001 - Ralph answers 500 then
        return [f"{type(error).__name__}"]
    return []


json.dump([errors(statement) for statement in json.load(sys.stdin)], sys.stdout)
