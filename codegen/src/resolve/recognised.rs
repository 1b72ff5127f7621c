//! The keys by which a command that is sent again is recognised, beside those that [`super::keys`] finds in its
//! input as they are: calculated ones, one per element of a list, those that only a refusal keeps, and those of
//! decisions by hand.
//!
//! The same input to the same stream gives the same keys here, whatever has happened since. What depends on the
//! state, the clock or a new id is another key each time, and recognises nothing; nor does what is the same for
//! every command, as a literal and the stream's id are.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::newtype::{self, plain_type};
use super::keys::from_input;
use super::types::Types;
use crate::model::locals::{bound_by, free};
use crate::model::{
    Command, Decision, Emission, Event, Expression, ExpressionKind, MetaField, Method, Parameter,
    RetryKey, Scope, Step, Type, UniqueField,
};
use crate::naming::snake;

/// Gives a command the keys that recognise it.
pub(crate) fn add(command: &mut Command, events: &[Event], types: &Types) {
    let mut found = match &command.decision {
        Decision::Custom(_) => by_hand(command, events, types),
        Decision::Declared { steps, emit, .. } => declared(steps, emit, events),
    };
    found.retain(|key| {
        let as_it_is = command.keys.iter().any(|(unique, value)| {
            *unique == key.unique && key.for_each.is_none() && *value == key.value
        });
        !as_it_is
    });
    command.retry_keys = found;
}

/// What a local stands for.
#[derive(Clone)]
enum Bound {
    Value(Expression),
    /// The value of this optional, which is present.
    Present(Expression),
}

/// The locals in view, the latest last.
type Locals = Vec<(String, Bound)>;

fn declared(steps: &[Step], emit: &[Emission], events: &[Event]) -> Vec<RetryKey> {
    let mut search = Search { events, found: Vec::new() };
    let mut locals = Locals::new();
    for step in steps {
        match step {
            Step::Let(name, value) => locals.push((name.clone(), Bound::Value(value.clone()))),
            Step::Unwrap { local, optional } => {
                locals.push((local.clone(), Bound::Present(optional.clone())));
            }
            Step::Reject(rejection) => {
                rejection.emit.iter().for_each(|kept| search.collect(kept, None, &locals));
            }
            _ => {}
        }
    }
    emit.iter().for_each(|emission| search.collect(emission, None, &locals));
    search.found
}

struct Search<'e> {
    events: &'e [Event],
    found: Vec<RetryKey>,
}

impl Search<'_> {
    /// The keys of an emission, `around` which a `forEach` may stand.
    fn collect(
        &mut self,
        emission: &Emission,
        around: Option<&(String, Expression)>,
        locals: &Locals,
    ) {
        let each = emission.for_each.as_ref().or(around);
        let within = with_present(locals, &emission.present);
        let event = self.events.iter().find(|event| event.name == emission.event);
        let unique = event.into_iter().flat_map(|event| &event.unique);
        for unique in unique.filter(|unique| unique.idempotent) {
            let value = emission.fields.iter().find(|value| value.field == unique.field);
            let key = value.and_then(|value| told(unique, &value.value, each, &within));
            self.found.extend(key.filter(|key| !self.found.contains(key)));
        }
        if let Some(otherwise) = &emission.otherwise {
            self.collect(otherwise, each, &with_present(locals, &emission.otherwise_present));
        }
    }
}

fn with_present(locals: &Locals, present: &[(String, Expression)]) -> Locals {
    let present = present.iter().cloned();
    let present = present.map(|(name, optional)| (name, Bound::Present(optional)));
    locals.iter().cloned().chain(present).collect()
}

