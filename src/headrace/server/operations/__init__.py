"""Changes of many objects that are asked for once, go on by themselves, and can be watched and undone."""
