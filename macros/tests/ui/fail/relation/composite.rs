//! Both keys of a relation have as many columns.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(tickets: Ticket))]
#[entity(has_many(sold: Ticket, foreign_key = hall))]
struct Seat {
    #[entity(primary_key)]
    hall: i64,
    #[entity(primary_key)]
    number: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(seat: Seat, foreign_key = (hall, number), references = hall))]
struct Ticket {
    #[entity(primary_key)]
    id: i64,
    hall: i64,
    number: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(seat: Seat, foreign_key = hall))]
struct Reservation {
    #[entity(primary_key)]
    id: i64,
    hall: i64,
}

fn main() {}
