"""Knox's views under the names by which its tests look for them, and a page for those who have a token."""

from django.urls import path
from knox import views
from knox.auth import TokenAuthentication
from rest_framework.authentication import BasicAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView


class Root(APIView):
    """Lets in who has a token."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        """Anything."""
        return Response("hello")


class Login(views.LoginView):
    """Gives a token for a password."""

    authentication_classes = [BasicAuthentication]


urlpatterns = [
    path("", Root.as_view(), name="api-root"),
    path("login/", Login.as_view(), name="knox_login"),
    path("logout/", views.LogoutView.as_view(), name="knox_logout"),
    path("logoutall/", views.LogoutAllView.as_view(), name="knox_logoutall"),
]
