"""What people may ask for about themselves: to be forgotten, and to be told what is remembered."""
