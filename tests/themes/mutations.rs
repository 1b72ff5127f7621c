//! What is broken, one thing at a time, and which tests of the harness must say so in which words.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::red::{assert_red, tests};

/// Environment variable: the mutation that is on in this process.
pub(crate) const MUTATION: &str = "EVENTLOOM_MUTATION";

static ON: LazyLock<Option<Mutation>> = LazyLock::new(|| {
    let name = std::env::var(MUTATION).ok()?;
    let known = Mutation::ALL.iter().find(|mutation| mutation.name() == name);
    Some(*known.unwrap_or_else(|| panic!("there is no mutation `{name}`")))
});

impl Mutation {
    /// The mutation that is on.
    pub(crate) fn on() -> Option<Self> {
        *ON
    }

    /// Whether this one is on.
    pub(crate) fn is_on(self) -> bool {
        Self::on() == Some(self)
    }

    pub(crate) fn name(self) -> String {
        format!("{self:?}")
    }
}

macro_rules! mutations {
    ($($(#[doc = $story:literal])* $name:ident { $($test:literal: $words:literal,)+ })+) => {
        /// What can be broken.
        #[allow(non_camel_case_types)] // each is a sentence, and the name of a test
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Mutation { $($(#[doc = $story])* $name,)+ }

        impl Mutation {
            const ALL: &[Self] = &[$(Self::$name),+];
        }

        /// The tests that some mutation turns red.
        const CAN_FAIL: &[&str] = &[$($($test),+),+];

        mod turns_red {
            use super::*;

            $(#[test]
            fn $name() {
                assert_red(Mutation::$name, &[$(($test, $words)),+]);
            })+
        }
    };
}

mutations! {
    // ---- schema ----

    /// A space after the brace: the same JSON, and other bytes than lie in stores.
    a_golden_byte_changes {
        "schema::account_opened_v1_keeps_its_bytes": "what is written differs",
        "schema::money_deposited_v1_keeps_its_bytes": "what is written differs",
        "schema::money_withdrawn_v1_keeps_its_bytes": "what is written differs",
        "schema::account_closed_v2_keeps_its_bytes": "what is written differs",
    }
    a_field_is_dropped {
        "schema::account_opened_v1_round_trips": "`accountId` is missing",
        "schema::money_deposited_v1_round_trips": "`accountId` is missing",
        "schema::money_withdrawn_v1_round_trips": "`accountId` is missing",
        "schema::account_closed_v2_round_trips": "`accountId` is missing",
    }
    a_value_is_rounded_when_written {
        "schema::account_opened_v1_round_trips": "the event that was read back differs",
        "schema::money_deposited_v1_round_trips": "the event that was read back differs",
        "schema::money_withdrawn_v1_round_trips": "the event that was read back differs",
        "schema::account_closed_v2_round_trips": "the event that was read back differs",
    }
    an_unknown_field_is_accepted {
        "schema::account_opened_v1_refuses_other_shapes": "data of another shape is accepted",
        "schema::money_deposited_v1_refuses_other_shapes": "data of another shape is accepted",
        "schema::money_withdrawn_v1_refuses_other_shapes": "data of another shape is accepted",
        "schema::account_closed_v1_refuses_other_shapes": "data of another shape is accepted",
        "schema::account_closed_v2_refuses_other_shapes": "data of another shape is accepted",
    }
    a_newer_version_is_taken_for_the_current {
        "schema::versions_and_shapes_are_those_of_the_ontology": "is not in the ontology, but reading it gives",
        "migration::a_newer_version_is_refused": "AccountOpened v2 is not known to this program, but BankAccount loads",
    }

    // ---- migration ----

    an_upcaster_is_skipped {
        "migration::account_closed_v1_reads_as_v2": "stored data cannot be read",
        "migration::account_closed_v1_mixed_with_v2_folds_the_same": "stored data cannot be read",
    }
    an_upcaster_gives_another_default {
        "migration::account_closed_v1_reads_as_v2": "the field `reason` differs",
    }
    an_upcaster_counts_its_calls {
        "migration::account_closed_v1_mixed_with_v2_folds_the_same": "the timeline of a stream with AccountClosed v1 differs",
    }
    current_data_passes_an_upcaster {
        "migration::account_opened_v1_passes_no_upcaster": "the data, read and written differs",
        "migration::money_deposited_v1_passes_no_upcaster": "the data, read and written differs",
        "migration::money_withdrawn_v1_passes_no_upcaster": "the data, read and written differs",
        "migration::account_closed_v2_passes_no_upcaster": "the data, read and written differs",
    }

    // ---- replay ----

    /// Live and replayed states are made by the same `apply`, so they lack the same.
    an_opening_forgets_the_customer {
        "replay::account_opened_is_applied_as_it_says": "the field `customerId` differs",
    }
    an_event_changes_a_field_that_its_apply_does_not_name {
        "replay::money_deposited_is_applied_as_it_says": "the field `customerId` differs",
        "replay::money_withdrawn_is_applied_as_it_says": "the field `customerId` differs",
        "replay::account_closed_is_applied_as_it_says": "the field `customerId` differs",
    }
    a_deposit_of_nothing_cannot_be_applied {
        "replay::money_deposited_is_applied_as_it_says": "the event cannot be applied",
    }
    an_apply_counts_its_calls {
        "replay::gives_the_live_state": "the state that the command reports differs",
        "replay::is_deterministic": "the state that the command reports differs",
    }
    an_apply_looks_at_the_clock {
        "replay::gives_the_live_state": "the state that the command reports differs",
        "replay::is_deterministic": "the state that the command reports differs",
    }
    /// The first three times it says the same: while it is lived, and in the first replay.
    an_apply_remembers_its_events {
        "replay::is_deterministic": "the second fold of the same events differs",
    }
    the_last_event_is_lost_in_a_crash {
        "replay::gives_the_live_state": "the number of stored events differs",
    }
    an_event_is_delivered_twice {
        "replay::gives_the_live_state": "the number of stored events differs",
        "projection::account_balance_view::incremental_equals_rebuilt": "the projection cannot take a valid history | the events that could not be folded differs",
    }
    events_come_in_another_order {
        "replay::gives_the_live_state": "the sequence of the next stored event differs",
    }
    a_page_skips_an_event {
        "replay::gives_the_live_state": "events are missing or doubled | what is stored of a command's events differs",
        "projection::account_balance_view::incremental_equals_rebuilt": "the rows differ",
        "projection::transaction_history_view::incremental_equals_rebuilt": "the rows differ",
    }

    // ---- snapshot ----

    a_snapshot_is_not_taken {
        "snapshot::is_taken_every_100_events": "the sequence of the snapshot after 100 events differs",
        "snapshot::that_cannot_be_trusted_is_ignored": "whether there is a snapshot differs",
        "snapshot::of_another_meaning_is_never_used": "whether there is a snapshot differs",
    }
    a_snapshot_is_taken_with_every_event {
        "snapshot::is_taken_every_100_events": "the sequence of the snapshot after 1 events differs",
    }
    a_snapshot_is_taken_an_event_late {
        "snapshot::is_taken_every_100_events": "the sequence of the snapshot after 100 events differs",
    }
    a_snapshot_is_built_by_applying_twice {
        "snapshot::with_its_tail_equals_full_replay": "the loaded state differs",
    }
    a_snapshot_forgets_a_field {
        "snapshot::with_its_tail_equals_full_replay": "the loaded state differs",
    }
    the_tail_of_a_snapshot_is_skipped {
        "snapshot::with_its_tail_equals_full_replay": "the loaded state differs",
    }
    a_corrupt_snapshot_is_read_as_nothing {
        "snapshot::that_cannot_be_trusted_is_ignored": "snapshot: cut short",
    }
    a_future_snapshot_is_used {
        "snapshot::that_cannot_be_trusted_is_ignored": "snapshot: from a future that the stream has not",
    }
    a_bad_snapshot_is_hidden {
        "snapshot::that_cannot_be_trusted_is_ignored": "the snapshot was ignored without a warning",
    }
    a_bad_snapshot_is_never_replaced {
        "snapshot::that_cannot_be_trusted_is_ignored": "the snapshot that replaces it differs",
    }
    a_snapshot_of_another_meaning_is_used {
        "snapshot::of_another_meaning_is_never_used": "the loaded state differs",
    }

    // ---- idempotency ----

    a_command_id_is_not_recorded {
        "idempotency::of_a_repeated_command": "a repeated command has another outcome",
        "idempotency::of_a_reused_command_id": "is accepted under the id of",
        "idempotency::of_racing_commands": "a racing sender's command has another outcome",
        "idempotency::of_a_repeated_event": "a repeated event has another outcome",
    }
    a_command_id_is_forgotten_in_a_restart {
        "idempotency::of_a_repeated_command": "when: after a restart",
    }
    /// Another command under the id passes for the first one.
    a_command_id_is_taken_for_its_command {
        "idempotency::of_a_reused_command_id": "is accepted under the id of",
    }
    a_key_is_not_claimed {
        "idempotency::events_claim_their_keys": "the keys of MoneyDeposited differ",
    }
    /// Events claim their keys, and the store does not keep them.
    a_key_is_not_stored {
        "idempotency::of_a_taken_key": "the repository decides otherwise than the fold | the same command with its key has another outcome",
        "idempotency::of_racing_keys": "the number of commands that landed differs",
    }
    a_key_is_claimed_in_the_wrong_scope {
        "idempotency::of_a_taken_key": "the repository decides otherwise than the fold | the same command with its key has another outcome",
    }
    a_key_is_forgotten_in_a_restart {
        "idempotency::of_a_taken_key": "the same command with its key has another outcome",
    }
    /// A duplicate with other content passes for the first command.
    a_key_is_taken_for_its_command {
        "idempotency::of_a_taken_key": "a command with a taken key is not refused",
    }
    /// The content by which a repetition is recognised lacks the input.
    the_content_of_a_command_is_forgotten {
        "idempotency::of_a_taken_key": "a command with a taken key is not refused",
    }

    // ---- invariants ----

    a_guard_is_off_at_its_boundary {
        "invariants::open_account_is_refused_as_initial_balance_negative_from_its_boundary_on": "`OpenAccount` is refused on the boundary",
        "invariants::deposit_money_is_refused_as_amount_not_positive_from_its_boundary_on": "`DepositMoney` is accepted on the boundary",
        "invariants::withdraw_money_is_refused_as_amount_not_positive_from_its_boundary_on": "`WithdrawMoney` is accepted on the boundary",
        "invariants::withdraw_money_is_refused_as_insufficient_funds_from_its_boundary_on": "`WithdrawMoney` is refused on the boundary",
        "invariants::close_account_is_refused_as_balance_not_zero_from_its_boundary_on": "`CloseAccount` is accepted one unit below the boundary",
        "scenarios::money_goes_out_up_to_the_last_cent": "the command must be accepted",
        "scenarios::a_deposit_of_nothing_is_refused": "the command must be refused as AmountNotPositive",
    }
    an_invariant_is_not_checked {
        "invariants::balance_cannot_be_negative_at_its_boundary": "a command with this outcome is let through",
    }
    an_invariant_refuses_its_boundary {
        "invariants::balance_cannot_be_negative_at_its_boundary": "a command with this outcome is refused as BalanceCannotBeNegative",
    }
    an_order_is_not_checked {
        "invariants::events_stand_in_the_order_that_is_allowed": "whether AccountOpened is refused after [\"AccountClosed\"] differs",
    }
    money_goes_out_unguarded {
        "invariants::hold_after_any_commands": "the ontology says: Balance cannot be negative",
        "scenarios::an_overdraft_is_refused": "the command must be refused as InsufficientFunds",
    }
    a_refusal_leaves_an_event {
        "invariants::hold_after_any_commands": "a command that was refused, or had nothing to do, appended events",
        "invariants::refused_commands_leave_no_trace": "a command that was refused, or had nothing to do, appended events",
    }
    a_refused_command_takes_its_key {
        "invariants::refused_commands_leave_no_trace": "the key that a refused command took differs",
    }

    // ---- ordering ----

    a_clock_that_goes_back_is_not_clamped {
        "ordering::times_never_go_back": "is refused because a clock went back",
    }
    a_store_stamps_its_own_time {
        "ordering::times_never_go_back": "the times of a stream go back",
    }
    an_earlier_time_is_moved {
        "ordering::an_earlier_time_is_out_of_order": "a time before the last event is not refused as OutOfOrder",
    }

    // ---- concurrency ----

    a_conflict_is_swallowed {
        "concurrency::one_stream_has_one_winner_per_sequence": "the sequences that the writers won differs",
    }
    two_writers_win_a_sequence {
        "concurrency::one_stream_has_one_winner_per_sequence": "the sequences that the writers won differs | it cannot be applied",
    }
    /// An append is acknowledged that never lands.
    an_event_is_lost {
        "concurrency::one_stream_has_one_winner_per_sequence": "the sequences that the writers won differs",
        "concurrency::many_streams_all_land": "the number of stored events differs",
    }

    // ---- projection ----

    /// A projector that starts again gets the last event twice.
    a_checkpoint_stays_behind_its_rows {
        "projection::account_balance_view::incremental_equals_rebuilt": "the rows differ | the events that could not be folded differs",
        "projection::account_balance_view::an_event_handled_twice_counts_once": "the rows differ | the events that could not be folded differs",
        "projection::transaction_history_view::an_event_handled_twice_counts_once": "the row exists already",
    }
    a_checkpoint_runs_ahead_of_its_rows {
        "projection::account_balance_view::incremental_equals_rebuilt": "the rows",
        "projection::transaction_history_view::incremental_equals_rebuilt": "the rows",
    }
    a_checkpoint_is_not_compared {
        "projection::account_balance_view::an_event_handled_twice_counts_once": "the events that could not be folded differs",
        "projection::transaction_history_view::an_event_handled_twice_counts_once": "the row exists already",
    }
    a_batch_forgets_the_rows_before {
        "projection::account_balance_view::incremental_equals_rebuilt": "the rows differ",
    }
    a_row_depends_on_the_run {
        "projection::account_balance_view::incremental_equals_rebuilt": "the rows differ",
        "projection::transaction_history_view::incremental_equals_rebuilt": "the rows differ",
    }
    a_row_is_read_after_the_change {
        "projection::account_balance_view::mirrors_the_state": "the column `balance` differs",
    }
    a_mirror_drifts {
        "projection::account_balance_view::mirrors_the_state": "the column `balance` differs",
    }
    /// Where there is no row, no column differs from the state.
    a_view_writes_no_row {
        "projection::account_balance_view::mirrors_the_state": "no event leads to a row",
    }

    // ---- queries ----

    a_query_asks_nothing {
        "queries::account_balance_view::find_by_customer_id_finds_what_it_says": "the rows differ | comes twice",
        "queries::account_balance_view::by_customer_finds_what_it_says": "the rows differ",
        "queries::account_balance_view::richest_finds_what_it_says": "the rows differ",
    }
    a_query_forgets_its_order {
        "queries::account_balance_view::richest_finds_what_it_says": "the rows differ",
    }
    /// With few rows a limit that is off by one shows only where it is asked for few.
    a_query_gives_one_row_less {
        "queries::account_balance_view::richest_finds_what_it_says": "the rows differ",
    }

    a_sum_is_of_all_rows {
        "queries::account_balance_view::customers_works_out_what_it_says": "the figures differ",
    }
    groups_forget_their_order {
        "queries::account_balance_view::customers_works_out_what_it_says": "the figures differ",
    }
    groups_are_one_less {
        "queries::account_balance_view::customers_works_out_what_it_says": "the figures differ",
    }
    a_count_is_one_more {
        "queries::account_balance_view::customers_works_out_what_it_says": "the figures differ",
    }

    // ---- tracing ----

    an_event_loses_its_correlation {
        "tracing::runs_from_command_to_event": "the correlation id of an event differs",
    }
    an_event_loses_its_cause {
        "tracing::runs_from_command_to_event": "the causation id of an event differs",
    }
    an_event_loses_its_trace {
        "tracing::runs_from_command_to_event": "the trace context of an event differs",
    }
    an_event_loses_its_actor {
        "tracing::runs_from_command_to_event": "the actor of an event differs",
    }
    /// Of a command about which the caller said nothing.
    an_uncalled_event_loses_its_cause {
        "tracing::runs_from_command_to_event": "an event is not caused by its command",
    }
    a_span_loses_its_correlation {
        "tracing::runs_from_command_to_event": "the field correlation_id of the span differs",
    }
    an_append_loses_its_conversation {
        "tracing::runs_from_command_to_event": "there is no span of the append within the span of the command",
    }
    rows_are_told_no_correlation {
        "tracing::runs_on_to_account_balance_view": "the field correlation_id of the span differs",
        "tracing::runs_on_to_transaction_history_view": "the field correlation_id of the span differs",
    }
    rows_are_told_no_cause {
        "tracing::runs_on_to_account_balance_view": "the field causation_id of the span differs",
        "tracing::runs_on_to_transaction_history_view": "the field causation_id of the span differs",
    }
    rows_are_told_no_trace {
        "tracing::runs_on_to_account_balance_view": "the field traceparent of the span differs",
        "tracing::runs_on_to_transaction_history_view": "the field traceparent of the span differs",
    }
    rows_are_told_of_another_event {
        "tracing::runs_on_to_account_balance_view": "there is no span in which the event is folded",
        "tracing::runs_on_to_transaction_history_view": "there is no span in which the event is folded",
    }

    // ---- scenarios, and the fold as they tell it ----

    a_deposit_takes_money_away {
        "replay::money_deposited_is_applied_as_it_says": "the field `balance` differs",
        "scenarios::a_deposit_raises_the_balance": "state.balance differs",
        "projection::account_balance_view::mirrors_the_state": "the column `balance` differs",
    }
    an_opening_forgets_the_balance {
        "replay::account_opened_is_applied_as_it_says": "the field `balance` differs",
        "scenarios::an_account_opens_with_its_first_balance": "state.balance differs",
        "projection::account_balance_view::mirrors_the_state": "the column `balance` differs",
    }
    a_closing_forgets_the_status {
        "replay::account_closed_is_applied_as_it_says": "the field `status` differs",
        "scenarios::a_closed_account_takes_no_money": "the command must be refused as AccountNotOpen",
        "scenarios::a_closed_account_gives_no_money": "the command must be refused as AccountNotOpen",
        "scenarios::an_account_closes_only_once": "the command must be refused as AccountNotOpen",
    }
    a_withdrawal_reads_the_state_after {
        "replay::money_withdrawn_is_applied_as_it_says": "the field `balance` differs",
        "scenarios::money_goes_out_up_to_the_last_cent": "the command must be accepted",
    }
    a_refusal_has_another_name {
        "scenarios::an_account_opens_only_once": "the command must be refused as BankAccountAlreadyExists",
    }
    an_emitted_field_differs {
        "scenarios::an_empty_account_closes": "AccountClosed.reason differs",
    }
    an_account_with_money_closes {
        "scenarios::an_account_with_money_does_not_close": "the command must be refused as BalanceNotZero",
    }
    a_column_is_one_behind {
        "scenarios::the_balance_view_follows_the_account": "AccountBalanceView has no such row",
    }
}

/// A test of the harness that no mutation turns red may hold for no reason at all.
#[test]
fn every_test_of_the_harness_can_fail() {
    let can_fail: BTreeSet<&str> = CAN_FAIL.iter().copied().collect();
    let all = tests();
    let never: Vec<_> = all.keys().filter(|test| !can_fail.contains(test.as_str())).collect();
    assert!(!all.is_empty() && never.is_empty(), "no mutation turns red: {never:#?}");
}

/// Checks of what the bank has none of; where each is shown to fail.
const NOT_OF_THE_BANK: [(&str, &str); 2] = [
    ("migration", "is_read_under_old_names"), // `goldens::versions`
    ("migration", "renamed_events_fold_the_same"), // reads as the one above does
];

/// Where each check of the runtime stands in the bank's harness, the test above is about all of them.
#[test]
fn every_check_stands_in_the_harness() {
    let harness = include_str!(concat!(env!("OUT_DIR"), "/harness_under_test.rs"));
    let themes: Vec<&str> = harness.split("use testing::harness::").skip(1).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/src/testing/harness");
    let mut checks = 0;
    for file in std::fs::read_dir(folder).expect("the folder of the checks") {
        let path = file.expect("a file").path();
        let source = std::fs::read_to_string(&path).expect("source code");
        let theme = path.file_stem().expect("a name").to_string_lossy().into_owned();
        // What is worked out of rows is a query too.
        let theme = if theme == "figures" { "queries".to_owned() } else { theme };
        let tests = themes.iter().find(|it| it.starts_with(&format!("{theme} as theme")));
        for name in source.split("\npub fn ").skip(1).filter_map(|it| it.split(['<', '(']).next()) {
            checks += 1;
            if NOT_OF_THE_BANK.contains(&(theme.as_str(), name)) {
                continue;
            }
            let stands = tests.is_some_and(|tests| tests.contains(&format!("theme::{name}")));
            assert!(stands, "{theme}::{name} does not stand in the bank's harness");
        }
    }
    assert!(checks > 30, "only {checks} checks were found in {folder}");
}
