"""The release, for what has to say which it is: an image holds no installed distribution to ask."""

VERSION = "0.1.0"
