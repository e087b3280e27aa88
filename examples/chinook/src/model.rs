//! The eleven tables of Chinook as entities.
#![allow(
    missing_docs,
    reason = "the columns say what they are, and Chinook documents them"
)]

use chrono::NaiveDateTime;
use entourage::prelude::*;
use rust_decimal::Decimal;

/// A performer or band.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "artist", has_many(albums: Album))]
pub struct Artist {
    #[entity(primary_key, column = "artist_id")]
    pub id: i64,
    pub name: Option<String>,
}

/// A record by one artist.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "album", belongs_to(artist: Artist), has_many(tracks: Track))]
pub struct Album {
    #[entity(primary_key, column = "album_id")]
    pub id: i64,
    pub title: String,
    #[entity(index)]
    pub artist_id: i64,
}

/// A piece of music or video that can be bought.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "track")]
#[entity(belongs_to(album: Album), belongs_to(media_type: MediaType), belongs_to(genre: Genre))]
#[entity(has_many(invoice_lines: InvoiceLine))]
#[entity(many_to_many(playlists: Playlist, through = PlaylistTrack))]
pub struct Track {
    #[entity(primary_key, column = "track_id")]
    pub id: i64,
    pub name: String,
    #[entity(index)]
    pub album_id: Option<i64>,
    #[entity(index)]
    pub media_type_id: i64,
    #[entity(index)]
    pub genre_id: Option<i64>,
    pub composer: Option<String>,
    pub milliseconds: i64,
    pub bytes: Option<i64>,
    pub unit_price: Decimal,
}

/// A style of music.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "genre", has_many(tracks: Track))]
pub struct Genre {
    #[entity(primary_key, column = "genre_id")]
    pub id: i64,
    pub name: Option<String>,
}

/// A file format.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "media_type", has_many(tracks: Track))]
pub struct MediaType {
    #[entity(primary_key, column = "media_type_id")]
    pub id: i64,
    pub name: Option<String>,
}

/// A named list of tracks.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "playlist", many_to_many(tracks: Track, through = PlaylistTrack))]
pub struct Playlist {
    #[entity(primary_key, column = "playlist_id")]
    pub id: i64,
    pub name: Option<String>,
}

/// A track's place in a playlist.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "playlist_track", belongs_to(playlist: Playlist), belongs_to(track: Track))]
pub struct PlaylistTrack {
    #[entity(primary_key)]
    pub playlist_id: i64,
    #[entity(primary_key, index)]
    pub track_id: i64,
}

/// Somebody who works for the store.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "employee")]
#[entity(belongs_to(manager: Employee, foreign_key = reports_to))]
#[entity(has_many(reports: Employee, foreign_key = reports_to))]
#[entity(has_many(customers: Customer, foreign_key = support_rep_id))]
pub struct Employee {
    #[entity(primary_key, column = "employee_id")]
    pub id: i64,
    pub last_name: String,
    pub first_name: String,
    pub title: Option<String>,
    #[entity(index)]
    pub reports_to: Option<i64>,
    pub birth_date: Option<NaiveDateTime>,
    pub hire_date: Option<NaiveDateTime>,
    pub address: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub country: Option<String>,
    pub postal_code: Option<String>,
    pub phone: Option<String>,
    pub fax: Option<String>,
    pub email: Option<String>,
}

/// Somebody who buys.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "customer")]
#[entity(belongs_to(support_rep: Employee), has_many(invoices: Invoice))]
pub struct Customer {
    #[entity(primary_key, column = "customer_id")]
    pub id: i64,
    pub first_name: String,
    pub last_name: String,
    pub company: Option<String>,
    pub address: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub country: Option<String>,
    pub postal_code: Option<String>,
    pub phone: Option<String>,
    pub fax: Option<String>,
    pub email: String,
    #[entity(index)]
    pub support_rep_id: Option<i64>,
}

/// What a customer bought at one time.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "invoice", belongs_to(customer: Customer), has_many(lines: InvoiceLine))]
pub struct Invoice {
    #[entity(primary_key, column = "invoice_id")]
    pub id: i64,
    #[entity(index)]
    pub customer_id: i64,
    pub invoice_date: NaiveDateTime,
    pub billing_address: Option<String>,
    pub billing_city: Option<String>,
    pub billing_state: Option<String>,
    pub billing_country: Option<String>,
    pub billing_postal_code: Option<String>,
    pub total: Decimal,
}

/// One track of an invoice.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "invoice_line", belongs_to(invoice: Invoice), belongs_to(track: Track))]
pub struct InvoiceLine {
    #[entity(primary_key, column = "invoice_line_id")]
    pub id: i64,
    #[entity(index)]
    pub invoice_id: i64,
    #[entity(index)]
    pub track_id: i64,
    pub unit_price: Decimal,
    pub quantity: i64,
}
