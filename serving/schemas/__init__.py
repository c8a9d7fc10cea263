"""Requests and answers, one file for each operation; `fields` has what several of them share."""
