"""The operator's console: pages in a browser, made with NiceGUI, of what a daemon says over the API.

The console is a process of its own and a client like any other; the daemon does not depend on it. One `Feed`
holds the connection that all browsers share. To add a page:

1. Write ``pages/NAME.py`` with a function ``build(view: View) -> None`` that makes its elements inside the
   frame. `view.state` has the last status; `view.follow(refresh)` calls `refresh` now and after each change;
   ``await view.call(method, ...)`` asks the daemon; ``await ask(view, Question(...))`` lets the person
   confirm and give name and reason; ``await view.change(method, ...)`` makes a change, checks the role, and
   says what came of it; `view.query` has the parameters of the address, and `view.address` makes one.
2. Add a line to `PAGES` in ``app.py``: path, title, icon (a name of Material Icons), `build`, and
   ``in_navigation=False`` for a page that is only linked to.

Events come late, and a page may be refreshed or left before they do. What takes time goes through
``view.call`` or ``await view.in_thread(work, ...)``, which ends the handler if the person has left; after it,
look if what was asked for is still what is chosen. Numbers are typed into ``inputs.number.NumberInput``,
choices made with ``inputs.choice.choice``. A refresh never sets what a person types; an event carries the
names of what it is meant for.

Texts from outside (names, reasons, labels, log lines) are shown with `ui.label`, never with `ui.html` or
`ui.markdown`; in SVG they are escaped by `html.escape`. Colours are the variables of ``style.css``.
"""
