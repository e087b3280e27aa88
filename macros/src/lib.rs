//! The derives of entourage.
