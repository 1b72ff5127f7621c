//! Given, when, then: what a command does to a stream, on the fold alone or in a real store.
//!
//! ```text
//! given::<BankAccount>("A1")
//!     .event(AccountOpened { … })
//!     .when(WithdrawMoney { … })?
//!     .then_refused("InsufficientFunds")?
//! ```
//!
//! The generated scenarios are of this form; so may be tests of your own.

use std::fmt::Debug;

use serde_json::Value as Json;

use crate::aggregate::{Aggregate, Refusal};
use crate::clock::Clock;
use crate::command::{Command, Emit};
use crate::event::DomainEvent;
use crate::metadata::{Metadata, StreamId};
use crate::projection::{Projection, Projector, Value};
use crate::repository::{ExecuteError, NewEvents, Repository};
use crate::testing::clock::{GivenIds, START, TestClock};
use crate::testing::failure::{Check, Context, Failure, equal};
use crate::testing::fold::{Any, Decision, Fold, caller};
use crate::testing::run;
use crate::testing::stores::{StoreKind, WithReads};
use crate::values::{Timestamp, Uuid};

/// A stream with nothing in it yet.
pub fn given<A: Aggregate>(stream: impl Into<StreamId>) -> Given<A> {
    Given {
        stream: stream.into(),
        events: Vec::new(),
        invalid: None,
        now: None,
        config: A::Config::default(),
        ids: None,
    }
}

/// What a stream holds before the command.
pub struct Given<A: Aggregate> {
    stream: StreamId,
    events: Vec<A::Event>,
    invalid: Option<Failure>,
    now: Option<Timestamp>,
    config: A::Config,
    ids: Option<GivenIds>,
}

impl<A: Aggregate> Given<A> {
    /// What the program is set to, instead of the defaults.
    #[must_use]
    pub fn config(mut self, config: A::Config) -> Self {
        self.config = config;
        self
    }

    /// What `new_id()` gives in decisions, one after the other.
    #[must_use]
    pub fn ids(mut self, ids: &[Uuid]) -> Self {
        self.ids = Some(GivenIds::new(ids.to_vec()));
        self
    }

    /// One more event.
    #[must_use]
    pub fn event(mut self, event: impl Emit<A>) -> Self {
        if let Err(error) = event.validate() {
            self.invalid.get_or_insert(Failure::new(format!("a given event is invalid: {error}")));
        }
        self.events.push(event.into_event());
        self
    }

    /// One more event, from its stored form.
    #[must_use]
    pub fn stored(mut self, event_type: &str, version: u32, data: &str) -> Self {
        let meta = Fold::<A>::new(self.stream.clone()).metadata(START);
        match A::Event::read(event_type, version, data.as_bytes(), &meta) {
            Ok(event) => self.events.push(event),
            Err(error) => {
                let what = format!("the given {event_type} v{version} cannot be read: {error}");
                self.invalid.get_or_insert(Failure::new(what).with("data", data));
            }
        }
        self
    }

    /// The time at which the command is decided; without it, that of the last event.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Decides a command on the fold alone: no store, no keys of other streams, no repetition.
    ///
    /// # Errors
    /// Where the given events are no history.
    pub fn when<C: Command<A>>(self, command: C) -> Check<Outcome<A>> {
        let mut fold = self.folded()?;
        let now = self.now.or(fold.last_time).unwrap_or(START);
        let decision = fold.decide(&command, now);
        let (events, ended) = match decision {
            Decision::Events(events) => (events, Ended::Done),
            Decision::Refused(refusal, events) => (events, Ended::Refused(refusal)),
            Decision::Taken(refusals) => {
                let first = refusals.into_iter().next().expect("a taken key has its refusal");
                (Vec::new(), Ended::Refused(first))
            }
            Decision::Invalid(error) => (Vec::new(), Ended::Failed(format!("invalid {error}"))),
            Decision::Failed(reason) => (Vec::new(), Ended::Failed(reason)),
        };
        fold.apply_all(&events)
            .map_err(|error| Failure::new(format!("an event cannot be applied: {error}")))?;
        let events = events.into_iter().map(|(event, _)| event).collect();
        let (command, state) = (format!("{command:?}"), fold.state);
        Outcome { command, events, ended, state, ids: self.ids }.with_enough_ids()
    }

    /// Carries a command out in a new store.
    ///
    /// # Errors
    /// Where the given events are refused, or the store fails.
    pub fn when_in<C: Command<A>, K: StoreKind>(self, kind: K, command: C) -> Check<In<A, K>> {
        self.stored_in(kind)?.carry_out(command)
    }