/// The key with this value, as far as input and stream tell it.
fn told(
    unique: &UniqueField,
    value: &Expression,
    each: Option<&(String, Expression)>,
    locals: &Locals,
) -> Option<RetryKey> {
    let known = from_input(value, &plain(locals));
    let value = match known {
        Some(known) => known,
        None => written_out(value, each.map(|(name, _)| name.as_str()), locals)?,
    };
    if value.kind == ExpressionKind::None {
        return None;
    }
    let for_each = match each {
        Some((name, list)) if free(&value).contains(name) => {
            Some((name.clone(), written_out(list, None, locals)?))
        }
        _ => None,
    };
    // A key that the input doesn't tell says nothing of the command: two are no less two.
    let parts = [Some(&value), for_each.as_ref().map(|(_, list)| list)];
    if !parts.into_iter().flatten().any(|part| part.reads_scope(Scope::Input)) {
        return None;
    }
    Some(RetryKey { unique: unique.clone(), value, for_each })
}

fn plain(locals: &Locals) -> BTreeMap<String, Expression> {
    let value = |bound: &Bound| match bound {
        Bound::Value(value) | Bound::Present(value) => value.clone(),
    };
    locals.iter().map(|(name, bound)| (name.clone(), value(bound))).collect()
}

/// The value with its locals bound around it, but for that of a loop; none where it needs more than input and
/// stream.
fn written_out(value: &Expression, each: Option<&str>, locals: &Locals) -> Option<Expression> {
    let mut value = stripped(value);
    loop {
        if value.any(&needs_more) {
            return None;
        }
        let mut free = free(&value);
        if let Some(each) = each {
            free.remove(each);
        }
        if free.is_empty() {
            return Some(value);
        }
        // The latest goes inside: it may read those before it.
        let (name, bound) = locals.iter().rev().find(|(name, _)| free.contains(name))?;
        value = around(name, bound, value);
    }
}

/// Without what makes no difference to a key.
fn stripped(value: &Expression) -> Expression {
    let mut value = without_derived(value);
    loop {
        match value.kind {
            ExpressionKind::Some(inner) => value = *inner,
            kind => return Expression { kind, result: value.result },
        }
    }
}

/// With what it stands for in the place of each derived value: that is a method of a state, of which a key knows
/// nothing.
fn without_derived(value: &Expression) -> Expression {
    let (mut value, mut names) = (value.clone(), Names::of(value));
    write_out(&mut value, &mut names);
    value
}

fn write_out(value: &mut Expression, names: &mut Names) {
    while let ExpressionKind::Derived(call) = &mut value.kind {
        let call = std::mem::replace(&mut call.stands_for, NOTHING);
        *value = call;
    }
    if let ExpressionKind::Local(name) | ExpressionKind::Let(name, ..) = &mut value.kind
        && name.contains(' ')
    {
        *name = names.rust(name);
    }
    value.parts_mut().into_iter().for_each(|part| write_out(part, names));
}

const NOTHING: Expression = Expression { kind: ExpressionKind::None, result: Type::Boolean };

/// Names that Rust takes for the parameters of derived values, which have a space in theirs.
struct Names {
    taken: BTreeSet<String>,
    given: BTreeMap<String, String>,
}

impl Names {
    fn of(value: &Expression) -> Self {
        let mut taken = BTreeSet::new();
        visit(value, &mut |part| {
            let read = match &part.kind {
                ExpressionKind::Local(name) => Some(name.as_str()),
                _ => None,
            };
            taken.extend(bound_by(part).into_iter().chain(read).map(snake));
        });
        Self { taken, given: BTreeMap::new() }
    }

    fn rust(&mut self, parameter: &str) -> String {
        if let Some(given) = self.given.get(parameter) {
            return given.clone();
        }
        let mut name = snake(&parameter.replace(' ', "_"));
        while !self.taken.insert(name.clone()) {
            name.push_str("_too");
        }
        self.given.insert(parameter.to_owned(), name.clone());
        name
    }
}

fn around(name: &str, bound: &Bound, body: Expression) -> Expression {
    let is_local = matches!(&body.kind, ExpressionKind::Local(local) if local == name);
    match bound {
        Bound::Value(value) | Bound::Present(value) if is_local => stripped(value),
        Bound::Value(value) => {
            let result = body.result.clone();
            let value = Box::new(without_derived(value));
            let kind = ExpressionKind::Let(name.to_owned(), value, Box::new(body));
            Expression { kind, result }
        }
        Bound::Present(optional) => mapped(name, without_derived(optional), body),
    }
}

