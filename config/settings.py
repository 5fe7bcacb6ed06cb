"""Django settings. Everything a deployment may set is an environment variable named HUITOU_*."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from huitou.core.environment import ENVIRONMENT
from huitou.core.home import Home

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = Home.from_environment()
SECRET_KEY = os.environ.get("HUITOU_SECRET_KEY") or HOME.secret_key()
DEBUG = ENVIRONMENT.switch("HUITOU_DEBUG")
ALLOWED_HOSTS = os.environ.get("HUITOU_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(",")
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("HUITOU_TRUSTED_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "huitou.reports",
    "huitou.journeys",
    "huitou.messaging",
    "huitou.experiments",
    "huitou.predictions",
    "huitou.segments",
    "huitou.sources",
    "huitou.orders",
    "huitou.catalog",
    "huitou.customers",
    "huitou.accounts",
    "huitou.console",
    "huitou.core",
    "procrastinate.contrib.django",
    "django_htmx",
    "unfold.apps.BasicAppConfig",
    "huitou.accounts.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "huitou.core.middleware.TrustedProxies",
    "huitou.console.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "huitou.console.middleware.ConsoleLanguage",
    "django.middleware.common.CommonMiddleware",
    # Strangers are sent away before the form's token is looked for, which reads the whole body.
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "huitou.accounts.middleware.SessionAge",
    "huitou.accounts.middleware.OwnPassword",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "huitou.console.middleware.Refusals",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "huitou.console.shell.context",
            ],
        },
    },
]


def _database() -> dict[str, object]:
    """The database of `HUITOU_DATABASE_URL`; start-up sets it when the embedded PostgreSQL is used."""
    parts = conninfo_to_dict(os.environ.get("HUITOU_DATABASE_URL", ""))
    parts.setdefault("connect_timeout", "10")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": str(parts.pop("dbname", "huitou")),
        "USER": str(parts.pop("user", "")),
        "PASSWORD": str(parts.pop("password", "")),
        "HOST": str(parts.pop("host", "")),
        "PORT": str(parts.pop("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": parts,
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["huitou.accounts.backends.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "first_name", "email")},
    },
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "huitou" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"


def _plotly_files() -> Path:
    """Where the plotly wheel keeps its browser library; found without importing the package."""
    spec = find_spec("plotly")
    assert spec is not None, "plotly is a dependency"
    assert spec.origin is not None, "plotly is a regular package"
    return Path(spec.origin).parent / "package_data"


UNFOLD = {
    "SITE_TITLE": _("Huitou back office"),
    "SITE_HEADER": _("Huitou back office"),
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: f"{STATIC_URL}console/favicon.svg"}
    ],
    # The console's own green, from light to dark.
    "COLORS": {
        "primary": {
            step: f"oklch({lightness}% {chroma} 178)"
            for step, lightness, chroma in (
                ("50", 97, 0.02),
                ("100", 94, 0.04),
                ("200", 89, 0.06),
                ("300", 82, 0.08),
                ("400", 72, 0.09),
                ("500", 58, 0.09),
                ("600", 48, 0.085),
                ("700", 42, 0.075),
                ("800", 36, 0.06),
                ("900", 31, 0.05),
                ("950", 24, 0.04),
            )
        }
    },
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
}
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
# Addresses of static files carry a fingerprint of their content, so browsers may keep them.
WHITENOISE_MAX_AGE = 0 if DEBUG else 365 * 86_400
STATICFILES_DIRS = [("plotly", _plotly_files())]
# Proxies whose word about the caller's address and scheme is taken.
TRUSTED_PROXIES = ENVIRONMENT.networks("HUITOU_TRUSTED_PROXIES")
# Reached by HTTPS only: cookies never travel without. Where a request came by HTTPS they are marked in any case.
HTTPS_ONLY = ENVIRONMENT.switch("HUITOU_HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS_ONLY
SECURE_HSTS_SECONDS = ENVIRONMENT.whole("HUITOU_HSTS_SECONDS", 365 * 86_400, least=0)
SESSION_COOKIE_AGE = ENVIRONMENT.whole("HUITOU_SESSION_HOURS", 168, most=87_600) * 3600
SESSION_IDLE_SECONDS = ENVIRONMENT.whole("HUITOU_SESSION_IDLE_MINUTES", 480, most=5_256_000) * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
# Largest file that the console takes, in bytes; the command line takes files of any size.
UPLOAD_MAX_BYTES = ENVIRONMENT.whole("HUITOU_UPLOAD_MAX_MB", 512) * 1024 * 1024
# An identifier that is seen with more accounts of one place than this joins nobody.
SHARED_IDENTIFIER_ACCOUNTS = ENVIRONMENT.whole("HUITOU_SHARED_IDENTIFIER_ACCOUNTS", 3)
# Events that may wait in the inbox before senders are asked to come later.
INBOX_MAX_EVENTS = ENVIRONMENT.whole("HUITOU_INBOX_MAX_EVENTS", 2_000_000)
# Dead letters of one feed that may wait before its refused events are asked to come later; the consumer's own go on up
# to twice as many. For how many days those are kept that were replayed or discarded.
LETTERS_MAX_OPEN = ENVIRONMENT.whole("HUITOU_LETTERS_MAX_OPEN", 50_000)
LETTERS_KEPT_DAYS = ENVIRONMENT.whole("HUITOU_LETTERS_KEPT_DAYS", 90, least=0)
FILE_UPLOAD_HANDLERS = ["huitou.sources.uploads.GuardedUpload"]

# The worker looks for the apps' jobs itself (huitou.core.jobs).
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""

# What lets callers through to operations of the API, and how often one of them may ask.
API_ACCESS = "huitou.accounts.access_api.admit"
API_REQUESTS_PER_MINUTE = ENVIRONMENT.whole("HUITOU_API_REQUESTS_PER_MINUTE", 600)

# Where customers reach this deployment: in short links, unsubscribe links and the addresses that providers call.
PUBLIC_URL = ENVIRONMENT.address("HUITOU_PUBLIC_URL", f"http://127.0.0.1:{os.environ.get('HUITOU_PORT', '8000')}")
WEB_WORKERS = ENVIRONMENT.whole("HUITOU_WEB_WORKERS", 1, most=64)
ENVIRONMENT.need_folder("HUITOU_LAKE_URL")
_LOG_LEVEL = ENVIRONMENT.choice("HUITOU_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "WARNING")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "huitou.core.redaction.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "filters": {"trouble": {"()": "huitou.core.log_files.OneLineOfTrouble"}},
    # The level stands at the handler: a log file (huitou.core.log_files) may hear more than the terminal.
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["trouble"],
            "level": _LOG_LEVEL,
        }
    },
    "root": {"handlers": ["stderr"], "level": _LOG_LEVEL},
}