    /// Only records the given events in a new store.
    ///
    /// # Errors
    /// Where they are refused, or the store fails.
    pub fn nothing_in<K: StoreKind>(self, kind: K) -> Check<In<A, K>> {
        let world = self.stored_in(kind)?;
        let stream = world.stream.clone();
        let state = run(async { Ok(world.repository.load(stream).await?.state) })?;
        let command = "nothing".to_owned();
        let ids = world.ids.clone();
        let outcome = Outcome { command, events: Vec::new(), ended: Ended::Done, state, ids };
        Ok(In { outcome, world })
    }

    fn folded(&self) -> Check<Fold<A>> {
        self.invalid.clone().map_or(Ok(()), Err)?;
        A::check_config(&self.config)
            .map_err(|error| Failure::new(format!("the given config is invalid: {error}")))?;
        let mut fold = Fold::new(self.stream.clone());
        fold.config = self.config.clone();
        fold.ids.clone_from(&self.ids);
        fold.given(self.events.iter().cloned())
            .map_err(|error| Failure::new(format!("a given event cannot be applied: {error}")))?;
        Ok(fold)
    }

    fn stored_in<K: StoreKind>(self, kind: K) -> Check<World<A, K>> {
        self.invalid.map_or(Ok(()), Err)?;
        run(async {
            let place = kind.new_place();
            let store = kind.open(&place).await?;
            let clock = TestClock::default();
            let mut repository = Repository::builder().clock(clock.clone()).config(self.config);
            if let Some(ids) = &self.ids {
                repository = repository.ids(ids.clone());
            }
            let repository = repository.open(store).await?;
            for event in self.events {
                clock.set(event.occurred_at().unwrap_or_else(|| clock.now()));
                let shown = format!("{event:?}");
                let events = NewEvents::<A>::new().with(Any(event));
                repository.record_with(self.stream.clone(), events, caller()).await.map_err(
                    |error| {
                        Failure::new(format!("a given event is refused: {error}"))
                            .with("event", shown)
                    },
                )?;
            }
            let given = repository.load(self.stream.clone()).await?.sequence;
            if let Some(now) = self.now {
                clock.set(now);
            }
            let (stream, ids) = (self.stream, self.ids);
            Ok(World { kind, place, repository, stream, given, ids, clock, commands: 0 })
        })
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq)]
enum Ended<E> {
    Done,
    Refused(E),
    Failed(String),
}

/// What a command did.
pub struct Outcome<A: Aggregate> {
    command: String,
    events: Vec<A::Event>,
    ended: Ended<A::Error>,
    state: A::State,
    ids: Option<GivenIds>,
}

/// What a command did in a store.
pub struct In<A: Aggregate, K: StoreKind> {
    outcome: Outcome<A>,
    world: World<A, K>,
}

struct World<A: Aggregate, K: StoreKind> {
    kind: K,
    place: K::Place,
    repository: Repository<A, K::Store>,
    stream: StreamId,
    /// Number of events before the last command.
    given: u64,
    ids: Option<GivenIds>,
    clock: TestClock,
    /// Number of commands so far.
    commands: u32,
}

impl<A: Aggregate, K: StoreKind> World<A, K> {
    fn carry_out<C: Command<A>>(mut self, command: C) -> Check<In<A, K>> {
        self.commands += 1;
        let text = match self.commands {
            1 => format!("{command:?}"),
            number => format!("{command:?}, which is number {number}"),
        };
        let (stream, world) = (self.stream.clone(), &mut self);
        let (ended, events) = run(async {
            world.given = world.repository.load(stream.clone()).await?.sequence;
            match world.repository.execute_with(stream.clone(), command, caller()).await {
                Ok(executed) => {
                    let events = executed.events.into_iter().map(|recorded| recorded.event);
                    Ok((Ended::Done, events.collect()))
                }
                Err(ExecuteError::Refused(refusal)) => {
                    let kept = world.events_after(world.given).await?;
                    Ok((Ended::Refused(refusal), kept))
                }
                Err(error) => Ok((Ended::Failed(error.to_string()), Vec::new())),
            }
        })?;
        let state = run(async { Ok(self.repository.load(stream).await?.state) })?;
        let outcome = Outcome { command: text, events, ended, state, ids: self.ids.clone() };
        Ok(In { outcome: outcome.with_enough_ids()?, world: self })
    }

