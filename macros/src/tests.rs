//! What the derives write, with the input beside it.
