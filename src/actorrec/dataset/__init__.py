"""The stage that turns folders of photos into a clean, aligned, leak-free face data set."""
