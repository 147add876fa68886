from django.db import models


class CourseOverview(models.Model):
    id = models.CharField(primary_key=True, max_length=255)
    display_name = models.TextField(null=True)

    class Meta:
        app_label = "course_overviews"
