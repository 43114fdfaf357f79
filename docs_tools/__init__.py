"""Programs that make and check the pages in ``docs``: references, tutorials that are run, site, screenshots."""
