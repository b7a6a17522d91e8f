"""The commands of those who look after running sagas: all they need is the journal."""
