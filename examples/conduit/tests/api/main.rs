//! The whole application, called without a network, on every database that can be had.
//!
//! SQLite is always there. `ENTOURAGE_TEST_POSTGRES_URL` and `ENTOURAGE_TEST_MYSQL_URL` offer the others; without them
//! their tests say that they are skipped.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
#![allow(unreachable_pub, reason = "a test has no surface")]

mod articles;
mod browser;
mod budgets;
mod client;
mod comments;
mod faults;
mod inspector;
mod pages;
mod profiles;
mod program;
mod tags;
mod users;
mod views;

/// Each case as a test of each database, with an application on an empty one.
macro_rules! on_every_database {
    ($($module:ident: $($case:ident),+ $(,)?;)+) => {
        on_every_database!(@ sqlite: $($module: $($case),+;)+);
        on_every_database!(@ postgres: $($module: $($case),+;)+);
        on_every_database!(@ mysql: $($module: $($case),+;)+);
    };
    (@ $database:ident: $($module:ident: $($case:ident),+;)+) => {
        mod $database {
            $(mod $module {
                $(#[tokio::test]
                async fn $case() {
                    let database = entourage_tests::setup::$database().await;
                    let database = entourage_tests::require!(database);
                    let client = crate::client::Client::on(database).await;
                    crate::$module::$case(&client).await;
                })+
            })+
        }
    };
}

on_every_database! {
    users:
        somebody_registers_and_is_known_by_the_token,
        a_name_or_address_is_taken_once,
        what_is_missing_or_makes_no_sense_is_told_by_field,
        a_wrong_password_is_refused_like_an_unknown_address,
        a_token_is_needed_and_checked,
        an_account_is_changed;
    profiles:
        a_profile_says_whether_one_follows,
        following_twice_is_following_once,
        nobody_follows_themselves_or_nobody;
    articles:
        an_article_is_published_read_changed_and_removed,
        a_list_is_in_order_and_has_no_bodies,
        a_list_is_filtered_and_cut,
        the_feed_is_of_those_whom_one_follows,
        a_favorite_is_counted_once,
        only_the_author_changes_an_article,
        equal_titles_have_different_slugs,
        an_article_that_is_not_there_is_told,
        an_article_is_checked,
        two_authors_may_use_the_same_new_tags_at_once;
    comments:
        comments_are_added_listed_and_removed,
        only_the_author_removes_a_comment,
        a_comment_is_checked;
    tags:
        tags_are_those_of_articles,
        tags_are_kept_until_one_is_given_or_taken;
    views:
        a_view_is_counted_behind_and_shown_on_the_page,
        views_of_an_article_that_is_gone_are_forgotten;
    program:
        no_view_is_lost_when_it_is_told_to_stop,
        no_view_is_lost_with_a_journal_when_it_is_killed;
    pages:
        a_visitor_reads,
        a_member_writes_and_is_read,
        what_users_write_is_text_and_not_html,
        a_form_of_another_site_is_refused,
        a_form_says_what_is_wrong;
    inspector:
        the_inspector_answers_this_machine_alone,
        the_inspector_names_routes_and_keeps_secrets,
        the_inspector_shows_the_views_that_wait;
    budgets:
        lists_take_as_many_statements_for_many_rows_as_for_few,
        every_endpoint_sends_what_the_readme_says,
        the_tables_are_those_of_the_entities,
        what_the_endpoints_look_for_has_an_index;
    faults:
        health_and_metrics_are_told,
        a_pool_that_is_smaller_than_the_load_serves_everybody,
        an_address_that_is_not_there_is_told;
}
