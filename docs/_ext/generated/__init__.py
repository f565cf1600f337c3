"""Reference pages as Markdown, made from the code and the settings that they tell of."""
