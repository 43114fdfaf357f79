"""Inputs that lose nothing a person does while the console refreshes the page, however late events come.

A number that is typed belongs to the person until it is entered, and says then what it is meant for. A choice
is sent by its name and not by its place in a list that may have changed.
"""