    async fn events_after(&self, mut sequence: u64) -> Check<Vec<A::Event>> {
        let mut events = Vec::new();
        loop {
            let page = self.repository.history(self.stream.clone(), sequence, 1_000).await?;
            for stored in page.iter() {
                let meta: &Metadata = stored.meta;
                let event = A::Event::read(stored.event_type, stored.version, stored.data, meta);
                events.push(event.map_err(|error| {
                    Failure::new(format!("a new event cannot be read: {error}"))
                })?);
                sequence = meta.sequence;
            }
            if page.at_end() {
                return Ok(events);
            }
        }
    }
}

impl<A: Aggregate> Outcome<A> {
    /// The command was accepted.
    ///
    /// # Errors
    /// Where it was not.
    pub fn then_accepted(self) -> Check<Self> {
        match &self.ended {
            Ended::Done => Ok(self),
            ended => Err(self.otherwise("the command must be accepted", ended)),
        }
    }

    /// The command was refused, by this name.
    ///
    /// # Errors
    /// Where it was not.
    pub fn then_refused(self, name: &str) -> Check<Self> {
        match &self.ended {
            Ended::Refused(refusal) if refusal.name() == name => Ok(self),
            ended => Err(self.otherwise(&format!("the command must be refused as {name}"), ended)),
        }
    }

    fn otherwise(&self, what: &str, ended: &Ended<A::Error>) -> Failure {
        Failure::new(what).with("found", self.shown(ended)).with("command", self.command.clone())
    }

    fn shown(&self, ended: &Ended<A::Error>) -> String {
        match ended {
            Ended::Done => format!("accepted, with the events {:?}", self.events),
            Ended::Refused(refusal) => format!("{}: {}", refusal.name(), refusal.message()),
            Ended::Failed(reason) => format!("failed: {reason}"),
        }
    }

    fn with_enough_ids(self) -> Check<Self> {
        self.check_ids(GivenIds::suffice)?;
        Ok(self)
    }

    fn check_ids(&self, check: impl Fn(&GivenIds) -> Check) -> Check {
        self.ids
            .as_ref()
            .map_or(Ok(()), check)
            .context("command", || self.command.clone())
            .context("outcome", || self.shown(&self.ended))
    }

    /// `new_id()` was asked for every id that is given.
    ///
    /// # Errors
    /// Those that are left.
    pub fn then_no_id_is_left(self) -> Check<Self> {
        self.check_ids(GivenIds::none_is_left)?;
        Ok(self)
    }

    /// The command led to exactly these events.
    ///
    /// # Errors
    /// Where it did not.
    pub fn then_events(self, expected: &[A::Event]) -> Check<Self> {
        equal("what the command led to", &self.events.as_slice(), &expected)
            .context("command", || self.command.clone())?;
        Ok(self)
    }

    /// The state after it is exactly this one.
    ///
    /// # Errors
    /// Where it is not.
    pub fn then_state(self, expected: &A::State) -> Check<Self> {
        equal("the state", &self.state, expected).context("command", || self.command.clone())?;
        Ok(self)
    }

    /// The command led to events of these types, in which the named fields have these values, as JSON.
    ///
    /// # Errors
    /// Where it did not.
    pub fn then_events_with(self, expected: &[(&str, &str)]) -> Check<Self> {
        let types: Vec<_> = self.events.iter().map(DomainEvent::event_type).collect();
        let expected_types: Vec<_> = expected.iter().map(|(event_type, _)| *event_type).collect();
        equal("the types of the events", &types, &expected_types)
            .context("command", || self.command.clone())?;
        for (event, (event_type, fields)) in self.events.iter().zip(expected) {
            let mut data = Vec::new();
            event.write(&mut data);
            has_fields(&format!("{event_type}."), &json(&data)?, fields)
                .context("command", || self.command.clone())?;
        }
        Ok(self)
    }

    /// The named fields of the state after it have these values, as JSON.
    ///
    /// # Errors
    /// Where they have not.
    pub fn then_state_with(self, fields: &str) -> Check<Self> {
        let mut data = Vec::new();
        A::write_state(&self.state, &mut data);
        has_fields("state.", &json(&data)?, fields).context("command", || self.command.clone())?;
        Ok(self)
    }
}

