"""The pages."""

from __future__ import annotations

from typing import Any

from django.contrib import auth
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from examples.catalogue import shop


def page(request: HttpRequest, template: str, status: int = 200, **values: Any) -> HttpResponse:
    """A template with what all pages need."""
    return render(request, template, {"user_name": request.user.get_username(), **values}, status=status)


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    with connections["catalogue"].cursor() as cursor:
        return page(request, "books.html", heading="All our books", books=shop.every_book(cursor))


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    q = request.GET.get("q", "")
    with connections["catalogue"].cursor() as cursor:
        return page(request, "books.html", heading=f"Books for “{q}”", books=shop.search(cursor, q), q=q)


@require_GET
def book(request: HttpRequest, number: int) -> HttpResponse:
    found = _book(number)
    if not found:
        raise Http404
    return page(request, "book.html", book=found)


@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return page(request, "login.html")
    name, password = request.POST.get("username", ""), request.POST.get("password", "")
    user = auth.authenticate(request, username=name, password=password)
    if user is None:
        return page(request, "login.html", failed=True)
    auth.login(request, user)
    return redirect("/")


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("/")


@require_GET
def download(request: HttpRequest) -> HttpResponse:
    try:
        return HttpResponse(shop.chapter(request.GET.get("name", "")), content_type="text/plain; charset=utf-8")
    except (OSError, ValueError):
        return page(request, "sorry.html", 404, reason="We have no such chapter.")


@require_GET
def cover(request: HttpRequest) -> HttpResponse:
    url, number = request.GET.get("url"), request.GET.get("book", "")
    try:
        picture, kind = shop.cover_from(url) if url else shop.drawn_cover(_book(number))
    except (OSError, ValueError):
        return page(request, "sorry.html", 502, reason="The publisher's machine gave us no cover.")
    return HttpResponse(picture, content_type=kind)


@require_GET
def ping(request: HttpRequest) -> HttpResponse:
    host = request.GET.get("host", "localhost")
    return page(request, "maintenance.html", host=host, output=shop.look_up(host))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, "sorry.html", 404, reason="There is no such page.")


def _book(number: int | str) -> shop.Book | None:
    """The book of this number; None where it is no number or nobody's."""
    if isinstance(number, str) and not number.isdecimal():
        return None
    with connections["catalogue"].cursor() as cursor:
        return shop.book(cursor, min(int(number), 1 << 62), "%s")
