//! What queries become on every backend: snapshots of the text, agreement of the two walks over a query, and the word of
//! real databases that the text is valid.
mod agreement;
mod arbitrary;
mod lists;
mod models;
mod queries;
mod snapshots;
mod validity;
