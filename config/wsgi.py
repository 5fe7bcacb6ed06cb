"""The web application: console, API and health. Under any WSGI server, it needs `HUITOU_DATABASE_URL`, or a lease
of the embedded PostgreSQL, which it takes if this process has none yet.
"""

from django.core.wsgi import get_wsgi_application

from huitou.core.boot import boot

boot()
application = get_wsgi_application()
