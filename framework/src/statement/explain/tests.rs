//! What is made of answers, of servers and of anybody's.
mod fixtures;
mod never_panics;
mod read_off;
