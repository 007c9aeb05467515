"""Tests of the tasks: data, floors and the numbers of the papers."""
