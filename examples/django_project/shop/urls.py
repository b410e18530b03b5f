"""`/` says who asks; `/api-token-auth/` gives a token for a password."""

from django.urls import include, path
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Who(APIView):
    """The user and the credential of a request."""

    def get(self, request: Request) -> Response:
        """Who asks."""
        return Response({"user": request.user.get_username(), "auth": request.auth and str(request.auth)})

    post = get


urlpatterns = [
    path("", Who.as_view()),
    path("api-token-auth/", obtain_auth_token),
    path("accounts/", include("django.contrib.auth.urls")),
]
