"""The API's nouns under their public names: objects, filters, sorts, actions and responses."""
