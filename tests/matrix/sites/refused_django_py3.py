"""The asynchronous view of refused_django."""

from django.db import transaction
from django.http import HttpResponse

from tests.matrix.sites.diary import did


@transaction.non_atomic_requests
async def own(request):
    """Refused in the middle: it asks who it is."""
    did('view')
    user = await request.auser()
    did('went on')
    return HttpResponse(user.get_username())
