"""What a SECOM offers, as Odemis describes it."""
