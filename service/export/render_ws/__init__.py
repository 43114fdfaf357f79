"""The folders of tiles that Odemis wrote at a SECOM, as importers for render-ws read them."""
