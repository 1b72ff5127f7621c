//! The bank's commands in the same thin coat.

use std::any::Any as Something;

use eventloom_runtime::codec::{FieldError, Writer};
use eventloom_runtime::testing::START;
use eventloom_runtime::testing::fold::Any;
use eventloom_runtime::{
    Command, Decide, Decimal, DomainEvent, Duration, EventTypes, Halt, Refusal, StreamId, Target,
    UniqueKey,
};
use eventloom_tests::goldens::bank::bank_account as sound;
use eventloom_tests::goldens::bank::bank_account::{
    AccountClosed, BankAccountError, BankAccountStatus, CloseAccount, DepositMoney, MoneyDeposited,
    MoneyWithdrawn, OpenAccount, WithdrawMoney,
};

use crate::bank::{BankAccount, BankAccountEvent, set_time};
use crate::mutations::Mutation as M;

macro_rules! commands {
    ($($name:ident),+) => {$(
        impl Command<BankAccount> for $name {
            const NAME: &'static str = <Self as Command<sound::BankAccount>>::NAME;
            const TARGET: Target = <Self as Command<sound::BankAccount>>::TARGET;

            fn validate(&self) -> Result<(), FieldError> {
                Command::<sound::BankAccount>::validate(self)
            }

            fn write(&self, out: &mut Writer) {
                if !M::the_content_of_a_command_is_forgotten.is_on() {
                    Command::<sound::BankAccount>::write(self, out);
                }
            }

            fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey)) {
                Command::<sound::BankAccount>::unique_keys(self, claim);
            }

            fn target_refused(stream: &StreamId) -> BankAccountError {
                if M::a_refusal_has_another_name.is_on() {
                    return BankAccountError::not_found(String::new());
                }
                <Self as Command<sound::BankAccount>>::target_refused(stream)
            }

            fn decide(
                &self,
                context: &mut Decide<'_, BankAccount>,
            ) -> Result<(), Halt<BankAccountError>> {
                decide(self, context)
            }
        }
    )+};
}

commands!(OpenAccount, DepositMoney, WithdrawMoney, CloseAccount);

/// What the bank's own command decides, or what a mutation makes of it.
fn decide<C: Command<sound::BankAccount>>(
    command: &C,
    context: &mut Decide<'_, BankAccount>,
) -> Result<(), Halt<BankAccountError>> {
    if M::a_span_loses_its_correlation.is_on() {
        tracing::Span::current().record("correlation_id", "lost");
    }
    if let Some(event) = unguarded(command, context)? {
        return context.emit(Any(BankAccountEvent(event)));
    }
    let decided = soundly(command, context);
    // The repository gives an event its id when it is emitted, a mere fold before.
    let is_for_real = context.meta().event_id.is_nil();
    if M::a_refusal_leaves_an_event.is_on()
        && is_for_real
        && let Err(Halt::Refused(refusal)) = decided
    {
        context.emit(Any(BankAccountEvent(deposit(context, Decimal::ONE, "left"))))?;
        return Err(Halt::RefusedKeeping(refusal));
    }
    for mut event in decided? {
        misplace(&mut event, context.sequence() > 0 && is_for_real);
        context.emit(Any(BankAccountEvent(event)))?;
    }
    Ok(())
}

fn soundly<C: Command<sound::BankAccount>>(
    command: &C,
    context: &mut Decide<'_, BankAccount>,
) -> Result<Vec<sound::BankAccountEvent>, Halt<BankAccountError>> {
    let (state, template) = (context.state(), context.meta().clone());
    let mut new_id = |_| context.new_id();
    let mut inner = Decide::new(state, &(), EventTypes::default(), None, template, &mut new_id);
    command.decide(&mut inner)?;
    let decided = inner.finish().map_err(Halt::Refused)?;
    Ok(decided.events.into_iter().map(|(event, _)| event).collect())
}

/// The event of a command that gets past a guard, where a mutation breaks the guard, or a refusal where
/// it should not be refused.
fn unguarded(
    command: &dyn Something,
    context: &Decide<'_, BankAccount>,
) -> Result<Option<sound::BankAccountEvent>, Halt<BankAccountError>> {
    let state = context.state();
    let is_open = state.status == BankAccountStatus::Open;
    let boundary = M::a_guard_is_off_at_its_boundary.is_on();
    let message = "on the boundary".to_owned();
    if let Some(open) = command.downcast_ref::<OpenAccount>()
        && boundary
        && open.initial_balance.is_zero()
    {
        return Err(Halt::Refused(BankAccountError::InitialBalanceNegative { message }));
    }
    if let Some(withdraw) = command.downcast_ref::<WithdrawMoney>() {
        let WithdrawMoney { amount, transaction_id } = withdraw;
        if boundary && is_open && !amount.is_zero() && *amount == state.balance {
            return Err(Halt::Refused(BankAccountError::InsufficientFunds { message }));
        }
        if (boundary && is_open && amount.is_zero())
            || (M::money_goes_out_unguarded.is_on() && is_open && *amount > Decimal::ZERO)
        {
            return Ok(Some(sound::BankAccountEvent::MoneyWithdrawn(MoneyWithdrawn {
                account_id: context.stream_id().to_string(),
                amount: *amount,
                transaction_id: transaction_id.clone(),
                withdrawn_at: context.now(),
            })));
        }
    }
    if let Some(DepositMoney { amount, transaction_id }) = command.downcast_ref()
        && boundary
        && is_open
        && amount.is_zero()
    {
        return Ok(Some(deposit(context, *amount, transaction_id)));
    }
    if let Some(CloseAccount { reason }) = command.downcast_ref()
        && is_open
        && (M::an_account_with_money_closes.is_on()
            || M::an_emitted_field_differs.is_on()
            || (boundary && state.balance < Decimal::ZERO))
    {
        let kept = !M::an_emitted_field_differs.is_on();
        return Ok(Some(sound::BankAccountEvent::AccountClosed(AccountClosed {
            account_id: context.stream_id().to_string(),
            reason: if kept { reason.clone() } else { "another".to_owned() },
            closed_at: context.now(),
        })));
    }
    Ok(None)
}

fn deposit(
    context: &Decide<'_, BankAccount>,
    amount: Decimal,
    transaction_id: &str,
) -> sound::BankAccountEvent {
    sound::BankAccountEvent::MoneyDeposited(MoneyDeposited {
        account_id: context.stream_id().to_string(),
        amount,
        transaction_id: transaction_id.to_owned(),
        deposited_at: context.now(),
    })
}

/// Gives an event another time than it was decided at. `is_later` says that it follows another, in a
/// repository.
fn misplace(event: &mut sound::BankAccountEvent, is_later: bool) {
    let time = event.occurred_at().unwrap_or_default();
    match M::on() {
        Some(M::a_clock_that_goes_back_is_not_clamped) if is_later => {
            let an_hour = Duration::from_micros(-3_600_000_000);
            set_time(event, time.checked_add(an_hour).unwrap_or(time));
        }
        Some(M::an_earlier_time_is_moved) => set_time(event, time.max(START)),
        _ => {}
    }
}
