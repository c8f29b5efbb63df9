"""What Django has asynchronously since 5.2."""

from django.contrib.auth import aauthenticate, get_user_model
from django.contrib.auth import alogin as login
from django.http import HttpResponse


async def alogin(request):
    name = get_user_model().USERNAME_FIELD
    user = await aauthenticate(request, **{name: request.POST['username'], 'password': request.POST['password']})
    if user is None:
        return HttpResponse('no', status=403)
    await login(request, user)
    return HttpResponse(request.session.session_key)
