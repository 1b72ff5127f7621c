//! The conformance suite: one list of promises, run for every store.
//!
//! The promises are those of [`crate::store`]. A crate that has a store runs them all with
//! [`crate::store_conformance`]; the stores of this crate do so in `runtime/tests`. A store that
//! breaks one is red in the test of that name: [`promises`] lets a test of the suite itself show it.

mod appends;
mod commands;
mod concurrency;
mod durability;
mod global;
mod immediate;
mod keys;
mod reads;
mod sample;
mod shapes;
mod snapshots;
pub mod table;

use super::failure::{Check, Context};
use super::run::run;
use super::stores::StoreKind;

/// A promise: its name, which is the sentence it proves, and the check that runs it on a new store.
pub type Promise<K> = (&'static str, fn(K) -> Check);

/// Lists the promises once: as [`promises`] and as the `#[test]`s of [`crate::store_conformance`].
macro_rules! promises {
    ($dollar:tt $($area:ident: $($name:ident),+;)+) => {
        /// Every promise.
        pub fn promises<K: StoreKind>() -> Vec<Promise<K>> {
            vec![$($((stringify!($name), |kind| run($area::$name(kind)))),+),+]
        }

        /// The names of the promises, by theme.
        pub fn themes() -> &'static [(&'static str, &'static [&'static str])] {
            &[$((stringify!($area), &[$(stringify!($name)),+])),+]
        }

        /// Expands to one `#[test]` per promise of the conformance suite for a kind of store:
        /// an expression of a type that is a [`StoreKind`](crate::testing::StoreKind).
        ///
        /// ```text
        /// mod memory {
        ///     eventloom_runtime::store_conformance!(eventloom_runtime::testing::Memory);
        /// }
        /// ```
        #[macro_export]
        macro_rules! store_conformance {
            ($dollar kind:expr) => {
                $($(
                    #[test]
                    fn $name() -> $crate::testing::Check {
                        $crate::testing::conformance::keeps($dollar kind, stringify!($name))
                    }
                )+)+
            };
        }
    };
}

promises! { $
    appends:
        an_event_comes_back_as_it_went_in,
        metadata_may_come_back_without_its_texts,
        absent_texts_of_the_metadata_stay_absent,
        times_far_from_now_come_back,
        sequences_go_on_without_a_gap,
        positions_grow_across_streams,
        same_ids_of_different_aggregates_are_different_streams,
        an_outdated_expectation_is_a_conflict,
        an_append_of_another_epoch_is_refused,
        an_expectation_ahead_of_the_stream_is_a_conflict,
        a_stream_is_created_only_once,
        a_new_stream_expects_nothing,
        a_taken_key_leaves_nothing_behind,
        a_known_command_leaves_nothing_behind,
        the_command_is_checked_first_then_keys_then_the_sequence,
        one_refused_append_is_not_its_neighbours,
        big_events_and_big_appends_land,
        a_stream_outgrows_sixteen_bits,
        strange_ids_are_just_ids,
        strange_names_are_just_names,
        an_append_given_up_by_its_caller_lands_whole_or_not_at_all;
    keys:
        a_key_is_taken_once_in_its_stream,
        a_key_of_a_stream_is_free_in_another,
        a_key_across_all_is_taken_for_the_whole_aggregate_type,
        scopes_fields_and_values_of_keys_are_kept_apart,
        a_taken_key_tells_who_holds_it,
        the_first_taken_key_of_several_is_found,
        an_append_may_claim_a_key_twice,
        keys_are_claimed_without_events_too,
        a_released_key_is_free_again,
        a_key_is_released_by_the_stream_that_holds_it_alone,
        a_key_is_released_and_claimed_in_one_append,
        a_stream_without_events_frees_no_key_of_another,
        a_key_in_passing_must_be_free_and_stays_so,
        a_refused_append_releases_nothing;
    commands:
        a_command_is_recorded_with_its_events,
        a_refused_command_is_recorded_without_events,
        a_refused_command_may_keep_events,
        a_refusal_is_recorded_for_an_absent_stream,
        a_refusal_decided_on_an_outdated_state_is_a_conflict,
        a_command_id_is_used_once_in_the_whole_store,
        command_ids_are_compared_as_they_are;
    snapshots:
        a_snapshot_lands_with_its_append,
        the_latest_snapshot_is_found,
        a_snapshot_above_the_asked_sequence_is_not_given,
        a_snapshot_of_another_meaning_is_never_given,
        a_saved_snapshot_replaces_the_one_before,
        a_discarded_snapshot_is_gone_alone,
        snapshots_of_streams_are_kept_apart;
    reads:
        an_absent_stream_is_empty,
        a_stream_is_read_forwards_in_pages,
        a_stream_is_read_backwards_in_pages,
        the_end_of_a_stream_is_told_and_never_guessed,
        big_events_end_a_page_of_a_stream_early,
        a_read_starts_beyond_where_it_is_told,
        streams_are_listed_in_order_in_pages;
    global:
        an_empty_store_is_read_at_once,
        the_global_order_is_the_order_of_the_appends,
        a_filter_gives_its_events_and_no_others,
        a_filter_gives_what_the_program_does_not_know_too,
        a_page_leads_past_what_its_filter_left_out,
        a_page_never_leads_past_an_event_it_did_not_give,
        a_rare_event_in_a_long_log_is_found,
        big_events_end_a_page_of_the_global_order_early,
        reading_on_from_any_position_misses_nothing,
        beyond_the_head_there_is_nothing,
        a_page_of_no_events_leads_on_all_the_same,
        a_read_tells_aggregate_type_and_metadata,
        a_stream_and_the_global_order_agree,
        waiting_ends_when_an_event_is_there,
        waiting_for_nothing_does_not_spin;
    shapes:
        the_same_shapes_are_welcome_again,
        a_changed_shape_is_refused,
        new_versions_and_types_are_added,
        a_refused_program_leaves_no_shapes,
        shapes_of_aggregates_are_kept_apart,
        shapes_are_kept_over_a_restart;
    concurrency:
        each_sequence_of_a_stream_has_one_winner,
        appends_to_many_streams_all_land,
        a_reader_misses_nothing_while_others_write,
        a_filtered_reader_misses_nothing_while_others_write,
        a_stream_is_read_whole_while_others_write,
        a_racing_command_lands_once,
        a_racing_key_is_taken_once;
    immediate:
        an_immediate_fold_sees_every_event_once,
        a_refusing_fold_refuses_its_append_alone,
        a_conflicting_append_is_not_folded,
        a_fold_registered_again_replaces_itself,
        a_fold_that_cannot_write_fails_its_append,
        a_fold_that_panics_refuses_its_append;
    durability:
        everything_is_there_after_a_restart,
        a_restarted_store_still_refuses,
        positions_go_on_growing_after_a_restart,
        two_handles_show_one_store,
        a_reader_is_woken_by_another_handle;
}

/// Checks one promise of the list, by its name.
///
/// # Errors
/// What was found instead.
pub fn keeps<K: StoreKind>(kind: K, name: &str) -> Check {
    let named = promises::<K>().into_iter().find(|(known, _)| *known == name);
    let (name, promise) = named
        .ok_or_else(|| super::failure::Failure::new(format!("there is no promise `{name}`")))?;
    promise(kind)
        .context("promise", || name.replace('_', " "))
        .context("store", || K::NAME.to_owned())
}
