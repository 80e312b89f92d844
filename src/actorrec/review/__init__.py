"""The loopback page on which a person looks at faces and puts them right."""