impl<A: Aggregate, K: StoreKind> In<A, K> {
    /// Carries another command out in the same stream, at this time.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn next_at<C: Command<A>>(self, now: Timestamp, command: C) -> Check<Self> {
        self.world.clock.set(now);
        self.world.carry_out(command)
    }

    /// See [`Outcome::then_accepted`].
    ///
    /// # Errors
    /// As there.
    pub fn then_accepted(self) -> Check<Self> {
        Ok(Self { outcome: self.outcome.then_accepted()?, world: self.world })
    }

    /// See [`Outcome::then_refused`].
    ///
    /// # Errors
    /// As there.
    pub fn then_refused(self, name: &str) -> Check<Self> {
        Ok(Self { outcome: self.outcome.then_refused(name)?, world: self.world })
    }

    /// See [`Outcome::then_events`].
    ///
    /// # Errors
    /// As there.
    pub fn then_events(self, expected: &[A::Event]) -> Check<Self> {
        Ok(Self { outcome: self.outcome.then_events(expected)?, world: self.world })
    }

    /// See [`Outcome::then_state`].
    ///
    /// # Errors
    /// As there.
    pub fn then_state(self, expected: &A::State) -> Check<Self> {
        Ok(Self { outcome: self.outcome.then_state(expected)?, world: self.world })
    }

    /// See [`Outcome::then_events_with`].
    ///
    /// # Errors
    /// As there.
    pub fn then_events_with(self, expected: &[(&str, &str)]) -> Check<Self> {
        Ok(Self { outcome: self.outcome.then_events_with(expected)?, world: self.world })
    }

    /// See [`Outcome::then_state_with`].
    ///
    /// # Errors
    /// As there.
    pub fn then_state_with(self, fields: &str) -> Check<Self> {
        Ok(Self { outcome: self.outcome.then_state_with(fields)?, world: self.world })
    }

    /// See [`Outcome::then_no_id_is_left`].
    ///
    /// # Errors
    /// As there.
    pub fn then_no_id_is_left(self) -> Check<Self> {
        Ok(Self { outcome: self.outcome.then_no_id_is_left()?, world: self.world })
    }

    /// A projection that has seen everything has as many rows as these, and each of these is one of
    /// them: the named columns have these values, as JSON.
    ///
    /// # Errors
    /// Where it has other rows.
    pub fn then_rows_with<P>(self, expected: &[&str]) -> Check<Self>
    where
        P: Projection<Event = A::Event>,
        K: WithReads,
    {
        let world = &self.world;
        let found: Vec<P::Row> = run(async {
            let (store, reads) = world.kind.open_with_reads(&world.place).await?;
            let projector = Projector::<P, _, _>::open(store, reads).await?;
            projector.catch_up().await?;
            Ok(projector.read_model().page(None, expected.len() + 10).await?)
        })?;
        equal("the number of rows", &found.len(), &expected.len())
            .context("rows", || format!("{found:#?}"))?;
        let mut left: Vec<Json> = found.iter().map(row_json::<P>).collect();
        for fields in expected {
            let place = left.iter().position(|row| has_fields("row.", row, fields).is_ok());
            let place = place.ok_or_else(|| {
                Failure::new(format!("{} has no such row", P::NAME))
                    .with("expected", *fields)
                    .with("rows", left.iter().map(|row| format!("\n{row}")).collect::<String>())
            })?;
            left.swap_remove(place);
        }
        Ok(self)
    }
}

fn json(data: &[u8]) -> Check<Json> {
    serde_json::from_slice(data).map_err(|error| Failure::new(format!("no JSON: {error}")))
}

fn has_fields(prefix: &str, found: &Json, expected: &str) -> Check {
    let Json::Object(expected) = json(expected.as_bytes())? else {
        return Err(Failure::new(format!("expected fields are no object: {expected}")));
    };
    for (name, value) in &expected {
        equal(&format!("{prefix}{name}"), &found.get(name), &Some(value))?;
    }
    Ok(())
}

/// A row as JSON, in the form that its columns' types have in events.
fn row_json<P: Projection>(row: &P::Row) -> Json {
    let names = P::COLUMNS.iter().map(|column| column.name.to_owned());
    Json::Object(names.zip(P::row_values(row).into_iter().map(value_json)).collect())
}

fn value_json(value: Value) -> Json {
    fn text(value: &(impl crate::codec::Value + Debug)) -> Json {
        Json::String(crate::codec::Value::key_text(value))
    }
    match value {
        Value::Null => Json::Null,
        Value::Text(value) => Json::String(value),
        Value::Integer(value) => Json::from(value),
        Value::Boolean(value) => Json::Bool(value),
        Value::Decimal(value) => text(&value),
        Value::Timestamp(value) => text(&value),
        Value::Date(value) => text(&value),
        Value::Duration(value) => text(&value),
        Value::Uuid(value) => text(&value),
        Value::Bytes(value) => text(&value),
        Value::Json(value) => serde_json::from_str(&value).unwrap_or(Json::String(value)),
    }
}
