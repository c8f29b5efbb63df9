"""An app that uses published packages as they were with a flaw that has a CVE number, the way people use them."""

import os
import tarfile
from io import BytesIO

from flask import Flask, request

app = Flask(__name__)
HOME = os.environ["FLAWS_HOME"]


@app.get("/")
def index():
    return "flaws"


@app.post("/letter")
def letter():
    """ReportLab before 3.6.13: colours are evaluated as Python (CVE-2023-33733)."""
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    out = BytesIO()
    SimpleDocTemplate(out).build([Paragraph(request.form["text"], getSampleStyleSheet()["Normal"])])
    return out.getvalue(), {"Content-Type": "application/pdf"}


@app.post("/picture")
def picture():
    """Pillow before 9.0: expressions about pictures are Python (CVE-2022-22817)."""
    from PIL import Image, ImageMath

    return str(ImageMath.eval(request.form["expression"], a=Image.new("L", (1, 1), 3)).getpixel((0, 0)))


@app.get("/branch")
def branch():
    """GitPython before 3.1.30: what looks like a name may be an option (CVE-2022-24439)."""
    import git

    git.Repo(os.path.join(HOME, "work")).remote("origin").fetch(request.args["name"])
    return "fetched"


@app.post("/page.pdf")
def pdf():
    """xhtml2pdf: pictures come from wherever the page says (CWE-918, CWE-73)."""
    from xhtml2pdf import pisa

    out = BytesIO()
    pisa.CreatePDF(request.form["page"], dest=out)
    return out.getvalue(), {"Content-Type": "application/pdf"}


@app.post("/unpack")
def unpack():
    """tarfile without a filter: members go where their names say (CVE-2007-4559)."""
    with tarfile.open(fileobj=request.files["file"].stream) as archive:
        archive.extractall(os.path.join(HOME, "unpacked"))
    return "unpacked"


def _people():
    import django
    from django.conf import settings
    from django.db import connection, models

    if not settings.configured:
        place = {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(HOME, "people.db")}
        settings.configure(DATABASES={"default": place}, INSTALLED_APPS=[], USE_TZ=True)
        django.setup()

        class Person(models.Model):
            name = models.CharField(max_length=40)

            class Meta:
                app_label = "people"

        _people.model = Person
        with connection.schema_editor() as editor:
            editor.create_model(Person)
        Person.objects.create(name="ann")
    return _people.model.objects


@app.get("/people")
def people():
    """Django before 3.2.5: the name of a column is not looked at (CVE-2021-35042)."""
    return ",".join(one.name for one in _people().order_by(request.args.get("by", "name")))


@app.get("/count")
def count():
    """Django before 3.2.13: nor is that of a computed one (CVE-2022-28346)."""
    from django.db.models import Count

    return str(list(_people().annotate(**{request.args["as"]: Count("id")}).values()))