/// `optional.map(|name| body)`
fn mapped(name: &str, optional: Expression, body: Expression) -> Expression {
    let of = match &optional.result {
        Type::Optional(inner) => (**inner).clone(),
        other => other.clone(),
    };
    let (method, result) = match &body.result {
        Type::Optional(_) => (Method::AndThen, body.result.clone()),
        plain => (Method::OptionalMap, Type::Optional(Box::new(plain.clone()))),
    };
    let parameter = Parameter { local: Some(name.to_owned()), of };
    let of_body = body.result.clone();
    let kind = ExpressionKind::Closure(vec![parameter], Box::new(body));
    let function = Expression { kind, result: of_body };
    let kind = ExpressionKind::Call(method, Box::new(optional), vec![function]);
    Expression { kind, result }
}

/// Whether a part needs more than the input and the stream.
fn needs_more(part: &Expression) -> bool {
    match &part.kind {
        ExpressionKind::Read(scope, _) => *scope != Scope::Input,
        ExpressionKind::Meta(field) => *field != MetaField::StreamId,
        ExpressionKind::Now | ExpressionKind::NewId => true,
        _ => false,
    }
}

fn visit(value: &Expression, look: &mut impl FnMut(&Expression)) {
    look(value);
    value.parts().into_iter().for_each(|part| visit(part, look));
}

/// The keys of a decision by hand: it is taken to claim what its input has under the name of the key, in a
/// field, a record or a list of records. Where it claims another, these are found to be free.
fn by_hand(command: &Command, events: &[Event], types: &Types) -> Vec<RetryKey> {
    let mut found = Vec::new();
    for event in events {
        for unique in event.unique.iter().filter(|unique| unique.idempotent) {
            let field = event.fields.iter().find(|field| field.name == unique.field);
            let Some(field) = field else { continue };
            let named = Named { unique, of: present(&field.field_type), types };
            for input in &command.input {
                let kind = ExpressionKind::Read(Scope::Input, input.name.clone());
                let place = Expression { kind, result: input.field_type.clone() };
                named.collect(&input.name, place, None, &mut found);
            }
        }
    }
    found
}

/// A key that is looked for by its name and type.
struct Named<'a> {
    unique: &'a UniqueField,
    of: &'a Type,
    types: &'a Types,
}

impl Named<'_> {
    fn collect(
        &self,
        name: &str,
        place: Expression,
        each: Option<&(String, Expression)>,
        found: &mut Vec<RetryKey>,
    ) {
        match &place.result {
            of if name == self.unique.field && plain_type(present(of)) == plain_type(self.of) => {
                let (unique, for_each) = (self.unique.clone(), each.cloned());
                let key = RetryKey { unique, value: self.as_key(place), for_each };
                if !found.contains(&key) {
                    found.push(key);
                }
            }
            Type::Record(record) => {
                for field in self.types.record(record).into_iter().flat_map(|it| it.to_model()) {
                    let kind = ExpressionKind::Field(Box::new(place.clone()), field.name.clone());
                    let within = Expression { kind, result: field.field_type };
                    self.collect(&field.name, within, each, found);
                }
            }
            Type::List(item) if each.is_none() && matches!(**item, Type::Record(_)) => {
                let local = "each".to_owned();
                let kind = ExpressionKind::Local(local.clone());
                let one = Expression { kind, result: (**item).clone() };
                self.collect(name, one, Some(&(local, place)), found);
            }
            _ => {}
        }
    }

    /// The value under the name that the key's type has.
    fn as_key(&self, place: Expression) -> Expression {
        if present(&place.result) == self.of {
            return place;
        }
        let place = newtype::plain(place);
        let wanted = match &place.result {
            Type::Optional(_) => Type::Optional(Box::new(self.of.clone())),
            _ => self.of.clone(),
        };
        newtype::wrap(place, &wanted).unwrap_or_else(|plain| plain)
    }
}

fn present(of: &Type) -> &Type {
    match of {
        Type::Optional(inner) => inner,
        other => other,
    }
}
