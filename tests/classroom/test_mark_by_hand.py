"""nbgrader's page in a real browser: points and comments arrive, what a student writes is dead."""

import os
import shutil
import subprocess
import sys

import pytest

from lmcourse.classroom import gradebook
from lmcourse.classroom.classes import Classroom
from lmcourse.classroom.collecting import collect
from lmcourse.classroom.report import Mark, Report
from tests.classroom import tiny
from tests.test_lab import CHROMIUM, PATIENCE, answers, free_port, wait_for

DO = "(window.pwned=(window.pwned||0)+1)"
ATTACK = f"""
<script>{DO}</script> <img src=x onerror="{DO}"> <svg onload="{DO}"></svg>
[click me](javascript:{DO}) <a href="javascript:{DO}">and me</a>
<iframe srcdoc="<script>parent.{DO}</script>">
![x](x" onerror="{DO}) $\\href{{javascript:{DO}}}{{x}}$ $$\\unicode{{<img src=x onerror={DO}>}}$$
```html
<script>{DO}</script>
```
</textarea></div><style onload="{DO}"></style>
<style>.score {{display: none}}</style><form action="javascript:{DO}">
<input autofocus onfocus="{DO}"></form><base href="http://127.0.0.1:1/">
<meta http-equiv="refresh" content="0; url=javascript:{DO}">

```mermaid
<img src=x onerror="{DO}">
```

And a < b, `c<d`, $x<y$ stays.
"""
CODE = f"""# </pre><script>{DO}</script>
def twice(number):
    return 2 * number
text = '<img src=x onerror="{DO}">'"""


@pytest.fixture
def classroom(tmp_path):
    """A class of one student who hands in more than an answer, graded."""
    tiny.roster(tmp_path / "class", [("s1", "<b onclick=1>", f"<script>{DO}</script>")])
    classroom, assignment = Classroom(tmp_path / "class"), tiny.make(tmp_path / "src")
    gradebook.register(classroom, assignment)
    book = tiny.notebook(assignment, {"twice": CODE, "why": "My answer. " + ATTACK})
    file = f"s1/<img src=x onerror={DO.replace('/', '')}>.ipynb"
    (one,) = collect(classroom, assignment, tiny.pack(tmp_path / "x.zip", {file: book}))
    assert one.refused is None
    sentence = {"en": f"A visible test fails: <script>{DO}</script>", "zh": ATTACK}
    marks = [Mark("twice", 0, 6, None, [sentence])]
    note = {"en": f"<img src=x onerror={DO}>", "zh": ""}
    outputs = ["", f"<script>{DO}</script>\n\x1b[31m<img src=x onerror={DO}>", ATTACK]
    gradebook.record(
        classroom, assignment, [Report("s1", "90_twice", "en", marks, outputs, [note])]
    )
    return classroom


@pytest.fixture
def address(classroom, tmp_path):
    """The running page of `lmcourse assignment mark`."""
    port = free_port()
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path)}
    words = ["assignment", "mark", "--class", str(classroom.folder), "--no-browser", "--port"]
    words += [str(port), "--allow-root", "--IdentityProvider.token=secret"]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "lmcourse.cli", *words],
            stdout=log, stderr=log, env=environment,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: answers(f"{address}/api?token=secret"), "the server's start")
            yield address
        finally:
            server.terminate()
            server.wait(30)


@pytest.mark.needs("chromium")
def test_a_person_gives_points_and_a_comment_and_nothing_of_the_students_acts(
    classroom, address, tmp_path
):
    from playwright.sync_api import sync_playwright

    assignment = tiny.make(tmp_path / "src")
    assert gradebook.unmarked(classroom) == {"90_twice": ["s1"]}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM
        )
        page = browser.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        acted = []
        page.on("dialog", lambda dialog: (acted.append(dialog.message), dialog.dismiss()))

        def still():
            page.wait_for_timeout(500)
            acted.extend(page.evaluate("window.pwned ? [location.href] : []"))

        page.goto(f"{address}/formgrader/gradebook?token=secret")
        page.get_by_role("link", name="90_twice").first.click()
        page.get_by_role("link", name="90_twice").first.click()
        page.get_by_role("link", name="Submission #1").wait_for()
        still()
        page.get_by_role("link", name="Submission #1").click()
        page.get_by_text("My answer.").wait_for()
        still()
        assert "And a < b, c<d, " in page.inner_text("body")
        assert "TeX-AMS_CHTML-full,Safe" in page.content()
        for link in page.locator(
            ".jp-RenderedMarkdown a:not(.anchor-link), .rendered_html a"
        ).all():
            assert "javascript:" not in (link.get_attribute("href") or "").lower()
        points = page.locator("input.score").last
        points.fill("3")
        points.press("Tab")
        comment = page.locator("textarea.comment").last
        comment.fill("Say why, too.")
        comment.press("Tab")
        wait_for(lambda: gradebook.unmarked(classroom) == {}, "saving the points")
        page.wait_for_timeout(500)
        (feedback,) = gradebook.feedback(classroom, assignment)
        page.goto(feedback.as_uri())
        page.get_by_text("Say why, too.").wait_for()
        still()
        assert "And a < b, c<d, " in page.inner_text("body")
        shown = page.content()
        assert "TeX-AMS_CHTML-full,Safe" in shown  # formulas can't act, either
        browser.close()
    assert acted == []
    assert "My answer." in shown and "3.0 / 4.0" in shown
    assert gradebook.table(classroom).splitlines()[1].endswith(",3")
