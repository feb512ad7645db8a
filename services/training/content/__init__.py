"""The content model: items whose words are alike are alike, also those that nobody met yet."""
