"""The nouns of the platform as they travel: structs, enums, filters and errors. Imports nothing of ours."""
