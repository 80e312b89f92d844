"""From nothing to pictures: lists of people, sources of pictures, and a polite fetcher."""
