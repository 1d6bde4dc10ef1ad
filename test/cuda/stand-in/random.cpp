// cuRAND, of which the runtime needs the library, but no function.
