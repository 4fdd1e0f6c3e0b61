"""One module (or folder) a chapter: frames in, answers out; blind to store and simulator."""
