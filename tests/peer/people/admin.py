from django.contrib import admin

from .models import Person

admin.site.register(Person, list_display=["email", "is_active", "is_staff"], search_fields=["email"])
