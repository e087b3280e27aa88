//! The tables as Diesel sees them.

#![allow(
    unreachable_pub,
    reason = "`table!` writes `pub` on everything it generates"
)]

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        email -> Text,
        age -> BigInt,
    }
}

diesel::table! {
    posts (id) {
        id -> BigInt,
        user_id -> BigInt,
        title -> Text,
        views -> BigInt,
    }
}

diesel::table! {
    comments (id) {
        id -> BigInt,
        post_id -> BigInt,
        author -> Text,
        body -> Text,
    }
}

diesel::table! {
    notes (id) {
        id -> BigInt,
        author -> Text,
        body -> Text,
        score -> BigInt,
    }
}

diesel::joinable!(posts -> users (user_id));
diesel::joinable!(comments -> posts (post_id));
diesel::allow_tables_to_appear_in_same_query!(users, posts, comments);
