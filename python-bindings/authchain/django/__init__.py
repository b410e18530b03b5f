"""authchain in a Django project: the project's own settings are the configuration.

    INSTALLED_APPS = [..., "authchain.django"]          # system checks, `manage.py authchain_config`
    AUTHENTICATION_BACKENDS = ["authchain.django.backends.Backend"]
    MIDDLEWARE = [..., "authchain.django.middleware.AuthenticationMiddleware"]
    AUTHCHAIN = {"CONFIG": "/etc/authchain/authchain.toml"}     # optional

Each of them works without the others, and so do the classes of `authchain.drf`. Options of `AUTHCHAIN`:

CONFIG         a configuration file, for the middleware, the backend and `ChainAuthentication`. Without
               one the configuration is made of the settings, as `manage.py authchain_config` prints it.
CHAIN          the chain that the middleware asks ("default").
SCHEMES        dotted paths of schemes of the project's own (`authchain.Scheme`), for the chains of CONFIG.
OPTIONS        top keys to add to the configuration that is made of the settings: {"log": "syslog"}.
TABLES         TOML tables to add to it, such as "[throttle]\\nenabled = false".
EXACT_QUERIES  True: users and tokens are also read by the queries that Django REST framework does, so
               that the instances have all their fields. By default they are made of what the library
               read, and a field that it did not read is loaded when it is looked at.

Users have to be in an SQLite file, because the library has a connection of its own; it sees what is
committed. Python's sqlite3 and the library have to use one copy of SQLite, and refuse to work otherwise.
"""

