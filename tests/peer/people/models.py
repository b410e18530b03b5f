"""A user model unlike Django's own: e-mail as name, UUID as key, other column and table names."""
import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class PersonManager(BaseUserManager):
    def create_user(self, email, password=None, **fields):
        person = self.model(email=email, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    password = models.CharField(max_length=128, db_column="pw_hash")
    is_active = models.BooleanField(default=True, db_column="enabled")
    is_staff = models.BooleanField(default=False, db_column="staff")
    is_superuser = models.BooleanField(default=False, db_column="superuser")

    objects = PersonManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "people_person"
