"""Users as apps have them. In the grammar of 2.7."""

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, User
from django.db import models


class Manager(BaseUserManager):
    def create_user(self, login, password):
        user = self.model(**{self.model.USERNAME_FIELD: login})
        user.set_password(password)
        user.save(using=self._db)
        return user


class EmailUser(AbstractBaseUser):
    """Known by an address, with a UUID as its key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    USERNAME_FIELD = 'email'
    REQUIRED_FIELDS = ()
    objects = Manager()


class PhoneUser(AbstractBaseUser):
    """No name and no address."""

    number = models.AutoField(primary_key=True)
    phone = models.CharField(max_length=20, unique=True)
    is_active = models.BooleanField(default=True)
    USERNAME_FIELD = 'phone'
    REQUIRED_FIELDS = ()
    objects = Manager()


if settings.AUTH_USER_MODEL == 'auth.User':

    class Customer(User):
        """A proxy, by which an app signs its users up."""

        class Meta:
            proxy = True

    class Seller(User):
        """A child with a table of its own."""

        shop = models.CharField(max_length=20)
