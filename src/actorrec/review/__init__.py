"""The page on loopback where a person looks at a data set and puts it right."""
