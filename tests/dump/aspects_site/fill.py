"""Create the site's database, with values that need escapes in CSV, JSON or SQL."""

import uuid
from datetime import UTC, datetime

import celery
import django
from django.core.management import call_command

django.setup()
celery.current_app.conf.broker_url = "memory://"  # the plugin queues a task for each saved object
call_command("migrate", run_syncdb=True, verbosity=0)

from django.contrib.auth.models import User
from lms_models.models import CourseEnrollment, CourseOverview, ExternalId, ExternalIdType, UserProfile
from openedx_tagging import api as tagging
from xmodule.modulestore.django import DAMAGED, DELETED

HARD = ['plain "quoted", comma', "line\nbreak\r\n", "\\N", "", "  spaces  ", "naïve 🎓 \t tab", "'; DROP TABLE x; --"]
COURSES = ["course-v1:DemoX+a+2026", "course-v1:DemoX+b+2026", "course-v1:DemoX+ü+2026", "D/e/m", DELETED, DAMAGED]
PUBLISHED = datetime(2026, 2, 1, 12, 30, 15, 123456, tzinfo=UTC)

types = [ExternalIdType.objects.create(name=name, description=name) for name in ("xapi", "caliper")]
for number in range(1, 26):
    user = User.objects.create(username=f"user{number}", email=f"user{number}@example.com")
    hard = HARD[number % len(HARD)]
    UserProfile.objects.create(
        id=number * 3,
        user=user,
        name=hard,
        meta=hard * 50,
        language="de" if number % 2 else "",
        year_of_birth=1950 + number if number % 3 else None,
        gender="f" if number % 2 else None,
        level_of_education=["p", "none", "", None, "unlisted"][number % 5],
        mailing_address=hard if number % 4 else None,
        country=["DE", "US", "", None, "XX"][number % 5],
        state="NY" if number % 5 else None,
        bio=hard,
        goals=None,
        profile_image_uploaded_at=PUBLISHED if number % 2 else None,
        phone_number="+491" if number % 2 else None,
    )
    for kind in types:
        ExternalId.objects.create(user=user, external_id_type=kind, external_user_id=uuid.uuid4())

courses = [
    CourseOverview.objects.create(
        id=course_id,
        org="DemoX",
        display_name=HARD[at % len(HARD)] if at else None,
        start=PUBLISHED if at else None,
        end=PUBLISHED.replace(microsecond=0) if at else None,
        enrollment_start=PUBLISHED if at else None,
        enrollment_end=PUBLISHED.replace(microsecond=0) if at else None,
        announcement=PUBLISHED if at else None,
        lowest_passing_grade="0.50",
        advertised_start=HARD[at],
        max_student_enrollments_allowed=at or None,
        self_paced=bool(at % 2),
        language="en",
        created=PUBLISHED,
        modified=PUBLISHED,
    )
    for at, course_id in enumerate(COURSES)
]
for number, user in enumerate(User.objects.all()):
    course = courses[number % len(courses)]
    CourseEnrollment.objects.create(user=user, course=course, is_active=bool(number % 2), mode="audit")

places = tagging.create_taxonomy("Places", export_id="places")
free = tagging.create_taxonomy("Free", allow_free_text=True, export_id="free")
disabled = tagging.create_taxonomy("Disabled", enabled=False, export_id="disabled")
europe = tagging.add_tag_to_taxonomy(places, "Europe, all")
germany = tagging.add_tag_to_taxonomy(places, 'Germany "D"', parent_tag_value=europe.value)
tagging.add_tag_to_taxonomy(places, "Köln", parent_tag_value=germany.value, external_id="cgn")
tagging.add_tag_to_taxonomy(disabled, "Hidden")
for course in courses[:2]:
    tagging.tag_object(str(course.id), places, ["Köln"])
    tagging.tag_object(str(course.id), free, ["free text"])
tagging.tag_object("block-v1:DemoX+a+2026+type@problem+block@course_0_0_0_0", places, ["Europe, all"])
