"""A middleware of the site's own that says who it is, in both ways in which Django has had them."""

from django.contrib.auth import get_user_model


class Layer(object):
    sync_capable, async_capable = True, False

    def __init__(self, get_response=None):
        self.get_response = get_response

    def __call__(self, request):
        self.process_request(request)
        return self.get_response(request)

    def process_request(self, request):
        name = request.META.get('HTTP_X_NAME')
        if name:
            request.user = get_user_model().objects.get(username=name)
