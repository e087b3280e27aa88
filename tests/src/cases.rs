//! The cases: one file for each feature, every case in the list below once.
//!
//! To add one: write `pub async fn the_sentence_it_proves(db: &Database)` in the file of its feature and name it
//! in the list, with `requires(..)` for each [capability](crate::suite::Capabilities) it needs. The tidy test
//! fails on a case that is in no list, for it would never run.
#![allow(missing_docs, reason = "a case's name is the sentence it proves")]
#![allow(clippy::unwrap_used, reason = "a case fails where it stands")]

pub mod advisory_locks;
pub mod bulk;
pub mod bulk_edges;
pub mod cache;
pub mod cached_queries;
pub mod connection;
mod counted;
pub mod crud;
pub mod eager;
pub mod eager_edges;
pub mod errors;
pub mod explain;
pub mod figures;
pub mod filters;
pub mod indexed;
pub mod inspector;
pub mod isolation;
pub mod lint;
pub mod loader;
pub mod many;
pub mod observation;
pub mod pages;
pub mod raw_sql;
pub mod related_locks;
pub mod reserved_keys;
pub mod row_locks;
pub mod schema;
pub mod shapes;
pub mod statements;
pub mod transaction;
pub mod transactions;
pub mod tree;
pub mod update_many;
pub mod upkeep;
pub mod upkeep_writers;
pub mod values;
pub mod view_kinds;
pub mod view_refreshes;
pub mod views;
pub mod write_batcher;
pub mod write_behind;

