"""The URLs of ``admin_site``."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.urls import path

MEASURE = """<!doctype html><title>measuring</title><iframe src="PAGE" width="1200" height="900"></iframe><script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument;
  const bars = [...page.querySelectorAll("progress")].map(bar => ({
    value: bar.value, max: bar.max, width: bar.getBoundingClientRect().width, height: bar.getBoundingClientRect().height
  }));
  const inputs = [...page.querySelectorAll("#content-main form input, #content-main form button, .submit-row *")];
  document.body.textContent = JSON.stringify({
    bars, title: page.title, text: page.body.innerText,
    inputs: inputs.map(input => input.name || input.textContent.trim()).filter(Boolean),
  });
};
</script>"""


def every_visitor_is_the_superuser(get_response):
    def middleware(request):
        request.user = get_user_model().objects.get(is_superuser=True)
        return get_response(request)

    return middleware


def measure(request):
    return HttpResponse(MEASURE.replace("PAGE", request.GET["page"]))


urlpatterns = [path("admin/", admin.site.urls), path("measure", measure)]
