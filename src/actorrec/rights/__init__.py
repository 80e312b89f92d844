"""Licences, takedowns and who must be named: what may be done with a picture."""
