"""Makes authchain.toml of a Django project's settings.

Run by `authchain from-django` with the project's own Python, alone, and imported by this package. The command
runs these files as one script, this one last: there is no package then, their names are all of one scope, and the
imports from each other, which `__package__` guards, are of no use. One argument: what is asked, as JSON (settings,
path, secret_file, print_secret, hashers). One JSON object on standard output: `config` and, for a secret file,
`secrets`; or `error`. What authchain cannot imitate becomes a comment.
"""
# mypy: ignore-errors
import json
import os
import sys

if __package__:
    from .writing import Unfit, note, text
    from .of_django import CSRF, backends, changed, database, hashers, own_rules, requests, secret_keys, sessions, users
    from .of_knox import knox_endpoints
    from .of_simplejwt import jwt_endpoints, settings_of_jwt, signing_key
    from .of_durin import durin_endpoints
    from .of_drf import chain, endpoints


def head(settings):
    import django
    text = "Made by `authchain from-django %s` from Django %s" % (settings, django.__version__)
    try:
        import rest_framework
        text += ", REST framework %s" % rest_framework.VERSION
    except ImportError:
        pass
    return [note(text), note("`authchain check` says whether it is right."), ""]


def answer(question):
    os.chdir(question["path"])
    sys.path.insert(0, os.getcwd())        # as for manage.py
    os.environ["DJANGO_SETTINGS_MODULE"] = question["settings"]
    import django
    django.setup()
    return made(question)


def made(question):
    """The answer for the project that is set up."""
    from django.contrib.auth import get_user_model
    model = get_user_model()
    secret_lines, secrets = secret_keys(question)
    hasher_lines, hasher_tables = hashers(question["hashers"])
    backend_lines, has_passwords, makes_users = backends()
    session_lines, no_sessions = sessions(model)
    own_passwords, own_sessions = own_rules(model)
    if has_passwords and own_passwords:
        has_passwords = False
        backend_lines.append(note("Passwords are not looked at: %s" % own_passwords))
    no_sessions = no_sessions or own_sessions
    chain_lines, has_chain = chain(has_passwords, makes_users, no_sessions, question)
    lines = head(question["settings"]) + database(model) + secret_lines + hasher_lines + backend_lines
    lines += requests() + session_lines + changed(CSRF) + users(model) + hasher_tables + chain_lines
    lines += endpoints(has_passwords, has_chain) + knox_endpoints(chain_lines) + durin_endpoints(chain_lines, has_passwords)
    lines += jwt_endpoints(chain_lines, has_passwords, question)
    form = signing_key(question) if any(line.startswith("signing_key = ") for line in lines) else ""
    own = text(settings_of_jwt().SIGNING_KEY) if form else ""
    return {"config": "\n".join(lines) + "\n", "secrets": secrets, "signing_key": {"form": form, "key": own}}


def main():
    # Settings may print while they are loaded: that goes to standard error.
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        said = answer(json.loads(sys.argv[1]))
    except Unfit as e:
        said = {"error": str(e)}
    except (Exception, SystemExit) as e:
        said = {"error": "%s: %s" % (type(e).__name__, e)}
    with pipe:
        json.dump(said, pipe)


if __name__ == "__main__":
    main()
