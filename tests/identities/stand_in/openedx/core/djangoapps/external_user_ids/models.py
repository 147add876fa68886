"""The models of edx-platform's module of this name, without their history."""

import uuid

from django.conf import settings
from django.db import models


class ExternalIdType(models.Model):
    XAPI = "xapi"
    CALIPER = "caliper"
    LTI = "lti"

    name = models.CharField(max_length=32, unique=True)
    description = models.TextField()

    class Meta:
        app_label = "external_user_ids"


class ExternalId(models.Model):
    external_user_id = models.UUIDField(default=uuid.uuid4, unique=True)
    external_id_type = models.ForeignKey(ExternalIdType, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        app_label = "external_user_ids"
        unique_together = (("user", "external_id_type"),)

    @classmethod
    def add_new_user_id(cls, user, type_name):
        return cls.objects.get_or_create(user=user, external_id_type=ExternalIdType.objects.get(name=type_name))
