"""The pages' addresses."""

from __future__ import annotations

from django.urls import path

from examples.bookshop_django import views

handler404 = views.not_found
urlpatterns = [
    path("", views.index),
    path("search", views.search),
    path("book/<int:number>", views.book),
    path("login", views.login),
    path("logout", views.logout),
    path("download", views.download),
    path("cover", views.cover),
    path("maintenance/ping", views.ping),
]
