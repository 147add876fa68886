"""Create the LMS's tables and load the sample identities into them."""

import json
import sys
from pathlib import Path

import django

django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from openedx.core.djangoapps.external_user_ids.models import ExternalId, ExternalIdType

call_command("migrate", run_syncdb=True, verbosity=0)
identities = json.loads(Path(sys.argv[1]).read_text())
with transaction.atomic():
    types = {name: ExternalIdType.objects.create(name=name) for name in ("xapi", "caliper", "lti")}
    for user in identities["users"]:
        row = get_user_model().objects.create(id=user["id"], username=user["username"], email=user["email"])
        for name, value in user.get("external_ids", {}).items():
            ExternalId.objects.create(user=row, external_id_type=types[name], external_user_id=value)
    for course in identities["courses"]:
        CourseOverview.objects.create(**course)
