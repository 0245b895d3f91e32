"""Where a base image's config comes from.

The core asks one question, image text -> `Base` or None, and never reads a file. Here are the
answers that need no daemon and no network:

    files = given(*read_base_options(["app:1=app.json"]))
    bases = chain(files, Catalogue.load().lookup)
    resolve(dockerfile, bases=bases)

`config` reads what image tools print, `catalogue` knows the common images, `lookup` matches names
and asks one after the other. What the user gives goes before what the catalogue believes.
"""
