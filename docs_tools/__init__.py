"""Programs that make and check the pages in ``docs``: references, tutorials run, site, screenshots."""