/// Hands every case to [`register!`](crate::register!), once for each database.
#[macro_export]
macro_rules! every_case {
    ($backend:ident) => {
        $crate::register! { $backend;
            connection {
                a_fresh_database_answers_and_has_nothing_in_it,
                the_framework_claims_what_the_suite_expects_of_the_product,
            }
            statements {
                statements_that_come_again_are_prepared_once,
                a_text_that_comes_once_is_not_kept,
                a_column_that_changes_its_type_is_read_anew,
                a_transaction_meets_a_changed_schema_once,
                a_transaction_is_told_of_a_changed_schema requires(arrays),
                a_stream_of_a_kept_statement_survives_a_changed_schema,
                a_statement_that_the_server_has_forgotten_is_prepared_again requires(arrays),
                a_type_of_the_user_is_read_by_a_text_that_comes_once requires(arrays),
            }
            inspector {
                a_request_is_shown_with_its_n_plus_one_and_the_fix,
                a_recorded_read_is_explained_as_the_database_prints_it,
                explaining_never_writes,
                a_plan_shows_no_sensitive_value,
                a_transaction_is_a_bracket_around_its_statements,
            }
            schema {
                a_created_schema_is_what_the_entities_expect,
                creating_a_schema_twice_changes_nothing,
                a_created_schema_keeps_its_rules,
                a_schema_with_a_cycle_is_dropped_with_its_rows,
                missing_tables_are_mended_by_their_reports,
                a_missing_column_is_reported_and_mended,
                a_missing_index_is_reported_and_mended,
                every_kind_of_difference_is_reported,
                what_cannot_be_altered_says_why,
                differences_are_mended_by_their_reports requires(alter_referenced_column),
                a_schema_of_another_name_is_created_and_checked requires(arrays),
                tables_are_looked_up_along_the_search_path requires(arrays),
                every_entity_of_a_table_is_compared,
                a_view_is_compared_by_its_columns,
            }
            lint {
                a_foreign_key_without_an_index_is_found_and_mended,
                a_constraint_has_an_index_where_the_database_makes_one,
                statements_without_an_index_ask_for_one_that_serves_several,
                what_an_index_would_not_help_asks_for_none,
                what_a_condition_on_a_relation_looks_for_is_seen,
                columns_in_the_wrong_order_are_turned,
                indexes_that_do_what_others_do_are_dropped,
                whoever_has_not_counted_enough_reads_says_so,
                an_index_that_nobody_reads_is_found requires(arrays),
                the_statements_can_leave_writers_alone,
                an_index_that_is_not_complete_is_no_index requires(arrays),
                tables_that_are_not_there_are_none_of_the_lints_business,
                every_foreign_key_of_a_schema_is_looked_at,
                the_rows_of_a_kept_view_have_indexes_and_those_of_a_plain_one_have_none,
            }
            transaction {
                only_what_is_committed_is_kept,
                a_savepoint_takes_back_only_its_own,
                an_error_is_not_hidden_by_the_ones_that_follow,
                a_read_only_transaction_cannot_write,
                no_update_is_lost_by_transactions_that_run_again,
                two_that_lock_in_opposite_order_both_succeed requires(concurrent_writers),
                an_isolation_level_holds_for_its_transaction_only requires(isolation_levels),
                a_level_that_does_not_exist_is_refused,
                tasks_aborted_at_random_leave_nothing_open,
                a_statement_cancelled_on_the_server_ends_its_transaction requires(concurrent_writers),
                a_killed_connection_is_replaced requires(concurrent_writers),
                a_commit_on_a_lost_connection_is_ambiguous requires(concurrent_writers),
            }
            crud {
                an_insert_returns_the_row_as_it_is_stored,
                rows_are_found_by_key,
                many_rows_are_found_in_the_order_of_their_keys,
                rows_are_found_by_composite_and_text_keys,
                an_update_of_an_old_version_is_stale,
                a_patch_changes_what_it_names,
                an_upsert_inserts_or_changes_the_row_it_meets,
                what_the_framework_keeps_can_be_given_to_a_new_row,
                an_upsert_of_nothing_but_its_target_returns_the_row_it_meets,
                deleted_rows_are_gone,
                soft_deleted_rows_are_hidden,
                a_bulk_update_counts_its_rows,
                many_rows_are_inserted_in_order,
                many_pairs_are_linked_all_or_none,
                pairs_are_linked_and_unlinked,
            }
            bulk {
                rows_are_inserted_without_reading_them_back,
                many_rows_without_reading_back_are_all_or_none,
                rows_that_give_other_columns_are_sorted_by_them,
                every_type_comes_back_from_many_rows,
                the_framework_keeps_its_columns_of_many_rows,
                a_bulk_insert_takes_rows_as_they_come,
                a_stream_that_fails_takes_everything_back,
                batches_can_be_committed_one_by_one,
                rows_that_meet_others_are_ignored_or_change_them,
                a_bulk_insert_dropped_midway_leaves_nothing,
                a_bulk_insert_is_part_of_its_transaction,
                rows_without_end_take_no_more_memory,
                text_that_cannot_be_held_is_refused_among_many_rows,
                a_load_that_fails_at_both_ends_leaves_no_answer_behind,
                a_time_of_change_that_is_given_is_kept,
                arrays_come_back_from_many_rows requires(arrays),
                tables_that_are_no_plain_copy_of_the_entity_get_inserts requires(arrays),
            }
            bulk_edges {
                a_load_of_an_old_moment_is_inserted_and_not_copied requires(arrays),
                a_batch_does_not_wait_for_the_rows_of_others,
                long_rows_go_out_in_several_statements,
                rows_of_defaults_alone_are_upserted,
                a_pair_that_was_marked_as_deleted_is_linked_again,
            }
            update_many {
                many_rows_are_updated_each_to_its_own_values,
                rows_by_composite_keys_are_updated_together,
                stale_rows_take_back_all_updates_and_are_named,
            }
            write_batcher {
                writes_awaited_together_share_a_transaction,
                one_bad_write_of_a_batch_fails_alone,
                a_caller_that_goes_away_leaves_the_others_alone,
                a_row_that_cannot_be_read_back_fails_alone_and_is_written_once,
                a_panic_fails_its_write_alone,
            }
            eager {
                every_strategy_loads_the_same_graph,
                statements_do_not_grow_with_rows,
                a_consistent_load_sees_one_moment,
                limits_and_orders_are_per_parent_at_every_depth,
                parents_keep_their_order_and_duplicates,
                a_root_limit_is_not_changed_by_joins,
                many_to_many_is_loaded_from_both_sides,
                relations_have_scopes_of_their_own,
                figures_are_loaded_beside_rows,
                an_include_can_be_left_out,
                relations_are_loaded_onto_rows_in_hand,
            }
            eager_edges {
                no_parents_need_no_second_statement,
                several_rows_of_a_has_one_are_warned_of,
                null_keys_lead_nowhere,
                a_dangling_key_is_an_error_unless_optional,
                composite_keys_are_matched_as_pairs,
                text_keys_meet_as_the_database_compares_them,
                soft_deleted_rows_are_not_loaded,
                a_relation_included_twice_is_an_error,
            }
            errors {
                a_unique_violation_names_what_it_met,
                a_foreign_key_violation_is_told,
                a_missing_value_is_told,
                text_that_cannot_be_held_is_refused_by_its_column,
                one_row_is_neither_none_nor_two,
            }
            explain {
                a_plan_says_how_rows_are_found,
                a_plan_has_a_tree_of_steps,
                a_plan_is_asked_for_and_nothing_is_run,
                every_statement_of_a_load_has_its_plan,
                a_measured_plan_has_rows_and_times,
                raw_sql_has_a_plan_without_its_values,
                a_plan_shows_no_value_of_a_sensitive_column,
                what_writes_is_explained_and_not_measured,
                a_plan_is_asked_inside_its_transaction,
                plans_are_not_taken_from_the_cache_nor_kept,
            }
            indexed {
                a_missing_index_is_found,
                keys_have_indexes,
                a_missing_index_of_related_rows_is_found,
                whole_tables_may_be_read_where_nothing_is_asked,
                rows_that_exist_elsewhere_are_found_by_an_index,
                raw_sql_is_looked_at_too,
                an_error_of_the_block_comes_out_as_it_is,
            }
            figures {
                rows_are_counted_and_summed,
                equal_rows_come_once,
                limits_apply_before_figures,
            }
            filters {
                every_comparison_selects_its_rows,
                like_takes_text_literally,
                long_lists_select,
                filters_combine,
                filters_reach_over_relations,
                raw_expressions_are_the_way_out,
                nulls_are_ordered_alike,
            }
            loader {
                rows_loaded_at_one_time_are_one_statement,
                relations_of_every_kind_are_loaded_at_one_time,
                rows_with_text_keys_are_loaded_at_one_time,
                a_loader_reads_inside_its_transaction,
            }
            many {
                many_parents_take_few_statements,
                a_stream_keeps_little,
            }
            pages {
                pages_meet_without_gaps_in_both_directions,
                pages_pass_over_nulls,
                a_cursor_of_another_order_is_refused,
            }
            shapes {
                a_shape_is_paged_by_columns_that_it_does_not_have,
                a_page_of_distinct_shapes_needs_the_orders_columns,
                a_shape_is_found_by_its_key,
                a_shape_holds_embedded_structs,
                a_shape_is_made_of_others,
                a_shape_takes_arguments,
                a_shape_of_columns_is_streamed_by_one_statement,
                rows_with_relations_are_streamed_in_chunks,
                a_consistent_stream_sees_one_moment,
                a_stream_in_chunks_needs_an_order_over_columns,
            }
            observation {
                a_statement_tells_its_rows_size_and_times,
                an_n_plus_one_is_found_and_mended,
                counts_do_not_depend_on_the_data,
                the_steps_of_a_transaction_are_told,
            }
            row_locks {
                a_lock_outside_a_transaction_is_refused_before_anything_is_sent,
                a_lock_without_a_meaning_is_refused,
                locks_are_asked_for_in_the_databases_own_words,
                a_transaction_that_locks_nothing_says_so,
                locked_rows_are_skipped,
                a_locked_row_fails_at_once_if_asked requires(lock_wait_policy),
                shared_locks_go_together requires(row_locks, lock_wait_policy),
                relations_of_locked_rows_take_statements_of_their_own,
                a_row_is_locked_by_its_key,
                many_rows_are_locked_in_the_order_of_their_keys,
                rows_with_composite_keys_are_locked,
                locking_many_never_deadlocks,
                two_that_lock_row_by_row_in_opposite_order_both_succeed requires(concurrent_writers),
                a_deadlock_inside_a_savepoint_is_told_as_far_as_it_reaches requires(concurrent_writers),
                a_deadline_ends_the_wait_for_a_lock requires(concurrent_writers),
                a_transaction_forgotten_by_its_program_is_taken_back_at_its_deadline,
            }
            related_locks {
                related_rows_are_locked_where_they_are_named,
                the_table_in_between_is_not_locked,
                a_parent_is_locked_with_its_rows,
                locked_children_are_skipped_or_an_error requires(lock_wait_policy),
                related_rows_are_read_when_the_lock_is_held requires(concurrent_writers),
                what_was_left_out_is_not_locked,
                a_tree_is_locked_to_the_depth_it_is_loaded_to,
                locks_on_related_rows_without_a_meaning_are_refused,
            }
            advisory_locks {
                an_advisory_lock_lasts_as_long_as_its_transaction requires(concurrent_writers),
                an_advisory_lock_is_waited_for requires(concurrent_writers),
                a_wait_for_an_advisory_lock_can_be_given_up requires(concurrent_writers),
                sqlite_names_what_it_has_instead,
            }
            isolation {
                each_level_prevents_what_its_database_promises,
                every_increment_survives_at_the_levels_that_promise_it,
                two_programs_on_one_file_lose_no_update,
                no_transfer_makes_or_loses_money,
                a_rule_over_several_rows_holds,
            }
            raw_sql {
                raw_sql_reads_an_entity_by_its_columns_names,
                raw_sql_reads_typed_tuples,
                a_question_mark_in_a_text_is_no_placeholder,
                a_doubled_question_mark_is_an_operator requires(arrays),
                raw_sql_writes_and_says_how_many_rows,
                raw_sql_belongs_to_its_transaction,
                what_does_not_fit_is_named,
                a_script_that_fails_leaves_nothing_to_what_comes_next,
            }
            cache {
                a_row_is_read_once,
                only_rows_that_are_not_kept_are_fetched,
                what_is_kept_is_what_the_database_has,
                a_row_written_is_kept_as_it_was_written,
                a_hit_needs_no_connection,
                nothing_is_seen_before_the_commit,
                a_rolled_back_transaction_changes_nothing_that_is_kept,
                a_rolled_back_savepoint_drops_its_part,
                rows_that_go_along_with_a_delete_are_dropped,
                changes_of_unknown_rows_drop_the_table,
                related_rows_that_are_kept_are_not_fetched,
                locked_rows_are_read_from_the_database,
                the_cache_can_be_passed_by_and_renewed,
                what_is_kept_is_dropped_by_hand,
                what_happens_in_the_cache_is_told,
                reads_through_the_cache_are_linearizable,
                rows_written_in_bulk_are_not_missed,
            }
            cached_queries {
                a_result_is_read_once,
                results_are_told_apart,
                figures_are_kept_too,
                every_write_to_a_table_drops_its_results,
                a_result_is_dropped_by_its_relations_and_filters,
                a_result_has_tags,
                a_transaction_reads_past_kept_results,
                writers_never_leave_an_old_result,
            }
            reserved_keys {
                a_reserved_key_is_known_before_the_database_sees_the_row requires(key_counter),
                a_block_is_one_step_of_the_counter requires(key_counter),
                two_queues_and_plain_inserts_never_share_a_key requires(key_counter),
                a_key_is_not_given_again requires(key_counter),
                a_key_that_an_update_has_set_is_passed_over requires(key_counter),
                keys_that_cannot_be_reserved_are_told_of_at_the_start,
            }
            transactions {
                a_committed_transaction_stays,
                a_rolled_back_transaction_leaves_nothing,
                a_failed_insert_of_many_leaves_nothing,
            }
            tree {
                a_tree_is_loaded_to_its_depth,
                a_chain_of_managers_is_loaded,
                related_rows_of_one_table_are_told_apart,
            }
            values {
                every_type_comes_back,
                extremes_come_back,
                nulls_come_back,
                every_type_compares,
            }
            views {
                a_view_is_read_like_an_entity,
                a_materialized_view_is_as_old_as_its_refresh,
                a_refresh_belongs_to_its_transaction,
                a_view_that_is_there_stays_or_is_made_anew,
                a_view_that_differs_is_reported_and_mended,
                a_query_that_was_changed_is_found,
                a_view_in_between_is_read_and_not_written,
                a_view_has_shapes_and_streams,
                a_view_that_was_made_by_hand_is_refreshed,
                a_refresh_beside_readers_says_what_it_needs requires(materialized_views),
                only_a_view_that_keeps_rows_is_refreshed,
                results_of_a_view_are_dropped_with_what_it_reads,
                a_view_that_was_dropped_by_hand_is_filled_when_it_is_made,
                a_refresher_that_would_never_rest_is_refused,
                a_view_knows_how_old_it_is,
            }
            upkeep {
                a_maintained_view_is_filled_when_it_is_made,
                each_write_mends_the_rows_that_it_shows_in,
                what_a_row_joins_mends_it,
                it_changes_with_the_transaction_of_the_write,
                rows_in_bulk_mend_all_that_they_show_in,
                what_differs_is_found_and_rebuilt,
                it_is_made_once_and_again_where_a_trigger_is_gone,
                a_table_that_is_gone_is_made_and_filled,
                what_is_declared_otherwise_leaves_no_trigger_behind,
                what_leads_to_no_key_is_refused_before_it_is_made,
                another_query_is_told_and_made_anew,
                a_view_that_is_dropped_is_maintained_no_more,
                kept_results_of_it_go_with_what_it_reads,
                what_is_no_maintained_view_is_refused,
                a_key_of_two_columns_is_maintained_where_cascades_are_told,
                an_emptied_source_empties_the_view requires(truncate_triggers),
            }
            upkeep_writers {
                writers_at_once_lose_nothing,
                a_writer_waits_for_one_of_the_same_row,
                who_finds_rows_by_a_query_waits_for_those_that_come,
                a_write_of_an_old_moment_is_refused_or_right requires(isolation_levels),
                a_rebuild_beside_writers_loses_nothing,
            }
            view_kinds {
                a_plain_view_becomes_one_that_keeps_its_rows,
                rows_that_were_kept_are_told_before_the_view_is_plain,
                a_key_that_is_null_is_an_error_and_no_invented_key,
                a_view_that_was_made_by_hand_is_not_taken_for_the_one_of_the_struct requires(arrays),
                what_was_noted_of_a_view_goes_with_it,
            }
            view_refreshes {
                nobody_sees_a_refresh_before_its_commit,
                a_reader_sees_the_rows_of_one_refresh,
                refreshes_at_once_wait_for_each_other,
                a_refresh_waits_for_the_one_that_is_not_committed requires(concurrent_writers),
                a_view_follows_the_writes,
                a_write_during_a_refresh_is_not_forgotten requires(concurrent_writers),
                a_shutdown_leaves_nothing_old,
                a_refresh_that_fails_is_tried_again,
                a_view_is_refreshed_from_time_to_time,
                a_view_that_was_never_filled_is_filled_in_the_background requires(arrays),
                a_refresher_without_a_meaning_does_not_start,
            }
            write_behind {
                what_is_queued_is_read_before_it_is_written,
                many_changes_of_a_row_are_one_statement,
                parents_are_written_first_and_deleted_last,
                a_poison_row_becomes_a_dead_letter_and_the_others_flow,
                an_old_version_is_told_at_once_or_becomes_a_dead_letter,
                rows_that_are_marked_as_deleted_are_hidden,
                dead_letters_outlive_their_process,
                a_queue_that_cannot_be_sound_does_not_start,
                what_happens_is_told,
            }
        }
    };
}
