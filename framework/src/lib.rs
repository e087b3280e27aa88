//! entourage
